//! Errors of a CI service.

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use crate::fault::{Exit, Fault};

/// An error of a CI service or of its runner.
#[derive(Debug)]
pub(crate) enum ProviderError {
    /// The runner's variables or the event payload are missing or invalid. Holds the reason.
    Event(String),
    /// A file of the runner or of the output cannot be written.
    Runner(PathBuf, std::io::Error),
    /// The token is missing or does not have the permission. Holds the request.
    Forbidden(String),
    /// A rate limit of the service would take too long to wait for. Holds the request and the time until it is lifted.
    RateLimited(String, Duration),
    /// A tag has no release. Contains the reason and the remedy.
    NotFound(String, &'static str),
    /// The release cannot be changed any more. Contains the message and the remedy.
    Immutable(String, &'static str),
    /// The release is somebody else's. Contains the message and the remedy.
    Foreign(String, &'static str),
    /// A Git remote is not that of a service. Contains its host, or else a part of its URL.
    NotAService(String),
    /// The service does not have this feature. Holds its name, in the plural.
    Unsupported(&'static str),
    /// The service refused or did not respond. Holds the reason.
    Failed(String),
}

impl fmt::Display for ProviderError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Event(message) => write!(f, "cannot read the event: {message}"),
            Self::Runner(path, error) => write!(f, "cannot write {}: {error}", path.display()),
            Self::Forbidden(message) => write!(f, "permission denied: {message}"),
            Self::RateLimited(message, _) => write!(f, "rate limit exceeded: {message}"),
            Self::Unsupported(feature) => write!(f, "this CI service does not support {feature}"),
            Self::NotFound(message, _)
            | Self::Immutable(message, _)
            | Self::Foreign(message, _)
            | Self::Failed(message) => f.write_str(message),
            Self::NotAService(host) => write!(f, "the remote is not a repository on GitHub: {host}"),
        }
    }
}

impl Fault for ProviderError {
    fn code(&self) -> &str {
        match self {
            Self::Event(_) => "event_unreadable",
            Self::Runner(..) => "runner_file",
            Self::Forbidden(_) => "token_forbidden",
            Self::RateLimited(..) => "rate_limited",
            Self::NotFound(..) => "release_not_found",
            Self::Immutable(..) => "release_immutable",
            Self::Foreign(..) => "release_of_others",
            Self::NotAService(_) => "remote_not_supported",
            Self::Unsupported(_) => "host_unsupported",
            Self::Failed(_) => "host_failed",
        }
    }

    fn exit(&self) -> Exit {
        match self {
            Self::NotAService(_) | Self::Foreign(..) => Exit::Usage,
            _ => Exit::General,
        }
    }

    fn help(&self) -> Option<String> {
        match self {
            Self::Forbidden(_) => {
                Some("grant the token this permission: under `permissions:` in the workflow, or in the settings of a token of your own".to_owned())
            }
            Self::RateLimited(_, pause) => Some(format!(
                "run it again after the limit is lifted, in about {} min",
                pause.as_secs().div_ceil(60).max(1)
            )),
            Self::NotAService(_) => Some(
                "choose the remote on GitHub with --remote, or keep the files with store = \"branch\"; set GH_HOST to the host of an Enterprise server".to_owned(),
            ),
            Self::NotFound(_, help) | Self::Immutable(_, help) | Self::Foreign(_, help) => {
                Some((*help).to_owned())
            }
            Self::Event(_) | Self::Runner(..) | Self::Unsupported(_) | Self::Failed(_) => None,
        }
    }
}
