//! A video in figures.

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
    }
}

/// A video in figures.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Video {
    /// The container format.
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
    /// The picture has an alpha channel.
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

/// A file whose properties cannot be read.
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
            Self::Read(error) => write!(f, "cannot read the video: {error}"),
            Self::NoVideo(what) => write!(f, "not an MP4, MOV or WebM video: found {what}"),
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
