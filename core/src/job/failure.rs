//! How a render job can fail, and what its user can do then.

use std::fmt;
use std::time::Duration;

use crate::api::{ApiError, RenderDetail};

/// A step of the flow, for progress and messages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// Looking for a render that exists already.
    Lookup,
    /// Asking what is left to spend.
    Balance,
    /// Asking for an upload URL.
    CreateUpload,
    /// Storing the archive.
    Upload,
    /// Turning the stored archive into an asset.
    CompleteUpload,
    /// Submitting the render.
    Submit,
    /// Waiting for the render.
    Poll,
    /// Fetching the video.
    Download,
}

impl fmt::Display for Stage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Lookup => "search for an earlier render",
            Self::Balance => "account's balance",
            Self::CreateUpload => "start of the upload",
            Self::Upload => "upload",
            Self::CompleteUpload => "completion of the upload",
            Self::Submit => "submission",
            Self::Poll => "status of the render",
            Self::Download => "download",
        })
    }
}

/// Why the job could not be done.
#[derive(Clone, Debug)]
pub struct Failure {
    /// The step at which it ended.
    pub stage: Stage,
    /// The render, once there is one: it is billed and it may still complete.
    pub render_id: Option<String>,
    /// The last known state of the render.
    pub detail: Option<RenderDetail>,
    /// What went wrong.
    pub kind: FailureKind,
}

/// What went wrong.
#[derive(Clone, Debug)]
pub enum FailureKind {
    /// The API refused.
    Api(Box<ApiError>),
    /// The answer is not what the API documents.
    Malformed(String),
    /// The server could not be reached, after all retries.
    Unreachable(String),
    /// The storage refused the archive.
    Storage(Box<ApiError>),
    /// The archive is larger than this route takes.
    TooLarge {
        /// Size of the archive in bytes.
        size: u64,
        /// Limit of the route in bytes.
        limit: u64,
    },
    /// The render itself failed.
    RenderFailed(String),
    /// The render is gone: somebody deleted it.
    Deleted,
    /// The account has no render with the id that the user gave.
    NotFound,
    /// The time limit is over; a render that was submitted is still running.
    TimedOut {
        /// How long it took.
        waited: Duration,
        /// What went wrong last, if anything did.
        reason: Option<String>,
    },
    /// The render is complete and has no video.
    NoVideo,
    /// The video could not be saved.
    NotSaved(String),
    /// An equal render of the same run failed, and is not paid for again.
    EqualFailed,
    /// The user's idempotency key was used for another render, which the API would answer with; nothing was submitted.
    KeyUsed(String),
    /// A limit that the user set forbids it; nothing was submitted.
    Limit(Refusal),
}

/// A limit that the user set.
#[derive(Clone, Debug, PartialEq)]
pub enum Refusal {
    /// Too many renders.
    Renders {
        /// How many there would be.
        renders: u64,
        /// The limit.
        most: u64,
    },
    /// Too much to render.
    Seconds {
        /// What would be billed, in seconds of video times the factor of the resolution; `None` where a composition does
        /// not say how long it is.
        seconds: Option<f64>,
        /// The limit.
        most: f64,
    },
    /// Too little to spend.
    Balance {
        /// What is left, in the unit that the account is billed in; `None` where the server does not say.
        balance: Option<f64>,
        /// The limit.
        least: f64,
    },
}

impl Refusal {
    /// Stable identifier, named like the flag.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Renders { .. } => "max_renders",
            Self::Seconds { .. } => "max_seconds",
            Self::Balance { .. } => "min_balance",
        }
    }

    /// What to do about it.
    #[must_use]
    pub fn help(&self) -> &'static str {
        match self {
            Self::Renders { .. } => "nothing was submitted; allow more with --max-renders",
            Self::Seconds { seconds: None, .. } => {
                "nothing was submitted; set data-duration on the root, or leave out --max-seconds"
            }
            Self::Seconds { .. } => "nothing was submitted; allow more with --max-seconds",
            Self::Balance { .. } => {
                "nothing was submitted; add credit to the account, or set --min-balance lower"
            }
        }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Renders { renders, most } => {
                write!(f, "the limit is {most} renders, and this would submit {renders}")
            }
            Self::Seconds { seconds: Some(seconds), most } => {
                write!(f, "the limit is {most} s, and this would be billed as {seconds} s")
            }
            Self::Seconds { seconds: None, most } => {
                write!(f, "the limit is {most} s, and nobody knows how long this composition is")
            }
            Self::Balance { balance: Some(balance), least } => {
                write!(f, "the account has {balance} left, and {least} is the least")
            }
            Self::Balance { balance: None, .. } => {
                f.write_str("the server does not say what the account has left")
            }
        }
    }
}

impl Failure {
    /// A submission that a limit of the user's forbids.
    #[must_use]
    pub fn refused(refusal: Refusal) -> Box<Self> {
        let kind = FailureKind::Limit(refusal);
        Box::new(Self { stage: Stage::Submit, render_id: None, detail: None, kind })
    }

    /// Stable identifier: the API's own code where the API refused.
    #[must_use]
    pub fn code(&self) -> &str {
        match &self.kind {
            FailureKind::Api(error) => &error.code,
            FailureKind::Malformed(_) => "malformed_response",
            FailureKind::Unreachable(_) => "network_error",
            FailureKind::Storage(_) => "upload_refused",
            FailureKind::TooLarge { .. } => "archive_too_large",
            FailureKind::RenderFailed(_) => "render_failed",
            FailureKind::Deleted | FailureKind::NotFound => "render_deleted",
            FailureKind::TimedOut { .. } => "timeout",
            FailureKind::NoVideo => "no_video",
            FailureKind::NotSaved(_) => "download_failed",
            FailureKind::EqualFailed => "equal_render_failed",
            FailureKind::KeyUsed(_) => "idempotency_key_used",
            FailureKind::Limit(refusal) => refusal.code(),
        }
    }

