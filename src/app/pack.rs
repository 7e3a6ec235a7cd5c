//! The use case `pack`: checks a project and writes the archive that the cloud would get.

use std::path::{Path, PathBuf};

use hyperframes_ci_core::archive::{DIRECT_UPLOAD_LIMIT, hex};
use hyperframes_ci_core::check::CheckOptions;

use super::outcome::{FileDigest, PackOutcome};
use super::prepare::{PreflightSpec, PreparedProject, archive_outcome, largest_lines};
use super::severities;
use super::spec::Severities;
use crate::fault::Error;
use crate::project::resolved_paths::ResolvedPaths;
use crate::system::gate::Reach;
use crate::system::output::{OutputError, OutputFile};
use crate::ui::{Console, bytes, plain, table};

/// What to pack.
#[derive(Clone, Debug)]
pub(crate) struct PackSpec {
    /// The project directory.
    pub(crate) directory: PathBuf,
    /// Path of the archive; if absent, it is not written.
    pub(crate) output: Option<PathBuf>,
    /// Whether to list every file.
    pub(crate) is_listing: bool,
    /// Severities of findings.
    pub(crate) severities: Severities,
    /// The workspace of the CI service.
    pub(crate) workspace: Option<PathBuf>,
}

/// Checks and packs a project.
///
/// # Errors
/// Returns [`PreflightFailed`](super::failure::PreflightFailed) if the checks find errors, and an error if a file cannot
/// be read or written.
pub(crate) fn pack(spec: &PackSpec, console: &mut Console) -> Result<PackOutcome, Error> {
    spec.severities.validate()?;
    let reach = Reach::of_user(spec.workspace.as_deref());
    let project = PreparedProject::new(
        PreflightSpec {
            directory: &spec.directory,
            own_files: spec.output.as_deref().as_slice(),
            other_outputs: &ResolvedPaths::default(),
            workspace: spec.workspace.as_deref(),
            reach: &reach,
            options: &CheckOptions::default(),
        },
        |project| severities::levels(&spec.severities, &project.boundary, &reach, severities::of_renders()),
        console,
    )?;
    let output = spec.output.as_deref().map(|path: &Path| OutputFile::prepare(Some(path), &reach));
    let output = output.transpose()?;
    let packed = project.pack(console)?;
    let mut archive = archive_outcome(project.project(), &packed, DIRECT_UPLOAD_LIMIT);
    if spec.is_listing {
        let entries = packed.manifest.entries();
        let rows =
            entries.iter().map(|entry| vec![hex(&entry.sha256), bytes(entry.size), plain(&entry.path)]);
        console.result(&table(&rows.collect::<Vec<_>>()));
        let files = entries.iter().map(|entry| FileDigest {
            path: entry.path.clone(),
            size_bytes: entry.size,
            sha256: hex(&entry.sha256),
        });
        archive.files = Some(files.collect());
    } else {
        console.detail("largest files:");
        for line in largest_lines(&packed) {
            console.detail(&line);
        }
    }
    if packed.size > DIRECT_UPLOAD_LIMIT {
        console.warning(&format!("the archive exceeds the upload limit of {}", bytes(DIRECT_UPLOAD_LIMIT)));
    }
    if let Some(mut output) = output {
        packed
            .open()
            .and_then(|mut archive| std::io::copy(&mut archive, output.file()))
            .map_err(|error| OutputError::NotKept(format!("cannot write the archive: {error}")))?;
        let (path, size) = output.keep("archive.zip")?;
        console.done(&format!("{} ({})", path.display(), bytes(size)));
        archive.output_path = Some(path);
    }
    Ok(PackOutcome { archive, diagnostics: project.findings.diagnostics })
}
