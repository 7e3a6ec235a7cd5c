//! Errors of renders in an account of the user's.

use std::fmt;
use std::io;

use hyperframes_ci_core::video::VideoError;

use super::platform::{Account, Platform};
use super::size::Unscalable;
use crate::fault::{Exit, Fault};
use crate::system::programs::ProgramError;
use crate::system::unpack::UnpackError;

/// An error of a render in an account of the user's.
#[derive(Debug)]
pub(crate) enum ServerlessError {
    /// The stack is unknown, or its file is invalid.
    Stack {
        /// Description of the problem.
        message: String,
        /// What to do.
        help: String,
    },
    /// The request is not supported.
    Unsupported {
        /// Description of the unsupported option.
        message: String,
        /// Supported alternatives.
        help: String,
    },
    /// A program is missing or could not be installed.
    Program(ProgramError),
    /// A directory or file could not be written.
    Folder(&'static Platform, io::Error),
    /// The archive could not be unpacked.
    Unpack(UnpackError),
    /// The official tooling failed.
    Tool {
        /// What it runs on.
        platform: &'static Platform,
        /// The failed operation.
        what: &'static str,
        /// The end of its output.
        output: String,
    },
    /// The official tooling was ended because the time limit was over.
    ToolTimedOut {
        /// The failed operation.
        what: &'static str,
    },
    /// The credentials were rejected, or there are none; the output of the tooling.
    Credentials(&'static Platform, String),
    /// A quota of the account does not allow it; the output of the tooling.
    Quota(&'static Platform, String),
    /// The execution failed, with its errors.
    Render(&'static Platform, String),
    /// What the execution left in the bucket is not a whole video.
    Damaged {
        /// Key of the video in the bucket.
        video: String,
        /// What is wrong with it.
        error: VideoError,
    },
    /// The execution did not complete in time.
    TimedOut {
        /// Id of the execution, which is still running.
        execution: String,
    },
}

impl ServerlessError {
    /// Converts the output of the official tooling to an error: about credentials, a quota or the stack if it says so.
    pub(in crate::renderers) fn of_tool(
        platform: &'static Platform,
        what: &'static str,
        output: String,
    ) -> Self {
        let is_about = |parts: &[&str]| parts.iter().any(|part| output.contains(part));
        if is_about(platform.credential_errors) {
            Self::Credentials(platform, output)
        } else if is_about(platform.quota_errors) {
            Self::Quota(platform, output)
        } else if is_about(platform.missing_errors) {
            let message = format!("the stack on {} does not exist:\n{output}", platform.name);
            Self::Stack { message, help: platform.stack_help.to_owned() }
        } else {
            Self::Tool { platform, what, output }
        }
    }

    /// Returns whether it ends the run: the other executions would fail in the same way.
    pub(super) fn is_of_all(&self) -> bool {
        matches!(self, Self::Credentials(..) | Self::Stack { .. })
    }
}

impl Fault for ServerlessError {
    fn code(&self) -> &str {
        match self {
            Self::Stack { .. } => "stack_unknown",
            Self::Unsupported { .. } => "unsupported_option",
            Self::Program(error) => error.code(),
            Self::Folder(platform, _) | Self::Tool { platform, .. } => match platform.account {
                Account::Aws => "lambda_tooling_failed",
                Account::GoogleCloud => "cloudrun_tooling_failed",
            },
            Self::Unpack(_) => "archive_damaged",
            Self::Credentials(..) => "not_authenticated",
            Self::Quota(..) => "rate_limited",
            Self::Render(..) => "render_failed",
            Self::Damaged { .. } => "download_failed",
            Self::TimedOut { .. } | Self::ToolTimedOut { .. } => "timeout",
        }
    }

    fn help(&self) -> Option<String> {
        match self {
            Self::Stack { help, .. } | Self::Unsupported { help, .. } => Some(help.clone()),
            Self::Program(error) => error.help(),
            Self::Folder(..) => Some("check the free space, TMPDIR and HYPERFRAMES_CI_CACHE".to_owned()),
            Self::Tool { .. } => Some("check the network, the region and the stack".to_owned()),
            Self::Credentials(platform, _) => Some(platform.credential_help.to_owned()),
            Self::Quota(platform, _) => Some(format!(
                "run the same command again later, or request a higher quota from {}",
                platform.provider
            )),
            Self::Damaged { video, .. } => Some(format!(
                "delete {video} from the bucket and run the same command again, which renders it again"
            )),
            Self::TimedOut { .. } | Self::ToolTimedOut { .. } => {
                Some("run the same command again to resume, or increase --max-wait".to_owned())
            }
            Self::Unpack(_) | Self::Render(..) => None,
        }
    }

    fn exit(&self) -> Exit {
        match self {
            Self::Stack { .. } | Self::Unsupported { .. } => Exit::Usage,
            Self::Credentials(..) => Exit::Auth,
            Self::TimedOut { .. } | Self::ToolTimedOut { .. } => Exit::Timeout,
            Self::Program(error) => error.exit(),
            _ => Exit::General,
        }
    }
}

impl fmt::Display for ServerlessError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Stack { message, .. } | Self::Unsupported { message, .. } => f.write_str(message),
            Self::Program(error) => error.fmt(f),
            Self::Folder(_, error) => write!(f, "cannot create a working directory: {error}"),
            Self::Unpack(error) => error.fmt(f),
            Self::Tool { what, output, .. } => write!(f, "{what} failed:\n{output}"),
            Self::Credentials(platform, output) => {
                write!(f, "{} rejected the credentials:\n{output}", platform.provider)
            }
            Self::Quota(platform, output) => {
                write!(f, "a quota of {} is exhausted:\n{output}", platform.provider)
            }
            Self::Render(platform, output) => write!(f, "the render on {} failed:\n{output}", platform.name),
            Self::Damaged { video, error } => write!(f, "{video} in the bucket cannot be used: {error}"),
            Self::ToolTimedOut { what } => write!(f, "timed out while {what}"),
            Self::TimedOut { execution } => write!(f, "timed out; the render is still running: {execution}"),
        }
    }
}

impl From<Unscalable> for ServerlessError {
    fn from(error: Unscalable) -> Self {
        Self::Unsupported { message: error.to_string(), help: error.help() }
    }
}

impl From<ProgramError> for ServerlessError {
    fn from(error: ProgramError) -> Self {
        Self::Program(error)
    }
}
