//! How rendering on this machine can fail.

use std::fmt;
use std::io;

use crate::unpack::UnpackError;

/// Why the local engine gave no video.
#[derive(Debug)]
pub(crate) enum EngineError {
    /// Parts are missing and could not be installed: name and remedy of each.
    Missing(Vec<(String, String)>),
    /// An installation failed; the end of its output.
    Install {
        /// What was to be installed.
        what: String,
        /// What the installer said last.
        output: String,
    },
    /// There is no place for the engine or its work.
    Folder(io::Error),
    /// The archive could not be unpacked.
    Unpack(UnpackError),
    /// The engine could not be started.
    Start(io::Error),
    /// The engine gave up; the end of what it said.
    Failed(String),
    /// The engine ended well and left no video.
    NoVideo,
    /// The options cannot be rendered here.
    Unsupported(String),
}

impl fmt::Display for EngineError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Missing(parts) => {
                let names = parts.iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>();
                write!(f, "rendering on this machine needs {}", names.join(" and "))
            }
            Self::Install { what, output } => write!(f, "installing {what} failed:\n{output}"),
            Self::Folder(error) => write!(f, "the engine has no place to work in: {error}"),
            Self::Unpack(error) => error.fmt(f),
            Self::Start(error) => write!(f, "the engine does not start: {error}"),
            Self::Failed(output) => write!(f, "the engine could not render the composition:\n{output}"),
            Self::NoVideo => f.write_str("the engine left no video"),
            Self::Unsupported(message) => f.write_str(message),
        }
    }
}

impl EngineError {
    /// Stable identifier.
    pub(crate) fn code(&self) -> &'static str {
        match self {
            Self::Missing(_) => "engine_missing",
            Self::Install { .. } => "engine_not_installed",
            Self::Folder(_) | Self::Start(_) => "engine_not_started",
            Self::Unpack(_) => "archive_damaged",
            Self::Failed(_) | Self::NoVideo => "render_failed",
            Self::Unsupported(_) => "unsupported_option",
        }
    }

    /// What to do about it.
    pub(crate) fn help(&self) -> Option<String> {
        match self {
            Self::Missing(parts) => {
                Some(parts.iter().map(|(name, remedy)| format!("{name}: {remedy}")).collect::<Vec<_>>().join("\n"))
            }
            Self::Install { .. } => Some("check the network and the free space, then run again".to_owned()),
            Self::Folder(_) => Some("check the free space, TMPDIR and HYPERFRAMES_CI_CACHE".to_owned()),
            Self::Start(_) => Some("remove the cache directory (HYPERFRAMES_CI_CACHE, or hyperframes-ci in the user's cache) and run again".to_owned()),
            Self::Failed(_) => Some("the engine's own tools tell more: npx hyperframes lint, npx hyperframes preview".to_owned()),
            Self::Unpack(_) | Self::NoVideo | Self::Unsupported(_) => None,
        }
    }
}
