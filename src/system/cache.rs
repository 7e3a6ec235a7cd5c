//! Where things are kept between runs.

use std::path::PathBuf;

/// `HYPERFRAMES_CI_CACHE`, or `hyperframes-ci` in the user's cache directory; none without a home.
pub(crate) fn folder() -> Option<PathBuf> {
    let set = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    set("HYPERFRAMES_CI_CACHE")
        .or_else(|| Some(set("XDG_CACHE_HOME").or_else(|| set("LOCALAPPDATA"))?.join("hyperframes-ci")))
        .or_else(|| Some(set("HOME")?.join(".cache").join("hyperframes-ci")))
}
