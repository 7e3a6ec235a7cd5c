//! What a rendered video is, read from its headers: MP4, QuickTime and WebM, without a decoder.
//!
//! Only boxes and elements that say something are read; everything else is passed over by its size. Hostile bytes cost
//! no more than what they are: every count and every size is bounded by the length of the file.

mod ebml;
mod expect;
mod mp4;
mod webm;

use std::fmt;
use std::io::{self, Read, Seek, SeekFrom};
use std::str::FromStr;

use serde::{Deserialize, Serialize};

pub use expect::Expected;

use crate::options::{UnknownValue, closed_set};

closed_set! {
    /// What a file is in.
    Container {
        /// ISO base media, as `.mp4`.
        Mp4 = "mp4",
        /// QuickTime, as `.mov`.
        Mov = "mov",
        /// WebM, or another Matroska.
        Webm = "webm",
    }
}

/// A video in figures.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Video {
    /// What it is in.
    pub container: Container,
    /// Codec of the picture, such as `h264`; the container's own name where this version knows no better.
    pub codec: String,
    /// Width in pixels.
    pub width: u32,
    /// Height in pixels.
    pub height: u32,
    /// Pictures per second, on average.
    pub fps: Option<f64>,
    /// Length in seconds.
    pub duration: Option<f64>,
    /// Whether the picture has an alpha channel.
    pub alpha: bool,
    /// The sound, where there is some.
    pub audio: Option<Audio>,
}

/// The sound of a video.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Audio {
    /// Codec, such as `aac`.
    pub codec: String,
    /// Channels.
    pub channels: u32,
    /// Samples per second.
    pub sample_rate: u32,
}

/// Why a file says nothing about itself.
#[derive(Debug)]
pub enum VideoError {
    /// The file cannot be read.
    Read(io::Error),
    /// It begins like no MP4, QuickTime or WebM; the text says what it begins like.
    NoVideo(&'static str),
    /// It begins like one and is damaged or cut.
    Damaged(&'static str),
}

impl fmt::Display for VideoError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Read(error) => write!(f, "the video cannot be read: {error}"),
            Self::NoVideo(what) => write!(f, "this is no MP4, MOV or WebM video but {what}"),
            Self::Damaged(what) => write!(f, "the video is damaged: {what}"),
        }
    }
}

impl std::error::Error for VideoError {}

impl From<io::Error> for VideoError {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::UnexpectedEof => Self::Damaged("it ends too early"),
            _ => Self::Read(error),
        }
    }
}

impl Video {
    /// Reads the headers of `file`.
    ///
    /// # Errors
    /// See [`VideoError`].
    pub fn read(file: &mut (impl Read + Seek)) -> Result<Self, VideoError> {
        let (signature, end) = open(file)?;
        match signature {
            Signature::IsoMedia => mp4::read(file, end),
            Signature::Ebml => webm::read(file, end),
        }
    }
}

/// Checks that the file at hand is a whole video: every box, and every cluster, ends inside it, and so do the samples
/// that the tables name. What is in them does not matter.
///
/// # Errors
/// Returns [`VideoError::NoVideo`] if it begins like something else, and [`VideoError::Damaged`] if it is cut.
pub fn check_whole(file: &mut (impl Read + Seek)) -> Result<(), VideoError> {
    let (signature, end) = open(file)?;
    match signature {
        Signature::IsoMedia => mp4::check_whole(file, end),
        Signature::Ebml => webm::check_whole(file, end),
    }
}

/// How the file begins, and its length in bytes.
fn open(file: &mut (impl Read + Seek)) -> Result<(Signature, u64), VideoError> {
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
    Ok((signature(&head[..filled]).map_err(VideoError::NoVideo)?, end))
}

/// How a video begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Signature {
    /// A `ftyp` box: MP4 or QuickTime.
    IsoMedia,
    /// An EBML header: WebM.
    Ebml,
}

/// What the first bytes of a file (16 are enough) belong to.
///
/// # Errors
/// What they look like instead, in words.
pub fn signature(head: &[u8]) -> Result<Signature, &'static str> {
    if head.get(4..8) == Some(b"ftyp") {
        Ok(Signature::IsoMedia)
    } else if head.starts_with(&[0x1a, 0x45, 0xdf, 0xa3]) {
        Ok(Signature::Ebml)
    } else if head.trim_ascii_start().starts_with(b"<") {
        Err("a page, as a proxy sends it")
    } else if head.is_empty() {
        Err("empty")
    } else {
        Err("something else")
    }
}

/// Reads exactly `N` bytes at `offset`.
fn bytes_at<const N: usize>(file: &mut (impl Read + Seek), offset: u64) -> Result<[u8; N], VideoError> {
    let mut bytes = [0; N];
    file.seek(SeekFrom::Start(offset))?;
    file.read_exact(&mut bytes)?;
    Ok(bytes)
}
