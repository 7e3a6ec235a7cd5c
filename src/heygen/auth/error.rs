//! Errors of finding and storing credentials.

use std::fmt;
use std::path::PathBuf;

use crate::fault::{Exit, Fault};

/// An error of a credential that is set or stored.
#[derive(Debug)]
pub(crate) enum CredentialError {
    /// A credential contains control characters, which would allow header injection. Holds its source.
    ControlCharacters(String),
    /// A CI service left a reference to a variable in place of the key. Holds the environment variable and the reference.
    Unexpanded(String, String),
    /// The file cannot be read.
    Unreadable(PathBuf, std::io::Error),
    /// The file is neither JSON of the expected shape nor a single line of text.
    Corrupt(PathBuf, String),
    /// The file or its lock cannot be written.
    Unwritable(PathBuf, std::io::Error),
    /// The stored token has expired and cannot be refreshed, and the file has no API key.
    Expired(PathBuf),
}

impl fmt::Display for CredentialError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ControlCharacters(source) => {
                write!(f, "the credential in {source} contains control characters")
            }
            Self::Unexpanded(source, reference) => {
                write!(
                    f,
                    "{source} contains {reference:?} instead of a key: the CI service has no such variable"
                )
            }
            Self::Unreadable(path, error) => {
                write!(f, "cannot read the credentials file {}: {error}", path.display())
            }
            Self::Unwritable(path, error) => {
                write!(f, "cannot write the credentials file {}: {error}", path.display())
            }
            Self::Corrupt(path, message) => {
                write!(f, "invalid credentials file {}: {message}", path.display())
            }
            Self::Expired(path) => write!(f, "the sign-in stored in {} has expired", path.display()),
        }
    }
}

impl Fault for CredentialError {
    fn code(&self) -> &str {
        match self {
            Self::ControlCharacters(_) | Self::Unexpanded(..) => "invalid_credential",
            Self::Unreadable(..) | Self::Unwritable(..) | Self::Corrupt(..) => "credentials_file",
            Self::Expired(_) => "credential_expired",
        }
    }

    fn help(&self) -> Option<String> {
        Some(match self {
            Self::ControlCharacters(_) => "copy the key again, without a trailing line break".to_owned(),
            Self::Unexpanded(_, reference) => {
                let name = reference.trim_matches(|character: char| "${}() ".contains(character));
                format!("set the secret variable {name} in the CI service, or pass another one")
            }
            Self::Unwritable(path, _) => {
                format!("set HEYGEN_API_KEY, or make {} writable", path.display())
            }
            Self::Unreadable(path, _) | Self::Corrupt(path, _) => {
                format!("set HEYGEN_API_KEY, or repair or delete {}", path.display())
            }
            Self::Expired(_) => "run `hyperframes-ci auth login`, or set HEYGEN_API_KEY".to_owned(),
        })
    }

    fn exit(&self) -> Exit {
        Exit::Auth
    }
}

/// The error of a command that needs a credential if none is configured.
#[derive(Debug)]
pub(crate) struct NoCredential;

impl fmt::Display for NoCredential {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("no HeyGen credential found")
    }
}

impl Fault for NoCredential {
    fn code(&self) -> &str {
        "not_authenticated"
    }

    fn help(&self) -> Option<String> {
        let help = "set HEYGEN_API_KEY (in GitHub Actions, from a secret), or run `hyperframes-ci auth login`; \
             `hyperframes-ci render --renderer local` requires no account";
        Some(help.to_owned())
    }

    fn exit(&self) -> Exit {
        Exit::Auth
    }
}
