//! The Rust files of the workspace, as text.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result};

/// Folders that hold no source of ours.
const SKIPPED: &[&str] = &["target", "node_modules"];

/// A Rust file.
#[derive(Clone, Debug)]
pub(super) struct SourceFile {
    /// Its path from the workspace, with `/` between the parts.
    pub(super) path: String,
    pub(super) text: String,
}

impl SourceFile {
    /// The number of its lines.
    pub(super) fn lines(&self) -> usize {
        self.text.lines().count()
    }
}

/// Reads every `.rs` file below `folder` of the workspace `root`, sorted by path. A folder that does not exist is
/// empty.
///
/// # Errors
/// Returns an error if a folder or a file cannot be read.
pub(super) fn read(root: &Path, folder: &str) -> Result<Vec<SourceFile>> {
    let mut files = Vec::new();
    if root.join(folder).is_dir() {
        collect(root, folder, &mut files)?;
    }
    files.sort_by(|one, other| one.path.cmp(&other.path));
    Ok(files)
}

fn collect(root: &Path, folder: &str, files: &mut Vec<SourceFile>) -> Result<()> {
    for entry in fs::read_dir(root.join(folder)).with_context(|| format!("cannot read {folder}"))? {
        let entry = entry?;
        let name = entry.file_name().to_string_lossy().into_owned();
        let path = format!("{folder}/{name}");
        if entry.file_type()?.is_dir() {
            if !SKIPPED.contains(&name.as_str()) {
                collect(root, &path, files)?;
            }
        } else if Path::new(&name).extension().is_some_and(|ending| ending == "rs") {
            let text = fs::read_to_string(entry.path()).with_context(|| format!("cannot read {path}"))?;
            files.push(SourceFile { path, text });
        }
    }
    Ok(())
}
