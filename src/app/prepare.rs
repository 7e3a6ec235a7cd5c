//! Checks a project, packs it, and describes its archive.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use hyperframes_ci_core::check::CheckOptions;
use hyperframes_ci_core::composition::{Composition, Shape};
use hyperframes_ci_core::findings::{Findings, Levels, Severity};
use hyperframes_ci_core::project::DEFAULT_COMPOSITION;
use hyperframes_ci_core::variables::Declarations;

use super::config::DeclaredMedia;
use super::failure::{ArchiveTooLarge, PreflightFailed};
use super::media::MediaPreflight;
use super::outcome::{ArchiveOutcome, FileSize};
use crate::fault::Error;
use crate::project::collect::Project;
use crate::project::display_path::DisplayPaths;
use crate::project::pack::{ArchiveContents, Packed};
use crate::project::resolved_paths::ResolvedPaths;
use crate::project::tree::DiskTree;
use crate::system::gate::Reach;
use crate::ui::{Console, bytes, counted};

/// Number of the largest files that are listed.
const LARGEST_FILES: usize = 10;

/// Which project to check, and how.
#[derive(Clone, Copy)]
pub(crate) struct PreflightSpec<'a> {
    /// The project directory.
    pub(crate) directory: &'a Path,
    /// Files that the run itself reads or writes; they are not part of the project.
    pub(crate) own_files: &'a [&'a Path],
    /// Outputs of all entries of the configuration, which are not part of any project.
    pub(crate) other_outputs: &'a ResolvedPaths,
    /// The workspace of the CI service.
    pub(crate) workspace: Option<&'a Path>,
    /// Where the project's directory may be.
    pub(crate) reach: &'a Reach,
    /// Options of the checks.
    pub(crate) options: &'a CheckOptions,
}

/// A project that passed the checks.
pub(crate) struct PreparedProject {
    tree: DiskTree,
    /// Path of the composition in the archive.
    pub(crate) composition: String,
    /// Shape of the composition.
    pub(crate) shape: Shape,
    /// Variables that the composition declares.
    pub(crate) declarations: Declarations,
    /// Declared duration of the composition in seconds.
    pub(crate) duration: Option<f64>,
    /// The findings, none of which is an error, with display paths.
    pub(crate) findings: Findings,
    /// The severities that they have.
    pub(crate) levels: Levels,
    /// Repository paths of the files that compositions are made of.
    used: BTreeSet<String>,
}

impl PreparedProject {
    /// Checks a project and prints the findings; `levels` returns their severities and the declared media.
    ///
    /// # Errors
    /// Returns [`PreflightFailed`] if the checks find errors, and an error if a file cannot be read.
    pub(crate) fn new(
        spec: PreflightSpec<'_>,
        levels: impl FnOnce(&Project) -> Result<(Levels, Arc<DeclaredMedia>), Error>,
        console: &mut Console,
    ) -> Result<Self, Error> {
        let PreflightSpec { directory, own_files, other_outputs, workspace, reach, options } = spec;
        let project = Project::open(directory, workspace, reach)?;
        let project = project.without(own_files).without_any(other_outputs);
        let (levels, media) = levels(&project)?;
        let tree = DiskTree::open(project)?;
        let mut report = tree.check(&CheckOptions { is_render: true, ..options.clone() })?;
        MediaPreflight::of_disk(&media, &tree.project.boundary)?.add(&mut report, &tree.project.prefix, None);
        let mut findings = std::mem::take(&mut report.findings);
        findings.set_levels(&levels);
        let paths = DisplayPaths::new(true, workspace);
        findings.rename(|path| paths.path(&tree.project.boundary, path));
        findings.sort();
        if findings.count(Severity::Error) > 0 {
            return Err(PreflightFailed(findings).into());
        }
        // A missing composition is an error, unless the user has allowed it.
        let (composition, parsed) =
            report.entries.pop().unwrap_or_else(|| (DEFAULT_COMPOSITION.to_owned(), Composition::default()));
        console.findings(&findings);
        let used = report.used().into_iter().map(str::to_owned).collect();
        let duration = parsed.root.as_ref().and_then(|root| root.duration.number());
        let shape = parsed.shape();
        let declarations = parsed.declarations;
        Ok(Self { tree, composition, shape, declarations, duration, findings, levels, used })
    }

    /// Returns the paths on disk of the files that compositions are made of, with links resolved.
    pub(crate) fn sources(&self) -> impl Iterator<Item = PathBuf> + '_ {
        self.used.iter().filter_map(|path| self.tree.source(path)?.canonicalize().ok())
    }

    /// Returns the project.
    pub(crate) fn project(&self) -> &Project {
        &self.tree.project
    }

    /// Returns the declared width and height of the composition in pixels.
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
        let contents = ArchiveContents::of(&self.tree)?;
        let total = contents.len() as u64;
        let packed = contents.zip(&mut |done| console.progress("packing", done, total, false))?;
        console.end_bar();
        let summary = format!(
            "{}, {} · digest {}",
            counted(contents.len(), "file"),
            bytes(packed.size),
            packed.manifest.digest()
        );
        console.detail(&summary);
        Ok(packed)
    }
}

/// Checks the size of an archive; `limit` is in bytes.
///
/// # Errors
/// Returns [`ArchiveTooLarge`] if the archive exceeds the limit.
pub(crate) fn check_size(packed: &Packed, limit: Option<u64>) -> Result<(), ArchiveTooLarge> {
    match limit {
        Some(limit) if packed.size > limit => {
            Err(ArchiveTooLarge { size: packed.size, limit, largest: largest_lines(packed) })
        }
        _ => Ok(()),
    }
}

/// Formats the largest files of an archive, a line each.
pub(crate) fn largest_lines(packed: &Packed) -> Vec<String> {
    packed
        .manifest
        .largest(LARGEST_FILES)
        .into_iter()
        .map(|entry| format!("{:>10}  {}", bytes(entry.size), entry.path))
        .collect()
}

/// Describes an archive for programs.
pub(crate) fn archive_outcome(project: &Project, packed: &Packed, limit: u64) -> ArchiveOutcome {
    let largest = packed.manifest.largest(LARGEST_FILES).into_iter();
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
