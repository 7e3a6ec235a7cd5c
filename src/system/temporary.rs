//! Temporary files and directories that are deleted however their process ends.
//!
//! They are deleted when dropped and when the process is interrupted. Files of killed processes are deleted by the next
//! process: a file is locked while its process runs, so an unlocked file is orphaned. A directory contains such a file.

use std::collections::BTreeSet;
use std::fs::File;
use std::io;
use std::path::Path;
use std::sync::{Mutex, PoisonError};
#[cfg(unix)]
use std::time::Duration;

use tempfile::NamedTempFile;

use crate::system::gate::{Access, Folder};
use crate::system::hash::hash;
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
    if is_first_visit(folder, &format!("{prefix}*{suffix}")) {
        delete_orphans(folder, prefix, suffix);
    }
    let create = || tempfile::Builder::new().prefix(prefix).suffix(suffix).tempfile_in(folder);
    let (file, _guard) = interrupt::create_guarded(create, NamedTempFile::path).map_err(without_path)?;
    // On other systems locks are mandatory: child processes could not write the file.
    #[cfg(unix)]
    let _ = file.as_file().try_lock();
    Ok(Temporary { file, _guard })
}

/// Creates a file like [`create`] in a folder that is held open.
///
/// # Errors
/// Returns an error if the folder cannot be written.
pub(crate) fn create_in(folder: &Folder, prefix: &str, suffix: &str) -> io::Result<Temporary> {
    if is_first_visit(folder.path(), &format!("{prefix}*{suffix}")) {
        delete_orphans(folder.path(), prefix, suffix);
    }
    let create = || {
        let new = |path: &Path| folder.file(path.file_name().unwrap_or_default(), Access::New);
        tempfile::Builder::new().prefix(prefix).suffix(suffix).make_in(folder.path(), new)
    };
    let (file, _guard) = interrupt::create_guarded(create, NamedTempFile::path).map_err(without_path)?;
    // On other systems locks are mandatory: child processes could not write the file.
    #[cfg(unix)]
    let _ = file.as_file().try_lock();
    Ok(Temporary { file, _guard })
}

/// Removes the path of the temporary file from an error of `tempfile`: nobody knows that file. The error of the system
/// is in the text only.
fn without_path(error: io::Error) -> io::Error {
    let text = error.to_string();
    match text.split_once(" at path ") {
        Some((cause, _)) => io::Error::new(error.kind(), cause.to_owned()),
        None => error,
    }
}

/// Name of the file that is locked while the process of a temporary directory runs.
const OWNER: &str = ".owner";

/// A temporary directory; dropping it or interrupting the process deletes it.
#[derive(Debug)]
pub(crate) struct TemporaryFolder {
    folder: tempfile::TempDir,
    _owner: File,
    _guard: Guard,
}

impl TemporaryFolder {
    /// Returns the path.
    pub(crate) fn path(&self) -> &Path {
        self.folder.path()
    }
}

/// Creates a directory with this prefix in the system's temporary directory, and deletes orphaned ones.
///
/// # Errors
/// Returns an error if the system's temporary directory cannot be written.
pub(crate) fn create_folder(prefix: &str) -> io::Result<TemporaryFolder> {
    create_folder_in(&std::env::temp_dir(), prefix)
}

/// Creates a directory like [`create_folder`] in `parent`.
///
/// # Errors
/// Returns an error if `parent` cannot be written.
pub(crate) fn create_folder_in(parent: &Path, prefix: &str) -> io::Result<TemporaryFolder> {
    if is_first_visit(parent, &format!("{prefix}*/")) {
        delete_orphaned_folders(parent, prefix);
    }
    let create = || {
        let mut builder = tempfile::Builder::new();
        // Nobody else reads the project, the values and the frames.
        #[cfg(unix)]
        builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o700));
        builder.prefix(prefix).tempdir_in(parent)
    };
    let (folder, _guard) =
        interrupt::create_guarded(create, tempfile::TempDir::path).map_err(without_path)?;
    let _owner = File::create(folder.path().join(OWNER))?;
    #[cfg(unix)]
    let _ = _owner.try_lock();
    Ok(TemporaryFolder { folder, _owner, _guard })
}

