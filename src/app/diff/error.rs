//! Errors of a comparison.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

use hyperframes_ci_core::diff::GoldenError;
use hyperframes_ci_core::video::VideoError;

use crate::fault::{Exit, Fault};
use crate::system::gate;
use crate::system::programs::{FfmpegError, ProgramError};

/// Why two videos cannot be compared.
#[derive(Debug)]
pub(crate) enum DiffError {
    /// A file cannot be read.
    Unreadable(PathBuf, io::Error),
    /// A file is not a complete video.
    Video(PathBuf, VideoError),
    /// A video has no frames.
    NoFrames(PathBuf),
    /// A frame is too large.
    TooLarge(PathBuf, u32, u32),
    /// FFmpeg cannot decode a file; the end of its output.
    Decode(PathBuf, String),
    /// FFmpeg returned fewer frames than the file has.
    MissingFrames {
        /// The file.
        path: PathBuf,
        /// Frames that were decoded.
        decoded: usize,
        /// Frames that the file has.
        expected: usize,
    },
    /// Both are one file.
    SameFile(PathBuf),
    /// The golden file of a video does not exist.
    NoGolden(PathBuf),
    /// A golden file cannot be read or made.
    Golden(PathBuf, GoldenError),
    /// The golden file of a composition is that of another one.
    SameGolden(String),
    /// FFmpeg is not installed.
    Program(ProgramError),
    /// A file of the report cannot be written.
    Report(PathBuf, io::Error),
}

impl DiffError {
    /// Returns the error of FFmpeg about a file.
    pub(super) fn of_ffmpeg(path: &Path, error: FfmpegError) -> Self {
        match error {
            FfmpegError::Io(error) => Self::Unreadable(path.to_owned(), error),
            FfmpegError::Failed(lines) => Self::Decode(path.to_owned(), lines.join("\n")),
        }
    }
}

impl fmt::Display for DiffError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unreadable(path, error) => write!(f, "cannot read {}: {error}", path.display()),
            Self::Video(path, error) => write!(f, "{}: {error}", path.display()),
            Self::NoFrames(path) => write!(f, "{}: the video has no frames", path.display()),
            Self::TooLarge(path, width, height) => {
                write!(f, "{}: frames of {width}x{height} pixels are too large", path.display())
            }
            Self::Decode(path, output) if output.is_empty() => {
                write!(f, "FFmpeg cannot decode {}", path.display())
            }
            Self::Decode(path, output) => write!(f, "FFmpeg cannot decode {}:\n{output}", path.display()),
            Self::MissingFrames { path, decoded, expected } => {
                write!(f, "FFmpeg decoded {decoded} of {expected} frames of {}", path.display())
            }
            Self::SameFile(path) => write!(f, "BASE and HEAD are the same file: {}", path.display()),
            Self::NoGolden(path) => write!(f, "golden file not found: {}", path.display()),
            Self::Golden(path, error) => write!(f, "{}: {error}", path.display()),
            Self::SameGolden(name) => write!(f, "{name} has the same golden file as another composition"),
            Self::Program(error) => error.fmt(f),
            Self::Report(path, error) => write!(f, "cannot write {}: {error}", path.display()),
        }
    }
}

impl Fault for DiffError {
    fn code(&self) -> &str {
        match self {
            Self::Unreadable(..) => "video_unreadable",
            Self::Video(..) | Self::NoFrames(_) | Self::TooLarge(..) => "invalid_video",
            Self::Decode(..) | Self::MissingFrames { .. } => "video_not_decoded",
            Self::SameFile(_) => "usage",
            Self::NoGolden(_) => "golden_not_found",
            Self::Golden(..) => "invalid_golden",
            Self::SameGolden(_) => "invalid_config",
            Self::Program(error) => error.code(),
            Self::Report(..) => "output_not_writable",
        }
    }

    fn help(&self) -> Option<String> {
        Some(match self {
            Self::Unreadable(_, error) => {
                return gate::help_of(error)
                    .or_else(|| Some("check the path and the permissions".to_owned()));
            }
            Self::Video(..) => "pass complete MP4, MOV or WebM files".to_owned(),
            Self::NoFrames(_) => "render the video again".to_owned(),
            Self::TooLarge(..) => "compare videos of at most 8192x8192 pixels".to_owned(),
            Self::Decode(..) | Self::MissingFrames { .. } => {
                "render the video again, or play it with `ffplay` to see what is damaged".to_owned()
            }
            Self::SameFile(_) => "pass two different files".to_owned(),
            Self::NoGolden(_) => {
                "run `hyperframes-ci diff --update <DIR>` to write it, and commit it".to_owned()
            }
            Self::Golden(_, GoldenError::Newer(_)) => "update hyperframes-ci".to_owned(),
            Self::Golden(_, GoldenError::TooLarge) => "compare files, or use --base".to_owned(),
            Self::Golden(..) => {
                "restore it, or run `hyperframes-ci diff --update <DIR>` to write it again".to_owned()
            }
            Self::SameGolden(_) => "rename one of them in hyperframes-ci.toml".to_owned(),
            Self::Program(error) => return error.help(),
            Self::Report(_, error) => {
                return gate::help_of(error).or_else(|| {
                    Some("check the free space and the permissions of the directory".to_owned())
                });
            }
        })
    }

    fn exit(&self) -> Exit {
        match self {
            Self::SameFile(_) | Self::SameGolden(_) => Exit::Usage,
            _ => Exit::General,
        }
    }
}
