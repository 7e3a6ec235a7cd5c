//! Takes over media that an earlier run has generated and that is not merged yet, so that it is not paid for again.

use hyperframes_ci_core::archive::hex;
use hyperframes_ci_core::generated::{LOCK_FILE, Lock, LockedFile, LockedMedia, MediaStore};
use sha2::{Digest, Sha256};

use super::{Declared, MediaSpec};
use crate::app::config::MediaEntry;
use crate::fault::Error;
use crate::system::output;

/// Reads a file of another revision by its path from the root of the repository; `None` if it does not exist.
pub(crate) type FetchFile<'a> = dyn FnMut(&str) -> Result<Option<Vec<u8>>, Error> + 'a;

/// Paths and contents of the files of an entry.
type Files = Vec<(String, Vec<u8>)>;

/// Writes the media of a revision whose lock file has the identities that missing and outdated entries ask for; files that a store
/// keeps are to be fetched afterwards. Returns the files of these entries.
///
/// # Errors
/// Returns an error if the configuration or the lock file is invalid, if a file cannot be written, and from `fetch`.
pub(crate) fn restore(spec: &MediaSpec, fetch: &mut FetchFile<'_>) -> Result<Vec<String>, Error> {
    let mut declared = Declared::read(spec)?;
    let mut entries = declared.entries.clone();
    let is_due = |declared: &Declared, entry: &MediaEntry| declared.status(entry).status.is_due();
    if !entries.iter().any(|entry| is_due(&declared, entry)) {
        return Ok(Vec::new());
    }
    let Some(other) = fetch(LOCK_FILE)? else { return Ok(Vec::new()) };
    let other = String::from_utf8(other).ok().and_then(|text| Lock::parse(&text).ok()).unwrap_or_default();
    // The identity of a clip depends on its audio, which comes first.
    entries.sort_by_key(|entry| entry.audio().is_some());
    let mut restored = Vec::new();
    for entry in &entries {
        let Some(media) = other.media.get(&entry.file).filter(|_| is_due(&declared, entry)) else { continue };
        let is_wanted = declared.status(entry).identity.is_some_and(|identity| identity == media.identity);
        if !is_wanted {
            continue;
        }
        let Some(files) = files(entry, media, fetch)? else { continue };
        for (path, bytes) in files {
            output::write_in(&declared.settings.root.join(path), &declared.reach, "", &bytes)?;
        }
        declared.lock.media.insert(entry.file.clone(), media.clone());
        output::write(&declared.settings.root, LOCK_FILE, declared.lock.to_string().as_bytes())?;
        restored.push(entry.file.clone());
    }
    Ok(restored)
}

/// Returns the files of an entry; `None` if one is not declared, does not exist, or is not the one that was recorded.
fn files(entry: &MediaEntry, media: &LockedMedia, fetch: &mut FetchFile<'_>) -> Result<Option<Files>, Error> {
    let main = LockedFile { path: entry.file.clone(), sha256: media.sha256.clone() };
    let main = Some(&main).filter(|_| entry.store == MediaStore::Git);
    let recorded = [main, media.words.as_ref(), media.captions.as_ref()];
    let mut files = Vec::new();
    for file in recorded.into_iter().flatten() {
        // The lock file of the other revision may name anything.
        if !entry.outputs().any(|path| path == file.path) {
            return Ok(None);
        }
        match fetch(&file.path)?.filter(|bytes| hex(&Sha256::digest(bytes)) == file.sha256) {
            Some(bytes) => files.push((file.path.clone(), bytes)),
            None => return Ok(None),
        }
    }
    Ok(Some(files))
}
