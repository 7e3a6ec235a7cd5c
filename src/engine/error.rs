//! Errors of local renders.

use std::fmt;
use std::io;

use super::refusal::Refused;
use crate::fault::{Exit, Fault};
use crate::system::programs::ProgramError;
use crate::system::sandbox::{Excess, SandboxError};
use crate::system::unpack::UnpackError;

/// Number of refused references that the message lists.
const MAX_LISTED: usize = 5;

/// An error of a local render.
#[derive(Debug)]
pub(crate) enum EngineError {
    /// A program is missing or could not be installed.
    Program(ProgramError),
    /// A directory or file could not be written.
    Folder(io::Error),
    /// The archive could not be unpacked.
    Unpack(UnpackError),
    /// The engine could not be contained.
    Sandbox(SandboxError),
    /// The engine could not be started.
    Start(io::Error),
    /// The engine was ended because the time limit was over.
    TimedOut,
    /// The engine was ended because it used too much of the machine.
    Limit(Excess),
    /// The engine failed; the end of its output.
    Failed(String),
    /// The official linter failed; the end of its output.
    NotLinted(String),
    /// The video could not be copied to its output.
    NotKept(io::Error),
    /// The engine succeeded without writing a video.
    NoVideo,
    /// The project asks the engine to read what is outside of it.
    Refused(Vec<Refused>),
    /// The options are not supported by the engine.
    Unsupported(String),
}

impl fmt::Display for EngineError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Program(error) => error.fmt(f),
            Self::Folder(error) => write!(f, "cannot create a working directory for the engine: {error}"),
            Self::Unpack(error) => error.fmt(f),
            Self::Sandbox(error) => error.fmt(f),
            Self::Start(error) => write!(f, "cannot start the engine: {error}"),
            Self::TimedOut => f.write_str("timed out; the engine was stopped before the video was complete"),
            Self::Limit(excess) => write!(f, "the engine was stopped: it used {excess}"),
            Self::Failed(output) => write!(f, "the engine failed to render the composition:\n{output}"),
            Self::NotLinted(output) => write!(f, "the official linter failed: {output}"),
            Self::NotKept(error) => write!(f, "cannot write the video: {error}"),
            Self::NoVideo => f.write_str("the engine did not write a video"),
            Self::Refused(found) => {
                f.write_str(
                    "the project was not rendered, because it refers to files or hosts outside of it:",
                )?;
                for refused in found.iter().take(MAX_LISTED) {
                    write!(f, "\n{refused}")?;
                }
                match found.len().saturating_sub(MAX_LISTED) {
                    0 => Ok(()),
                    more => write!(f, "\nand {more} more"),
                }
            }
            Self::Unsupported(message) => f.write_str(message),
        }
    }
}

impl Fault for EngineError {
    fn code(&self) -> &str {
        match self {
            Self::Program(error) => error.code(),
            Self::Sandbox(error) => error.code(),
            Self::Folder(_) | Self::Start(_) => "engine_not_started",
            Self::Unpack(_) => "archive_damaged",
            Self::TimedOut => "timeout",
            Self::Limit(_) => "engine_limit",
            Self::NotKept(_) => "output_not_writable",
            Self::Failed(_) | Self::NoVideo => "render_failed",
            Self::NotLinted(_) => "linter_failed",
            Self::Refused(_) => "project_refused",
            Self::Unsupported(_) => "unsupported_option",
        }
    }

    fn help(&self) -> Option<String> {
        match self {
            Self::Program(error) => error.help(),
            Self::Sandbox(error) => error.help(),
            Self::Folder(_) => Some("check the free space, TMPDIR and HYPERFRAMES_CI_CACHE".to_owned()),
            Self::NotKept(_) => Some("check the free space, or choose another path with -o".to_owned()),
            Self::Start(_) => Some("remove the cache directory (HYPERFRAMES_CI_CACHE, or hyperframes-ci in the user's cache) and run again".to_owned()),
            Self::TimedOut => Some("run the same command again with a higher --max-wait".to_owned()),
            Self::Limit(_) => Some("shorten the composition, render with fewer workers, free disk space (TMPDIR), or use a larger machine".to_owned()),
            Self::Failed(_) => Some("run `npx hyperframes lint` or `npx hyperframes preview` to debug the composition".to_owned()),
            Self::NotLinted(_) => {
                Some("run `npx hyperframes lint` to see what is wrong, or omit --official".to_owned())
            }
            Self::Refused(_) => Some(
                "copy the files into the project, refer to them by relative paths, and remove the other references; \
                 no option allows them"
                    .to_owned(),
            ),
            Self::Unpack(_) | Self::NoVideo | Self::Unsupported(_) => None,
        }
    }

    fn exit(&self) -> Exit {
        match self {
            Self::Program(error) => error.exit(),
            Self::TimedOut => Exit::Timeout,
            Self::Refused(_) => Exit::Preflight,
            _ => Exit::General,
        }
    }
}

impl From<ProgramError> for EngineError {
    fn from(error: ProgramError) -> Self {
        Self::Program(error)
    }
}
