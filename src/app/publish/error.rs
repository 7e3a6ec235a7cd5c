//! Errors of publishing.

use std::fmt;
use std::path::PathBuf;

use serde_json::{Map, Value};

use crate::fault::{Exit, Fault};
use crate::heygen::transport::CallError;

/// An error of publishing a project.
#[derive(Debug)]
pub(crate) enum PublishError {
    /// There is no sign-in. Holds the source of the API key, if there is one: it cannot own a project.
    NeedsSignIn(Option<String>),
    /// The server refused a request, or did not answer it. Whether it is about a project that was published before.
    Server(CallError, bool),
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
            Self::NeedsSignIn(None) => f.write_str("publishing requires a sign-in, and none is stored"),
            Self::NeedsSignIn(Some(source)) => {
                write!(f, "publishing requires a sign-in; the API key in {source} cannot own a project")
            }
            Self::Server(error, _) => error.fmt(f),
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
            Self::Server(error, _) => error.code(),
            Self::Unclaimed => "project_not_claimed",
            Self::Storage(_) => "upload_refused",
            Self::Unconfirmed(_) => "publication_unconfirmed",
            Self::TeamFile(..) => "invalid_project_file",
        }
    }

    fn help(&self) -> Option<String> {
        let help = match self {
            Self::NeedsSignIn(_) | Self::Unclaimed => "run `hyperframes-ci auth login`",
            Self::Server(error, is_known) => return help_of(error, *is_known),
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
            Self::Server(error, _) => error.exit(),
            Self::NeedsSignIn(_) | Self::Unclaimed => Exit::Auth,
            Self::TeamFile(..) => Exit::Usage,
            Self::Storage(_) | Self::Unconfirmed(_) => Exit::General,
        }
    }

    fn members(&self) -> Map<String, Value> {
        match self {
            Self::Server(error, _) => error.members(),
            _ => Map::new(),
        }
    }
}

/// Returns what the user can do about an error of the server. Advice about renders and API keys does not help here.
fn help_of(error: &CallError, is_known: bool) -> Option<String> {
    let CallError::Api(api) = error else {
        let help = "check the network, HYPERFRAMES_PUBLISHED_PROJECTS_API_URL, HEYGEN_API_URL and the proxy settings";
        return Some(help.to_owned());
    };
    let help = match api.status {
        401 | 403 => {
            "run `hyperframes-ci auth login` with an account that has access to the project and the space"
        }
        402 => "check the plan and the credit of the HeyGen account",
        404 | 410 if is_known => {
            "name another project with --update, or delete .hyperframes/project.json to publish a new one"
        }
        413 => "exclude files that the project does not need with .hyperframesignore",
        _ => return error.help(),
    };
    Some(help.to_owned())
}

#[cfg(test)]
mod tests {
    use hyperframes_ci_core::api::Response;

    use super::*;

    #[test]
    fn help_is_about_publishing() {
        let help = |status, is_known| {
            let response = Response { status, headers: Vec::new(), body: Vec::new() };
            let error = response.check().expect_err("an error");
            PublishError::Server(error.into(), is_known).help().unwrap_or_default()
        };
        for status in [401, 402, 403, 404, 410, 413] {
            assert!(!["API_KEY", "render", "video"].iter().any(|other| help(status, true).contains(other)));
        }
        assert!(help(401, false).contains("auth login") && help(404, true).contains("--update"));
        assert_eq!(help(404, false), "");
    }
}
