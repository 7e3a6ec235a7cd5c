//! Reads the headers of a file in whichever container it is.

use std::io::{Read, Seek, SeekFrom};

use super::model::{Video, VideoError};
use super::signature::{Signature, signature};
use super::{mp4, webm};

impl Video {
    /// Reads the headers of `file`.
    ///
    /// # Errors
    /// See [`VideoError`].
    pub fn read(file: &mut (impl Read + Seek)) -> Result<Self, VideoError> {
        let mut head = [0; 16];
        file.rewind()?;
        let mut filled = 0;
        while filled < head.len() {
            match file.read(&mut head[filled..])? {
                0 => break,
                count => filled += count,
            }
        }
        let end = file.seek(SeekFrom::End(0))?;
        match signature(&head[..filled]) {
            Ok(Signature::IsoMedia) => mp4::read(file, end),
            Ok(Signature::Ebml) => webm::read(file, end),
            Err(what) => Err(VideoError::NoVideo(what)),
        }
    }
}
