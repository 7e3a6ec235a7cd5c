//! A place to work in that is gone afterwards, however the process ends.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use crate::system::interrupt;
use crate::system::interrupt::Guard;

/// A temporary folder with a place for a project, and one for what programs leave behind.
#[derive(Debug)]
pub(crate) struct Workplace {
    folder: tempfile::TempDir,
    _guard: Guard,
}

impl Workplace {
    /// A new one.
    ///
    /// # Errors
    /// When there is no place.
    pub(crate) fn new() -> io::Result<Self> {
        let folder = tempfile::Builder::new().prefix("hyperframes-ci-").tempdir()?;
        let place = Self { _guard: interrupt::guard_path(folder.path()), folder };
        fs::create_dir(place.project())?;
        fs::create_dir(place.temporary())?;
        Ok(place)
    }

    /// The folder itself.
    pub(crate) fn path(&self) -> &Path {
        self.folder.path()
    }

    /// Where a project goes.
    pub(crate) fn project(&self) -> PathBuf {
        self.path().join("project")
    }

    /// What is `TMPDIR` to programs: what they leave there is removed with everything else.
    pub(crate) fn temporary(&self) -> PathBuf {
        self.path().join("tmp")
    }
}
