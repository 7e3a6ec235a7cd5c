//! SHA-256 of files.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use hyperframes_ci_core::archive::hex;
use sha2::{Digest, Sha256};

/// Hashes and counts the bytes of readers.
pub(crate) struct Hasher {
    hasher: Sha256,
    size: u64,
    buffer: Vec<u8>,
}

impl Default for Hasher {
    fn default() -> Self {
        Self { hasher: Sha256::new(), size: 0, buffer: vec![0; 256 * 1024] }
    }
}

impl Hasher {
    /// Returns the number of bytes that were read.
    pub(crate) fn size(&self) -> u64 {
        self.size
    }

    /// Reads `source` to its end.
    ///
    /// # Errors
    /// Returns an error if `source` cannot be read.
    pub(crate) fn read(&mut self, source: &mut dyn Read) -> io::Result<()> {
        loop {
            match source.read(&mut self.buffer)? {
                0 => return Ok(()),
                count => {
                    self.hasher.update(&self.buffer[..count]);
                    self.size += count as u64;
                }
            }
        }
    }

    /// Returns the size in bytes and the SHA-256 in hexadecimal.
    pub(crate) fn finish(mut self) -> (u64, String) {
        self.next()
    }

    /// Returns the size and the SHA-256 as [`Hasher::finish`], and begins again.
    pub(crate) fn next(&mut self) -> (u64, String) {
        (std::mem::take(&mut self.size), hex(&self.hasher.finalize_reset()))
    }

    /// Returns the SHA-256 of a file, in hexadecimal. Nothing may have been read before.
    ///
    /// # Errors
    /// Returns an error if the file cannot be read.
    pub(crate) fn file(&mut self, path: &Path) -> io::Result<String> {
        self.read(&mut File::open(path)?)?;
        Ok(self.next().1)
    }
}

/// Returns the SHA-256 of a file, in hexadecimal.
///
/// # Errors
/// Returns an error if the file cannot be read.
pub(crate) fn of_file(path: &Path) -> io::Result<String> {
    Hasher::default().file(path)
}
