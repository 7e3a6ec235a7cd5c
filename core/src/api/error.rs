//! What an API call can answer instead of data.

use std::fmt;
use std::time::Duration;

use serde::Deserialize;

use super::Response;

/// An answer with an error status.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ApiError {
    /// HTTP status.
    pub status: u16,
    /// Machine-readable code; `http_<status>` where the server gave none.
    pub code: String,
    /// The server's message, or a description of the answer.
    pub message: String,
    /// The request field at fault.
    pub param: Option<String>,
    /// A page about the error.
    pub doc_url: Option<String>,
    /// The server's id of the request, for support.
    pub request_id: Option<String>,
    /// What `Retry-After` asks for, where it is a number of seconds.
    pub retry_after: Option<Duration>,
}

/// Why an answer is not the data that was asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ResponseError {
    /// The server answered with an error.
    Api(Box<ApiError>),
    /// The status says success and the body is not what the API documents: a proxy's page, truncated JSON.
    Malformed {
        /// HTTP status.
        status: u16,
        /// What is wrong with the body.
        message: String,
    },
}

impl fmt::Display for ApiError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} (HTTP {}, {})", self.message, self.status, self.code)
    }
}

impl fmt::Display for ResponseError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Api(error) => error.fmt(f),
            Self::Malformed { status, message } => write!(f, "{message} (HTTP {status})"),
        }
    }
}

#[derive(Deserialize)]
struct Envelope {
    error: Fields,
}

#[derive(Deserialize)]
struct Fields {
    code: Option<String>,
    message: Option<String>,
    param: Option<String>,
    doc_url: Option<String>,
}

impl ApiError {
    /// Reads the error envelope; an answer that has none is described by its status and type.
    pub(super) fn of(response: &Response) -> Self {
        let fields = serde_json::from_slice::<Envelope>(&response.body).ok().map(|envelope| envelope.error);
        let (code, message, param, doc_url) = match fields {
            Some(fields) => (fields.code, fields.message, fields.param, fields.doc_url),
            None => (None, None, None, None),
        };
        Self {
            status: response.status,
            code: code.unwrap_or_else(|| format!("http_{}", response.status)),
            message: message.unwrap_or_else(|| response.describe()),
            param,
            doc_url,
            request_id: response.header("x-request-id").map(str::to_owned),
            retry_after: response
                .header("retry-after")
                .and_then(|value| value.trim().parse().ok())
                .map(Duration::from_secs),
        }
    }

    /// Whether the credential was missing, wrong or not enough.
    #[must_use]
    pub fn is_authentication(&self) -> bool {
        matches!(self.status, 401 | 403)
    }

    /// Whether the same request may succeed later.
    #[must_use]
    pub fn is_transient(&self) -> bool {
        matches!(self.status, 408 | 425 | 429 | 500..=599)
    }

    /// What to do about the codes that users meet.
    #[must_use]
    pub fn help(&self) -> Option<&'static str> {
        Some(match self.code.as_str() {
            "hyperframes_project_too_large" => {
                "`hyperframes-ci pack --list` shows the largest files; leave out what the video does not need with .hyperframesignore"
            }
            "hyperframes_project_invalid" => {
                "`hyperframes-ci pack --list` shows what was uploaded; index.html and the chosen composition must be in it"
            }
            "hyperframes_render_not_found" => "`hyperframes-ci list` shows the renders of this account",
            "insufficient_credit" => {
                "add credit to the HeyGen account, or render on this machine with --renderer local"
            }
            "rate_limit_exceeded" => "wait a moment, or set HEYGEN_MAX_RETRIES higher",
            _ if self.is_authentication() => {
                "set HEYGEN_API_KEY to a valid key (in GitHub Actions, from a secret), or render without an account with --renderer local"
            }
            _ => return None,
        })
    }
}
