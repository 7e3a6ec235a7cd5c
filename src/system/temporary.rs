//! Temporary files that do not outlive their process, however it ends.
//!
//! Dropping deletes them, an interruption deletes them, and what a killed process leaves behind is deleted by the next
//! one: a file is locked as long as its process lives, so one that is not locked has no owner any more.

use std::collections::BTreeSet;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
#[cfg(unix)]
use std::time::Duration;

use tempfile::NamedTempFile;

use crate::system::interrupt;
use crate::system::interrupt::Guard;

/// Between its creation and its lock a file looks like one without an owner.
#[cfg(unix)]
const YOUNG: Duration = Duration::from_secs(10);

/// A temporary file, and what deletes it when the process is interrupted.
#[derive(Debug)]
pub(crate) struct Temporary {
    pub(crate) file: NamedTempFile,
    _guard: Guard,
}

/// Makes a file in `folder` whose name begins and ends like this, and deletes such files that nobody owns any more.
///
/// # Errors
/// When the folder cannot be written.
pub(crate) fn create(folder: &Path, prefix: &str, suffix: &str) -> io::Result<Temporary> {
    if is_first_look(folder, suffix) {
        sweep(folder, prefix, suffix);
    }
    let file = tempfile::Builder::new().prefix(prefix).suffix(suffix).tempfile_in(folder)?;
    let _guard = interrupt::guard_path(file.path());
    // Elsewhere locks keep everybody from writing, the engine included.
    #[cfg(unix)]
    let _ = file.as_file().try_lock();
    Ok(Temporary { file, _guard })
}

/// Whether this process looks into the folder for the first time: once is enough, and a batch writes many files.
fn is_first_look(folder: &Path, suffix: &str) -> bool {
    static LOOKED: Mutex<BTreeSet<(PathBuf, String)>> = Mutex::new(BTreeSet::new());
    let mut looked = LOOKED.lock().unwrap_or_else(PoisonError::into_inner);
    looked.insert((folder.to_owned(), suffix.to_owned()))
}

#[cfg(unix)]
fn sweep(folder: &Path, prefix: &str, suffix: &str) {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    for entry in entries {
        let name = entry.file_name();
        let is_ours = name.to_str().is_some_and(|name| name.starts_with(prefix) && name.ends_with(suffix));
        let is_old = || {
            let metadata = entry.metadata().ok().filter(std::fs::Metadata::is_file)?;
            Some(metadata.modified().ok()?.elapsed().ok()? > YOUNG)
        };
        if is_ours && is_old() == Some(true) {
            // Best effort: what belongs to somebody else cannot be opened.
            let is_owned = std::fs::File::open(entry.path()).map_or(true, |file| file.try_lock().is_err());
            if !is_owned {
                let _ = std::fs::remove_file(entry.path());
            }
        }
    }
}

#[cfg(not(unix))]
fn sweep(_: &Path, _: &str, _: &str) {}

#[cfg(all(test, unix))]
mod tests {
    use super::*;
    use std::fs::File;
    use std::time::SystemTime;

    #[test]
    fn files_without_an_owner_are_deleted_and_others_are_not() {
        let folder = tempfile::tempdir().expect("a folder");
        let long_ago = SystemTime::now() - 6 * YOUNG;
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
        let other = orphan("film.part", long_ago);
        let also = create(folder.path(), ".x-", ".part").expect("created");
        assert!(!left.exists());
        assert!(owned.path().exists() && also.file.path().exists() && young.exists() && other.exists());
    }
}
