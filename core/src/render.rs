//! The render job: upload, submit, poll and download as a state machine. Events in, actions out.
//!
//! ```text
//! archive ─ create upload ─ put ─ complete ─┐
//!        └─ proxy upload (32 MB) ───────────┤
//! asset id, url ────────────────────────────┴─ submit ─ poll ⟲ ─ save
//! render id ───────────────────────────────────────────┘
//! ```
//!
//! The shell performs one [`Action`] after the other and hands back what came of it. Repeats are decided here:
//! every request is safe to repeat (reads, the idempotent `complete`, and POSTs with an idempotency key), so all
//! of them are repeated after transient errors, a bounded number of times, except polls, which only
//! [`Wait::max_wait`] ends.

use std::time::Duration;

use serde_json::{Map, Value};

use crate::api::{
    ApiError, Asset, DirectUpload, IdempotencyKey, Project, RenderDetail, RenderStatus, Request, Response,
    ResponseError, SubmittedRender, UploadRequest,
};
use crate::archive::PROXY_UPLOAD_LIMIT;
use crate::backoff::{poll_delay, retry_delay};
use crate::failure::{Failure, FailureKind, Stage};

/// How often `complete` is repeated while the storage does not show the object yet.
const COMPLETE_ATTEMPTS: u32 = 8;

/// How often a download starts over with a fresh URL, beyond the retries that the user set.
const FRESH_URLS: u32 = 3;

/// What is to be done.
#[derive(Clone, Debug)]
pub struct Plan {
    /// Where the flow starts.
    pub source: Source,
    /// The body of the submission, without `project`.
    pub body: Map<String, Value>,
    /// Sent with every POST of this run, so that a repeat creates nothing twice.
    pub key: IdempotencyKey,
    /// How an archive travels.
    pub route: UploadRoute,
    /// Poll and download, or stop after the submission.
    pub wait: Option<Wait>,
    /// Repeats of one request after transient errors.
    pub max_retries: u32,
    /// Spreads pauses; any number.
    pub seed: u64,
}

/// Where the flow starts.
#[derive(Clone, Debug)]
pub enum Source {
    /// An archive that the shell holds.
    Archive(Archive),
    /// A project that the server can reach already.
    Project(Project),
    /// A render that exists: poll and download only.
    Render(String),
}

/// The archive, as far as the server is told.
#[derive(Clone, Debug)]
pub struct Archive {
    /// Name for reference.
    pub filename: String,
    /// Size in bytes.
    pub size: u64,
    /// SHA-256 in hexadecimal.
    pub sha256: String,
}

/// How an archive travels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UploadRoute {
    /// Direct; through the API where the server offers no direct uploads and the archive is small enough.
    Auto,
    /// Only by a presigned URL (200 MB).
    Direct,
    /// Only through the API (32 MB).
    Proxy,
}

/// How to wait for the video.
#[derive(Clone, Copy, Debug)]
pub struct Wait {
    /// The longest pause between two polls.
    pub poll_interval: Duration,
    /// How long to poll, from the first poll on.
    pub max_wait: Duration,
    /// Whether to download the video.
    pub download: bool,
}

/// What happened in the shell.
#[derive(Debug)]
pub enum Event {
    /// Begin.
    Start,
    /// The answer to [`Action::Send`].
    Answered(Response),
    /// No answer to [`Action::Send`]; the message names no secret.
    Unreachable(String),
    /// The pause of [`Action::Sleep`] is over.
    Woke,
    /// The video of [`Action::Save`] is in place.
    Saved,
    /// The video of [`Action::Save`] is not in place.
    NotSaved(SaveError),
}

/// Why a video could not be saved.
#[derive(Clone, Debug)]
pub struct SaveError {
    /// What happened; names no secret.
    pub message: String,
    /// Whether a fresh URL and another try may help: an expired URL, a cut connection. A full disk is not.
    pub transient: bool,
}

/// What the shell is to do next.
#[derive(Debug)]
pub enum Action {
    /// Send this request and read the answer.
    Send(Request),
    /// Pause.
    Sleep(Duration),
    /// Download this presigned URL, without any credential, to where the user wants it.
    Save(String),
    /// All is done.
    Done(Outcome),
    /// It cannot be done.
    Fail(Box<Failure>),
}

