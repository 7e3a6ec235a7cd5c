//! Uploads files to stores, under the names of their digests.

use std::io;
use std::path::{Path, PathBuf};

use super::store::{self, OpenStore, Store, done, transfer};
use super::{Declared, MediaSpec};
use crate::app::config::MediaEntry;
use crate::app::outcome::{Direction, MediaTransferOutcome, TransferState, TransferredMedia};
use crate::fault::Error;
use crate::project::remote_branch::RemoteError;
use crate::system::digest::Hasher;
use crate::system::gate;
use crate::system::temporary;

/// Uploads the recorded files of entries that their stores do not have.
///
/// # Errors
/// Returns an error if the configuration or the lock file is invalid, or a store cannot be read or written.
pub(crate) fn push(spec: &MediaSpec, open: &mut OpenStore<'_>) -> Result<MediaTransferOutcome, Error> {
    let declared = Declared::read(spec)?;
    transfer(&declared, Direction::Push, &mut |store, entries| {
        let mut store = open(store, &declared.settings.root)?;
        let folder = temporary::create_folder("hyperframes-ci-push-").map_err(RemoteError::NoGit)?;
        let (mut results, mut files) = (Vec::new(), Vec::new());
        for entry in entries {
            let (result, file) = prepare(&declared, entry, store.as_mut(), folder.path())?;
            results.push(result);
            files.extend(file);
        }
        // Entries with the same contents have the same file.
        files.sort_unstable();
        files.dedup();
        if !files.is_empty() {
            store.add(&files)?;
        }
        Ok(results)
    })
}

/// The name of a file in the store, and a copy that nobody changes.
type Copied = Option<(String, PathBuf)>;

/// Returns what becomes of the file of an entry, and a copy of it in `folder` if it is to be uploaded.
fn prepare(
    declared: &Declared,
    entry: &MediaEntry,
    store: &mut dyn Store,
    folder: &Path,
) -> Result<(TransferredMedia, Copied), Error> {
    let problem = |status, message: &str| {
        let result = store::problem(entry, Direction::Push, status, message);
        Ok((result, None))
    };
    let (media, name) = match declared.stored(entry) {
        Ok(stored) => stored,
        Err(reason) => return problem(TransferState::NotRecorded, reason.message()),
    };
    let copy = folder.join(&name);
    let read = copied(declared, &entry.file, &copy);
    let is_recorded =
        read.as_ref().is_ok_and(|(size, sha256)| *size == media.bytes && *sha256 == media.sha256);
    if store.has(&name, is_recorded.then_some(&*copy))? {
        return Ok((done(entry, TransferState::Present, media.bytes), None));
    }
    match read {
        Ok((size, _)) if is_recorded => Ok((done(entry, TransferState::Uploaded, size), Some((name, copy)))),
        Ok(_) => problem(TransferState::Changed, "the file has changed since it was recorded"),
        Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {
            problem(TransferState::Missing, "the file does not exist, and the store does not have it")
        }
        Err(error) => problem(TransferState::Unreadable, &format!("cannot read the file: {error}")),
    }
}

/// Copies a file; returns the size and the SHA-256 of the copy.
fn copied(declared: &Declared, file: &str, copy: &Path) -> io::Result<(u64, String)> {
    let mut source = gate::open(&declared.settings.root.join(file), &declared.reach)?;
    let mut target = gate::create(copy)?;
    io::copy(&mut source, &mut target)?;
    let mut hasher = Hasher::default();
    hasher.read(&mut gate::open_made(copy)?)?;
    Ok((hasher.size(), hasher.finish().1))
}
