//! Requests to the endpoints of the authorization server; source: RFC 6749.

use std::fmt;
use std::io::Read;
use std::time::Duration;

use serde_json::{Map, Value};

use super::error::CredentialError;
use crate::system::http::{hardened_config, is_safe_origin};
use crate::system::proxy::proxy;

/// The largest response that is read, in bytes. A longer one does not parse.
const MAX_RESPONSE: u64 = 64 * 1024;

/// The time limit of one request.
pub(super) const TIMEOUT: Duration = Duration::from_secs(15);

/// An error of the OAuth sign-in.
#[derive(Debug)]
pub(crate) enum OAuthError {
    /// The server refused: the user must sign in again. Holds the reason.
    Refused(String),
    /// There is no response, or one that neither grants nor refuses. Holds the reason.
    Unreachable(String),
    /// The tokens cannot be stored.
    Store(CredentialError),
}

impl fmt::Display for OAuthError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Refused(message) => write!(f, "the authorization server rejected the request: {message}"),
            Self::Unreachable(message) => write!(f, "cannot reach the authorization server: {message}"),
            Self::Store(error) => error.fmt(f),
        }
    }
}

/// Checks that tokens may be sent to an endpoint; see [`is_safe_origin`].
///
/// # Errors
/// Returns [`OAuthError::Refused`] with the variable `HYPERFRAMES_OAUTH_{name}_URL` if they may not.
pub(super) fn check_endpoint(url: &str, name: &str) -> Result<(), OAuthError> {
    if is_safe_origin(url) {
        return Ok(());
    }
    let message =
        format!("HYPERFRAMES_OAUTH_{name}_URL must be an https:// URL or a URL of a loopback address");
    Err(OAuthError::Refused(message))
}

/// A response of an endpoint.
pub(super) struct Response {
    pub(super) status: u16,
    object: Option<Map<String, Value>>,
}

impl Response {
    /// Returns the error code of a response that is not a success. The rest of the response is not trusted.
    pub(super) fn error(&self) -> Option<&str> {
        let name = self.object.as_ref().and_then(|object| object.get("error")?.as_str());
        if self.status < 300 { None } else { Some(name.unwrap_or("unknown error")) }
    }

    /// Returns the members of a successful response.
    ///
    /// # Errors
    /// Returns [`OAuthError::Refused`] for a client error, and [`OAuthError::Unreachable`] for a timeout, a rate limit,
    /// a server error, or a body that is not a JSON object.
    pub(super) fn object(self) -> Result<Map<String, Value>, OAuthError> {
        match (self.status, self.object) {
            (200..=299, Some(object)) => Ok(object),
            (200..=299, None) => Err(malformed()),
            (status @ 400..=499, object) if status != 408 && status != 429 => {
                let name = object.and_then(|object| Some(object.get("error")?.as_str()?.to_owned()));
                Err(OAuthError::Refused(name.unwrap_or_else(|| format!("HTTP {status}"))))
            }
            (status, _) => Err(OAuthError::Unreachable(format!("HTTP {status}"))),
        }
    }
}

/// Returns the error for a successful response in an unexpected format.
pub(super) fn malformed() -> OAuthError {
    OAuthError::Unreachable("unexpected response".to_owned())
}

/// Posts a form.
///
/// # Errors
/// Returns [`OAuthError::Unreachable`] if there is no response within `timeout`.
pub(super) fn post(url: &str, form: &[(&str, &str)], timeout: Duration) -> Result<Response, OAuthError> {
    let proxy = proxy(url).map_err(OAuthError::Unreachable)?;
    let agent = hardened_config().proxy(proxy).timeout_global(Some(timeout)).build().new_agent();
    let response = agent.post(url).header("accept", "application/json").send_form(form.iter().copied());
    let response = response.map_err(|error| OAuthError::Unreachable(error.to_string()))?;
    let status = response.status().as_u16();
    let mut body = Vec::new();
    let read = response.into_body().into_reader().take(MAX_RESPONSE).read_to_end(&mut body);
    read.map_err(|error| OAuthError::Unreachable(error.to_string()))?;
    Ok(Response { status, object: serde_json::from_slice(&body).ok() })
}