/// How the job ended.
#[derive(Clone, Debug)]
pub enum Outcome {
    /// Submitted, and nobody waits.
    Submitted {
        /// The render.
        render_id: String,
    },
    /// The video is there, and saved where that was asked for.
    Completed(Box<RenderDetail>),
}

/// The job. See the module's documentation.
#[derive(Debug)]
pub struct Job {
    plan: Plan,
    state: State,
    /// Failed tries of the present call.
    attempt: u32,
    /// Failed downloads.
    failed_saves: u32,
    polling_since: Option<Duration>,
    detail: Option<RenderDetail>,
    render_id: Option<String>,
    asset_id: Option<String>,
}

#[derive(Debug)]
enum State {
    Idle,
    Calling(Call),
    Pausing(Call),
    Saving,
    Ended,
}

#[derive(Clone, Debug)]
enum Call {
    CreateUpload(Archive),
    Put { archive: Archive, upload_url: String, headers: Vec<(String, String)>, asset_id: String },
    Complete { archive: Archive, asset_id: String },
    ProxyUpload(Archive),
    Submit(Project),
    Poll(String),
}

impl Call {
    fn stage(&self) -> Stage {
        match self {
            Self::CreateUpload(_) => Stage::CreateUpload,
            Self::Put { .. } | Self::ProxyUpload(_) => Stage::Upload,
            Self::Complete { .. } => Stage::CompleteUpload,
            Self::Submit(_) => Stage::Submit,
            Self::Poll(_) => Stage::Poll,
        }
    }
}

impl Job {
    /// A job that has not begun.
    #[must_use]
    pub fn new(plan: Plan) -> Self {
        Self {
            plan,
            state: State::Idle,
            attempt: 0,
            failed_saves: 0,
            polling_since: None,
            detail: None,
            render_id: None,
            asset_id: None,
        }
    }

    /// The step that the job is at.
    #[must_use]
    pub fn stage(&self) -> Stage {
        match &self.state {
            State::Calling(call) | State::Pausing(call) => call.stage(),
            State::Idle => Stage::CreateUpload,
            State::Saving | State::Ended => Stage::Download,
        }
    }

    /// How often the present request has failed so far.
    #[must_use]
    pub fn attempt(&self) -> u32 {
        self.attempt
    }

    /// The render, once it is submitted.
    #[must_use]
    pub fn render_id(&self) -> Option<&str> {
        self.render_id.as_deref()
    }

    /// The asset, once the archive is uploaded.
    #[must_use]
    pub fn asset_id(&self) -> Option<&str> {
        self.asset_id.as_deref()
    }

    /// The last known state of the render.
    #[must_use]
    pub fn detail(&self) -> Option<&RenderDetail> {
        self.detail.as_ref()
    }

    /// Takes in what happened at `now` (time since any fixed point) and says what to do next.
    ///
    /// After [`Action::Done`] and [`Action::Fail`] the job has ended; further events give the same failure.
    pub fn step(&mut self, event: Event, now: Duration) -> Action {
        match (std::mem::replace(&mut self.state, State::Ended), event) {
            (State::Idle, _) => self.start(),
            (State::Calling(call), Event::Answered(response)) => self.answered(call, &response, now),
            (State::Calling(call), Event::Unreachable(message)) => {
                self.retry(call, None, now, FailureKind::Unreachable(message))
            }
            (State::Pausing(call), _) => self.send(call),
            (State::Saving, Event::Saved) => match self.detail.clone() {
                Some(detail) => Action::Done(Outcome::Completed(Box::new(detail))),
                None => self.fail(Stage::Download, FailureKind::NoVideo),
            },
            (State::Saving, Event::NotSaved(error)) => self.not_saved(error),
            (State::Calling(_) | State::Saving | State::Ended, event) => {
                let message = format!("the job has no use for {event:?} now");
                self.fail(self.stage(), FailureKind::Malformed(message))
            }
        }
    }

    fn start(&mut self) -> Action {
        match self.plan.source.clone() {
            Source::Archive(archive) if self.plan.route == UploadRoute::Proxy => self.proxy(archive),
            Source::Archive(archive) => self.send(Call::CreateUpload(archive)),
            Source::Project(project) => self.send(Call::Submit(project)),
            Source::Render(render_id) => {
                self.render_id = Some(render_id.clone());
                self.next(Call::Poll(render_id))
            }
        }
    }

