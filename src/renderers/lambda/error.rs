//! How rendering on the user's own Lambda can fail.

use crate::fault::{Exit, Fault};
use std::fmt;
use std::io;

use crate::system::programs::ProgramError;
use crate::system::unpack::UnpackError;

/// Why there is no video.
#[derive(Debug)]
pub(crate) enum LambdaError {
    /// Nobody knows where to render.
    Stack {
        /// What is wrong.
        message: String,
        /// The stacks that there are instead.
        known: Vec<String>,
    },
    /// It cannot be rendered there.
    Unsupported {
        /// What cannot be.
        message: String,
        /// What can.
        help: &'static str,
    },
    /// The official tooling is not there.
    Program(ProgramError),
    /// There is no place to work in.
    Folder(io::Error),
    /// The archive could not be unpacked.
    Unpack(UnpackError),
    /// The official tooling gave up: what it was to do, and what it said.
    Tool {
        /// What it was to do.
        what: &'static str,
        /// The end of what it said.
        output: String,
    },
    /// AWS refuses the credentials, or there are none.
    Credentials(String),
    /// A render came to nothing.
    Render(String),
    /// A render is not done in time.
    TimedOut {
        /// The execution, which goes on.
        execution: String,
    },
}

/// Names of errors that are about who asks; sources: the AWS SDK for JavaScript, common errors of the AWS APIs.
const ABOUT_CREDENTIALS: &[&str] = &[
    "AccessDenied",
    "AuthFailure",
    "Could not load credentials",
    "CredentialsProviderError",
    "ExpiredToken",
    "InvalidAccessKeyId",
    "InvalidClientTokenId",
    "InvalidSignature",
    "SignatureDoesNotMatch",
    "UnrecognizedClient",
    "is not authorized to perform",
    "security token included in the request is",
];

impl LambdaError {
    /// What the official tooling said, as an error of its own or one about credentials.
    pub(super) fn of_tool(what: &'static str, output: String) -> Self {
        if ABOUT_CREDENTIALS.iter().any(|sign| output.contains(sign)) {
            Self::Credentials(output)
        } else {
            Self::Tool { what, output }
        }
    }
}

impl Fault for LambdaError {
    fn code(&self) -> &str {
        match self {
            Self::Stack { .. } => "stack_unknown",
            Self::Unsupported { .. } => "unsupported_option",
            Self::Program(error) => error.code(),
            Self::Folder(_) | Self::Tool { .. } => "lambda_tooling_failed",
            Self::Unpack(_) => "archive_damaged",
            Self::Credentials(_) => "not_authenticated",
            Self::Render(_) => "render_failed",
            Self::TimedOut { .. } => "timeout",
        }
    }

    fn help(&self) -> Option<String> {
        match self {
            Self::Stack { known, .. } if !known.is_empty() => {
                Some(format!("choose one with --lambda-stack: {}", known.join(", ")))
            }
            Self::Stack { .. } => Some(
                "deploy one with `npx hyperframes lambda deploy`, and commit the file that it writes or restore it in CI: it \
                 holds names, no secrets"
                    .to_owned(),
            ),
            Self::Unsupported { help, .. } => Some((*help).to_owned()),
            Self::Program(error) => error.help(),
            Self::Folder(_) => Some("check the free space, TMPDIR and HYPERFRAMES_CI_CACHE".to_owned()),
            Self::Tool { .. } => Some("check the network, the region and the stack".to_owned()),
            Self::Credentials(_) => Some(
                "AWS's own variables, profiles and roles count, such as those of aws-actions/configure-aws-credentials; \
                 `npx hyperframes lambda policies` prints the rights that are needed"
                    .to_owned(),
            ),
            Self::TimedOut { .. } => Some("the same command goes on with it; --max-wait waits longer".to_owned()),
            Self::Unpack(_) | Self::Render(_) => None,
        }
    }

    fn exit(&self) -> Exit {
        match self {
            Self::Stack { .. } | Self::Unsupported { .. } => Exit::Usage,
            Self::Credentials(_) => Exit::Auth,
            Self::TimedOut { .. } => Exit::Timeout,
            _ => Exit::General,
        }
    }
}

impl fmt::Display for LambdaError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Stack { message, .. } | Self::Unsupported { message, .. } => f.write_str(message),
            Self::Program(error) => error.fmt(f),
            Self::Folder(error) => write!(f, "there is no place to work in: {error}"),
            Self::Unpack(error) => error.fmt(f),
            Self::Tool { what, output } => write!(f, "{what} failed:\n{output}"),
            Self::Credentials(output) => write!(f, "AWS does not accept the credentials:\n{output}"),
            Self::Render(output) => write!(f, "Lambda could not render the composition:\n{output}"),
            Self::TimedOut { execution } => write!(f, "the render is not done in time: {execution}"),
        }
    }
}

impl From<ProgramError> for LambdaError {
    fn from(error: ProgramError) -> Self {
        Self::Program(error)
    }
}
