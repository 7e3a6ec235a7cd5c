//! The cache directory.

use std::path::PathBuf;

/// Returns `HYPERFRAMES_CI_CACHE`, or `hyperframes-ci` in the user's cache directory; `None` if the home directory is
/// unknown.
pub(crate) fn folder() -> Option<PathBuf> {
    let set = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    set("HYPERFRAMES_CI_CACHE")
        .or_else(|| Some(set("XDG_CACHE_HOME").or_else(|| set("LOCALAPPDATA"))?.join("hyperframes-ci")))
        .or_else(|| Some(set("HOME")?.join(".cache").join("hyperframes-ci")))
}
