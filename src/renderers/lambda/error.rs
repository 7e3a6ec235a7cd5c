//! Errors of renders on AWS Lambda.

use crate::fault::{Exit, Fault};
use std::fmt;
use std::io;

use crate::renderers::serverless::Unscalable;
use crate::system::programs::ProgramError;
use crate::system::unpack::UnpackError;

/// An error of a render on AWS Lambda.
#[derive(Debug)]
pub(crate) enum LambdaError {
    /// The stack is unknown or its file is invalid.
    Stack {
        /// Description of the problem.
        message: String,
        /// Names of known stacks.
        known: Vec<String>,
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
    Folder(io::Error),
    /// The archive could not be unpacked.
    Unpack(UnpackError),
    /// The official tooling failed.
    Tool {
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
    /// AWS rejected the credentials, or there are none; the output of the tooling.
    Credentials(String),
    /// The execution failed, with its errors.
    Render(String),
    /// The execution did not complete in time.
    TimedOut {
        /// ARN of the execution, which is still running.
        execution: String,
    },
}

/// Parts of error messages about credentials; sources: the AWS SDK for JavaScript, common errors of the AWS APIs.
const CREDENTIAL_ERRORS: &[&str] = &[
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
    /// Converts the output of the official tooling to an error: about credentials if it says so.
    pub(super) fn of_tool(what: &'static str, output: String) -> Self {
        if CREDENTIAL_ERRORS.iter().any(|part| output.contains(part)) {
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
            Self::TimedOut { .. } | Self::ToolTimedOut { .. } => "timeout",
        }
    }

    fn help(&self) -> Option<String> {
        match self {
            Self::Stack { known, .. } if !known.is_empty() => {
                Some(format!("choose one with --lambda-stack: {}", known.join(", ")))
            }
            Self::Stack { .. } => Some(
                "run `npx hyperframes lambda deploy`, then commit the file that it writes or restore it in CI; it contains \
                 no secrets"
                    .to_owned(),
            ),
            Self::Unsupported { help, .. } => Some(help.clone()),
            Self::Program(error) => error.help(),
            Self::Folder(_) => Some("check the free space, TMPDIR and HYPERFRAMES_CI_CACHE".to_owned()),
            Self::Tool { .. } => Some("check the network, the region and the stack".to_owned()),
            Self::Credentials(_) => Some(
                "set AWS credentials, for example with aws-actions/configure-aws-credentials; run `npx hyperframes lambda \
                 policies` to print the required permissions"
                    .to_owned(),
            ),
            Self::TimedOut { .. } | Self::ToolTimedOut { .. } => {
                Some("run the same command again to resume, or increase --max-wait".to_owned())
            }
            Self::Unpack(_) | Self::Render(_) => None,
        }
    }

    fn exit(&self) -> Exit {
        match self {
            Self::Stack { .. } | Self::Unsupported { .. } => Exit::Usage,
            Self::Credentials(_) => Exit::Auth,
            Self::TimedOut { .. } | Self::ToolTimedOut { .. } => Exit::Timeout,
            Self::Program(error) => error.exit(),
            _ => Exit::General,
        }
    }
}

impl fmt::Display for LambdaError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Stack { message, .. } | Self::Unsupported { message, .. } => f.write_str(message),
            Self::Program(error) => error.fmt(f),
            Self::Folder(error) => write!(f, "cannot create a working directory: {error}"),
            Self::Unpack(error) => error.fmt(f),
            Self::Tool { what, output } => write!(f, "{what} failed:\n{output}"),
            Self::Credentials(output) => write!(f, "AWS rejected the credentials:\n{output}"),
            Self::Render(output) => write!(f, "the render on Lambda failed:\n{output}"),
            Self::ToolTimedOut { what } => write!(f, "timed out while {what}"),
            Self::TimedOut { execution } => write!(f, "timed out; the render is still running: {execution}"),
        }
    }
}

impl From<Unscalable> for LambdaError {
    fn from(error: Unscalable) -> Self {
        Self::Unsupported { message: error.to_string(), help: error.help() }
    }
}

impl From<ProgramError> for LambdaError {
    fn from(error: ProgramError) -> Self {
        Self::Program(error)
    }
}
