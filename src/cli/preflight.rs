//! What is known about a project before anything is packed: its files, its composition, its shape.

use std::path::Path;

use hyperframes_ci_core::{AspectRatio, Composition, DEFAULT_COMPOSITION, Diagnostic, Severity, Shape};
use serde_json::{Map, Value};

use super::values::environment;
use crate::collect::{self, Collected, Project};
use crate::error::Error;
use crate::pack::{Contained, Packed};
use crate::report::{Console, bytes};

/// How many of the largest files are named.
const LARGEST: usize = 10;

/// A project that can be packed.
pub(super) struct Prepared {
    pub(super) project: Project,
    contained: Contained,
    diagnostics: Vec<Diagnostic>,
    collected: Collected,
}

impl Prepared {
    /// Lists the project's files and checks its references.
    ///
    /// # Errors
    /// When the directory cannot be read; what is wrong with files is a finding.
    pub(super) fn new(directory: &Path) -> Result<Self, Error> {
        let workspace = environment("GITHUB_WORKSPACE");
        let project = Project::open(directory, workspace.as_deref().map(Path::new))?;
        let mut collected = collect::collect(&project)?;
        let mut contained = Contained::of(&project, &collected)?;
        let mut diagnostics = std::mem::take(&mut collected.diagnostics);
        diagnostics.append(&mut contained.diagnostics);
        Ok(Self { project, contained, diagnostics, collected })
    }

    /// Reads the chosen composition, which must be among the files.
    ///
    /// # Errors
    /// When it cannot be read. That it is missing or ignored is a finding, and then there is none.
    pub(super) fn composition(
        &mut self,
        chosen: Option<&str>,
    ) -> Result<Option<(String, Composition)>, Error> {
        let path = normalise(chosen.unwrap_or(DEFAULT_COMPOSITION));
        let Some(file) = self.collected.file(&path) else {
            // The missing index.html has its finding already.
            if path != DEFAULT_COMPOSITION {
                let finding = collect::missing_composition(&self.project, &self.collected.rules, &path);
                self.diagnostics.push(finding);
            }
            return Ok(None);
        };
        let source = std::fs::read(&file.source).map_err(|error| {
            crate::pack::PackError::File(file.source.clone(), hyperframes_ci_core::ArchiveError::Read(error))
        })?;
        let composition = Composition::parse(&path, &String::from_utf8_lossy(&source));
        Ok(Some((path, composition)))
    }

    /// Checks the values for the composition's variables.
    pub(super) fn check_variables(
        &mut self,
        path: &str,
        composition: &Composition,
        values: &Map<String, Value>,
        strict: bool,
    ) {
        let severity = if strict { Severity::Error } else { Severity::Warning };
        for issue in composition.declarations.check(values) {
            let mut found = Diagnostic::new(issue.code, severity, path, issue.message);
            found.help = issue.help;
            self.diagnostics.push(found);
        }
        // Declarations that cannot be read leave values unchecked: that matters only where there are values.
        self.diagnostics.extend(composition.diagnostics.iter().cloned().map(|mut found| {
            if !strict {
                found.severity = found.severity.min(Severity::Warning);
            }
            found
        }));
    }

    /// Decides the aspect ratio: the authored one, unless the user's contradicts it.
    pub(super) fn aspect_ratio(
        &mut self,
        path: &str,
        composition: &Composition,
        explicit: Option<AspectRatio>,
        console: &mut Console,
    ) -> Option<AspectRatio> {
        let shape = composition.shape();
        let authored = match &shape {
            Shape::Matched { ratio, .. } => Some(*ratio),
            _ => None,
        };
        match (explicit, &shape) {
            (Some(asked), Shape::Matched { .. } | Shape::Unsupported { .. }) if authored != Some(asked) => {
                self.diagnostics.push(
                    Diagnostic::new(
                        "aspect-ratio-mismatch",
                        Severity::Error,
                        path,
                        format!("--aspect-ratio {asked} contradicts the composition: {shape}"),
                    )
                    .help("leave the flag out; a render keeps the authored shape and cannot change it"),
                );
                None
            }
            (Some(asked), _) => Some(asked),
            (None, Shape::Matched { .. }) => {
                console.detail(&format!("{path}: {shape}"));
                authored
            }
            (None, _) => {
                self.diagnostics.push(
                    Diagnostic::new("aspect-ratio-unknown", Severity::Warning, path, format!("{shape}; the server takes 16:9 then"))
                        .help("author the root at 16:9, 9:16 or 1:1, or set --aspect-ratio where no size is authored"),
                );
                None
            }
        }
    }

    /// Shows the findings so far.
    ///
    /// # Errors
    /// When there are errors among them.
    pub(super) fn verdict(&mut self, console: &mut Console) -> Result<Vec<Diagnostic>, Error> {
        let diagnostics = std::mem::take(&mut self.diagnostics);
        if diagnostics.iter().any(|found| found.severity == Severity::Error) {
            return Err(Error::Preflight(diagnostics));
        }
        for found in &diagnostics {
            console.diagnostic(found);
        }
        Ok(diagnostics)
    }

    /// Packs the project.
    ///
    /// # Errors
    /// When a file or the archive cannot be read or written.
    pub(super) fn pack(&self, console: &mut Console) -> Result<Packed, Error> {
        console.step(&format!("Packing {}", self.project.shown));
        let total = self.contained.len() as u64;
        let packed = self.contained.zip(&mut |done| console.progress("packing", done, total, false))?;
        console.end_bar();
        let summary = format!(
            "{total} file{}, {} · digest {}",
            if total == 1 { "" } else { "s" },
            bytes(packed.size),
            packed.manifest.digest()
        );
        console.detail(&summary);
        Ok(packed)
    }
}

/// The largest files of an archive, as lines for people.
pub(super) fn largest_lines(packed: &Packed) -> Vec<String> {
    packed
        .manifest
        .largest(LARGEST)
        .into_iter()
        .map(|entry| format!("{:>10}  {}", bytes(entry.size), entry.path))
        .collect()
}

/// What is known about an archive, for programs.
pub(super) fn archive_json(project: &Project, packed: &Packed, limit: u64) -> Value {
    let entry = |entry: &hyperframes_ci_core::Entry| serde_json::json!({ "path": entry.path, "size_bytes": entry.size });
    serde_json::json!({
        "project": project.name,
        "digest": packed.manifest.digest(),
        "file_count": packed.manifest.entries().len(),
        "content_bytes": packed.manifest.size(),
        "size_bytes": packed.size,
        "sha256": packed.sha256,
        "upload_limit_bytes": limit,
        "exceeds_upload_limit": packed.size > limit,
        "largest_files": packed.manifest.largest(LARGEST).into_iter().map(entry).collect::<Vec<_>>(),
    })
}

/// A path inside the project as archives have it: `./a\b.html` is `a/b.html`. What would leave the project stays
/// as it is, and is found nowhere.
fn normalise(path: &str) -> String {
    let path = path.replace('\\', "/");
    hyperframes_ci_core::resolve("", &path).filter(|_| !path.starts_with('/')).unwrap_or(path)
}
