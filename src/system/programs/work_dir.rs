//! Temporary directories that are deleted however the process ends.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use crate::system::temporary::{self, TemporaryFolder};

/// A temporary directory with one directory for a project and one for the temporary files of child processes.
#[derive(Debug)]
pub(crate) struct WorkDir {
    folder: TemporaryFolder,
}

impl WorkDir {
    /// Creates the directories.
    ///
    /// # Errors
    /// Returns an error if the system's temporary directory cannot be written.
    pub(crate) fn new() -> io::Result<Self> {
        let directory = Self { folder: temporary::create_folder("hyperframes-ci-work-")? };
        fs::create_dir(directory.project())?;
        fs::create_dir(directory.temporary())?;
        Ok(directory)
    }

    /// Returns the directory itself.
    pub(crate) fn path(&self) -> &Path {
        self.folder.path()
    }

    /// Returns the directory of the project.
    pub(crate) fn project(&self) -> PathBuf {
        self.path().join("project")
    }

    /// Returns the directory that child processes get as `TMPDIR`.
    pub(crate) fn temporary(&self) -> PathBuf {
        self.path().join("tmp")
    }
}
