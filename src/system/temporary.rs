//! Temporary files that are deleted however their process ends.
//!
//! They are deleted when dropped and when the process is interrupted. Files of killed processes are deleted by the next
//! process: a file is locked while its process runs, so an unlocked file is orphaned.

use std::collections::BTreeSet;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
#[cfg(unix)]
use std::time::Duration;

use tempfile::NamedTempFile;

use crate::system::interrupt;
use crate::system::interrupt::Guard;

/// Age below which a file does not count as orphaned: it may have been created and not locked yet.
#[cfg(unix)]
const MIN_ORPHAN_AGE: Duration = Duration::from_secs(10);

/// A temporary file; dropping it or interrupting the process deletes it.
#[derive(Debug)]
pub(crate) struct Temporary {
    pub(crate) file: NamedTempFile,
    _guard: Guard,
}

/// Creates a file in `folder` with this prefix and suffix, and deletes orphaned ones.
///
/// # Errors
/// Returns an error if the folder cannot be written.
pub(crate) fn create(folder: &Path, prefix: &str, suffix: &str) -> io::Result<Temporary> {
    if is_first_visit(folder, suffix) {
        delete_orphans(folder, prefix, suffix);
    }
    let file = tempfile::Builder::new().prefix(prefix).suffix(suffix).tempfile_in(folder)?;
    let _guard = interrupt::guard_path(file.path());
    // On other systems locks are mandatory: child processes could not write the file.
    #[cfg(unix)]
    let _ = file.as_file().try_lock();
    Ok(Temporary { file, _guard })
}

/// Returns whether this process has not visited the folder: one visit is enough, and a batch writes many files.
fn is_first_visit(folder: &Path, suffix: &str) -> bool {
    static VISITED: Mutex<BTreeSet<(PathBuf, String)>> = Mutex::new(BTreeSet::new());
    let mut visited = VISITED.lock().unwrap_or_else(PoisonError::into_inner);
    visited.insert((folder.to_owned(), suffix.to_owned()))
}

#[cfg(unix)]
fn delete_orphans(folder: &Path, prefix: &str, suffix: &str) {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    for entry in entries {
        let name = entry.file_name();
        let is_ours = name.to_str().is_some_and(|name| name.starts_with(prefix) && name.ends_with(suffix));
        let is_old = || {
            let metadata = entry.metadata().ok().filter(std::fs::Metadata::is_file)?;
            Some(metadata.modified().ok()?.elapsed().ok()? > MIN_ORPHAN_AGE)
        };
        if is_ours && is_old() == Some(true) {
            // Files of other users cannot be opened and stay.
            let is_owned = std::fs::File::open(entry.path()).map_or(true, |file| file.try_lock().is_err());
            if !is_owned {
                let _ = std::fs::remove_file(entry.path());
            }
        }
    }
}

#[cfg(not(unix))]
fn delete_orphans(_: &Path, _: &str, _: &str) {}

#[cfg(all(test, unix))]
mod tests {
    use super::*;
    use std::fs::File;
    use std::time::SystemTime;

    #[test]
    fn only_orphaned_files_are_deleted() {
        let folder = tempfile::tempdir().expect("a folder");
        let long_ago = SystemTime::now() - 6 * MIN_ORPHAN_AGE;
        let orphan = |name: &str, time| {
            let path = folder.path().join(name);
            File::create(&path).and_then(|file| file.set_modified(time)).expect("written");
            path
        };
        let make = || tempfile::Builder::new().prefix(".x-").suffix(".part").tempfile_in(folder.path());
        let owned = make().expect("created");
        owned.as_file().try_lock().expect("locked");
        owned.as_file().set_modified(long_ago).expect("aged");
        let left = orphan(".x-1.part", long_ago);
        let young = orphan(".x-2.part", SystemTime::now());
        let other = orphan("other.part", long_ago);
        let also = create(folder.path(), ".x-", ".part").expect("created");
        assert!(!left.exists());
        assert!(owned.path().exists() && also.file.path().exists() && young.exists() && other.exists());
    }
}
