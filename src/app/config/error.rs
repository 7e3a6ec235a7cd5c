//! Errors of the configuration.

use std::fmt;
use std::path::PathBuf;

use crate::fault::{Exit, Fault, Location};
use crate::system::gate;

/// An error of a configuration.
#[derive(Debug)]
pub(crate) enum ConfigError {
    /// The file cannot be read.
    Unreadable(PathBuf, std::io::Error),
    /// The file is invalid: every mistake with its position and an excerpt. Holds the position of the first one.
    Invalid(Vec<String>, Location),
    /// The file does not exist, but entries are needed.
    NotFound(PathBuf),
    /// The file has no entries, but some are needed.
    Missing(PathBuf),
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unreadable(path, error) => write!(f, "cannot read {}: {error}", path.display()),
            Self::Invalid(mistakes, _) => f.write_str(&mistakes.join("\n")),
            Self::NotFound(path) => write!(f, "file not found: {}", path.display()),
            Self::Missing(path) => write!(f, "{} has no [[render]] entries", path.display()),
        }
    }
}

impl Fault for ConfigError {
    fn code(&self) -> &str {
        match self {
            Self::Unreadable(..) => "config_unreadable",
            Self::Invalid(..) => "invalid_config",
            Self::NotFound(_) | Self::Missing(_) => "no_entries",
        }
    }

    fn help(&self) -> Option<String> {
        match self {
            Self::Unreadable(_, error) => {
                gate::help_of(error).or_else(|| Some("check the path and the permissions".to_owned()))
            }
            Self::Invalid(..) => {
                Some("run `hyperframes-ci schema config` to see all keys and their values".to_owned())
            }
            Self::NotFound(_) | Self::Missing(_) => {
                Some("add an entry to hyperframes-ci.toml, for example:\n\n[[render]]\nproject = \"videos/launch\"".to_owned())
            }
        }
    }

    fn exit(&self) -> Exit {
        Exit::Usage
    }

    fn location(&self) -> Option<Location> {
        match self {
            Self::Invalid(_, location) => Some(location.clone()),
            Self::Unreadable(..) | Self::NotFound(_) | Self::Missing(_) => None,
        }
    }
}
