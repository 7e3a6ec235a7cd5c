//! Files and folders.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result};

/// Copies a folder with everything in it.
///
/// # Errors
/// Returns an error if a file cannot be read or written.
pub(crate) fn copy(from: &Path, to: &Path) -> Result<()> {
    copy_without(from, to, &|_| false)
}

/// Copies a folder without the files and folders that `is_left_out` names.
///
/// # Errors
/// As [`copy`].
pub(crate) fn copy_without(from: &Path, to: &Path, is_left_out: &dyn Fn(&Path) -> bool) -> Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from).with_context(|| format!("cannot read {}", from.display()))? {
        let entry = entry?;
        let (source, target) = (entry.path(), to.join(entry.file_name()));
        if is_left_out(&source) {
            continue;
        }
        if entry.file_type()?.is_dir() {
            copy_without(&source, &target, is_left_out)?;
        } else {
            fs::copy(source, target)?;
        }
    }
    Ok(())
}
