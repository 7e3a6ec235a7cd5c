//! Errors of publishing.

use std::fmt;
use std::path::PathBuf;

use crate::fault::{Exit, Fault};

/// An error of publishing a project.
#[derive(Debug)]
pub(crate) enum PublishError {
    /// The credential is an API key, which cannot own a project. Holds its source.
    NeedsSignIn(String),
    /// The server did not assign the project to the account.
    Unclaimed,
    /// The storage refused the archive. Holds the reason.
    Storage(String),
    /// The answer to the request for a new project was lost. Holds the reason.
    Unconfirmed(String),
    /// `.hyperframes/project.json` cannot be used. Holds the reason.
    TeamFile(PathBuf, String),
}

impl fmt::Display for PublishError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NeedsSignIn(source) => {
                write!(f, "publishing requires a sign-in; the API key in {source} cannot own a project")
            }
            Self::Unclaimed => {
                f.write_str("the server did not assign the project to the account of the sign-in")
            }
            Self::Storage(reason) => write!(f, "cannot upload the project: {reason}"),
            Self::Unconfirmed(reason) => {
                write!(f, "the project may have been published, but the answer was lost: {reason}")
            }
            Self::TeamFile(path, reason) => write!(f, "cannot use {}: {reason}", path.display()),
        }
    }
}

impl Fault for PublishError {
    fn code(&self) -> &str {
        match self {
            Self::NeedsSignIn(_) => "sign_in_required",
            Self::Unclaimed => "project_not_claimed",
            Self::Storage(_) => "upload_refused",
            Self::Unconfirmed(_) => "publication_unconfirmed",
            Self::TeamFile(..) => "invalid_project_file",
        }
    }

    fn help(&self) -> Option<String> {
        let help = match self {
            Self::NeedsSignIn(_) | Self::Unclaimed => "run `hyperframes-ci auth login`",
            Self::Storage(_) => "run the same command again; the upload URL may have expired",
            Self::Unconfirmed(_) => {
                "run the same command again, which sends the same project ID; if your account shows two projects then, delete one and name the other with --update"
            }
            Self::TeamFile(..) => "correct or delete the file, or name the project with --update",
        };
        Some(help.to_owned())
    }

    fn exit(&self) -> Exit {
        match self {
            Self::NeedsSignIn(_) | Self::Unclaimed => Exit::Auth,
            Self::TeamFile(..) => Exit::Usage,
            Self::Storage(_) | Self::Unconfirmed(_) => Exit::General,
        }
    }
}
