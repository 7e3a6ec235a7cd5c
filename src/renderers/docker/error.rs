//! Errors of renders in a container.

use std::fmt;
use std::io;

use crate::fault::{Exit, Fault};
use crate::system::unpack::UnpackError;

/// An error of a render in a container.
#[derive(Debug)]
pub(crate) enum DockerError {
    /// No image is set.
    NoImageSet,
    /// No program that runs containers is installed.
    NoProgram(Vec<&'static str>),
    /// The program does not reach its service; its output.
    NoService(&'static str, String),
    /// The image does not exist here, and could not be pulled; the output.
    NoImage(String, String),
    /// A directory or file could not be written.
    Folder(io::Error),
    /// The archive could not be unpacked.
    Unpack(UnpackError),
    /// The container could not be started; the output.
    NotStarted(String),
    /// The render failed; the message of the program in the container.
    Render(String),
    /// The container was removed because the time limit was over.
    TimedOut,
}

impl Fault for DockerError {
    fn code(&self) -> &str {
        match self {
            Self::NoImageSet => "usage",
            Self::NoProgram(_)
            | Self::NoService(..)
            | Self::NoImage(..)
            | Self::Folder(_)
            | Self::NotStarted(_) => "container_not_started",
            Self::Unpack(_) => "archive_damaged",
            Self::Render(_) => "render_failed",
            Self::TimedOut => "timeout",
        }
    }

    fn help(&self) -> Option<String> {
        Some(match self {
            Self::NoImageSet => {
                "build the Dockerfile of hyperframes-ci, and set --docker-image to the ID that `docker build --quiet` prints"
                    .to_owned()
            }
            Self::NoProgram(_) => "install Docker or Podman, or use --renderer local".to_owned(),
            Self::NoService(program, _) => {
                format!("start it, and check that `{program} version` succeeds as this user")
            }
            Self::NoImage(..) => "build or pull the image, or sign in to its registry".to_owned(),
            Self::Folder(_) => "check the free space and TMPDIR".to_owned(),
            Self::NotStarted(_) => {
                "the image must contain hyperframes-ci and its engine, as that of its Dockerfile does".to_owned()
            }
            Self::TimedOut => "increase --max-wait".to_owned(),
            Self::Unpack(_) | Self::Render(_) => return None,
        })
    }

    fn exit(&self) -> Exit {
        match self {
            Self::NoImageSet => Exit::Usage,
            Self::TimedOut => Exit::Timeout,
            _ => Exit::General,
        }
    }
}

impl fmt::Display for DockerError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoImageSet => f.write_str("--renderer docker requires an image"),
            Self::NoProgram(names) => write!(f, "program not found: {}", names.join(" or ")),
            Self::NoService(program, output) => write!(f, "{program} does not reach its service:\n{output}"),
            Self::NoImage(image, output) => write!(f, "the image {image} is not available:\n{output}"),
            Self::Folder(error) => write!(f, "cannot create a working directory: {error}"),
            Self::Unpack(error) => error.fmt(f),
            Self::NotStarted(output) => write!(f, "the container did not start:\n{output}"),
            Self::Render(message) => write!(f, "the render in the container failed: {message}"),
            Self::TimedOut => {
                f.write_str("timed out; the container was removed before the video was complete")
            }
        }
    }
}
