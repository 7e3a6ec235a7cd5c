//! Detects the container of a file and reads its headers.

use std::io::{Read, Seek, SeekFrom};

use super::input::Buffered;
use super::model::{Audio, Tracks, Video, VideoError};
use super::signature::{Signature, with_gif, with_sound};
use super::{fragments, gif, mp4, webm};

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
    /// assert!(matches!(error, VideoError::NoVideo("an HTML page, possibly from a proxy")));
    /// ```
    ///
    /// # Errors
    /// Returns [`VideoError::Read`] if the file cannot be read, [`VideoError::NoVideo`] if it does not start
    /// like one of the containers, and [`VideoError::Damaged`] if its headers are damaged or truncated.
    pub fn read(file: &mut (impl Read + Seek)) -> Result<Self, VideoError> {
        let (mut file, signature, end) = open(file, with_gif)?;
        match signature {
            Signature::IsoMedia => mp4::read(&mut file, end),
            Signature::Ebml => webm::read(&mut file, end),
            Signature::Gif => gif::read(&mut file),
        }
    }
}

/// Reads the tracks of a file. A live WebM has no duration here: its blocks are not counted.
///
/// # Errors
/// As [`Video::read`], but the file need not have a video track.
pub(crate) fn tracks(file: &mut (impl Read + Seek)) -> Result<Tracks, VideoError> {
    let (mut file, signature, end) = open(file, with_sound)?;
    match signature {
        Signature::IsoMedia => mp4::tracks(&mut file, end),
        Signature::Ebml => webm::tracks(&mut file, end),
        Signature::Gif => Err(VideoError::NoVideo("an image")),
    }
}

/// Returns the sound of an MP4 or QuickTime file, which need not have a video track; `None` if it has none or cannot be read.
pub fn sound(file: &mut (impl Read + Seek)) -> Option<Audio> {
    match open(file, with_sound).ok()? {
        (mut file, Signature::IsoMedia, end) => mp4::sound(&mut file, end).ok()?,
        _ => None,
    }
}

/// Checks that the file is a complete video: all boxes, clusters, and samples that the tables list end inside the file.
/// Their contents are not checked.
///
/// # Errors
/// Returns [`VideoError::NoVideo`] if it is not a video, and [`VideoError::Damaged`] if it is truncated.
pub fn check_whole(file: &mut (impl Read + Seek)) -> Result<(), VideoError> {
    check_complete(file, None)
}

/// Checks as [`check_whole`] does, with the expected `duration` in seconds, if it is known. The duration is used for files
/// that declare none and are valid if truncated after a fragment or a cluster: a fragmented MP4 without `mehd`, and a live
/// WebM. Without the duration, such a truncated file passes.
///
/// # Errors
/// As [`check_whole`].
pub fn check_complete(file: &mut (impl Read + Seek), duration: Option<f64>) -> Result<(), VideoError> {
    let (mut file, signature, end) = open(file, with_gif)?;
    match signature {
        Signature::IsoMedia => fragments::check(&mut file, duration, end),
        Signature::Ebml => webm::check_whole(&mut file, duration, end),
        // It is read to its last byte.
        Signature::Gif => gif::read(&mut file).map(|_| ()),
    }
}

/// Returns the file, its signature, and its length in bytes.
pub(super) fn open<R: Read + Seek>(
    file: &mut R,
    recognise: fn(&[u8]) -> Result<Signature, &'static str>,
) -> Result<(Buffered<&mut R>, Signature, u64), VideoError> {
    let end = file.seek(SeekFrom::End(0))?;
    let mut file = Buffered::new(file)?;
    let mut head = Vec::new();
    file.by_ref().take(16).read_to_end(&mut head)?;
    Ok((file, recognise(&head).map_err(VideoError::NoVideo)?, end))
}
