//! The output of a single render.

use std::path::Path;

use hyperframes_ci_core::options::Format;

use crate::system::output::OutputError;
use crate::system::output_place::{OutputPlace, ResolvedFolders};

/// Checks that the video of a single render in `format` may be written to `path`.
///
/// # Errors
/// Returns [`OutputError::Refused`] if the path leads to something else than a video, or to a file that `place` reserves.
pub(super) fn check_output(path: &Path, format: Format, place: &OutputPlace) -> Result<(), OutputError> {
    let checked = place.check(path, format, &mut ResolvedFolders::default());
    checked.map(|_| ()).map_err(|refusal| OutputError::Refused(path.to_owned(), refusal))
}
