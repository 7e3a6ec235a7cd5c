//! Properties of a video.

use std::str::FromStr;
use std::{fmt, io};

use serde::{Deserialize, Serialize};

use crate::options::{UnknownValue, closed_set};

closed_set! {
    /// A container format.
    Container {
        /// ISO base media, as `.mp4`.
        Mp4 = "mp4",
        /// QuickTime, as `.mov`.
        Mov = "mov",
        /// WebM, or another Matroska.
        Webm = "webm",
        /// An animated GIF.
        Gif = "gif",
        /// A directory of PNG images.
        PngSequence = "png-sequence",
        /// A directory of playlists and segments.
        Hls = "hls",
    }
}

/// Properties of a video.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Video {
    /// The container format.
    pub container: Container,
    /// Video codec, such as `h264`; the name in the container if it is unknown.
    pub codec: String,
    /// Width in pixels.
    pub width: u32,
    /// Height in pixels.
    pub height: u32,
    /// Average frames per second.
    pub fps: Option<f64>,
    /// Duration in seconds.
    pub duration: Option<f64>,
    /// Whether the video has an alpha channel.
    pub alpha: bool,
    /// The audio track, if there is one.
    pub audio: Option<Audio>,
}

/// The audio track of a video.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Audio {
    /// Audio codec, such as `aac`.
    pub codec: String,
    /// Number of channels.
    pub channels: u32,
    /// Sample rate in Hz.
    pub sample_rate: u32,
}

/// The tracks of a file, which need not be a video.
#[derive(Clone, Debug)]
pub(crate) struct Tracks {
    /// Duration in seconds.
    pub(crate) duration: Option<f64>,
    /// Codec, width and height of the video track.
    pub(crate) video: Option<(String, u32, u32)>,
    pub(crate) has_sound: bool,
}

/// An error of reading a video.
#[derive(Debug)]
pub enum VideoError {
    /// The file cannot be read.
    Read(io::Error),
    /// It is not an MP4, QuickTime, WebM or GIF file; the text describes what was found.
    NoVideo(&'static str),
    /// It is damaged or truncated.
    Damaged(&'static str),
}

impl fmt::Display for VideoError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Read(error) => write!(f, "cannot read the video: {error}"),
            Self::NoVideo(what) => write!(f, "not an MP4, MOV, WebM or GIF video: found {what}"),
            Self::Damaged(what) => write!(f, "the video is damaged: {what}"),
        }
    }
}

impl std::error::Error for VideoError {}

impl From<io::Error> for VideoError {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::UnexpectedEof => Self::Damaged("it is truncated"),
            _ => Self::Read(error),
        }
    }
}
