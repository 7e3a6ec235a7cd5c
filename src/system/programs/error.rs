//! Errors of finding and installing programs.

use std::fmt;
use std::io;
use std::path::PathBuf;

use crate::fault::{Exit, Fault};

/// Why a program is not available.
#[derive(Debug)]
pub(crate) enum ProgramError {
    /// Programs are missing and cannot be installed here: name and remedy of each.
    Missing(Vec<(String, String)>),
    /// An installation failed.
    Install {
        /// Name of the program, for people.
        what: String,
        /// The last lines of the installer's output.
        output: String,
    },
    /// An installation was ended because the time limit was over.
    TimedOut {
        /// Name of the program, for people.
        what: String,
    },
    /// The cache directory is unknown or cannot be written.
    Folder(io::Error),
    /// The cache directory is in the checkout, and not both ignored and untracked.
    TrackedCache(PathBuf),
}

impl fmt::Display for ProgramError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Missing(parts) => {
                let names = parts.iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>();
                write!(f, "missing programs: {}", names.join(", "))
            }
            Self::Install { what, output } => write!(f, "installing {what} failed:\n{output}"),
            Self::TimedOut { what } => write!(f, "timed out while installing {what}"),
            Self::Folder(error) => write!(f, "cannot create the cache directory: {error}"),
            Self::TrackedCache(folder) => {
                write!(f, "the cache directory is part of the checkout: {}", folder.display())
            }
        }
    }
}

impl Fault for ProgramError {
    fn code(&self) -> &str {
        match self {
            Self::Missing(_) => "engine_missing",
            Self::Install { .. } => "engine_not_installed",
            Self::TimedOut { .. } => "timeout",
            Self::Folder(_) | Self::TrackedCache(_) => "engine_not_started",
        }
    }

    fn help(&self) -> Option<String> {
        Some(match self {
            Self::Missing(parts) => {
                parts.iter().map(|(name, remedy)| format!("{name}: {remedy}")).collect::<Vec<_>>().join("\n")
            }
            Self::Install { .. } => "check the network and the free space, then try again".to_owned(),
            Self::TimedOut { .. } => "run the same command again with a higher --max-wait".to_owned(),
            Self::TrackedCache(_) => {
                "set HYPERFRAMES_CI_CACHE to a directory outside of the repository, or add it to .gitignore"
                    .to_owned()
            }
            Self::Folder(_) => "check the free space, TMPDIR and HYPERFRAMES_CI_CACHE".to_owned(),
        })
    }

    fn exit(&self) -> Exit {
        if matches!(self, Self::TimedOut { .. }) { Exit::Timeout } else { Exit::General }
    }
}
