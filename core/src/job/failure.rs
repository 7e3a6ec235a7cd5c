//! How a render job can fail, and what its user can do then.

use std::fmt;
use std::time::Duration;

use crate::api::{ApiError, Product, RenderDetail};
use crate::archive::INLINE_UPLOAD_LIMIT;

/// The reason of a failed render that the server did not explain.
const NO_REASON: &str = "the server gave no reason";

/// A step of the flow, for progress and messages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// Looking for a render that exists already.
    Lookup,
    /// Requesting the account balance.
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
    /// Downloading the video.
    Download,
}

impl fmt::Display for Stage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Lookup => "search for earlier renders",
            Self::Balance => "balance check",
            Self::CreateUpload => "upload request",
            Self::Upload => "upload",
            Self::CompleteUpload => "upload completion",
            Self::Submit => "render submission",
            Self::Poll => "status request",
            Self::Download => "download",
        })
    }
}

/// The failure of a job.
#[derive(Clone, Debug)]
pub struct Failure {
    /// What was to be made.
    pub product: Product,
    /// The step that failed.
    pub stage: Stage,
    /// ID of the render, if it was submitted: it is billed and may still complete.
    pub render_id: Option<String>,
    /// The last known state of the render.
    pub detail: Option<RenderDetail>,
    /// The cause of the failure.
    pub kind: FailureKind,
}

/// The cause of the failure.
#[derive(Clone, Debug)]
pub enum FailureKind {
    /// The API returned an error.
    Api(Box<ApiError>),
    /// The response does not have the documented format.
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
    /// The render itself failed. Holds the server's reason, or nothing if it gave none.
    RenderFailed(String),
    /// The render no longer exists.
    Deleted,
    /// The account has no render with the id that the user gave.
    NotFound,
    /// The time limit was exceeded. A render that was submitted may still be running.
    TimedOut {
        /// How long it took.
        waited: Duration,
        /// What went wrong last, if anything did.
        reason: Option<String>,
        /// Whether the user gave the ID of the render, and the API does not know it so far.
        is_unknown: bool,
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
        /// Billed seconds: seconds of video times the factor of the resolution; `None` if a composition does
        /// not say how long it is.
        seconds: Option<f64>,
        /// The limit.
        most: f64,
    },
    /// Too much media.
    Media {
        /// Estimated seconds of all new media of the run.
        seconds: f64,
        /// The limit.
        most: f64,
    },
    /// Too expensive.
    Cost {
        /// Estimated price in US dollars.
        usd: f64,
        /// The limit.
        most: f64,
    },
    /// Too little to spend.
    Balance {
        /// Account balance, in the unit that the account is billed in; `None` if the server does not report it.
        balance: Option<f64>,
        /// The limit.
        least: f64,
    },
}

impl Refusal {
    /// Returns a stable identifier, named like the flag.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Renders { .. } => "max_renders",
            Self::Seconds { .. } | Self::Media { .. } => "max_seconds",
            Self::Cost { .. } => "max_cost",
            Self::Balance { .. } => "min_balance",
        }
    }

    /// Returns the suggested remedy.
    #[must_use]
    pub fn help(&self) -> &'static str {
        match self {
            Self::Renders { .. } => "nothing was submitted; increase --max-renders to allow it",
            Self::Seconds { seconds: None, .. } => {
                "nothing was submitted; set data-duration on the root element, or remove --max-seconds"
            }
            Self::Seconds { .. } | Self::Media { .. } => {
                "nothing was submitted; increase --max-seconds to allow it"
            }
            Self::Cost { .. } => "nothing was submitted; increase --max-cost to allow it",
            Self::Balance { .. } => {
                "nothing was submitted; add credit to the account, or lower --min-balance"
            }
        }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Renders { renders, most } => {
                let noun = if *renders == 1 { "render" } else { "renders" };
                write!(f, "this would submit {renders} {noun}, which exceeds the limit of {most}")
            }
            Self::Seconds { seconds: Some(seconds), most } => {
                write!(f, "this would be billed as {seconds} s of video, which exceeds the limit of {most} s")
            }
            Self::Seconds { seconds: None, most } => {
                write!(f, "cannot check the limit of {most} s: the duration of the composition is unknown")
            }
            Self::Media { seconds, most } => {
                write!(
                    f,
                    "this would be about {seconds:.1} s of new media, which exceeds the limit of {most} s"
                )
            }
            Self::Cost { usd, most } => {
                write!(f, "this would cost about ${usd:.4}, which exceeds the limit of ${most}")
            }
            Self::Balance { balance: Some(balance), least } => {
                write!(f, "the account balance of {balance} is below the minimum of {least}")
            }
            Self::Balance { balance: None, .. } => f.write_str(
                "cannot check the minimum balance: the server does not report the account balance",
            ),
        }
    }
}

