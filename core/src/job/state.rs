//! The state of a job. The other files of this module have its transitions.

use std::collections::HashSet;
use std::time::Duration;

use super::AccountIndex;
use super::decision::{LedgerSays, ListSays};
use super::failure::{FailureKind, Stage};
use super::ledger::{Fact, RenderFact};
use super::plan::{Origin, Plan};
use crate::api::{ApiError, Project, RenderDetail};

/// The job. See the documentation of [`Plan`]'s module.
#[derive(Debug)]
pub struct Job {
    pub(super) plan: Plan,
    pub(super) state: State,
    /// Failed tries of the present call.
    pub(super) attempt: u32,
    /// How far the server's clock is ahead of this machine's, in seconds.
    pub(super) clock_offset: i64,
    /// When the present phase began: before the submission, polling, or downloading.
    pub(super) phase: Option<Duration>,
    /// When the job began.
    pub(super) began: Option<Duration>,
    /// Downloads that failed and got no further.
    pub(super) failed_saves: u32,
    /// Of the render to come.
    pub(super) generation: u32,
    pub(super) render: Option<Following>,
    pub(super) detail: Option<RenderDetail>,
    pub(super) asset: Option<Upload>,
    /// Assets of earlier runs that the server does not take any more.
    pub(super) refused_assets: Vec<String>,
    /// Number of failed uploads: each has its own idempotency key.
    pub(super) upload_round: u32,
    /// The pending decision and its inputs.
    pub(super) question: Question,
    pub(super) ledger: LedgerSays,
    pub(super) list: ListSays,
    /// The render that the list has.
    pub(super) found: Option<RenderFact>,
    /// Renders that were there before this job submitted anything.
    pub(super) known_ids: HashSet<String>,
    /// The render that is followed is not known to the API at the moment.
    pub(super) missing: Option<Absence>,
    /// The last response of the API to it.
    pub(super) absence_reason: String,
    /// See [`GONE_GRACE`](super::GONE_GRACE).
    pub(super) gone_grace: Duration,
    /// Whether an unknown status was reported.
    pub(super) is_status_reported: bool,
    /// The account's renders, as far as the search has got.
    pub(super) account: AccountIndex,
    /// For the ledger.
    pub(super) facts: Vec<Fact>,
    /// For the user.
    pub(super) notice: Option<String>,
}

/// The render that the job is about.
#[derive(Clone, Debug)]
pub(super) struct Following {
    pub(super) id: String,
    pub(super) origin: Origin,
    pub(super) generation: u32,
    /// Whether the server returned an existing render for a submission.
    pub(super) is_replay: bool,
}

/// The asset that is going to be rendered.
#[derive(Clone, Debug)]
pub(super) struct Upload {
    pub(super) id: String,
    /// Whether an earlier run uploaded it, so that the server may have dropped it since.
    pub(super) is_old: bool,
}

#[derive(Debug)]
pub(super) enum State {
    Idle,
    Calling(Call),
    Pausing(Call),
    /// The submission was refused with this error, and another asset is being found.
    Replacing(Box<ApiError>),
    Saving,
    Ended,
}

/// A request that is not built yet.
#[derive(Clone, Debug)]
pub(super) enum Call {
    List,
    Balance,
    CreateUpload,
    Put { upload_url: String, headers: Vec<(String, String)>, asset_id: String },
    Complete { asset_id: String, because: Because },
    ProxyUpload,
    Submit(Option<Project>),
    Poll(String),
}

/// The reason for completing an upload.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Because {
    /// Its bytes have just been stored.
    Stored,
    /// An earlier run stored its bytes, or meant to.
    Known,
    /// The storage refuses the bytes: it may have them.
    Refused,
}

impl Call {
    pub(super) fn stage(&self) -> Stage {
        match self {
            Self::List => Stage::Lookup,
            Self::Balance => Stage::Balance,
            Self::CreateUpload => Stage::CreateUpload,
            Self::Put { .. } | Self::ProxyUpload => Stage::Upload,
            Self::Complete { .. } => Stage::CompleteUpload,
            Self::Submit(_) => Stage::Submit,
            Self::Poll(_) => Stage::Poll,
        }
    }
}

/// The pending decision.
#[derive(Debug)]
pub(super) enum Question {
    /// Whether to submit.
    Start,
    /// The answer to this submission was lost.
    Lost(Submission),
    /// The key of this submission is in use, or was used.
    KeyTaken(Submission),
    /// The render that is followed failed or may not be used.
    Ended(Following),
    /// The API does not know the render that is followed.
    Missing(Following),
}

/// A submission that did not lead to a render yet.
#[derive(Debug)]
pub(super) struct Submission {
    pub(super) project: Option<Project>,
    /// Tries so far.
    pub(super) attempt: u32,
    pub(super) failure: FailureKind,
    /// Whether it is not retried, only searched.
    pub(super) is_last: bool,
}

/// A render that the API does not know.
#[derive(Clone, Copy, Debug)]
pub(super) struct Absence {
    /// The first answer without it.
    pub(super) since: Duration,
    /// Answers without it, one after the other.
    pub(super) count: u32,
}
