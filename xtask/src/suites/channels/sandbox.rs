//! Temporary folders, and what programs print in them.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use anyhow::{Result, ensure};

use crate::dist::project::VERSION;

/// Returns an empty folder for the test `name`.
pub(super) fn scratch(name: &str) -> Result<PathBuf> {
    let folder = std::env::temp_dir().join(format!("hyperframes-ci-{name}-{}", std::process::id()));
    let _ = fs::remove_dir_all(&folder);
    fs::create_dir_all(&folder)?;
    Ok(folder)
}

/// Returns what a program printed.
pub(super) fn printed(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

/// Checks that `program` is this version.
pub(super) fn expect_version(program: &Path) -> Result<()> {
    let output = Command::new(program).arg("--version").output()?;
    let text = printed(&output);
    ensure!(text.trim() == format!("hyperframes-ci {VERSION}"), "{}: {text}", program.display());
    Ok(())
}
