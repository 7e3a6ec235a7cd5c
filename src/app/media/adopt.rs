//! Records existing files in the lock file.

use hyperframes_ci_core::generated::{LOCK_FILE, LockedFile, LockedMedia, Wanted};
use hyperframes_ci_core::media::Media;

use super::{Declared, MediaError, MediaSpec, manifest};
use crate::app::config::{MediaEntry, MediaKind};
use crate::app::outcome::{MediaAdoptOutcome, MediaState};
use crate::fault::Error;
use crate::system::gate;
use crate::system::output;

/// Records the files of entries in the lock file, as made for the present scripts and options. Nothing is written if one of
/// them cannot be recorded.
///
/// # Errors
/// Returns an error if the configuration or the lock file is invalid, if an entry is invalid, if a file of an entry does not
/// exist or has another type, and if the lock file cannot be written.
pub(crate) fn adopt(spec: &MediaSpec) -> Result<MediaAdoptOutcome, Error> {
    let mut declared = Declared::read(spec)?;
    // What others are made from comes first: a clip is as current as its audio.
    let mut entries = declared.entries.clone();
    // A translation that does not exist is none of the others' business.
    entries.retain(|entry| {
        let status = declared.status(entry).status;
        let is_there = status != MediaState::Waiting && status != MediaState::Missing;
        declared.is_selected || entry.translation().is_none() || is_there
    });
    entries.sort_by_key(|entry| entry.audio().is_some());
    let (mut adopted, mut made) = (Vec::new(), Vec::new());
    for entry in &entries {
        if matches!(declared.status(entry).status, MediaState::Current | MediaState::NotFetched) {
            continue;
        }
        let refused = |reason: String| MediaError::NotAdoptable { file: entry.file.clone(), reason };
        let wanted = declared.wanted(entry).map_err(&refused)?;
        let mut media = locked(&declared, entry, &wanted).map_err(&refused)?;
        if let Some(known) = declared.lock.media.get(&entry.file) {
            media.other.clone_from(&known.other);
        }
        made.push((entry, wanted, media.clone()));
        declared.lock.media.insert(entry.file.clone(), media);
        adopted.push(entry.file.clone());
    }
    for (entry, wanted, media) in &made {
        manifest::add(&declared, entry, Some(wanted), media)?;
    }
    if !adopted.is_empty() {
        output::write(&declared.settings.root, LOCK_FILE, declared.lock.to_string().as_bytes())?;
    }
    let current = entries.len() - adopted.len();
    let lock = declared.lock_path.display().to_string();
    Ok(MediaAdoptOutcome { lock, adopted, current })
}

/// Returns the table of an entry, or why there is none.
fn locked(declared: &Declared, entry: &MediaEntry, wanted: &Wanted) -> Result<LockedMedia, String> {
    let (root, reach) = (&declared.settings.root, &declared.reach);
    let file = |path: &String| match declared.digest(path) {
        Ok(Some(sha256)) => Ok(LockedFile { path: path.clone(), sha256 }),
        Ok(None) => Err(format!("file not found: {path}")),
        Err(error) => Err(format!("cannot read {path}: {error}")),
    };
    let identity = wanted.key().ok_or_else(|| match entry.translation() {
        Some(translation) => format!("its video does not exist: {}", translation.video),
        None => format!("its audio does not exist: {}", entry.audio().unwrap_or_default()),
    })?;
    let path = root.join(&entry.file);
    let sha256 = file(&entry.file)?.sha256;
    let edges = gate::edges(&path, reach).map_err(|error| format!("cannot read {}: {error}", entry.file))?;
    let properties = Media::read(&edges);
    let properties = match &entry.kind {
        MediaKind::Presenter(_) | MediaKind::Translation(_) => properties
            .filter(|media| media.video.is_some())
            .ok_or_else(|| format!("{} is not a video", entry.file)),
        MediaKind::Speech { .. } | MediaKind::Sound { .. } => {
            properties.filter(|media| media.has_sound).ok_or_else(|| format!("{} is not audio", entry.file))
        }
    }?;
    let mut captions = entry.captions.clone();
    if entry.translation().is_some() {
        captions = captions.filter(|path| declared.digest(path).is_ok_and(|found| found.is_some()));
    }
    Ok(LockedMedia {
        identity: identity.to_string(),
        sha256,
        bytes: edges.size,
        duration: properties.duration,
        words: entry.words().map(file).transpose()?,
        captions: captions.as_ref().map(file).transpose()?,
        ..LockedMedia::default()
    })
}
