//! A project before and after it is packed: checked, and in figures.

use std::path::Path;

use hyperframes_ci_core::check::CheckOptions;
use hyperframes_ci_core::composition::{Composition, Shape};
use hyperframes_ci_core::findings::{Findings, Levels, Severity};
use hyperframes_ci_core::project::DEFAULT_COMPOSITION;
use hyperframes_ci_core::variables::Declarations;

use super::failure::{ArchiveTooLarge, PreflightFailed};
use super::outcome::{ArchiveOutcome, FileSize};
use crate::fault::Error;
use crate::project::collect::Project;
use crate::project::display_path::DisplayPaths;
use crate::project::pack::{Contained, Packed};
use crate::project::tree::DiskTree;
use crate::ui::{Console, bytes, counted};

/// How many of the largest files are named.
const LARGEST: usize = 10;

/// A project that passed the checks.
pub(crate) struct PreparedProject {
    tree: DiskTree,
    /// The entry's path inside the project, as archives have it.
    pub(crate) composition: String,
    /// The entry's shape.
    pub(crate) shape: Shape,
    /// The variables that the entry declares.
    pub(crate) declarations: Declarations,
    /// How long the entry says that it is, in seconds.
    pub(crate) duration: Option<f64>,
    /// What was found, short of errors; paths are as people see them.
    pub(crate) findings: Findings,
}

impl PreparedProject {
    /// Checks the project in `directory`, without the files that the run itself writes or reads, and shows what was found.
    ///
    /// # Errors
    /// Returns an error if something cannot be read, and [`PreflightFailed`] if there are errors among the findings.
    pub(crate) fn new(
        directory: &Path,
        own_files: &[&Path],
        workspace: Option<&Path>,
        options: &CheckOptions,
        levels: impl FnOnce(&Project) -> Result<Levels, Error>,
        console: &mut Console,
    ) -> Result<Self, Error> {
        let project = Project::open(directory, workspace)?.without(own_files);
        let levels = levels(&project)?;
        let tree = DiskTree::open(project)?;
        let mut report = tree.check(options)?;
        let mut findings = report.findings;
        findings.set_levels(&levels);
        let paths = DisplayPaths::new(true, workspace);
        findings.rename(|path| paths.path(&tree.project.boundary, path));
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
    pub(crate) fn project(&self) -> &Project {
        &self.tree.project
    }

    /// Width and height of the entry in pixels, where it says so.
    pub(crate) fn size(&self) -> Option<(f64, f64)> {
        match self.shape {
            Shape::Matched { width, height, .. } | Shape::Unsupported { width, height } => {
                Some((width, height))
            }
            Shape::NoRoot | Shape::NoDimensions | Shape::InvalidDimensions { .. } => None,
        }
    }

    /// Packs the project.
    ///
    /// # Errors
    /// Returns an error if a file or the archive cannot be read or written.
    pub(crate) fn pack(&self, console: &mut Console) -> Result<Packed, Error> {
        console.step(&format!("Packing {}", self.project().display_path));
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

/// Refuses an archive that is larger than `limit` bytes, where there is a limit.
///
/// # Errors
/// Returns [`ArchiveTooLarge`].
pub(crate) fn check_size(packed: &Packed, limit: Option<u64>) -> Result<(), ArchiveTooLarge> {
    match limit {
        Some(limit) if packed.size > limit => {
            Err(ArchiveTooLarge { size: packed.size, limit, largest: largest_lines(packed) })
        }
        _ => Ok(()),
    }
}

/// The largest files of an archive, as lines for people.
pub(crate) fn largest_lines(packed: &Packed) -> Vec<String> {
    packed
        .manifest
        .largest(LARGEST)
        .into_iter()
        .map(|entry| format!("{:>10}  {}", bytes(entry.size), entry.path))
        .collect()
}

/// What is known about an archive, for programs.
pub(crate) fn archive_outcome(project: &Project, packed: &Packed, limit: u64) -> ArchiveOutcome {
    let largest = packed.manifest.largest(LARGEST).into_iter();
    ArchiveOutcome {
        project: project.name.clone(),
        digest: packed.manifest.digest(),
        file_count: packed.manifest.entries().len(),
        content_bytes: packed.manifest.size(),
        size_bytes: packed.size,
        sha256: packed.sha256.clone(),
        upload_limit_bytes: limit,
        exceeds_upload_limit: packed.size > limit,
        largest_files: largest
            .map(|entry| FileSize { path: entry.path.clone(), size_bytes: entry.size })
            .collect(),
        files: None,
        output_path: None,
    }
}
