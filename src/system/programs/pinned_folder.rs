//! Directories of the cache with programs whose hashes are in this program. A cache is not trusted: it may have been restored
//! from what somebody else has written.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use super::error::ProgramError;
use crate::system::digest;
use crate::system::interrupt;

/// A file and its SHA-256.
pub(super) struct PinnedFile {
    pub(super) name: &'static str,
    pub(super) sha256: &'static str,
}

/// A directory that has these files and no others.
pub(super) struct PinnedFolder {
    /// The program with its version, for people.
    pub(super) title: &'static str,
    /// The name of the directory, which the hash of the first file follows.
    pub(super) name: &'static str,
    pub(super) files: &'static [PinnedFile],
}

impl PinnedFolder {
    /// Returns the directory in the cache.
    pub(super) fn folder(&self, cache: &Path) -> PathBuf {
        cache.join(format!("{}-{}", self.name, &self.files[0].sha256[..12]))
    }

    /// Returns the path of the first file, if all files have the expected hashes. They are hashed once in a process.
    pub(super) fn in_cache(&self, cache: &Path) -> Option<PathBuf> {
        static INTACT: Mutex<BTreeSet<PathBuf>> = Mutex::new(BTreeSet::new());
        let folder = self.folder(cache);
        let mut intact = INTACT.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        if !intact.contains(&folder) {
            if !folder.is_dir() || !self.is_intact(&folder) {
                return None;
            }
            intact.insert(folder.clone());
        }
        Some(folder.join(self.files[0].name))
    }

    /// Installs the files into the cache: `fill` gets a temporary directory, and a directory in it for the files.
    ///
    /// # Errors
    /// Returns the error of `fill`, and [`ProgramError`] if the files are not those that are expected.
    pub(super) fn install(
        &self,
        cache: &Path,
        fill: impl FnOnce(&Path, &Path) -> Result<(), ProgramError>,
    ) -> Result<(), ProgramError> {
        fs::create_dir_all(cache).map_err(ProgramError::Folder)?;
        let temporary = tempfile::Builder::new().prefix(&format!(".{}-", self.name)).tempdir_in(cache);
        let temporary = temporary.map_err(ProgramError::Folder)?;
        let _guard = interrupt::guard_path(temporary.path());
        let files = temporary.path().join("files");
        fs::create_dir(&files).map_err(ProgramError::Folder)?;
        fill(temporary.path(), &files)?;
        #[cfg(unix)]
        for file in fs::read_dir(&files).map_err(ProgramError::Folder)?.flatten() {
            let executable = std::os::unix::fs::PermissionsExt::from_mode(0o755);
            fs::set_permissions(file.path(), executable).map_err(ProgramError::Folder)?;
        }
        let folder = self.folder(cache);
        // What was there is not intact. Another process may do the same.
        let _ = fs::remove_dir_all(&folder);
        let _ = fs::rename(&files, &folder);
        match self.in_cache(cache) {
            Some(_) => Ok(()),
            None => Err(ProgramError::Install {
                what: self.title.to_owned(),
                output: "the installed files have other hashes".to_owned(),
            }),
        }
    }

    fn is_intact(&self, folder: &Path) -> bool {
        let names = fs::read_dir(folder).map_or(0, Iterator::count);
        let is_expected = |file: &PinnedFile| {
            let path = folder.join(file.name);
            let is_file = path.symlink_metadata().is_ok_and(|metadata| metadata.is_file());
            is_file && digest::of_file(&path).is_ok_and(|sha256| sha256 == file.sha256)
        };
        // Nothing else: programs look for others beside them.
        names == self.files.len() && self.files.iter().all(is_expected)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_expected_files_are_used() {
        let pinned = PinnedFolder {
            title: "test",
            name: "test",
            files: &[PinnedFile {
                name: "ffmpeg",
                // Of the text "1".
                sha256: "6b86b273ff34fce19d6b804eff5a3f5747ada4eaa22f1d49c01e52ddb7875b4b",
            }],
        };
        let cache = tempfile::tempdir().expect("a folder");
        let fill = |text: &'static str| {
            pinned.install(cache.path(), |_, files| {
                fs::write(files.join("ffmpeg"), text).map_err(ProgramError::Folder)
            })
        };
        assert_eq!(pinned.in_cache(cache.path()), None);
        assert!(matches!(fill("2"), Err(ProgramError::Install { .. })), "other contents");
        fill("1").expect("installed");
        let folder = pinned.folder(cache.path());
        assert_eq!(pinned.in_cache(cache.path()), Some(folder.join("ffmpeg")));
        fs::write(folder.join("node"), "2").expect("written");
        assert!(!pinned.is_intact(&folder), "a program beside it");
    }
}