    /// The API's answer, where there was one.
    #[must_use]
    pub fn api_error(&self) -> Option<&ApiError> {
        match &self.kind {
            FailureKind::Api(error) => Some(error),
            _ => None,
        }
    }

    /// What to do about it. Whoever prints it adds the command that resumes where [`Failure::is_resumable`].
    #[must_use]
    pub fn help(&self) -> Option<&str> {
        Some(match &self.kind {
            FailureKind::Api(error) => return error.help(),
            FailureKind::Malformed(_) => "check HEYGEN_API_URL and the proxy settings",
            FailureKind::Unreachable(_) => "check the network, HEYGEN_API_URL and the proxy settings",
            FailureKind::Storage(_) => {
                "run again; the upload URL may have expired, or a proxy changed the request"
            }
            FailureKind::TooLarge { .. } => {
                "`hyperframes-ci pack --list` shows the largest files; leave out what the video does not need with .hyperframesignore"
            }
            FailureKind::RenderFailed(_) => {
                "`hyperframes-ci render --renderer local` shows the same composition on this machine"
            }
            FailureKind::Deleted => {
                "somebody deleted it; `hyperframes-ci render --no-reuse` submits a new one"
            }
            FailureKind::NotFound => "`hyperframes-ci list` shows the renders of this account",
            FailureKind::NoVideo => "ask for the detail again with `hyperframes-ci get`",
            FailureKind::EqualFailed => {
                "nothing more was submitted; `--retry-failed` renders failed rows again"
            }
            FailureKind::KeyUsed(_) => {
                "nothing was submitted; use another key, or leave out --idempotency-key: every render has a key of its own"
            }
            FailureKind::Limit(refusal) => refusal.help(),
            FailureKind::TimedOut { .. } if self.render_id.is_none() => {
                "run the same command again to resume; a render that was submitted is found and not paid for again"
            }
            FailureKind::TimedOut { .. } | FailureKind::NotSaved(_) => return None,
        })
    }

    /// Whether the render lives on, so that polling or downloading again can still bring the video.
    #[must_use]
    pub fn is_resumable(&self) -> bool {
        let is_over =
            matches!(self.kind, FailureKind::RenderFailed(_) | FailureKind::Deleted | FailureKind::NotFound);
        self.render_id.is_some() && !is_over
    }
}

impl FailureKind {
    /// Whether a submission that ended like this may have led to a render: the answer was lost, its key was used, or somebody
    /// in between did not wait for the end (408).
    pub(super) fn leaves_a_render_possible(&self) -> bool {
        match self {
            Self::Unreachable(_) | Self::Malformed(_) => true,
            Self::Api(error) => error.status >= 500 || error.status == 408 || error.is_key_taken(),
            _ => false,
        }
    }

    /// What went wrong, without the step at which it did.
    #[must_use]
    pub fn reason(&self) -> String {
        match self {
            Self::Api(error) | Self::Storage(error) => error.to_string(),
            Self::Malformed(message) | Self::Unreachable(message) => message.clone(),
            Self::RenderFailed(message) | Self::NotSaved(message) => message.clone(),
            Self::TooLarge { .. }
            | Self::Deleted
            | Self::NotFound
            | Self::TimedOut { .. }
            | Self::NoVideo
            | Self::EqualFailed
            | Self::KeyUsed(_)
            | Self::Limit(_) => String::new(),
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.kind {
            FailureKind::Api(error) | FailureKind::Storage(error) => {
                write!(f, "the {} was refused: {error}", self.stage)
            }
            FailureKind::Malformed(message) => {
                write!(f, "the {} got an unusable answer: {message}", self.stage)
            }
            FailureKind::Unreachable(message) => write!(f, "the {} got no answer: {message}", self.stage),
            FailureKind::TooLarge { size, limit } => {
                write!(f, "the archive is too large for this upload: {size} bytes, and the limit is {limit}")
            }
            FailureKind::RenderFailed(message) => write!(f, "the render failed: {message}"),
            FailureKind::Deleted => f.write_str("the render does not exist any more"),
            FailureKind::TimedOut { waited, reason } => {
                let seconds = waited.as_secs_f64().round();
                match (&self.render_id, self.stage) {
                    (Some(_), Stage::Download) => write!(
                        f,
                        "timed out after {seconds} s; the render is complete, and its video is not downloaded"
                    ),
                    (Some(_), _) => write!(f, "timed out after {seconds} s; the render is still running"),
                    (None, Stage::Submit) => write!(
                        f,
                        "timed out after {seconds} s; whether the render was submitted is not known"
                    ),
                    (None, stage) => {
                        write!(f, "timed out after {seconds} s during the {stage}; no render was submitted")
                    }
                }?;
                reason.iter().try_for_each(|reason| write!(f, " (last error: {reason})"))
            }
            FailureKind::NotFound => f.write_str("the account has no render with this id"),
            FailureKind::NoVideo => f.write_str("the render is complete, and the server names no video"),
            FailureKind::NotSaved(message) => write!(f, "the video could not be saved: {message}"),
            FailureKind::EqualFailed => f.write_str("the render of an equal row failed"),
            FailureKind::KeyUsed(key) => write!(
                f,
                "the idempotency key {key} was used for another render, and the API would return that one's video"
            ),
            FailureKind::Limit(refusal) => refusal.fmt(f),
        }
    }
}

impl std::error::Error for Failure {}
