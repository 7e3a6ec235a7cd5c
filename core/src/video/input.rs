//! Bytes of a file.

use std::io::{Read, Seek, SeekFrom};

use super::model::VideoError;

/// Reads exactly `N` bytes at `offset`.
pub(super) fn bytes_at<const N: usize>(
    file: &mut (impl Read + Seek),
    offset: u64,
) -> Result<[u8; N], VideoError> {
    let mut bytes = [0; N];
    file.seek(SeekFrom::Start(offset))?;
    file.read_exact(&mut bytes)?;
    Ok(bytes)
}
