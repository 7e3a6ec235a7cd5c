//! Lists the entries of the index.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use super::entry::{Entry, Kind};
use crate::project::changes::{ChangesError, git};

/// Ids of the empty blob, in repositories with SHA-1 and with SHA-256. `git add --intent-to-add` adds such entries, which a
/// commit leaves out.
const EMPTY: &[&str] = &[
    "e69de29bb2d1d6434b8b29ae775ad8c2e48c5391",
    "473a0f4c3be8a93681a267e3b1e9a7dcda1185436fe141f7749120a303721813",
];

/// Returns the entries by repository path.
///
/// # Errors
/// Returns [`ChangesError`] if Git cannot be started or fails, or if the index has unmerged files.
pub(super) fn read(root: &Path) -> Result<BTreeMap<String, Entry>, ChangesError> {
    let output = git(root, &["ls-files", "--stage", "-z"])?;
    let mut entries = BTreeMap::new();
    let mut unmerged = BTreeSet::new();
    for record in output.split(|byte| *byte == 0).filter(|record| !record.is_empty()) {
        // <mode> SP <id> SP <stage> TAB <path>
        let Some(tab) = record.iter().position(|byte| *byte == b'\t') else { continue };
        let facts = String::from_utf8_lossy(&record[..tab]).into_owned();
        let path = String::from_utf8_lossy(&record[tab + 1..]);
        let is_unicode = matches!(path, std::borrow::Cow::Borrowed(_));
        let mut facts = facts.split(' ');
        let (Some(mode), Some(blob), stage) = (facts.next(), facts.next(), facts.next()) else { continue };
        if stage != Some("0") {
            unmerged.insert(path.into_owned());
            continue;
        }
        let kind = match mode {
            "120000" => Kind::Link,
            "160000" => Kind::Submodule,
            _ => Kind::File,
        };
        entries.insert(path.into_owned(), Entry { kind, blob: blob.to_owned(), is_unicode });
    }
    if !unmerged.is_empty() {
        return Err(ChangesError::Unmerged(unmerged));
    }
    if entries.values().any(|entry| EMPTY.contains(&entry.blob.as_str())) {
        let added = git(root, &["diff-files", "--name-only", "--diff-filter=A", "-z"])?;
        for path in added.split(|byte| *byte == 0) {
            let path = String::from_utf8_lossy(path);
            let is_empty = |entry: &Entry| EMPTY.contains(&entry.blob.as_str());
            if entries.get(path.as_ref()).is_some_and(is_empty) {
                entries.remove(path.as_ref());
            }
        }
    }
    Ok(entries)
}
