//! Videos of earlier runs that are in the project under names which the batch no longer writes.
//!
//! They are outputs and not parts of the project: packed, they would make another project of it, and every row would be
//! paid for again.

use std::collections::BTreeSet;
use std::io;
use std::path::{Path, PathBuf};

use hyperframes_ci_core::video::{is_gif, signature};

use super::manifest::{Entry, ManifestError};
use super::rows_file::manifest_path;
use crate::app::spec::RenderSpec;
use crate::fault::Error;
use crate::project::collect::Project;
use crate::system::gate::{self, Reach};
use crate::system::lines::each_line;
use crate::system::output_place::format_of;

/// Longest header that [`signature`] looks at, in bytes.
const HEADER: u64 = 16;

/// Returns the videos that the manifest of the batch names and that would be packed.
///
/// # Errors
/// Returns an error if the project cannot be opened, or the manifest cannot be read.
pub(crate) fn earlier_outputs(spec: &RenderSpec) -> Result<Vec<PathBuf>, Error> {
    let Some(rows) = spec.batch.rows.as_deref() else { return Ok(Vec::new()) };
    let path = manifest_path(spec, rows);
    let manifest = match gate::open(&path, &spec.reach("manifest")) {
        Ok(manifest) => manifest,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(ManifestError::new(path, error).into()),
    };
    let project = Project::open(spec.directory(), spec.workspace.as_deref(), &spec.reach("project"))?;
    let project = project.without(&spec.own_files()).without_any(&spec.other_outputs);
    let rules = project.ignore_rules()?;
    let current = std::env::current_dir().unwrap_or_default();
    let inside = Reach::inside(&project.boundary, "the repository");
    let mut outputs = BTreeSet::new();
    let read = each_line(&manifest, |line, _| {
        let Ok(Entry { output: Some(output), .. }) = serde_json::from_slice(line) else { return };
        let output = current.join(output);
        let packed = project.path_in_project(&output).filter(|path| rules.exclusion_of_file(path).is_none());
        if packed.is_some() && !outputs.contains(&output) && is_video(&output, &inside) {
            outputs.insert(output);
        }
    });
    read.map_err(|error| ManifestError::new(path, error))?;
    Ok(outputs.into_iter().collect())
}

/// Returns whether the path is a video, or a directory of frames or segments: a manifest that somebody has edited takes no page out of a project.
fn is_video(path: &Path, reach: &Reach) -> bool {
    let is_gif = |head: &[u8]| path.extension().is_some_and(|extension| extension == "gif") && is_gif(head);
    let is_file = gate::head(path, reach, HEADER).is_ok_and(|head| signature(&head).is_ok() || is_gif(&head));
    is_file || format_of(path).is_some()
}
