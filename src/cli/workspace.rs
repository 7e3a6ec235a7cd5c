//! Where the CI service works.

use std::path::PathBuf;

use crate::ci;
use crate::heygen::environment;

/// The directory that the CI service works in, in a CI job.
pub(super) fn workspace() -> Option<PathBuf> {
    ci::workspace(&environment::variable)
}
