//! The declared entries of generated media, and the lock file.

use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

use hyperframes_ci_core::generated::{LOCK_FILE, Lock, LockedMedia, Wanted, stored_name};

use super::error::MediaError;
use super::examine::Judge;
use super::files::{Files, OnDisk};
use crate::app::config::{MediaEntry, Settings};
use crate::app::outcome::MediaStatus;
use crate::fault::Error;
use crate::system::gate::{self, Reach, limit};

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
pub(super) struct Declared {
    pub(super) settings: Settings,
    pub(super) entries: Vec<MediaEntry>,
    pub(super) reach: Reach,
    pub(super) lock: Lock,
    pub(super) lock_path: PathBuf,
    /// Whether the user has named the entries.
    pub(super) is_selected: bool,
}

/// Why a file has no name in stores.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum NoStoredName {
    /// The lock file does not contain it.
    NotRecorded,
    /// Its digest in the lock file is not one.
    InvalidDigest,
}

impl NoStoredName {
    /// Returns the reason in words.
    pub(super) fn message(self) -> &'static str {
        match self {
            Self::NotRecorded => "the lock file does not contain the file",
            Self::InvalidDigest => "the lock file has no valid SHA-256 for the file",
        }
    }
}

impl Declared {
    /// Reads the configuration and the lock file.
    ///
    /// # Errors
    /// Returns an error if one of them is invalid, or there are no entries.
    pub(super) fn read(spec: &MediaSpec) -> Result<Self, Error> {
        let settings = Settings::read(&spec.directory, spec.config.as_deref(), spec.workspace.clone())?;
        Self::of(settings, &spec.entries)
    }

    /// Selects the entries with these `files`, or all, and reads the lock file.
    ///
    /// # Errors
    /// As [`Self::read`].
    pub(super) fn of(settings: Settings, files: &[String]) -> Result<Self, Error> {
        let entries = select(&settings, files)?.into_iter().cloned().collect();
        let reach = Reach::inside(&settings.root, "the repository");
        let lock_path = settings.root.join(LOCK_FILE);
        let lock = read_lock(&lock_path, &reach)?;
        Ok(Self { settings, entries, reach, lock, lock_path, is_selected: !files.is_empty() })
    }

    /// Returns the files of the repository.
    pub(super) fn files(&self) -> OnDisk<'_> {
        OnDisk { root: &self.settings.root, reach: self.reach.clone() }
    }

    fn judge(&self) -> Judge<'_, OnDisk<'_>> {
        Judge { entries: &self.settings.file.media, lock: &self.lock, files: self.files() }
    }

    /// See [`Judge::wanted`].
    pub(super) fn wanted(&self, entry: &MediaEntry) -> Result<Wanted, String> {
        self.judge().wanted(entry)
    }

    /// See [`Judge::source`].
    pub(super) fn source(&self, entry: &MediaEntry) -> Option<MediaStatus> {
        self.judge().source(entry)
    }

    /// See [`Judge::status`].
    pub(super) fn status(&self, entry: &MediaEntry) -> MediaStatus {
        self.judge().status(entry)
    }

    /// Returns what the lock file says about the file of an entry, and its name in stores; or why it has none.
    pub(super) fn stored(&self, entry: &MediaEntry) -> Result<(&LockedMedia, String), NoStoredName> {
        let media = self.lock.media.get(&entry.file).ok_or(NoStoredName::NotRecorded)?;
        let name = stored_name(&media.sha256, &entry.file).ok_or(NoStoredName::InvalidDigest)?;
        Ok((media, name))
    }

    /// Returns the SHA-256 of a file; `None` if it does not exist.
    pub(super) fn digest(&self, path: &str) -> io::Result<Option<String>> {
        self.files().digest(path)
    }
}

/// Reads the lock file; one that does not exist is empty.
///
/// # Errors
/// Returns an error if it cannot be read or is invalid.
pub(super) fn read_lock(path: &Path, reach: &Reach) -> Result<Lock, MediaError> {
    lock_of(path, gate::read_text(path, reach, limit::CONFIG))
}

/// Returns the lock file from its text.
///
/// # Errors
/// Returns an error if it could not be read or is invalid.
pub(super) fn lock_of(path: &Path, read: io::Result<String>) -> Result<Lock, MediaError> {
    match read {
        Ok(text) => Lock::parse(&text).map_err(|error| MediaError::Lock(path.to_owned(), error)),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(Lock::default()),
        Err(error) => Err(MediaError::Unreadable(path.to_owned(), error)),
    }
}

/// Returns the entries with the `files`, or all.
fn select<'a>(settings: &'a Settings, files: &[String]) -> Result<Vec<&'a MediaEntry>, Error> {
    let entries = settings.file.generated().collect::<Vec<_>>();
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
    Ok(entries.into_iter().filter(|entry| files.is_empty() || files.contains(&entry.file)).collect())
}
