//! Compares an entry with the lock file and its files.

use std::io::{self, ErrorKind};
use std::path::Path;

use hyperframes_ci_core::generated::{Lock, LockedFile, LockedMedia, MAX_SCRIPT, Speech};
use hyperframes_ci_core::report::plain;

use super::MediaError;
use crate::app::config::{MediaEntry, Script};
use crate::app::outcome::{MediaState, MediaStatus};
use crate::system::digest::Hasher;
use crate::system::gate::{self, Reach, limit};

/// The largest script file that is read, in bytes: a script of the maximum length in any language is smaller.
const SCRIPT_LIMIT: u64 = 64 * 1024;

/// Reads the lock file; one that does not exist is empty.
///
/// # Errors
/// Returns an error if it cannot be read or is invalid.
pub(super) fn read_lock(path: &Path, reach: &Reach) -> Result<Lock, MediaError> {
    match gate::read_text(path, reach, limit::CONFIG) {
        Ok(text) => Lock::parse(&text).map_err(|error| MediaError::Lock(path.to_owned(), error)),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(Lock::default()),
        Err(error) => Err(MediaError::Unreadable(path.to_owned(), error)),
    }
}

/// Returns the speech that an entry asks for.
///
/// # Errors
/// Returns a message if its script cannot be read, is empty or is too long.
pub(super) fn speech(entry: &MediaEntry, root: &Path, reach: &Reach) -> Result<Speech, String> {
    let (text, is_ssml) = match &entry.script {
        Script::Text(text) => (text.clone(), false),
        Script::Ssml(text) => (text.clone(), true),
        Script::File(path) => {
            let read = gate::read_text(&root.join(path), reach, SCRIPT_LIMIT);
            let text = read.map_err(|error| match error.kind() {
                ErrorKind::NotFound => format!("script not found: {}", plain(path)),
                _ => format!("cannot read the script {}: {error}", plain(path)),
            })?;
            (
                text,
                Path::new(path).extension().is_some_and(|extension| extension.eq_ignore_ascii_case("ssml")),
            )
        }
    };
    let mut speech = Speech::new(&text, &entry.voice);
    speech.is_ssml = is_ssml;
    speech.speed = entry.speed;
    speech.locale.clone_from(&entry.locale);
    speech.has_words = entry.words.is_some() || entry.captions.is_some();
    match speech.length() {
        _ if speech.text().trim().is_empty() => Err("the script is empty".to_owned()),
        length if length > MAX_SCRIPT => {
            Err(format!("the script has {length} characters; at most {MAX_SCRIPT} are allowed"))
        }
        _ => Ok(speech),
    }
}

/// Returns the state of an entry, whose table in the lock file is `locked`.
pub(super) fn status(
    entry: &MediaEntry,
    locked: Option<&LockedMedia>,
    root: &Path,
    reach: &Reach,
) -> MediaStatus {
    let speech = speech(entry, root, reach);
    let (status, message) = match &speech {
        Ok(speech) => state(entry, speech, locked, root, reach),
        Err(message) => (MediaState::Invalid, Some(message.clone())),
    };
    let speech = speech.ok();
    let estimate = speech.as_ref().filter(|_| status.is_due());
    MediaStatus {
        file: entry.file.clone(),
        line: entry.line,
        status,
        code: status.code(),
        message,
        help: status.help(),
        identity: speech.as_ref().map(|speech| speech.key().to_string()),
        estimated_seconds: estimate.map_or(0.0, Speech::estimated_seconds),
        estimated_usd: estimate.map_or(0.0, Speech::estimated_usd),
    }
}

fn state(
    entry: &MediaEntry,
    speech: &Speech,
    locked: Option<&LockedMedia>,
    root: &Path,
    reach: &Reach,
) -> (MediaState, Option<String>) {
    let digest = |path: &str| digest(&root.join(path), reach);
    let unreadable = |path: &str, error: io::Error| {
        (MediaState::Invalid, Some(format!("cannot read {}: {error}", plain(path))))
    };
    let Some(locked) = locked else {
        return match digest(&entry.file) {
            Ok(None) => (MediaState::Missing, Some("the file does not exist".to_owned())),
            Ok(Some(_)) => (MediaState::Unlocked, Some("the lock file does not contain the file".to_owned())),
            Err(error) => unreadable(&entry.file, error),
        };
    };
    let main = LockedFile { path: entry.file.clone(), sha256: locked.sha256.clone() };
    // Files that were exchanged come first.
    let mut missing = None;
    for file in [Some(&main), locked.words.as_ref(), locked.captions.as_ref()].into_iter().flatten() {
        match digest(&file.path) {
            Ok(Some(found)) if found == file.sha256 => {}
            Ok(Some(_)) => {
                let message = format!("{} has changed since it was recorded", plain(&file.path));
                return (MediaState::Changed, Some(message));
            }
            Ok(None) => missing = missing.or(Some(file.path.clone())),
            Err(error) => return unreadable(&file.path, error),
        }
    }
    if locked.identity != speech.key().as_str() {
        let message = "the script or an option has changed since the file was recorded";
        return (MediaState::Outdated, Some(message.to_owned()));
    }
    let declared = [(&entry.words, &locked.words), (&entry.captions, &locked.captions)];
    let unmade = declared.into_iter().find_map(|(path, locked)| {
        let is_made = locked.as_ref().is_some_and(|locked| Some(&locked.path) == path.as_ref());
        path.as_ref().filter(|_| !is_made)
    });
    match missing.as_ref().or(unmade) {
        Some(path) => (MediaState::Missing, Some(format!("file not found: {}", plain(path)))),
        None => (MediaState::Current, None),
    }
}

/// Returns the SHA-256 of a file; `None` if it does not exist.
pub(super) fn digest(path: &Path, reach: &Reach) -> io::Result<Option<String>> {
    let mut file = match gate::open(path, reach) {
        Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => {
            return Ok(None);
        }
        opened => opened?,
    };
    let mut hasher = Hasher::default();
    hasher.read(&mut file)?;
    Ok(Some(hasher.finish().1))
}