    fn proxy(&mut self, archive: Archive) -> Action {
        if archive.size > PROXY_UPLOAD_LIMIT {
            let kind = FailureKind::TooLarge { size: archive.size, limit: PROXY_UPLOAD_LIMIT };
            return self.fail(Stage::Upload, kind);
        }
        self.next(Call::ProxyUpload(archive))
    }

    /// Goes on to a call that has not been tried yet.
    fn next(&mut self, call: Call) -> Action {
        self.attempt = 0;
        self.send(call)
    }

    fn send(&mut self, call: Call) -> Action {
        let key = &self.plan.key;
        let request = match &call {
            Call::CreateUpload(archive) => Request::create_upload(
                &UploadRequest {
                    filename: archive.filename.clone(),
                    content_type: "application/zip",
                    size_bytes: archive.size,
                    checksum_sha256: archive.sha256.clone(),
                },
                key,
            ),
            Call::Put { upload_url, headers, .. } => Request::put_archive(upload_url, headers),
            Call::Complete { archive, asset_id } => Request::complete_upload(asset_id, &archive.sha256),
            Call::ProxyUpload(archive) => Request::proxy_upload(&archive.filename, &archive.sha256, key),
            Call::Submit(project) => {
                let mut body = self.plan.body.clone();
                body.insert(
                    "project".to_owned(),
                    serde_json::to_value(project).expect("a project always serializes"),
                );
                Request::submit(&body, key)
            }
            Call::Poll(render_id) => Request::render(render_id),
        };
        self.state = State::Calling(call);
        Action::Send(request)
    }

    fn answered(&mut self, call: Call, response: &Response, now: Duration) -> Action {
        match self.advance(call.clone(), response, now) {
            Ok(action) => action,
            Err(ResponseError::Malformed { message, .. }) if matches!(call, Call::Poll(_)) => {
                self.retry(call, None, now, FailureKind::Malformed(message))
            }
            Err(ResponseError::Malformed { message, .. }) => {
                self.fail(call.stage(), FailureKind::Malformed(message))
            }
            Err(ResponseError::Api(error)) => self.refused(call, error, now),
        }
    }

    /// The way forward: what a successful answer leads to.
    fn advance(&mut self, call: Call, response: &Response, now: Duration) -> Result<Action, ResponseError> {
        Ok(match call {
            Call::CreateUpload(archive) => {
                let upload: DirectUpload = response.data()?;
                if let Some(limit) = upload.max_bytes.filter(|limit| archive.size > *limit) {
                    let kind = FailureKind::TooLarge { size: archive.size, limit };
                    return Ok(self.fail(Stage::CreateUpload, kind));
                }
                let headers = upload.headers();
                self.next(Call::Put {
                    archive,
                    headers,
                    upload_url: upload.upload_url,
                    asset_id: upload.asset_id,
                })
            }
            Call::Put { archive, asset_id, .. } => {
                response.check()?;
                self.next(Call::Complete { archive, asset_id })
            }
            Call::Complete { .. } | Call::ProxyUpload(_) => {
                let asset: Asset = response.data()?;
                self.uploaded(asset.asset_id)
            }
            Call::Submit(_) => {
                let submitted: SubmittedRender = response.data()?;
                self.render_id = Some(submitted.render_id.clone());
                if self.plan.wait.is_none() {
                    return Ok(Action::Done(Outcome::Submitted { render_id: submitted.render_id }));
                }
                self.next(Call::Poll(submitted.render_id))
            }
            Call::Poll(render_id) => {
                let detail: RenderDetail = response.data()?;
                self.polled(render_id, detail, now)
            }
        })
    }

    fn uploaded(&mut self, asset_id: String) -> Action {
        self.asset_id = Some(asset_id.clone());
        self.next(Call::Submit(Project::AssetId { asset_id }))
    }

