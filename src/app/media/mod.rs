//! The use cases of `media`: media that HeyGen generates, under a lock file. Only `generate` uses the network.

mod adopt;
pub(crate) mod catalogue;
mod error;
mod examine;
mod generate;

use std::path::PathBuf;

use hyperframes_ci_core::generated::{LOCK_FILE, Lock};

use super::config::{MediaEntry, Settings};
use super::outcome::{MediaOutcome, MediaState};
use crate::fault::Error;
use crate::system::gate::Reach;

pub(crate) use adopt::adopt;
pub(crate) use error::MediaError;
pub(crate) use generate::{GenerateSpec, MediaLimits, generate};

/// Which media to examine.
#[derive(Clone, Debug)]
pub(crate) struct MediaSpec {
    /// A directory inside the repository.
    pub(crate) directory: PathBuf,
    /// The configuration, if it is another file.
    pub(crate) config: Option<PathBuf>,
    /// Files of the entries; all if empty.
    pub(crate) entries: Vec<String>,
    /// The workspace of the CI service.
    pub(crate) workspace: Option<PathBuf>,
}

/// The declared entries, and the lock file.
struct Declared {
    settings: Settings,
    entries: Vec<MediaEntry>,
    reach: Reach,
    lock: Lock,
    lock_path: PathBuf,
}

impl Declared {
    /// Reads the configuration and the lock file.
    ///
    /// # Errors
    /// Returns an error if one of them is invalid, or there are no entries.
    fn read(spec: &MediaSpec) -> Result<Self, Error> {
        let settings = Settings::read(&spec.directory, spec.config.as_deref(), spec.workspace.clone())?;
        let entries = select(&settings, &spec.entries)?.into_iter().cloned().collect();
        let reach = Reach::inside(&settings.root, "the repository");
        let lock_path = settings.root.join(LOCK_FILE);
        let lock = examine::read_lock(&lock_path, &reach)?;
        Ok(Self { settings, entries, reach, lock, lock_path })
    }
}

/// Compares entries with the lock file and the files.
///
/// # Errors
/// Returns an error if the configuration or the lock file is invalid, or there are no entries.
pub(crate) fn examine(spec: &MediaSpec) -> Result<MediaOutcome, Error> {
    let declared = Declared::read(spec)?;
    let media = declared.entries.iter().map(|entry| declared.status(entry)).collect::<Vec<_>>();
    let is_declared = |path: &String| declared.settings.file.media.iter().any(|entry| entry.file == *path);
    Ok(MediaOutcome {
        lock: declared.lock_path.display().to_string(),
        undeclared: declared.lock.media.keys().filter(|path| !is_declared(path)).cloned().collect(),
        not_current: media.iter().filter(|media| media.status != MediaState::Current).count(),
        estimated_seconds: media.iter().map(|media| media.estimated_seconds).sum(),
        estimated_usd: media.iter().map(|media| media.estimated_usd).sum(),
        media,
    })
}

/// Returns the entries with the `files`, or all.
fn select<'a>(settings: &'a Settings, files: &[String]) -> Result<Vec<&'a MediaEntry>, Error> {
    let entries = &settings.file.media;
    if entries.is_empty() {
        return Err(MediaError::NoEntries(settings.file.path.clone()).into());
    }
    if let Some(unknown) = files.iter().find(|file| !entries.iter().any(|entry| entry.file == **file)) {
        let known = entries.iter().map(|entry| entry.file.as_str()).take(20).collect::<Vec<_>>();
        return Err(Error::usage(
            format!("no [[media]] entry with the file {unknown:?} in {}", settings.file.path.display()),
            format!("available entries: {}", known.join(", ")),
        ));
    }
    Ok(entries.iter().filter(|entry| files.is_empty() || files.contains(&entry.file)).collect())
}
