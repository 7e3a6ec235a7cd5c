//! The plan of a job, its events and its actions.

use std::time::Duration;

use serde_json::{Map, Value};

use crate::api::{IdempotencyKey, Product, Project, RenderDetail, Request, Response};
use crate::job::{AssetFact, Fact, RenderFact};
use crate::job::{Failure, Refusal, Stage};
use crate::job::{ListSays, RenderIdentity};

/// The plan of a job.
#[derive(Clone, Debug)]
pub struct Plan {
    /// What is made.
    pub product: Product,
    /// The source of the render.
    pub source: Source,
    /// The body of the submission, without `project`.
    pub body: Map<String, Value>,
    /// Idempotency keys, which make POSTs safe to retry.
    pub keys: Keys,
    /// Which earlier renders will do.
    pub reuse: Reuse,
    /// What must hold before anything is uploaded or submitted.
    pub limits: Limits,
    /// How an archive travels.
    pub route: UploadRoute,
    /// Poll, or stop after the submission.
    pub wait: Option<Wait>,
    /// How long the job may take; see [`Job::time_left`](super::Job::time_left).
    pub max_wait: Duration,
    /// Repeats of one request after transient errors.
    pub max_retries: u32,
    /// Spreads pauses; any number.
    pub seed: u64,
}

impl Plan {
    /// Returns the plan to poll and download an existing render.
    #[must_use]
    pub fn existing(render_id: String, wait: Wait, max_wait: Duration, max_retries: u32, seed: u64) -> Self {
        Self {
            product: Product::Render,
            source: Source::Render(render_id),
            body: Map::new(),
            keys: Keys::default(),
            reuse: Reuse::default(),
            limits: Limits::default(),
            route: UploadRoute::Auto,
            wait: Some(wait),
            max_wait,
            max_retries,
            seed,
        }
    }
}

/// The source of the render.
#[derive(Clone, Debug)]
pub enum Source {
    /// An archive that the shell holds.
    Archive(Archive),
    /// A project that the server can reach already.
    Project(Project),
    /// Nothing but the body.
    Body,
    /// A render that exists: poll and download only.
    Render(String),
}

/// The archive or another file, as described to the server.
#[derive(Clone, Debug)]
pub struct Archive {
    /// Size in bytes.
    pub size: u64,
    /// SHA-256 of its bytes, in hexadecimal.
    pub sha256: String,
    /// Manifest digest of the archive; of another file, the SHA-256 of its bytes.
    pub digest: String,
    /// What it is.
    pub kind: FileKind,
}

/// What a file is that is uploaded.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum FileKind {
    /// The archive of a project.
    #[default]
    Zip,
    /// MP3.
    Mp3,
    /// WAV.
    Wav,
    /// MP4.
    Mp4,
}

impl FileKind {
    /// Returns the media type.
    #[must_use]
    pub fn content_type(self) -> &'static str {
        match self {
            Self::Zip => "application/zip",
            Self::Mp3 => "audio/mpeg",
            Self::Wav => "audio/wav",
            Self::Mp4 => "video/mp4",
        }
    }

    fn extension(self) -> &'static str {
        match self {
            Self::Zip => "zip",
            Self::Mp3 => "mp3",
            Self::Wav => "wav",
            Self::Mp4 => "mp4",
        }
    }
}

impl Archive {
    /// Returns the file name for the server, derived from the contents, so that equal archives produce equal requests.
    #[must_use]
    pub fn filename(&self) -> String {
        let digest = self.digest.get(..16).unwrap_or(&self.digest);
        format!("hyperframes-{digest}.{}", self.kind.extension())
    }

    /// Returns the idempotency key of its upload: of the archive and not of the render, so that two renders of one project
    /// share one asset even if the first upload is not recorded.
    pub(super) fn key(&self) -> Option<IdempotencyKey> {
        format!("hfci_asset_{}", self.sha256).parse().ok()
    }
}

/// Idempotency keys, which make POSTs safe to retry.
#[derive(Clone, Debug, Default)]
pub struct Keys {
    /// Identity of the render; the key of its generation is the `Idempotency-Key` of the submission and, if the body
    /// has none, its `callback_id`. Without an identity, no earlier render is searched.
    pub identity: Option<RenderIdentity>,
    /// The user's `Idempotency-Key`, sent unchanged with every POST.
    pub chosen: Option<IdempotencyKey>,
    /// Whether other renders have the same `chosen` key: then a part of the render key is appended in a submission, so that
    /// equal renders share a key and others do not.
    pub is_chosen_for_many: bool,
    /// Render key of generation 0 that `chosen` was used for, according to the ledger.
    pub chosen_for: Option<String>,
    /// Key for requests without the others; different in every run.
    pub fallback: Option<IdempotencyKey>,
}

