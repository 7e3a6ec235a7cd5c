//! Records existing files in the lock file.

use std::path::Path;

use hyperframes_ci_core::generated::{LOCK_FILE, LockedFile, LockedMedia, Speech};
use hyperframes_ci_core::media::Media;

use super::{Declared, MediaError, MediaSpec, examine};
use crate::app::config::MediaEntry;
use crate::app::outcome::{MediaAdoptOutcome, MediaState};
use crate::fault::Error;
use crate::system::gate::{self, Reach};
use crate::system::output;

/// Records the files of entries in the lock file, as made for the present scripts and options. Nothing is written if one of
/// them cannot be recorded.
///
/// # Errors
/// Returns an error if the configuration or the lock file is invalid, if an entry is invalid, if a file of an entry does not
/// exist or is not audio, and if the lock file cannot be written.
pub(crate) fn adopt(spec: &MediaSpec) -> Result<MediaAdoptOutcome, Error> {
    let Declared { settings, entries, reach, mut lock, lock_path } = Declared::read(spec)?;
    let root = settings.root.as_path();
    let mut adopted = Vec::new();
    for entry in &entries {
        let known = lock.media.get(&entry.file);
        if examine::status(entry, known, root, &reach).status == MediaState::Current {
            continue;
        }
        let refused = |reason: String| MediaError::NotAdoptable { file: entry.file.clone(), reason };
        let speech = examine::speech(entry, root, &reach).map_err(&refused)?;
        let mut media = locked(entry, &speech, root, &reach).map_err(&refused)?;
        if let Some(known) = known {
            media.other.clone_from(&known.other);
        }
        lock.media.insert(entry.file.clone(), media);
        adopted.push(entry.file.clone());
    }
    if !adopted.is_empty() {
        output::write(root, LOCK_FILE, lock.to_string().as_bytes())?;
    }
    let current = entries.len() - adopted.len();
    Ok(MediaAdoptOutcome { lock: lock_path.display().to_string(), adopted, current })
}

/// Returns the table of an entry, or why there is none.
fn locked(entry: &MediaEntry, speech: &Speech, root: &Path, reach: &Reach) -> Result<LockedMedia, String> {
    let file = |path: &str| match examine::digest(&root.join(path), reach) {
        Ok(Some(sha256)) => Ok(LockedFile { path: path.to_owned(), sha256 }),
        Ok(None) => Err(format!("file not found: {path}")),
        Err(error) => Err(format!("cannot read {path}: {error}")),
    };
    let path = root.join(&entry.file);
    let sha256 = file(&entry.file)?.sha256;
    let edges = gate::edges(&path, reach).map_err(|error| format!("cannot read {}: {error}", entry.file))?;
    let properties = Media::read(&edges).filter(|media| media.has_sound);
    let properties = properties.ok_or_else(|| format!("{} is not audio", entry.file))?;
    Ok(LockedMedia {
        identity: speech.key().to_string(),
        sha256,
        bytes: edges.size,
        duration: properties.duration,
        words: entry.words.as_deref().map(file).transpose()?,
        captions: entry.captions.as_deref().map(file).transpose()?,
        ..LockedMedia::default()
    })
}