    fn polled(&mut self, render_id: String, detail: RenderDetail, now: Duration) -> Action {
        let status = detail.status();
        let video_url = detail.video_url.clone();
        let failure_message = detail.failure_message.clone();
        self.detail = Some(detail.clone());
        self.attempt = 0;
        match status {
            RenderStatus::Completed if self.plan.wait.is_some_and(|wait| !wait.download) => {
                Action::Done(Outcome::Completed(Box::new(detail)))
            }
            RenderStatus::Completed => match video_url {
                Some(url) => {
                    self.state = State::Saving;
                    Action::Save(url)
                }
                None => self.fail(Stage::Poll, FailureKind::NoVideo),
            },
            RenderStatus::Failed => {
                let message = failure_message.unwrap_or_else(|| "the server gave no reason".to_owned());
                self.fail(Stage::Poll, FailureKind::RenderFailed(message))
            }
            RenderStatus::Queued | RenderStatus::Rendering | RenderStatus::Unknown => {
                self.pause_poll(render_id, None, now)
            }
        }
    }

    /// Waits for the next poll, or ends the waiting.
    fn pause_poll(&mut self, render_id: String, at_least: Option<Duration>, now: Duration) -> Action {
        let since = *self.polling_since.get_or_insert(now);
        let waited = now.saturating_sub(since);
        let Some(wait) = self.plan.wait else {
            return self.fail(Stage::Poll, FailureKind::TimedOut(waited));
        };
        let left = wait.max_wait.saturating_sub(waited);
        if left.is_zero() {
            return self.fail(Stage::Poll, FailureKind::TimedOut(waited));
        }
        let delay = poll_delay(waited, wait.poll_interval).max(at_least.unwrap_or_default());
        self.state = State::Pausing(Call::Poll(render_id));
        // The last poll comes at the end of the time, not after it.
        Action::Sleep(delay.min(left))
    }

    fn refused(&mut self, call: Call, error: Box<ApiError>, now: Duration) -> Action {
        match (&call, error.status) {
            (Call::CreateUpload(archive), 404 | 405 | 501) if self.plan.route == UploadRoute::Auto => {
                let archive = archive.clone();
                self.proxy(archive)
            }
            // "Object not visible yet": the storage is eventually consistent.
            (Call::Complete { .. }, 409) if self.attempt < COMPLETE_ATTEMPTS => {
                self.attempt += 1;
                let delay = retry_delay(self.attempt.min(4), error.retry_after, self.plan.seed);
                self.state = State::Pausing(call);
                Action::Sleep(delay)
            }
            (Call::Poll(_), 404) => self.fail(Stage::Poll, FailureKind::Deleted),
            _ if error.is_transient() => {
                let retry_after = error.retry_after;
                let kind = match call {
                    Call::Put { .. } => FailureKind::Storage(error),
                    _ => FailureKind::Api(error),
                };
                self.retry(call, retry_after, now, kind)
            }
            (Call::Put { .. }, _) => self.fail(Stage::Upload, FailureKind::Storage(error)),
            _ => self.fail(call.stage(), FailureKind::Api(error)),
        }
    }

    /// Repeats a request after a transient error; a poll goes on until its time is over.
    fn retry(
        &mut self,
        call: Call,
        retry_after: Option<Duration>,
        now: Duration,
        kind: FailureKind,
    ) -> Action {
        self.attempt += 1;
        let delay = retry_delay(self.attempt, retry_after, self.plan.seed);
        if let (Call::Poll(render_id), Some(_)) = (&call, self.plan.wait) {
            return self.pause_poll(render_id.clone(), Some(delay), now);
        }
        if self.attempt > self.plan.max_retries {
            return self.fail(call.stage(), kind);
        }
        self.state = State::Pausing(call);
        Action::Sleep(delay)
    }

    fn not_saved(&mut self, error: SaveError) -> Action {
        self.failed_saves += 1;
        if !error.transient || self.failed_saves > self.plan.max_retries + FRESH_URLS {
            return self.fail(Stage::Download, FailureKind::NotSaved(error.message));
        }
        let Some(render_id) = self.render_id.clone() else {
            return self.fail(Stage::Download, FailureKind::NotSaved(error.message));
        };
        // The detail is fetched again for a fresh URL; the first time at once, since URLs simply expire.
        if self.failed_saves == 1 {
            return self.next(Call::Poll(render_id));
        }
        self.state = State::Pausing(Call::Poll(render_id));
        Action::Sleep(retry_delay(self.failed_saves - 1, None, self.plan.seed))
    }

    fn fail(&mut self, stage: Stage, kind: FailureKind) -> Action {
        self.state = State::Ended;
        Action::Fail(Box::new(Failure {
            stage,
            render_id: self.render_id.clone(),
            detail: self.detail.clone(),
            kind,
        }))
    }
}
