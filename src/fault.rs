//! The trait of all errors that commands return, and the exit codes.
//!
//! Each module has its own error type, which implements [`Fault`]. [`Error`] is any of them.

use std::fmt;
use std::path::PathBuf;

use hyperframes_ci_core::findings::Findings;
use serde_json::{Map, Value};

/// The exit codes; users' scripts depend on them. Documented in README.md and in `--help`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Exit {
    /// The command failed.
    General = 1,
    /// The command line, the environment or the configuration is invalid.
    Usage = 2,
    /// There is no credential, or the API rejects it.
    Auth = 3,
    /// Timed out; the render is still running.
    Timeout = 4,
    /// The checks found errors; nothing was uploaded or billed.
    Preflight = 5,
    /// A limit of the user is exceeded.
    Limit = 6,
    /// Videos differ, and the user forbids it.
    Difference = 7,
    /// A webhook event was received before.
    Repeated = 8,
}

impl Exit {
    /// Returns the exit code of the process.
    pub(crate) fn code(self) -> u8 {
        self as u8
    }
}

/// Exit codes and their meanings, for the help and the documentation. The last three are those of processes that a signal
/// ended, as shells report them.
pub(crate) const EXIT_CODES: [(u8, &str); 12] = [
    (0, "Success"),
    (Exit::General as u8, "The command failed"),
    (Exit::Usage as u8, "Invalid command line, environment or configuration"),
    (Exit::Auth as u8, "Not authenticated"),
    (Exit::Timeout as u8, "Timed out; a submitted render is still running"),
    (Exit::Preflight as u8, "The checks found errors; nothing was uploaded"),
    (Exit::Limit as u8, "A limit was exceeded; nothing was uploaded"),
    (Exit::Difference as u8, "Videos differ, and --fail-on-diff or --repeat forbids it"),
    (Exit::Repeated as u8, "A webhook event was received before"),
    (129, "Hung up (SIGHUP); a submitted render is still running"),
    (130, "Interrupted (SIGINT, Ctrl-C); a submitted render is still running"),
    (143, "Terminated (SIGTERM); a submitted render is still running"),
];

/// A line of a file that an error is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Location {
    /// The file.
    pub(crate) path: PathBuf,
    /// The line, from 1.
    pub(crate) line: usize,
}

/// An error of a command.
pub(crate) trait Fault: fmt::Debug + fmt::Display + Send {
    /// Returns a stable identifier for scripts.
    fn code(&self) -> &str;

    /// Returns what the user can do about it.
    fn help(&self) -> Option<String> {
        None
    }

    /// Returns the exit code.
    fn exit(&self) -> Exit {
        Exit::General
    }

    /// Returns members of the JSON envelope besides `code`, `message` and `hint`.
    fn members(&self) -> Map<String, Value> {
        Map::new()
    }

    /// Returns whether a render failed and the service that rendered it gave no reason.
    fn is_unexplained(&self) -> bool {
        false
    }

    /// Returns the findings that caused it, if they have not been printed yet.
    fn findings(&self) -> Option<&Findings> {
        None
    }

    /// Returns the line of the configuration that it is about. Messages contain it as well.
    fn location(&self) -> Option<Location> {
        None
    }
}

/// Any [`Fault`].
pub(crate) struct Error(Box<dyn Fault>);

impl Error {
    /// Returns an error of an invalid command line, environment or input.
    pub(crate) fn usage(message: impl Into<String>, help: impl Into<String>) -> Self {
        Usage { message: message.into(), help: help.into(), location: None }.into()
    }

    /// Returns an error of a line of the configuration.
    pub(crate) fn usage_at(
        location: Option<Location>,
        message: impl Into<String>,
        help: impl Into<String>,
    ) -> Self {
        Usage { message: message.into(), help: help.into(), location }.into()
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

    /// See [`Fault::is_unexplained`].
    pub(crate) fn is_unexplained(&self) -> bool {
        self.0.is_unexplained()
    }

    /// See [`Fault::findings`].
    pub(crate) fn findings(&self) -> Option<&Findings> {
        self.0.findings()
    }

    /// See [`Fault::location`].
    pub(crate) fn location(&self) -> Option<Location> {
        self.0.location()
    }

    /// See [`Fault::members`].
    pub(crate) fn members(&self) -> Map<String, Value> {
        self.0.members()
    }

    /// Returns the envelope for scripts: `{"error": {…}}`.
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

/// The command line, the environment or an input is invalid.
#[derive(Debug)]
pub(crate) struct Usage {
    /// What is wrong.
    pub(crate) message: String,
    /// What the user can do about it.
    pub(crate) help: String,
    /// The line of the configuration that is invalid.
    pub(crate) location: Option<Location>,
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

    fn location(&self) -> Option<Location> {
        self.location.clone()
    }
}
