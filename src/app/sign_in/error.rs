//! Errors of the sign-in commands.

use std::fmt;
use std::io;

use crate::fault::{Exit, Fault};
use crate::heygen::auth::{CallbackError, OAuthError};
use crate::heygen::transport::CallError;

/// An error of `auth login`, `refresh` or `logout`. The stored credentials are unchanged.
#[derive(Debug)]
pub(crate) enum SignInError {
    /// Signing in needs an interactive terminal.
    NotInteractive,
    /// The session is remote: a browser on this machine would not be visible to the user.
    RemoteSession,
    /// The credentials directory is unknown because no home directory is set.
    NoHome,
    /// The browser did not return an authorization code.
    Callback(CallbackError),
    /// The authorization server did not issue a token.
    OAuth(OAuthError),
    /// The key cannot be read.
    Key(io::Error),
    /// The given key is empty.
    NoKey,
    /// The API rejected the credential.
    Rejected(CallError),
    /// The API call that verifies the credential failed.
    Unverified(CallError),
    /// No refreshable sign-in is stored.
    NoSession,
    /// The user declined the logout.
    Declined,
}

impl SignInError {
    /// Returns whether the command line or the machine is the cause, rather than the credential.
    pub(crate) fn is_usage(&self) -> bool {
        matches!(
            self,
            Self::NotInteractive
                | Self::RemoteSession
                | Self::NoHome
                | Self::NoKey
                | Self::Key(_)
                | Self::Declined
        )
    }

    /// Returns whether the same command may succeed later.
    pub(crate) fn is_transient(&self) -> bool {
        matches!(self, Self::OAuth(OAuthError::Unreachable(_)) | Self::Unverified(_))
            || matches!(self, Self::Callback(CallbackError::Listen(_)))
    }
}

impl Fault for SignInError {
    fn code(&self) -> &str {
        match self {
            Self::NotInteractive | Self::RemoteSession => "not_attended",
            Self::NoHome => "credentials_file",
            Self::Callback(CallbackError::TimedOut(_)) => "sign_in_timed_out",
            Self::Callback(CallbackError::Denied(_)) => "sign_in_denied",
            Self::Callback(_) | Self::OAuth(OAuthError::Refused(_)) => "sign_in_refused",
            Self::OAuth(OAuthError::Unreachable(_)) | Self::Unverified(_) => "network_error",
            Self::OAuth(OAuthError::Store(error)) => error.code(),
            Self::Key(_) | Self::NoKey => "no_key",
            Self::Rejected(_) => "credential_rejected",
            Self::NoSession => "not_authenticated",
            Self::Declined => "declined",
        }
    }

    fn help(&self) -> Option<String> {
        const AGAIN: &str = "run `hyperframes-ci auth login` again";
        let help = match self {
            Self::NotInteractive => {
                "in CI, set HEYGEN_API_KEY: in GitHub Actions, add a secret in Settings > Secrets and variables > Actions and pass \
                 `api-key: ${{ secrets.HEYGEN_API_KEY }}`; in GitLab, add a masked variable. Elsewhere, pipe a key to \
                 `hyperframes-ci auth login --api-key`"
            }
            Self::RemoteSession => "run `hyperframes-ci auth login --device`, or set BROWSER",
            Self::NoHome => "set HEYGEN_CONFIG_DIR",
            Self::Callback(_) | Self::OAuth(OAuthError::Refused(_)) | Self::NoSession => AGAIN,
            Self::OAuth(OAuthError::Unreachable(_)) | Self::Unverified(_) => {
                "check the network and the proxy settings, then try again"
            }
            Self::OAuth(OAuthError::Store(error)) => return error.help(),
            Self::Key(_) | Self::NoKey => {
                "enter it at the prompt, or run `hyperframes-ci auth login --api-key < file`"
            }
            Self::Rejected(_) => "sign in again, or create a new key at https://app.heygen.com/settings/api",
            Self::Declined => return None,
        };
        Some(help.to_owned())
    }

    fn exit(&self) -> Exit {
        match self {
            _ if self.is_usage() => Exit::Usage,
            _ if self.is_transient() => Exit::General,
            _ => Exit::Auth,
        }
    }
}

impl fmt::Display for SignInError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotInteractive => f.write_str("cannot sign in: not running in an interactive terminal"),
            Self::RemoteSession => f.write_str("cannot open a browser in a remote session"),
            Self::NoHome => f.write_str("cannot determine the directory for credentials: no home directory"),
            Self::Callback(error) => match error {
                CallbackError::Listen(error) => {
                    write!(f, "cannot listen for the response of the browser: {error}")
                }
                CallbackError::TimedOut(timeout) => {
                    write!(f, "timed out after {} s waiting for the browser", timeout.as_secs())
                }
                CallbackError::Denied(name) if name == "access_denied" => {
                    f.write_str("the sign-in was denied in the browser")
                }
                CallbackError::Denied(name) => write!(f, "the server rejected the sign-in: {name}"),
                CallbackError::NoCode => f.write_str("the browser returned no authorization code"),
            },
            Self::OAuth(error) => error.fmt(f),
            Self::Key(error) => write!(f, "cannot read the API key: {error}"),
            Self::NoKey => f.write_str("the API key is empty"),
            Self::Rejected(CallError::Api(error)) => {
                write!(f, "HeyGen rejected the credential: {error}")
            }
            Self::Rejected(error) | Self::Unverified(error) => {
                write!(f, "cannot verify the credential")?;
                match error {
                    CallError::Api(_) | CallError::TimedOut => write!(f, ": {error}"),
                    CallError::Malformed { message, .. } | CallError::Unreachable(message) => {
                        write!(f, ": {message}")
                    }
                }
            }
            Self::NoSession => f.write_str("no stored sign-in to refresh"),
            Self::Declined => f.write_str("cancelled; the stored credentials are unchanged"),
        }
    }
}

impl From<OAuthError> for SignInError {
    fn from(error: OAuthError) -> Self {
        Self::OAuth(error)
    }
}
