//! The workspace of the CI service.

use std::path::{Path, PathBuf};

use crate::ci;
use crate::heygen::environment;
use crate::project::collect;

/// Returns the workspace of the CI service, if this is a CI job. Of a service without a provider, which sets `CI`, it is
/// the repository around the current directory.
pub(super) fn workspace() -> Option<PathBuf> {
    let is_ci = || environment::variable("CI").is_some_and(|value| matches!(value.trim(), "true" | "1"));
    ci::workspace(&environment::variable).or_else(|| is_ci().then(|| collect::boundary(Path::new("."), None)))
}
