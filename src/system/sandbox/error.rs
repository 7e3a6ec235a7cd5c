//! Errors of the sandbox.

use std::fmt;
use std::io;

use crate::fault::Fault;

/// Why the engine is not started.
#[derive(Debug)]
pub(crate) enum SandboxError {
    /// The pages may be from a fork, and no layer protects files or the network; the reason.
    Strangers(String),
    /// The proxy or the files of the sandbox could not be made.
    Start(io::Error),
}

impl fmt::Display for SandboxError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Strangers(reason) => {
                write!(
                    f,
                    "not rendered: the page may be from a fork, and this machine cannot sandbox it: {reason}"
                )
            }
            Self::Start(error) => write!(f, "cannot start the sandbox of the engine: {error}"),
        }
    }
}

impl Fault for SandboxError {
    fn code(&self) -> &str {
        match self {
            Self::Strangers(_) => "not_contained",
            Self::Start(_) => "engine_not_started",
        }
    }

    fn help(&self) -> Option<String> {
        Some(match self {
            Self::Strangers(_) => {
                "render on Linux 6.2 or later with Landlock, or with Bubblewrap (see `hyperframes-ci doctor`), or in the HeyGen cloud".to_owned()
            }
            Self::Start(_) => "check the free space and TMPDIR".to_owned(),
        })
    }
}
