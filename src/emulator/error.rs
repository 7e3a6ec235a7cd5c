//! Errors of starting an emulator.

use std::fmt;
use std::io;

use crate::fault::Fault;

/// Why an emulator did not start.
#[derive(Debug)]
pub(crate) enum EmulatorError {
    /// The port is taken, or the system refused it.
    Port(u16, io::Error),
    /// The directory for uploads and videos could not be created.
    Storage(io::Error),
    /// The script of faults is invalid.
    Script(String),
}

impl fmt::Display for EmulatorError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Port(port, error) => write!(f, "cannot listen on port {port}: {error}"),
            Self::Storage(error) => {
                write!(f, "cannot create a temporary directory for the emulator: {error}")
            }
            Self::Script(message) => write!(f, "invalid fault script: {message}"),
        }
    }
}

impl Fault for EmulatorError {
    fn code(&self) -> &str {
        match self {
            Self::Port(..) | Self::Storage(_) => "emulator_not_started",
            Self::Script(_) => "invalid_script",
        }
    }

    fn help(&self) -> Option<String> {
        Some(match self {
            Self::Port(..) => "remove --port to use a free port".to_owned(),
            Self::Storage(_) => "check the free space and TMPDIR".to_owned(),
            Self::Script(_) => "see https://github.com/hyperframes-ci/hyperframes-ci/blob/main/docs/emulator.md#faults for the format".to_owned(),
        })
    }
}
