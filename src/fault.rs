//! Failures: what every error of a command has in common, and the one table of exit codes.
//!
//! Each module has an error type of its own, which implements [`Fault`]. [`Error`] is any of them.

use std::fmt;

use hyperframes_ci_core::findings::Findings;
use serde_json::{Map, Value};

/// The exit codes; users' scripts depend on them. Documented in README.md and in `--help`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Exit {
    /// The command failed.
    General = 1,
    /// The command line, the environment or the configuration is invalid.
    Usage = 2,
    /// No credential, or one that is refused.
    Auth = 3,
    /// The render is still running; the message has the command that resumes.
    Timeout = 4,
    /// Checks found errors: nothing was uploaded, nothing is billed.
    Preflight = 5,
    /// A limit that the user set is exceeded.
    Limit = 6,
}

impl Exit {
    /// The number that the process exits with.
    pub(crate) fn code(self) -> u8 {
        self as u8
    }
}

/// An error that a command can end with.
pub(crate) trait Fault: fmt::Debug + fmt::Display + Send {
    /// Stable identifier, for scripts.
    fn code(&self) -> &str;

    /// What to do about it.
    fn help(&self) -> Option<String> {
        None
    }

    /// The exit code.
    fn exit(&self) -> Exit {
        Exit::General
    }

    /// More members of the JSON envelope, beside `code`, `message` and `hint`.
    fn members(&self) -> Map<String, Value> {
        Map::new()
    }

    /// The findings that are the reason, where they have not been reported yet.
    fn findings(&self) -> Option<&Findings> {
        None
    }
}

/// Any [`Fault`].
pub(crate) struct Error(Box<dyn Fault>);

impl Error {
    /// An invalid command line, environment or input, with a remedy.
    pub(crate) fn usage(message: impl Into<String>, help: impl Into<String>) -> Self {
        Usage { message: message.into(), help: help.into() }.into()
    }

    /// See [`Fault::code`].
    pub(crate) fn code(&self) -> &str {
        self.0.code()
    }

    /// See [`Fault::help`].
    pub(crate) fn help(&self) -> Option<String> {
        self.0.help()
    }

    /// See [`Fault::exit`].
    pub(crate) fn exit(&self) -> Exit {
        self.0.exit()
    }

    /// See [`Fault::findings`].
    pub(crate) fn findings(&self) -> Option<&Findings> {
        self.0.findings()
    }

    /// The envelope that scripts read from standard error: `{"error": {…}}`.
    pub(crate) fn to_json(&self) -> Value {
        let mut error = Map::new();
        error.insert("code".to_owned(), self.code().into());
        error.insert("message".to_owned(), self.to_string().into());
        error.extend(self.help().map(|help| ("hint".to_owned(), help.into())));
        error.extend(self.0.members());
        serde_json::json!({ "error": error })
    }
}

impl<F: Fault + 'static> From<F> for Error {
    fn from(fault: F) -> Self {
        Self(Box::new(fault))
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}

/// What the user asked for makes no sense.
#[derive(Debug)]
pub(crate) struct Usage {
    /// What is wrong.
    pub(crate) message: String,
    /// What to do about it.
    pub(crate) help: String,
}

impl fmt::Display for Usage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl Fault for Usage {
    fn code(&self) -> &str {
        "usage"
    }

    fn help(&self) -> Option<String> {
        Some(self.help.clone())
    }

    fn exit(&self) -> Exit {
        Exit::Usage
    }
}
