//! Reads the headers of a file in whichever container it is.

use std::io::{Read, Seek, SeekFrom};

use super::model::{Video, VideoError};
use super::signature::{Signature, signature};
use super::{mp4, webm};

impl Video {
    /// Reads the headers of `file`.
    ///
    /// ```
    /// use std::io::Cursor;
    ///
    /// use hyperframes_ci_core::video::{Video, VideoError};
    ///
    /// let page = b"<!doctype html><p>Sign in";
    /// let error = Video::read(&mut Cursor::new(page)).expect_err("not a video");
    /// assert!(matches!(error, VideoError::NoVideo("a page, as a proxy sends it")));
    /// ```
    ///
    /// # Errors
    /// Returns [`VideoError::Read`] if the file cannot be read, [`VideoError::NoVideo`] if it begins like none of the
    /// three containers, and [`VideoError::Damaged`] if its headers are damaged or cut.
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
