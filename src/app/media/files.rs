//! Where the files of entries are read from: the working tree, or what is staged.

use std::io::{self, ErrorKind};
use std::path::Path;

use hyperframes_ci_core::media::Edges;
use hyperframes_ci_core::project::Found;

use crate::project::index::Index;
use crate::system::digest::Hasher;
use crate::system::gate::{self, Reach};

/// Reads files at paths from the root of the repository.
pub(super) trait Files {
    /// Returns the text of a file of at most `limit` bytes.
    ///
    /// # Errors
    /// Returns an error if the file does not exist, cannot be read or is too large.
    fn text(&self, path: &str, limit: u64) -> io::Result<String>;

    /// Returns the SHA-256 of a file in hexadecimal; `None` if it does not exist.
    ///
    /// # Errors
    /// Returns an error if the file cannot be read.
    fn digest(&self, path: &str) -> io::Result<Option<String>>;

    /// Returns the first and last bytes of a file.
    ///
    /// # Errors
    /// Returns an error if the file does not exist or cannot be read.
    fn edges(&self, path: &str) -> io::Result<Edges>;
}

impl<T: Files + ?Sized> Files for &T {
    fn text(&self, path: &str, limit: u64) -> io::Result<String> {
        (**self).text(path, limit)
    }

    fn digest(&self, path: &str) -> io::Result<Option<String>> {
        (**self).digest(path)
    }

    fn edges(&self, path: &str) -> io::Result<Edges> {
        (**self).edges(path)
    }
}

/// The files of the working tree.
pub(super) struct OnDisk<'a> {
    pub(super) root: &'a Path,
    pub(super) reach: Reach,
}

impl Files for OnDisk<'_> {
    fn text(&self, path: &str, limit: u64) -> io::Result<String> {
        gate::read_text(&self.root.join(path), &self.reach, limit)
    }

    fn digest(&self, path: &str) -> io::Result<Option<String>> {
        let mut file = match gate::open(&self.root.join(path), &self.reach) {
            Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => {
                return Ok(None);
            }
            opened => opened?,
        };
        let mut hasher = Hasher::default();
        hasher.read(&mut file)?;
        Ok(Some(hasher.finish().1))
    }

    fn edges(&self, path: &str) -> io::Result<Edges> {
        gate::edges(&self.root.join(path), &self.reach)
    }
}

impl Files for Index {
    fn text(&self, path: &str, limit: u64) -> io::Result<String> {
        if self.find(path) == Found::Nothing {
            return Err(ErrorKind::NotFound.into());
        }
        let bytes = self.read(path).map_err(|error| io::Error::other(error.to_string()))?;
        if bytes.len() as u64 > limit {
            return Err(io::Error::other(format!("the file is larger than {limit} bytes")));
        }
        String::from_utf8(bytes).map_err(|_| io::Error::other("the file is not valid UTF-8"))
    }

    fn digest(&self, path: &str) -> io::Result<Option<String>> {
        match self.find(path) {
            Found::Nothing => Ok(None),
            Found::OutOfReach => Err(io::Error::other("the path leads outside the repository")),
            Found::Folder => Err(io::Error::other("it is a directory")),
            Found::File => self.sha256(path).map(Some).map_err(|error| io::Error::other(error.to_string())),
        }
    }

    fn edges(&self, path: &str) -> io::Result<Edges> {
        match self.find(path) {
            Found::Nothing => Err(ErrorKind::NotFound.into()),
            _ => self.media_edges(path).map_err(|error| io::Error::other(error.to_string())),
        }
    }
}