impl Failure {
    /// Returns the failure of a submission that exceeds a limit of the user.
    #[must_use]
    pub fn refused(refusal: Refusal) -> Box<Self> {
        let kind = FailureKind::Limit(refusal);
        Self::before_submission(kind)
    }

    /// Returns the failure of a job whose render would be that of an identical one, which failed.
    #[must_use]
    pub fn equal_failed() -> Box<Self> {
        Self::before_submission(FailureKind::EqualFailed)
    }

    fn before_submission(kind: FailureKind) -> Box<Self> {
        let (product, stage) = (Product::Render, Stage::Submit);
        Box::new(Self { product, stage, render_id: None, detail: None, kind })
    }

    /// Returns the name of the step that failed.
    fn step(&self) -> String {
        self.stage.to_string().replace("render", self.product.noun())
    }

    /// Returns a stable identifier: the code of the API if it returned an error.
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

    /// Returns the error of the API, if there is one.
    #[must_use]
    pub fn api_error(&self) -> Option<&ApiError> {
        match &self.kind {
            FailureKind::Api(error) => Some(error),
            _ => None,
        }
    }

    /// Returns the suggested remedy. The caller adds the command that resumes if [`Failure::is_resumable`].
    #[must_use]
    pub fn help(&self) -> Option<&str> {
        Some(match &self.kind {
            FailureKind::Api(error) => return error.help(),
            FailureKind::Malformed(_) => "check HEYGEN_API_URL and the proxy settings",
            FailureKind::Unreachable(_) => "check the network, HEYGEN_API_URL and the proxy settings",
            FailureKind::Storage(_) => {
                "try again; the upload URL may have expired, or a proxy may have changed the request"
            }
            FailureKind::TooLarge { limit: INLINE_UPLOAD_LIMIT, .. } => {
                "use --upload auto, which uploads the archive before the submission"
            }
            FailureKind::TooLarge { .. } => {
                "run `hyperframes-ci pack --list` to list all files, and exclude files that the video does not need with .hyperframesignore"
            }
            FailureKind::RenderFailed(_) => {
                "run `hyperframes-ci render --renderer local` to reproduce the problem locally"
            }
            FailureKind::Deleted => {
                "it may have been deleted; run `hyperframes-ci render --no-reuse` to submit a new one"
            }
            FailureKind::NotFound | FailureKind::TimedOut { is_unknown: true, .. } => {
                "run `hyperframes-ci list` to list the renders of this account"
            }
            FailureKind::NoVideo => "check the render with `hyperframes-ci get`",
            FailureKind::EqualFailed => {
                "nothing else was submitted; add --retry-failed to render failed rows again"
            }
            FailureKind::KeyUsed(_) => {
                "nothing was submitted; use another key, or remove --idempotency-key to use a key that is unique to the render"
            }
            FailureKind::Limit(refusal) => refusal.help(),
            FailureKind::TimedOut { .. } if self.render_id.is_none() => {
                "run the same command again to resume; a submitted render is reused and not billed again"
            }
            FailureKind::TimedOut { .. } | FailureKind::NotSaved(_) => return None,
        })
    }

