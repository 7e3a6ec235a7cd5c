//! A project before and after it is packed: checked, and in figures.

use std::path::Path;

use hyperframes_ci_core::check::CheckOptions;
use hyperframes_ci_core::composition::{Composition, Shape};
use hyperframes_ci_core::findings::{Findings, Levels, Severity};
use hyperframes_ci_core::project::DEFAULT_COMPOSITION;
use hyperframes_ci_core::variables::Declarations;
use serde_json::Value;

use super::values::workspace;
use crate::app::failure::PreflightFailed;
use crate::fault::Error;
use crate::project::collect::Project;
use crate::project::pack::{Contained, Packed};
use crate::project::shown::Shown;
use crate::project::tree::DiskTree;
use crate::ui::{Console, bytes, counted};

/// How many of the largest files are named.
const LARGEST: usize = 10;

/// A project that passed the checks.
pub(super) struct Prepared {
    tree: DiskTree,
    /// The entry's path inside the project, as archives have it.
    pub(super) composition: String,
    /// The entry's shape.
    pub(super) shape: Shape,
    /// The variables that the entry declares.
    pub(super) declarations: Declarations,
    /// How long the entry says that it is, in seconds.
    pub(super) duration: Option<f64>,
    /// What was found, short of errors; paths are as people see them.
    pub(super) findings: Findings,
}

impl Prepared {
    /// Checks the project in `directory`, without the files that the command itself writes or reads, and shows what
    /// was found.
    ///
    /// # Errors
    /// When something cannot be read, and when there are errors among the findings.
    pub(super) fn new(
        directory: &Path,
        outputs: &[&Path],
        options: &CheckOptions,
        levels: impl FnOnce(&Project) -> Result<Levels, Error>,
        console: &mut Console,
    ) -> Result<Self, Error> {
        let workspace = workspace();
        let project = Project::open(directory, workspace.as_deref())?.without(outputs);
        let levels = levels(&project)?;
        let tree = DiskTree::open(project)?;
        let mut report = tree.check(options)?;
        let mut findings = report.findings;
        findings.set_levels(&levels);
        let shown = Shown::new(true, workspace.as_deref());
        findings.rename(|path| shown.path(&tree.project.boundary, path));
        findings.sort();
        if findings.count(Severity::Error) > 0 {
            return Err(PreflightFailed(findings).into());
        }
        // Without an entry there is an error, unless the user said that it is none.
        let (composition, entry) =
            report.entries.pop().unwrap_or_else(|| (DEFAULT_COMPOSITION.to_owned(), Composition::default()));
        console.findings(&findings);
        let duration = entry.root.as_ref().and_then(|root| root.duration.number());
        let shape = entry.shape();
        Ok(Self { tree, composition, shape, declarations: entry.declarations, duration, findings })
    }

    /// The project.
    pub(super) fn project(&self) -> &Project {
        &self.tree.project
    }

    /// Packs the project.
    ///
    /// # Errors
    /// When a file or the archive cannot be read or written.
    pub(super) fn pack(&self, console: &mut Console) -> Result<Packed, Error> {
        console.step(&format!("Packing {}", self.project().shown));
        let contained = Contained::of(&self.tree)?;
        let total = contained.len() as u64;
        let packed = contained.zip(&mut |done| console.progress("packing", done, total, false))?;
        console.end_bar();
        let summary = format!(
            "{}, {} · digest {}",
            counted(contained.len(), "file"),
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
    let entry = |entry: &hyperframes_ci_core::archive::Entry| serde_json::json!({ "path": entry.path, "size_bytes": entry.size });
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
