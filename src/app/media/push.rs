//! Uploads files to the store on a branch of a remote, under the names of their digests.

use std::io;
use std::path::{Path, PathBuf};

use hyperframes_ci_core::generated::{MediaStore, STORE_FOLDER, is_preview_branch};

use super::{Declared, MediaSpec};
use crate::app::config::MediaEntry;
use crate::app::outcome::{MediaPushOutcome, PushState, PushedMedia};
use crate::fault::Error;
use crate::project::remote_branch::{RemoteBranch, RemoteError};
use crate::system::digest::Hasher;
use crate::system::gate;
use crate::system::temporary;

/// Uploads the recorded files of entries that the store does not have.
///
/// # Errors
/// Returns an error if the configuration or the lock file is invalid, or the branch cannot be read or written.
pub(crate) fn push(spec: &MediaSpec, remote: &str, branch: &str) -> Result<MediaPushOutcome, Error> {
    let declared = Declared::read(spec)?;
    let kept = declared.entries.iter().filter(|entry| entry.store != MediaStore::Git).collect::<Vec<_>>();
    let mut media = Vec::new();
    if !kept.is_empty() {
        let mut store = RemoteBranch::open(&declared.settings.root, remote, branch, STORE_FOLDER)?;
        let folder = temporary::create_folder("hyperframes-ci-push-").map_err(RemoteError::NoGit)?;
        let mut files = Vec::new();
        for entry in kept {
            let (result, file) = prepare(&declared, entry, &store, folder.path())?;
            media.push(result);
            files.extend(file);
        }
        if !files.is_empty() {
            store.add(&files, is_preview_branch)?;
        }
    }
    let count = |is: &dyn Fn(PushState) -> bool| media.iter().filter(|media| is(media.status)).count();
    Ok(MediaPushOutcome {
        lock: declared.lock_path.display().to_string(),
        stored: count(&|state| state == PushState::Stored),
        uploaded: count(&|state| state == PushState::Uploaded),
        not_uploaded: count(&PushState::is_problem),
        media,
    })
}

/// The path of a file in the branch, and a copy that nobody changes.
type Copied = Option<(String, PathBuf)>;

/// Returns what becomes of the file of an entry, and a copy of it in `folder` if it is to be uploaded.
fn prepare(
    declared: &Declared,
    entry: &MediaEntry,
    store: &RemoteBranch,
    folder: &Path,
) -> Result<(PushedMedia, Copied), Error> {
    let result = |status: PushState, message: Option<String>| PushedMedia {
        file: entry.file.clone(),
        line: entry.line,
        store: entry.store.as_str(),
        status,
        bytes: 0,
        message,
        help: status.help(),
    };
    let problem = |status, message: &str| Ok((result(status, Some(message.to_owned())), None));
    let stored = |bytes| (PushedMedia { bytes, ..result(PushState::Stored, None) }, None);
    let (media, name) = match declared.stored(entry) {
        Ok(stored) => stored,
        Err(reason) => return problem(PushState::NotRecorded, reason.message()),
    };
    let path = format!("{STORE_FOLDER}/{name}");
    let copy = folder.join(&name);
    let read = copied(declared, &entry.file, &copy);
    let is_recorded =
        read.as_ref().is_ok_and(|(size, sha256)| *size == media.bytes && *sha256 == media.sha256);
    // What has the name and is not the file was damaged, or written by somebody else.
    if store.has(&path) && (!is_recorded || store.has_contents(&path, &copy)?) {
        return Ok(stored(media.bytes));
    }
    let size = match read {
        Ok((size, _)) => size,
        Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {
            return problem(PushState::Missing, "the file does not exist, and the store does not have it");
        }
        Err(error) => return problem(PushState::Unreadable, &format!("cannot read the file: {error}")),
    };
    if !is_recorded {
        return problem(PushState::Changed, "the file has changed since it was recorded");
    }
    Ok((PushedMedia { bytes: size, ..result(PushState::Uploaded, None) }, Some((path, copy))))
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
