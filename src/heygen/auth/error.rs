//! How signing in can fail.

use crate::fault::{Exit, Fault};
use std::fmt;
use std::io;

use super::OAuthError;
use super::loopback::CallbackError;
use crate::heygen::transport::CallError;

/// Why nobody is signed in. What was stored before is as it was.
#[derive(Debug)]
pub(crate) enum SignInError {
    /// It is a dialogue, and there is nobody to talk to.
    Unattended,
    /// The browser would open where the user does not see it.
    Remote,
    /// No home directory is known to store anything in.
    NoHome,
    /// The browser did not come back with a code.
    Callback(CallbackError),
    /// The authorization server gave no token.
    OAuth(OAuthError),
    /// The key cannot be read.
    Key(io::Error),
    /// There is no key to be stored.
    NoKey,
    /// HeyGen does not accept the credential.
    Rejected(CallError),
    /// HeyGen did not say whether it accepts the credential.
    Unverified(CallError),
    /// There is no sign-in that could be refreshed.
    NoSession,
    /// The user said no to forgetting it.
    Kept,
}

impl SignInError {
    /// Whether the command was of no use, rather than the credential.
    pub(crate) fn is_usage(&self) -> bool {
        matches!(
            self,
            Self::Unattended | Self::Remote | Self::NoHome | Self::NoKey | Self::Key(_) | Self::Kept
        )
    }

    /// Whether another try may work as it is.
    pub(crate) fn is_transient(&self) -> bool {
        matches!(self, Self::OAuth(OAuthError::Unreachable(_)) | Self::Unverified(_))
            || matches!(self, Self::Callback(CallbackError::Listen(_)))
    }
}

impl Fault for SignInError {
    fn code(&self) -> &str {
        match self {
            Self::Unattended | Self::Remote => "not_attended",
            Self::NoHome => "credentials_file",
            Self::Callback(CallbackError::TimedOut(_)) => "sign_in_timed_out",
            Self::Callback(CallbackError::Denied(_)) => "sign_in_denied",
            Self::Callback(_) | Self::OAuth(OAuthError::Refused(_)) => "sign_in_refused",
            Self::OAuth(OAuthError::Unreachable(_)) | Self::Unverified(_) => "network_error",
            Self::OAuth(OAuthError::Store(error)) => error.code(),
            Self::Key(_) | Self::NoKey => "no_key",
            Self::Rejected(_) => "credential_rejected",
            Self::NoSession => "not_authenticated",
            Self::Kept => "declined",
        }
    }

    fn help(&self) -> Option<String> {
        const AGAIN: &str = "run `hyperframes-ci auth login` again";
        let help = match self {
            Self::Unattended => {
                "in CI, set HEYGEN_API_KEY: in GitHub Actions `api-key: ${{ secrets.HEYGEN_API_KEY }}`, with the secret in \
                 Settings › Secrets and variables › Actions; in GitLab a masked variable. Elsewhere, pipe a key into \
                 `auth login --api-key`"
            }
            Self::Remote => "run `hyperframes-ci auth login --device`, or set BROWSER",
            Self::NoHome => "set HEYGEN_CONFIG_DIR",
            Self::Callback(_) | Self::OAuth(OAuthError::Refused(_)) | Self::NoSession => AGAIN,
            Self::OAuth(OAuthError::Unreachable(_)) | Self::Unverified(_) => {
                "check the network and the proxy settings, then try again"
            }
            Self::OAuth(OAuthError::Store(error)) => return error.help(),
            Self::Key(_) | Self::NoKey => "type it, or pipe it in: `auth login --api-key < file`",
            Self::Rejected(_) => "sign in again, or make a new key at app.heygen.com/settings/api",
            Self::Kept => return None,
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
            Self::Unattended => f.write_str("signing in takes a person at a terminal, and there is none"),
            Self::Remote => f.write_str("a browser on this remote machine is not one that you see"),
            Self::NoHome => f.write_str("no home directory is known to keep credentials in"),
            Self::Callback(error) => match error {
                CallbackError::Listen(error) => write!(f, "nobody can come back from the browser: {error}"),
                CallbackError::TimedOut(patience) => {
                    write!(f, "nobody came back from the browser within {} seconds", patience.as_secs())
                }
                CallbackError::WrongState => {
                    f.write_str("what came back from the browser is not the answer to this sign-in")
                }
                CallbackError::Denied(name) if name == "access_denied" => {
                    f.write_str("the sign-in was not allowed in the browser")
                }
                CallbackError::Denied(name) => write!(f, "the server refuses the sign-in: {name}"),
                CallbackError::NoCode => f.write_str("the browser came back without a code"),
            },
            Self::OAuth(error) => error.fmt(f),
            Self::Key(error) => write!(f, "the key cannot be read: {error}"),
            Self::NoKey => f.write_str("there is no key"),
            Self::Rejected(CallError::Api(error)) => {
                write!(f, "HeyGen does not accept the credential: {error}")
            }
            Self::Rejected(error) | Self::Unverified(error) => {
                write!(f, "HeyGen did not say whether it accepts the credential")?;
                match error {
                    CallError::Api(error) => write!(f, ": {error}"),
                    CallError::Malformed(message) | CallError::Unreachable(message) => {
                        write!(f, ": {message}")
                    }
                }
            }
            Self::NoSession => f.write_str("no sign-in is stored that could be refreshed"),
            Self::Kept => f.write_str("nothing was forgotten"),
        }
    }
}

impl From<OAuthError> for SignInError {
    fn from(error: OAuthError) -> Self {
        Self::OAuth(error)
    }
}

impl From<io::Error> for CallbackError {
    fn from(error: io::Error) -> Self {
        Self::Listen(error)
    }
}
