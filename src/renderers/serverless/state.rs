//! Where the official tooling writes down the stacks that it has deployed.

use std::path::{Path, PathBuf};

/// Returns the directories that may have such files, the nearest first: `.hyperframes` in `folder` and its ancestors, up to the root
/// of the repository.
pub(in crate::renderers) fn state_folders(folder: &Path) -> impl Iterator<Item = PathBuf> {
    let is_root = |folder: &&Path| folder.join(".git").exists();
    let depth = folder.ancestors().position(|folder| is_root(&folder)).unwrap_or_default();
    folder.ancestors().take(depth + 1).map(|folder| folder.join(".hyperframes"))
}
