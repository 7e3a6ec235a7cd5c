//! The workspace of the CI service.

use std::path::{Path, PathBuf};

use crate::ci;
use crate::heygen::environment;
use crate::project::collect;
use crate::system::gate::Reach;

/// Returns the workspace of the CI service, if this is a CI job. Of a service without a provider, which sets `CI`, it is
/// the repository around the current directory.
pub(super) fn workspace() -> Option<PathBuf> {
    let is_ci = || environment::variable("CI").is_some_and(|value| matches!(value.trim(), "true" | "1"));
    ci::workspace(&environment::variable).or_else(|| is_ci().then(|| collect::boundary(Path::new("."), None)))
}

/// The variable with further directories that the command line may name in a CI job, separated as in `PATH`.
pub(super) const PATHS_VARIABLE: &str = "HYPERFRAMES_CI_PATHS";

/// Allows the command line to name files in the directory for temporary files of the CI service, and in those of
/// [`PATHS_VARIABLE`], which only the author of the job can set.
pub(super) fn allow_job_folders() {
    let temporary = ci::temporary(&environment::variable);
    let named = std::env::var_os(PATHS_VARIABLE).unwrap_or_default();
    let named = std::env::split_paths(&named).filter(|folder| folder.is_absolute());
    Reach::set_job_folders(temporary.into_iter().chain(named).collect());
}