/// Which earlier renders and uploads will do.
#[derive(Clone, Debug, Default)]
pub struct Reuse {
    /// Submit a new render even if an identical one exists.
    pub none: bool,
    /// Renders that were created before, in unix seconds, are not used. The user's choice only, since it compares clocks.
    pub since: Option<i64>,
    /// The render that the ledger knows.
    pub render: Option<RenderFact>,
    /// The upload that the ledger knows.
    pub asset: Option<AssetFact>,
    /// Whether other jobs use the same upload: if the server refuses it, the job asks before it uploads again
    /// ([`Action::ReplaceAsset`]).
    pub is_asset_shared: bool,
    /// Result of the account's list, if it was searched for many renders at once.
    pub listed: ListSays,
}

/// What must hold before anything is uploaded or submitted.
#[derive(Clone, Debug, Default)]
pub struct Limits {
    /// A limit that this render would go beyond; a render that exists already does not.
    pub exceeded: Option<Refusal>,
    /// What must be left to spend, in the unit that the account is billed in.
    pub min_balance: Option<f64>,
    /// Nothing may be submitted: only an identical render of the same run may be used.
    pub is_reuse_only: bool,
}

/// How an archive travels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UploadRoute {
    /// Direct; through the API if the server does not support direct uploads, or the storage cannot be reached, and the
    /// archive is small enough.
    Auto,
    /// Only by a presigned URL (200 MB).
    Direct,
    /// Only through the API (32 MB).
    Proxy,
    /// As a part of the submission of a render (1 MB), unless an asset is known.
    Inline,
}

/// How to wait for the video.
#[derive(Clone, Copy, Debug)]
pub struct Wait {
    /// The longest pause between two polls.
    pub poll_interval: Duration,
    /// Whether to download the video.
    pub download: bool,
    /// Whether the caller requests many renders at once ([`Event::Seen`]): then there is no poll right after the submission.
    pub is_watched: bool,
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
    /// The render was part of a request for many renders, during a pause between two polls.
    Seen(Box<RenderDetail>),
    /// The answer to [`Action::ReplaceAsset`].
    Replaced(Replacement),
    /// The video of [`Action::Save`] is in place.
    Saved,
    /// The video of [`Action::Save`] is not in place.
    NotSaved(SaveError),
}

/// The replacement of a shared asset that the server refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Replacement {
    /// Upload the archive again, for all of them.
    Upload,
    /// Submit once more, with the asset of this id, which another job has uploaded since.
    Use(String),
    /// Fail: the archive was uploaded again already, so the asset is not the reason.
    None,
}

/// Why a video could not be saved.
#[derive(Clone, Debug)]
pub struct SaveError {
    /// What happened; names no secret.
    pub message: String,
    /// What may help.
    pub remedy: Remedy,
    /// Whether the download made progress: it is resumed until the time limit.
    pub progressed: bool,
}

impl SaveError {
    /// Returns an error without a remedy.
    #[must_use]
    pub fn permanent(message: String) -> Self {
        Self { message, remedy: Remedy::None, progressed: false }
    }
}

/// What may help a download.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Remedy {
    /// Another try, after a cut connection for instance.
    Retry,
    /// A fresh URL: this one is refused, as expired ones are.
    FreshUrl,
    /// Nothing, as with a full disk.
    None,
}

/// The next action of the shell.
#[derive(Debug)]
pub struct Step {
    /// To be written into the ledger first.
    pub facts: Vec<Fact>,
    /// A notice for the user.
    pub notice: Option<String>,
    /// To be done then.
    pub action: Action,
}

/// See [`Step`].
#[derive(Debug)]
pub enum Action {
    /// Send this request and read the answer.
    Send(Request),
    /// Pause.
    Sleep(Pause),
    /// Find a replacement for the shared asset of this id, which the server refused, and answer with [`Event::Replaced`].
    ReplaceAsset(String),
    /// Download this presigned URL, without a credential, to the output of the user.
    Save(String),
    /// All is done.
    Done(Outcome),
    /// It cannot be done.
    Fail(Box<Failure>),
}

/// A pause.
#[derive(Clone, Debug)]
pub struct Pause {
    /// How long.
    pub delay: Duration,
    /// The retry after it, unless it is a pause between two polls.
    pub retry: Option<Retry>,
}

/// A request that is tried again.
#[derive(Clone, Debug)]
pub struct Retry {
    /// The step to retry.
    pub stage: Stage,
    /// Why; names no secret.
    pub reason: String,
    /// The try to come, counted from 1.
    pub attempt: u32,
    /// The last try; `None` where only the time ends it.
    pub of: Option<u32>,
    /// The time that is left for tries.
    pub left: Duration,
}

/// How the job ended.
#[derive(Clone, Debug)]
pub enum Outcome {
    /// Submitted or already running, without waiting.
    Submitted {
        /// The render.
        render_id: String,
    },
    /// The video is available, and saved if requested.
    Completed(Box<RenderDetail>),
}

/// The origin of a job's render.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// The user named it.
    Given,
    /// The ledger knows it.
    Ledger,
    /// The account's list has it.
    Account,
    /// This job submitted it.
    Submitted,
}

impl Origin {
    /// Returns whether an earlier run was billed for it.
    #[must_use]
    pub fn is_reused(self) -> bool {
        matches!(self, Self::Ledger | Self::Account)
    }
}
