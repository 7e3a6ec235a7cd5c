//! Hidden files of a repository that have other names too.

use std::collections::HashSet;
use std::fs::{self, Metadata};
use std::path::Path;

/// Identifies a file on this machine: its device and number.
pub(super) type FileId = (u64, u64);

/// Returns the identity of a file with several names.
#[cfg(unix)]
pub(super) fn linked_id(metadata: &Metadata) -> Option<FileId> {
    use std::os::unix::fs::MetadataExt;
    (metadata.nlink() > 1).then(|| (metadata.dev(), metadata.ino()))
}

#[cfg(not(unix))]
pub(super) fn linked_id(_: &Metadata) -> Option<FileId> {
    None
}

/// Most entries that are searched for hidden files.
const MOST_SEARCHED: usize = 200_000;

/// Returns the files with several names, one of which is below a name that starts with a dot.
pub(super) fn hidden_files(boundary: &Path) -> HashSet<FileId> {
    let (mut found, mut folders, mut left) =
        (HashSet::new(), vec![(boundary.to_owned(), false)], MOST_SEARCHED);
    while let Some((folder, is_hidden)) = folders.pop() {
        for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
            let Some(rest) = left.checked_sub(1) else { return found };
            left = rest;
            let is_hidden = is_hidden || entry.file_name().as_encoded_bytes().starts_with(b".");
            match entry.metadata() {
                Ok(metadata) if metadata.is_dir() => folders.push((entry.path(), is_hidden)),
                Ok(metadata) if is_hidden => found.extend(linked_id(&metadata)),
                _ => {}
            }
        }
    }
    found
}
