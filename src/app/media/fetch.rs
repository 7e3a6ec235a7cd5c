//! Fetches files that are kept in a store. What a store contains is not trusted: a file gets its name after its length and SHA-256
//! were found to be those of the lock file.

use std::path::Path;

use hyperframes_ci_core::generated::{LockedMedia, MediaStore, stored_name};
use hyperframes_ci_core::report::plain;

use super::declared::NoStoredName;
use super::store::{self, Checkout, Source, done, transfer};
use super::{Declared, MediaSpec};
use crate::app::config::{MediaEntry, Settings};
use crate::app::outcome::{Direction, MediaTransferOutcome, TransferState, TransferredMedia};
use crate::fault::Error;
use crate::system::digest::Hasher;
use crate::system::gate;
use crate::system::output::OutputFile;

/// Opens what files of a store are fetched from.
pub(crate) type OpenSource<'a, 's> =
    &'a mut dyn FnMut(MediaStore, &Path) -> Result<Box<dyn Source + 's>, Error>;

/// Copies the files that a checkout of another revision does not have from that at `root`, if they are the recorded ones. Returns
/// the files that are still missing.
///
/// # Errors
/// Returns an error if the lock file of the revision is invalid.
pub(crate) fn fetch_from(root: &Path, other: &Settings) -> Result<Vec<String>, Error> {
    if other.file.media.iter().all(|entry| entry.store == MediaStore::Git) {
        return Ok(Vec::new());
    }
    let declared = Declared::of(other.clone(), &[])?;
    let paths = || {
        let media = declared.lock.media.iter();
        media.filter_map(|(path, media)| Some((stored_name(&media.sha256, path)?, path.clone()))).collect()
    };
    let outcome = run(&declared, false, &mut |_, _| Ok(Box::new(Checkout { root, paths: paths() })))?;
    let missing = outcome.media.into_iter().filter(|media| media.status.is_problem(Direction::Fetch));
    Ok(missing.map(|media| media.file).collect())
}

/// Fetches the recorded files of entries that do not exist. With `can_overwrite`, files with other contents are replaced.
///
/// # Errors
/// Returns an error if the configuration or the lock file is invalid, or the store cannot be read.
pub(crate) fn fetch(
    spec: &MediaSpec,
    can_overwrite: bool,
    open: OpenSource<'_, '_>,
) -> Result<MediaTransferOutcome, Error> {
    run(&Declared::read(spec)?, can_overwrite, open)
}

/// Fetches the recorded files of all entries of a configuration that do not exist; `None` if no entry has a store.
///
/// # Errors
/// Returns an error if the lock file is invalid, or the store cannot be read.
pub(crate) fn fetch_all(
    settings: &Settings,
    open: OpenSource<'_, '_>,
) -> Result<Option<MediaTransferOutcome>, Error> {
    match settings.file.media.iter().any(|entry| entry.store != MediaStore::Git) {
        true => {
            let declared = Declared::of(settings.clone(), &[])?;
            run(&declared, false, open).map(Some)
        }
        false => Ok(None),
    }
}

/// An entry, and what the lock file says about its file.
struct Wanted<'a> {
    entry: &'a MediaEntry,
    media: &'a LockedMedia,
    name: String,
    /// Whether a file with other contents is replaced.
    is_replacement: bool,
}

fn run(
    declared: &Declared,
    can_overwrite: bool,
    open: OpenSource<'_, '_>,
) -> Result<MediaTransferOutcome, Error> {
    transfer(declared, Direction::Fetch, &mut |store, entries| {
        let judged = entries.iter().map(|entry| judge(declared, entry, can_overwrite)).collect::<Vec<_>>();
        let names = judged.iter().filter_map(|one| Some(one.as_ref().ok()?.name.clone())).collect::<Vec<_>>();
        let mut source = None;
        if !names.is_empty() {
            let mut opened = open(store, &declared.settings.root)?;
            opened.prepare(&names)?;
            source = Some(opened);
        }
        let results = judged.into_iter().map(|judged| match (judged, &mut source) {
            (Ok(wanted), Some(source)) => one(declared, &wanted, source.as_mut()),
            (Ok(wanted), None) => Ok(not_stored(&wanted)),
            (Err(result), _) => Ok(result),
        });
        results.collect()
    })
}

fn problem(entry: &MediaEntry, status: TransferState, message: impl Into<String>) -> TransferredMedia {
    store::problem(entry, Direction::Fetch, status, message)
}

fn not_stored(wanted: &Wanted<'_>) -> TransferredMedia {
    problem(wanted.entry, TransferState::NotStored, format!("the store does not have {}", wanted.name))
}

/// Returns what is to be fetched for an entry, or the result if that is nothing.
fn judge<'a>(
    declared: &'a Declared,
    entry: &'a MediaEntry,
    can_overwrite: bool,
) -> Result<Wanted<'a>, TransferredMedia> {
    let (media, name) = declared.stored(entry).map_err(|reason| {
        let status = match reason {
            NoStoredName::NotRecorded => TransferState::NotRecorded,
            NoStoredName::InvalidDigest => TransferState::NotStored,
        };
        problem(entry, status, reason.message())
    })?;
    let wanted = |is_replacement| Wanted { entry, media, name, is_replacement };
    match declared.digest(&entry.file) {
        Ok(None) => Ok(wanted(false)),
        Ok(Some(found)) if found == media.sha256 => Err(done(entry, TransferState::Present, media.bytes)),
        Ok(Some(_)) if can_overwrite => Ok(wanted(true)),
        Ok(Some(_)) => {
            Err(problem(entry, TransferState::Changed, "the file has changed since it was recorded"))
        }
        Err(error) => {
            Err(problem(entry, TransferState::Unreadable, format!("cannot read the file: {error}")))
        }
    }
}

/// Fetches a file, and verifies it before it gets its name.
fn one(declared: &Declared, wanted: &Wanted<'_>, source: &mut dyn Source) -> Result<TransferredMedia, Error> {
    let Wanted { entry, media, name, is_replacement } = wanted;
    let path = declared.settings.root.join(&entry.file);
    let unwritable = |reason: String| problem(entry, TransferState::Unwritable, reason);
    let output = match OutputFile::prepare(Some(&path), &declared.reach) {
        Ok(output) => output,
        Err(error) => return Ok(unwritable(error.to_string())),
    };
    if !source.read(name, media.bytes, output.temporary_path())? {
        return Ok(not_stored(wanted));
    }
    let mut hasher = Hasher::default();
    let read = gate::open_made(output.temporary_path()).and_then(|mut file| hasher.read(&mut file));
    if let Err(error) = read {
        return Ok(unwritable(error.to_string()));
    }
    let (size, sha256) = (hasher.size(), hasher.finish().1);
    if size != media.bytes {
        let bytes = media.bytes;
        let message = format!("the file in the store is not {bytes} bytes long, as in the lock file");
        return Ok(problem(entry, TransferState::Damaged, message));
    }
    if sha256 != media.sha256 {
        let message = "the file in the store has another SHA-256 than in the lock file";
        return Ok(problem(entry, TransferState::Damaged, message));
    }
    // Somebody may have made the file meanwhile.
    if !is_replacement && !matches!(declared.digest(&entry.file), Ok(None)) {
        let message = format!("{} was written meanwhile", plain(&entry.file));
        return Ok(problem(entry, TransferState::Changed, message));
    }
    if let Err(error) = output.keep("") {
        return Ok(unwritable(error.to_string()));
    }
    let status = if *is_replacement { TransferState::Replaced } else { TransferState::Fetched };
    Ok(done(entry, status, size))
}