/// Deletes directories of this user with this prefix whose process has ended. Links are neither followed nor deleted.
#[cfg(unix)]
fn delete_orphaned_folders(parent: &Path, prefix: &str) {
    use std::os::unix::fs::{MetadataExt, OpenOptionsExt};

    let user = rustix::process::geteuid().as_raw();
    let is_ours = |metadata: &std::fs::Metadata| metadata.uid() == user && is_old(metadata);
    for entry in std::fs::read_dir(parent).into_iter().flatten().flatten() {
        let has_prefix = entry.file_name().to_str().is_some_and(|name| name.starts_with(prefix));
        // Of a link these are the properties of the link itself.
        let is_folder = || entry.metadata().is_ok_and(|metadata| metadata.is_dir() && is_ours(&metadata));
        if !has_prefix || !is_folder() {
            continue;
        }
        let flags = rustix::fs::OFlags::NOFOLLOW | rustix::fs::OFlags::NONBLOCK;
        let mut options = std::fs::OpenOptions::new();
        options.read(true).custom_flags(flags.bits().cast_signed());
        let Ok(owner) = options.open(entry.path().join(OWNER)) else { continue };
        let is_file = owner.metadata().is_ok_and(|metadata| metadata.is_file() && is_ours(&metadata));
        if is_file && owner.try_lock().is_ok() {
            let _ = std::fs::remove_dir_all(entry.path());
        }
    }
}

#[cfg(not(unix))]
fn delete_orphaned_folders(_: &Path, _: &str) {}

/// Returns whether a file is old enough to be orphaned.
#[cfg(unix)]
fn is_old(metadata: &std::fs::Metadata) -> bool {
    let age = metadata.modified().ok().and_then(|modified| modified.elapsed().ok());
    age.is_some_and(|age| age > MIN_ORPHAN_AGE)
}

/// Returns whether this process has not visited the folder: one visit is enough, and a batch writes many files.
fn is_first_visit(folder: &Path, pattern: &str) -> bool {
    // Hashes, since a million videos may go to as many folders.
    static VISITED: Mutex<BTreeSet<u64>> = Mutex::new(BTreeSet::new());
    VISITED.lock().unwrap_or_else(PoisonError::into_inner).insert(hash(&(folder, pattern)))
}

#[cfg(unix)]
fn delete_orphans(folder: &Path, prefix: &str, suffix: &str) {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    for entry in entries {
        let name = entry.file_name();
        let is_ours = name.to_str().is_some_and(|name| name.starts_with(prefix) && name.ends_with(suffix));
        let is_old = || entry.metadata().is_ok_and(|metadata| metadata.is_file() && is_old(&metadata));
        if is_ours && is_old() {
            // Files of other users cannot be opened and stay.
            let is_owned = File::open(entry.path()).map_or(true, |file| file.try_lock().is_err());
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

    #[test]
    fn errors_do_not_name_the_temporary_file() {
        let missing = Path::new("/no/such/folder");
        let error = create(missing, ".x-", ".part").expect_err("no folder").to_string();
        assert_eq!(error, io::Error::from_raw_os_error(rustix::io::Errno::NOENT.raw_os_error()).to_string());
    }

    #[test]
    fn only_orphaned_folders_are_deleted() {
        let parent = tempfile::tempdir().expect("a folder");
        let long_ago = SystemTime::now() - 6 * MIN_ORPHAN_AGE;
        let age = |path: &Path| File::open(path).and_then(|file| file.set_modified(long_ago)).expect("aged");
        let make = |name: &str| {
            let path = parent.path().join(name);
            std::fs::create_dir(&path).expect("created");
            File::create(path.join(OWNER)).expect("created");
            age(&path.join(OWNER));
            age(&path);
            path
        };
        let living = create_folder_in(parent.path(), "x-").expect("created");
        let mode = std::fs::metadata(living.path()).expect("a folder").permissions();
        assert_eq!(std::os::unix::fs::PermissionsExt::mode(&mode) & 0o777, 0o700);
        age(&living.path().join(OWNER));
        age(living.path());
        let (orphan, other) = (make("x-1"), make("other"));
        // Something that is not ours: without an owner, with a link as its owner, or a link itself.
        let unknown = make("x-2");
        std::fs::remove_file(unknown.join(OWNER)).expect("deleted");
        age(&unknown);
        let tricky = make("x-3");
        std::fs::remove_file(tricky.join(OWNER)).expect("deleted");
        std::os::unix::fs::symlink(other.join(OWNER), tricky.join(OWNER)).expect("linked");
        age(&tricky);
        let link = parent.path().join("x-4");
        std::os::unix::fs::symlink(&other, &link).expect("linked");
        // What a link in an orphan points to stays.
        std::os::unix::fs::symlink(&other, orphan.join("link")).expect("linked");
        age(&orphan);
        let young = parent.path().join("x-5");
        std::fs::create_dir(&young).expect("created");
        delete_orphaned_folders(parent.path(), "x-");
        assert!(!orphan.exists());
        let kept = [living.path(), &other, &unknown, &tricky, &link, &young];
        assert!(kept.iter().all(|path| path.exists()) && other.join(OWNER).exists(), "{kept:?}");
    }
}
