//! SHA-256 of files.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use hyperframes_ci_core::hex;
use sha2::{Digest, Sha256};

/// Size in bytes and SHA-256, in hexadecimal, of everything that is left to read.
pub(crate) fn of(source: &mut dyn Read) -> io::Result<(u64, String)> {
    let mut hasher = Sha256::new();
    let mut buffer = vec![0; 256 * 1024];
    let mut size = 0;
    loop {
        match source.read(&mut buffer)? {
            0 => return Ok((size, hex(&hasher.finalize()))),
            count => {
                hasher.update(&buffer[..count]);
                size += count as u64;
            }
        }
    }
}

/// SHA-256 of a file, in hexadecimal.
pub(crate) fn of_file(path: &Path) -> io::Result<String> {
    of(&mut File::open(path)?).map(|(_, sha256)| sha256)
}
