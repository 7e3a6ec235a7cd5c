//! Where the official tooling writes down the stacks that it has deployed.

use std::path::{Path, PathBuf};

/// Returns the directories that may have such files, the nearest first: `.hyperframes` in `folder` and its ancestors, up to the root
/// of the repository.
pub(in crate::renderers) fn state_folders(folder: &Path) -> impl Iterator<Item = PathBuf> {
    let is_root = |folder: &&Path| folder.join(".git").exists();
    let depth = folder.ancestors().position(|folder| is_root(&folder)).unwrap_or_default();
    folder.ancestors().take(depth + 1).map(|folder| folder.join(".hyperframes"))
}

/// Returns whether a name of such a file can be a part of the addresses of a platform's services: a region with another character
/// would lead requests to another host.
pub(in crate::renderers) fn is_name(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.:".contains(&byte))
}
