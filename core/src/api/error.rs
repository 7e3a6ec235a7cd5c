//! What an API call can answer instead of data.

use std::fmt;
use std::time::Duration;

use serde::Deserialize;

use super::Response;
use crate::time::parse_http_date;

/// An answer with an error status.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ApiError {
    /// HTTP status.
    pub status: u16,
    /// Machine-readable code; `http_<status>` if the server sent none.
    pub code: String,
    /// The server's message, or a description of the answer.
    pub message: String,
    /// The request field at fault.
    pub param: Option<String>,
    /// A page about the error.
    pub doc_url: Option<String>,
    /// The server's id of the request, for support.
    pub request_id: Option<String>,
    /// Requested delay of `Retry-After`: seconds, or a date relative to the response's own `Date`.
    pub retry_after: Option<Duration>,
}

/// Why an answer is not the data that was asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ResponseError {
    /// The server answered with an error.
    Api(Box<ApiError>),
    /// The status is a success, but the body does not have the documented format: the page of a proxy, or truncated JSON.
    Malformed {
        /// HTTP status.
        status: u16,
        /// Description of the problem.
        message: String,
        /// Whether it is neither JSON nor a page, or the response to a submission without a render: it may be truncated on
        /// the way.
        is_cut: bool,
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
            Self::Malformed { status, message, .. } => write!(f, "{message} (HTTP {status})"),
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
    /// Reads the error envelope; a response without one is described by its status and type.
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
            retry_after: retry_after(response),
        }
    }

    /// Returns whether the credential is missing, invalid or insufficient.
    #[must_use]
    pub fn is_authentication(&self) -> bool {
        matches!(self.status, 401 | 403)
    }

    /// Returns whether the error applies to every request of the account: its credential, credit, or a permission that the API
    /// itself denies without naming a parameter.
    #[must_use]
    pub fn is_account_wide(&self) -> bool {
        match self.status {
            401 | 402 => true,
            403 => self.is_of_api() && self.param.is_none(),
            _ => false,
        }
    }

    /// Returns whether the API itself responded with its envelope, rather than a proxy.
    #[must_use]
    pub fn is_of_api(&self) -> bool {
        self.code != format!("http_{}", self.status)
    }

    /// Returns whether the API itself, rather than a proxy, reports the render or the clip as unknown.
    #[must_use]
    pub fn is_render_not_found(&self) -> bool {
        let is_meant = |word: &str| self.code.contains(word);
        matches!(self.status, 404 | 410)
            && (is_meant("render") || is_meant("video"))
            && (is_meant("not_found") || is_meant("deleted") || is_meant("gone"))
    }

    /// Returns whether the first request with this idempotency key is still being processed.
    #[must_use]
    pub fn is_in_progress(&self) -> bool {
        self.status == 409 && self.code.contains("in_progress")
    }

    /// Returns whether a submission was refused for its idempotency key: it is in use, or was used for another request.
    #[must_use]
    pub fn is_key_taken(&self) -> bool {
        let is_about_key = self.code.contains("idempotency")
            || self.param.as_deref().is_some_and(|param| param.eq_ignore_ascii_case("idempotency-key"));
        self.status == 409 || (self.status == 422 && is_about_key)
    }

    /// Returns whether the same request may succeed later.
    #[must_use]
    pub fn is_transient(&self) -> bool {
        matches!(self.status, 408 | 425 | 429 | 500..=599)
    }

    /// Returns the suggested remedy for common codes.
    #[must_use]
    pub fn help(&self) -> Option<&'static str> {
        Some(match self.code.as_str() {
            "hyperframes_project_too_large" => {
                "run `hyperframes-ci pack --list` to list all files, and exclude files that the video does not need with .hyperframesignore"
            }
            "hyperframes_project_invalid" => {
                "run `hyperframes-ci pack --list` to list the uploaded files; they must include index.html and the composition"
            }
            "hyperframes_render_not_found" => "run `hyperframes-ci list` to list the renders of this account",
            "rate_limit_exceeded" => "wait a moment, or increase HEYGEN_MAX_RETRIES",
            code if code == "insufficient_credit" || self.status == 402 => {
                "add credit to the HeyGen account; `hyperframes-ci render --renderer local` requires no credit"
            }
            _ if self.is_authentication() => {
                "set HEYGEN_API_KEY to a valid key (in GitHub Actions, from a secret); `hyperframes-ci render --renderer local` requires no account"
            }
            _ => return None,
        })
    }
}

/// Returns the delay of `Retry-After`. A date is relative to the server's own clock, so that a wrong local clock does no
/// harm; a past date means no delay.
fn retry_after(response: &Response) -> Option<Duration> {
    let value = response.header("retry-after")?.trim();
    if let Ok(seconds) = value.parse() {
        return Some(Duration::from_secs(seconds));
    }
    let left = parse_http_date(value)?.saturating_sub(response.date()?);
    Some(Duration::from_secs(u64::try_from(left).unwrap_or(0)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn retry_after_is_seconds_or_a_date() {
        let asked = |value: &str, date: &str| {
            let headers = vec![("Retry-After".into(), value.into()), ("Date".into(), date.into())];
            ApiError::of(&Response { status: 429, headers, body: Vec::new() }).retry_after
        };
        let noon = "Fri, 20 Nov 2026 12:00:00 GMT";
        assert_eq!(asked("7", ""), Some(Duration::from_secs(7)));
        assert_eq!(asked("Fri, 20 Nov 2026 12:01:05 GMT", noon), Some(Duration::from_secs(65)));
        assert_eq!(asked("Fri, 20 Nov 2026 11:59:00 GMT", noon), Some(Duration::ZERO));
        assert_eq!(asked("Fri, 20 Nov 2026 12:01:05 GMT", "now"), None);
        assert_eq!(asked("soon", noon), None);
    }
}
