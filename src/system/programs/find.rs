//! Finding programs.

use std::path::{Path, PathBuf};

/// Returns the program `name` on `PATH`, or `name` itself if it is the absolute path of a file.
pub(crate) fn find(name: &str) -> Option<PathBuf> {
    let direct = Path::new(name);
    if direct.is_absolute() {
        return direct.is_file().then(|| direct.to_owned());
    }
    let suffixes: &[&str] = if cfg!(windows) { &[".exe", ".cmd"] } else { &[""] };
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path)
        .flat_map(|folder| suffixes.iter().map(move |suffix| folder.join(format!("{name}{suffix}"))))
        .find(|program| program.is_file())
}
