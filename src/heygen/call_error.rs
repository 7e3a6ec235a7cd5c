//! Errors of a single API call.

use std::fmt;

use hyperframes_ci_core::api::{ApiError, ResponseError};
use serde_json::{Map, Value};

use crate::fault::{Exit, Fault};

/// An error of a single API call.
#[derive(Debug)]
pub(crate) enum CallError {
    /// The API returned an error.
    Api(Box<ApiError>),
    /// The response is not in the documented format.
    Malformed {
        /// Description of the problem.
        message: String,
        /// Whether the response may have been truncated in transit.
        is_cut: bool,
    },
    /// There is no response.
    Unreachable(String),
    /// The time limit was exceeded before a response arrived.
    TimedOut,
}

impl CallError {
    /// Returns whether the same call may succeed later.
    pub(crate) fn is_transient(&self) -> bool {
        match self {
            Self::Api(error) => error.is_transient(),
            Self::Malformed { is_cut, .. } => *is_cut,
            Self::Unreachable(_) | Self::TimedOut => true,
        }
    }
}

impl fmt::Display for CallError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Api(error) => error.fmt(f),
            Self::Malformed { message, .. } => f.write_str(message),
            Self::TimedOut => f.write_str("timed out waiting for the API; no render was submitted"),
            Self::Unreachable(message) => write!(f, "cannot reach the API: {message}"),
        }
    }
}

impl Fault for CallError {
    fn code(&self) -> &str {
        match self {
            Self::Api(error) => &error.code,
            Self::Malformed { .. } => "malformed_response",
            Self::Unreachable(_) => "network_error",
            Self::TimedOut => "timeout",
        }
    }

    fn help(&self) -> Option<String> {
        match self {
            Self::Api(error) => error.help().map(str::to_owned),
            Self::TimedOut => Some("run the same command again to resume, or increase --max-wait".to_owned()),
            _ => Some("check the network, HEYGEN_API_URL and the proxy settings".to_owned()),
        }
    }

    fn exit(&self) -> Exit {
        match self {
            Self::Api(error) if error.is_authentication() => Exit::Auth,
            Self::TimedOut => Exit::Timeout,
            _ => Exit::General,
        }
    }

    fn members(&self) -> Map<String, Value> {
        match self {
            Self::Api(error) => api_members(error),
            _ => Map::new(),
        }
    }
}

/// Returns the members of the JSON envelope of an API error, other than its code and message.
pub(crate) fn api_members(error: &ApiError) -> Map<String, Value> {
    let fields = [("param", &error.param), ("doc_url", &error.doc_url), ("request_id", &error.request_id)];
    fields.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value.clone()?.into()))).collect()
}

impl From<ResponseError> for CallError {
    fn from(error: ResponseError) -> Self {
        match error {
            ResponseError::Api(error) => Self::Api(error),
            ref malformed @ ResponseError::Malformed { is_cut, .. } => {
                Self::Malformed { message: malformed.to_string(), is_cut }
            }
        }
    }
}