    /// Returns whether the API was unavailable and no render is known: nothing was refused, and the same order may succeed
    /// later.
    #[must_use]
    pub fn is_outage(&self) -> bool {
        let is_unavailable = match &self.kind {
            FailureKind::Api(error) => error.is_transient(),
            FailureKind::Unreachable(_) => true,
            _ => false,
        };
        is_unavailable && self.render_id.is_none()
    }

    /// Returns whether polling or downloading again can still succeed: the render exists and has not failed.
    #[must_use]
    pub fn is_resumable(&self) -> bool {
        let is_over = matches!(
            self.kind,
            FailureKind::RenderFailed(_)
                | FailureKind::Deleted
                | FailureKind::NotFound
                | FailureKind::TimedOut { is_unknown: true, .. }
        );
        self.render_id.is_some() && !is_over
    }
}

impl FailureKind {
    /// Returns whether a submission with this failure may have created a render: the response was lost, its key was used, or a
    /// proxy did not wait for it (408).
    pub(super) fn leaves_a_render_possible(&self) -> bool {
        match self {
            Self::Unreachable(_) | Self::Malformed(_) => true,
            Self::Api(error) => error.status >= 500 || error.status == 408 || error.is_key_taken(),
            _ => false,
        }
    }

    /// Returns the cause without the failed step.
    #[must_use]
    pub fn reason(&self) -> String {
        match self {
            Self::Api(error) | Self::Storage(error) => error.to_string(),
            Self::Malformed(message) | Self::Unreachable(message) => message.clone(),
            Self::RenderFailed(message) if message.trim().is_empty() => NO_REASON.to_owned(),
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
        let (what, step) = (self.product.noun(), self.step());
        match &self.kind {
            FailureKind::Api(error) | FailureKind::Storage(error) => write!(f, "{step} failed: {error}"),
            FailureKind::Malformed(message) => write!(f, "{step} failed: unexpected response: {message}"),
            FailureKind::Unreachable(message) => write!(f, "{step} failed: no response: {message}"),
            FailureKind::TooLarge { size, limit } => {
                write!(f, "the archive is too large: {size} bytes exceed the upload limit of {limit} bytes")
            }
            FailureKind::RenderFailed(message) if message.trim().is_empty() => {
                write!(f, "the {what} failed; {NO_REASON}")
            }
            FailureKind::RenderFailed(message) => write!(f, "the {what} failed: {message}"),
            FailureKind::Deleted => write!(f, "the {what} no longer exists"),
            FailureKind::TimedOut { waited, reason, is_unknown } => {
                let seconds = waited.as_secs_f64().round();
                match (&self.render_id, self.stage) {
                    (Some(_), Stage::Download) => write!(
                        f,
                        "timed out after {seconds} s; the {what} is complete, but its video was not downloaded"
                    ),
                    (Some(_), _) if *is_unknown => {
                        write!(f, "timed out after {seconds} s; the API does not know a {what} with this ID")
                    }
                    (Some(_), _) if self.detail.is_none() && reason.is_some() => {
                        write!(f, "timed out after {seconds} s; the status of the {what} is unknown")
                    }
                    (Some(_), _) => write!(f, "timed out after {seconds} s; the {what} is still running"),
                    (None, Stage::Submit) => {
                        write!(f, "timed out after {seconds} s; the {what} may have been submitted")
                    }
                    (None, _) => {
                        write!(f, "timed out after {seconds} s during {step}; no {what} was submitted")
                    }
                }?;
                reason.iter().try_for_each(|reason| write!(f, " (last error: {reason})"))
            }
            FailureKind::NotFound => write!(f, "no {what} with this ID in this account"),
            FailureKind::NoVideo => write!(f, "the {what} is complete, but the server returned no video"),
            FailureKind::NotSaved(message) => write!(f, "cannot save the video: {message}"),
            FailureKind::EqualFailed => f.write_str("the render of an identical row failed"),
            FailureKind::KeyUsed(key) => {
                write!(f, "the idempotency key {key} was already used for a different render")
            }
            FailureKind::Limit(refusal) => refusal.fmt(f),
        }
    }
}

impl std::error::Error for Failure {}
