//! The workspace of the CI service.

use std::path::PathBuf;

use crate::ci;
use crate::heygen::environment;

/// Returns the workspace of the CI service, if this is a CI job.
pub(super) fn workspace() -> Option<PathBuf> {
    ci::workspace(&environment::variable)
}
