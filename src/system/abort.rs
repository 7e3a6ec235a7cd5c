//! Ends the process in the middle of its work, for tests of what is left then.

/// Ends the process at once if `HYPERFRAMES_CI_ABORT_AT` names this step; debug builds only.
pub(crate) fn abort_at(step: &str) {
    if cfg!(debug_assertions) && std::env::var_os("HYPERFRAMES_CI_ABORT_AT").is_some_and(|at| at == step) {
        std::process::abort();
    }
}
