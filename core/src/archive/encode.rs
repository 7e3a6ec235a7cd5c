//! Encodes the contents of entries.

use std::io::{self, Read};

use sha2::{Digest, Sha256};

use super::content::is_compressed;
use super::error::ArchiveError;
use super::zip::{Encoder, Figures, Method};

/// Bytes read at a time; also the part of a file that decides between storing and deflating.
pub(super) const CHUNK: usize = 64 * 1024;

/// Encodes entries independently of the archive, for example ahead of it on another thread.
#[derive(Debug)]
pub struct EntryEncoder {
    encoder: Encoder,
    buffer: Vec<u8>,
}

/// The encoded contents of an entry.
#[derive(Debug)]
pub struct Encoded {
    pub(super) figures: Figures,
    pub(super) size: u64,
    pub(super) sha256: [u8; 32],
    pub(super) bytes: Vec<u8>,
}

impl Default for EntryEncoder {
    fn default() -> Self {
        Self::new()
    }
}

impl EntryEncoder {
    /// Creates an encoder for any number of entries.
    #[must_use]
    pub fn new() -> Self {
        Self { encoder: Encoder::new(), buffer: vec![0; CHUNK] }
    }

    /// Encodes `contents`, which must be `size` bytes, in memory.
    ///
    /// # Errors
    /// Returns an error if `contents` cannot be read or has another size.
    pub fn encode(&mut self, size: u64, contents: &mut dyn Read) -> Result<Encoded, ArchiveError> {
        let Self { encoder, buffer } = self;
        let mut bytes = Vec::new();
        let sha256 = transfer(contents, size, buffer, &mut |piece, method| {
            if let Some(method) = method {
                encoder.start(method);
                if method == Method::Stored {
                    bytes.reserve_exact(usize::try_from(size).unwrap_or_default());
                }
            }
            encoder.write(piece, &mut bytes)
        })?;
        let figures = encoder.end(&mut bytes).map_err(ArchiveError::Write)?;
        Ok(Encoded { figures, size, sha256, bytes })
    }
}

/// Receives a piece of an entry's contents; the first one comes with the compression method.
pub(super) type Take<'a> = dyn FnMut(&[u8], Option<Method>) -> io::Result<()> + 'a;

/// Reads `contents`, which must be `size` bytes, and passes them on in pieces of a fixed size. Returns
/// their SHA-256.
pub(super) fn transfer(
    contents: &mut dyn Read,
    size: u64,
    buffer: &mut [u8],
    take: &mut Take<'_>,
) -> Result<[u8; 32], ArchiveError> {
    let mut hasher = Sha256::new();
    let mut filled = read_chunk(contents, buffer).map_err(ArchiveError::Read)?;
    let is_stored = is_compressed(&buffer[..filled]);
    let mut method = Some(if is_stored { Method::Stored } else { Method::Deflated });
    let mut found = 0;
    loop {
        let bytes = &buffer[..filled];
        found += bytes.len() as u64;
        if found > size {
            return Err(ArchiveError::Changed { expected: size, found });
        }
        hasher.update(bytes);
        take(bytes, method.take()).map_err(ArchiveError::Write)?;
        filled = read_chunk(contents, buffer).map_err(ArchiveError::Read)?;
        if filled == 0 {
            break;
        }
    }
    if found != size {
        return Err(ArchiveError::Changed { expected: size, found });
    }
    Ok(hasher.finalize().into())
}

/// Reads until `buffer` is full or the input ends.
fn read_chunk(contents: &mut dyn Read, buffer: &mut [u8]) -> io::Result<usize> {
    let mut filled = 0;
    while filled < buffer.len() {
        match contents.read(&mut buffer[filled..]) {
            Ok(0) => break,
            Ok(count) => filled += count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(filled)
}
