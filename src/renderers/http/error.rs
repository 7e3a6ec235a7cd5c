//! Errors of renders by HTTP.

use std::fmt;
use std::io;

use crate::fault::{Exit, Fault};
use crate::ui::bytes;

/// An error of a render by HTTP.
#[derive(Debug)]
pub(crate) enum HttpError {
    /// No endpoint is set.
    NoEndpoint,
    /// The URL of the endpoint cannot be used; the end of a sentence.
    InvalidEndpoint(&'static str),
    /// The variable with the token contains control characters.
    InvalidToken(String),
    /// The request is not supported.
    Unsupported {
        /// Description of the unsupported option.
        message: String,
        /// Supported alternatives.
        help: &'static str,
    },
    /// The request is too large, in bytes.
    TooLarge {
        /// Size of the request.
        size: u64,
        /// Maximum size of a request.
        limit: u64,
    },
    /// The archive could not be read.
    Archive(io::Error),
    /// The endpoint rejects the token, or there is none.
    Unauthorized {
        /// The response.
        message: String,
        /// Name of the variable with the token.
        variable: String,
    },
    /// There is no response, or one that cannot be used.
    Failed {
        /// Description of the problem.
        message: String,
        /// Whether the endpoint may have rendered a video, which may be billed.
        may_have_rendered: bool,
    },
    /// The endpoint reports that the render failed.
    Render(String),
    /// The video could not be downloaded.
    NotSaved {
        /// Description of the problem.
        message: String,
        /// Link to the video, without its query.
        link: Option<String>,
    },
    /// The time limit is exceeded.
    TimedOut {
        /// Whether the same command resumes the render.
        is_resumable: bool,
        /// Why the endpoint has not begun to render.
        refusal: Option<String>,
    },
}

impl HttpError {
    /// Applies `map` to every text of the endpoint.
    pub(super) fn map_text(self, map: impl Fn(String) -> String) -> Self {
        match self {
            Self::Unauthorized { message, variable } => {
                Self::Unauthorized { message: map(message), variable }
            }
            Self::Failed { message, may_have_rendered } => {
                Self::Failed { message: map(message), may_have_rendered }
            }
            Self::Render(message) => Self::Render(map(message)),
            Self::NotSaved { message, link } => {
                Self::NotSaved { message: map(message), link: link.map(&map) }
            }
            Self::TimedOut { is_resumable, refusal } => {
                Self::TimedOut { is_resumable, refusal: refusal.map(map) }
            }
            other => other,
        }
    }
}

impl Fault for HttpError {
    fn code(&self) -> &str {
        match self {
            Self::NoEndpoint | Self::InvalidEndpoint(_) => "invalid_endpoint",
            Self::InvalidToken(_) => "invalid_credential",
            Self::Unsupported { .. } => "unsupported_option",
            Self::TooLarge { .. } => "archive_too_large",
            Self::Archive(_) => "archive_damaged",
            Self::Unauthorized { .. } => "not_authenticated",
            Self::Failed { .. } => "endpoint_failed",
            Self::Render(_) => "render_failed",
            Self::NotSaved { .. } => "download_failed",
            Self::TimedOut { .. } => "timeout",
        }
    }

    fn help(&self) -> Option<String> {
        Some(match self {
            Self::NoEndpoint => "set --http-endpoint, for example to https://render.example.com/api/render".to_owned(),
            Self::InvalidEndpoint(_) => {
                "use an https:// URL, or an http:// URL of a loopback address, such as the end of an SSH tunnel".to_owned()
            }
            Self::InvalidToken(name) => format!("set {name} to the token alone, without line breaks"),
            Self::Unsupported { help, .. } => (*help).to_owned(),
            Self::TooLarge { .. } => "exclude files that are not needed in .hyperframesignore".to_owned(),
            Self::Unauthorized { variable, .. } => format!("set {variable} to the token of the endpoint"),
            Self::Failed { may_have_rendered: true, .. } => {
                "see the logs of the endpoint; it was not asked again, since it may have rendered".to_owned()
            }
            Self::Failed { .. } => "check the network and --http-endpoint".to_owned(),
            Self::NotSaved { link: Some(link), .. } => format!("the video is still at {link}"),
            Self::NotSaved { link: None, .. } => "run the same command again to render again".to_owned(),
            Self::TimedOut { is_resumable: true, .. } => {
                "run the same command again to resume, or increase --max-wait".to_owned()
            }
            Self::TimedOut { .. } => "increase --max-wait".to_owned(),
            Self::Archive(_) | Self::Render(_) => return None,
        })
    }

    fn exit(&self) -> Exit {
        match self {
            Self::NoEndpoint | Self::InvalidEndpoint(_) | Self::Unsupported { .. } => Exit::Usage,
            Self::TooLarge { .. } => Exit::Preflight,
            Self::InvalidToken(_) | Self::Unauthorized { .. } => Exit::Auth,
            Self::TimedOut { .. } => Exit::Timeout,
            _ => Exit::General,
        }
    }
}

impl fmt::Display for HttpError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoEndpoint => f.write_str("--renderer http requires an endpoint"),
            Self::InvalidEndpoint(rule) => write!(f, "the URL of the endpoint {rule}"),
            Self::InvalidToken(name) => write!(f, "{name} contains control characters"),
            Self::Unsupported { message, .. } => f.write_str(message),
            Self::TooLarge { size, limit } => write!(
                f,
                "the request is too large for the endpoint: {} exceed the limit of {}",
                bytes(*size),
                bytes(*limit)
            ),
            Self::Archive(error) => write!(f, "cannot read the archive: {error}"),
            Self::Unauthorized { message, .. } => write!(f, "the endpoint rejected the token: {message}"),
            Self::Failed { message, .. } => f.write_str(message),
            Self::Render(message) => write!(f, "the endpoint failed to render: {message}"),
            Self::NotSaved { message, .. } => write!(f, "cannot download the video: {message}"),
            Self::TimedOut { refusal: Some(refusal), .. } => write!(f, "timed out; {refusal}"),
            Self::TimedOut { .. } => f.write_str("timed out; the endpoint may still be rendering"),
        }
    }
}
