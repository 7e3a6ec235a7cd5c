//! What is to be rendered, how, and what becomes of it.

use std::path::{Path, PathBuf};
use std::time::Duration;

use hyperframes_ci_core::api::{IdempotencyKey, Project, RenderDetail, RenderRequest};
use hyperframes_ci_core::job::{Limits, RenderFact, RenderIdentity, UploadRoute};
use hyperframes_ci_core::options::{Format, Resolution};
use hyperframes_ci_core::video::Expected;
use serde_json::{Map, Value};

use super::lambda::LambdaOptions;
use super::verify::Verified;
use crate::fault::Error;
use crate::project::pack::Packed;
use crate::system::clock::unix_now;
use crate::system::output::OutputFile;

/// How a run is done; the same for all of its orders.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct RunOptions {
    /// Whether to wait for videos and download them.
    pub(crate) is_waiting: bool,
    /// The longest pause between two polls.
    pub(crate) poll_interval: Duration,
    /// How long to wait for a render; also how long to try to submit it, and to download it.
    pub(crate) max_wait: Duration,
    /// How an archive travels.
    pub(crate) upload: UploadRoute,
    /// Which earlier renders may be used again.
    pub(crate) reuse: ReusePolicy,
    /// Orders at a time; the renderer's default where there is none.
    pub(crate) concurrency: Option<usize>,
    /// For Lambda.
    pub(crate) lambda: LambdaOptions,
}

impl Default for RunOptions {
    fn default() -> Self {
        Self {
            is_waiting: true,
            poll_interval: Duration::from_secs(10),
            max_wait: Duration::from_secs(3600),
            upload: UploadRoute::Auto,
            reuse: ReusePolicy::default(),
            concurrency: None,
            lambda: LambdaOptions::default(),
        }
    }
}

/// Which earlier renders may be used again.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct ReusePolicy {
    /// None: a new render is submitted even where there is an equal one.
    pub(crate) is_off: bool,
    /// How old a render may be.
    pub(crate) window: Duration,
    /// The ledger, where the user named one.
    pub(crate) ledger: Option<PathBuf>,
}

impl Default for ReusePolicy {
    fn default() -> Self {
        Self { is_off: false, window: Duration::from_secs(30 * 86_400), ledger: None }
    }
}

impl ReusePolicy {
    /// Renders that were created before, in unix seconds, are too old.
    pub(crate) fn since(&self) -> i64 {
        let window = i64::try_from(self.window.as_secs()).unwrap_or(i64::MAX);
        unix_now().saturating_sub(window)
    }
}

/// What all orders of a run have in common.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Work<'a> {
    /// What is rendered.
    pub(crate) input: Input<'a>,
    /// How it is rendered.
    pub(crate) options: &'a RunOptions,
    /// The project's name, for files that have no other.
    pub(crate) name: &'a str,
    /// Width and height of the composition in pixels, where it says so.
    pub(crate) size: Option<(f64, f64)>,
    /// Whether there may be many orders.
    pub(crate) is_batch: bool,
    /// Failures that end the run.
    pub(crate) max_failures: Option<u64>,
    /// Whether any of them calls a webhook.
    pub(crate) has_callback: bool,
}

/// What is rendered.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Input<'a> {
    /// A packed project.
    Archive(&'a Packed),
    /// A project that the server can reach already.
    Uploaded(&'a Project),
    /// A render that exists: it is waited for.
    Render(&'a str),
}

/// One video to be rendered.
#[derive(Debug)]
pub(crate) struct Order {
    /// Its place in the run, from 0.
    pub(crate) index: u64,
    /// What it is of; `None` where nobody knows whether it is the same as the last time.
    pub(crate) identity: Option<RenderIdentity>,
    /// The body of the request, without the project.
    pub(crate) body: Map<String, Value>,
    /// The same, typed.
    pub(crate) options: RenderRequest,
    /// The user's `Idempotency-Key`.
    pub(crate) idempotency_key: Option<IdempotencyKey>,
    /// The render that an earlier run has left.
    pub(crate) known: Option<RenderFact>,
    /// What must hold before it is submitted.
    pub(crate) limits: Limits,
    /// Where the video goes.
    pub(crate) output: Output,
    /// What the video must be.
    pub(crate) expected: Expected,
}

/// Where a video goes.
#[derive(Debug)]
pub(crate) enum Output {
    /// Nowhere: nobody waits for it.
    None,
    /// To a file that is ready.
    Ready(OutputFile),
    /// To a path, which is made ready when the video is there.
    Path(PathBuf),
}

impl Output {
    /// The final name, where it is known.
    pub(crate) fn path(&self) -> Option<&Path> {
        match self {
            Self::None => None,
            Self::Ready(file) => file.path(),
            Self::Path(path) => Some(path),
        }
    }

    /// Makes the file ready, unless the video goes nowhere.
    ///
    /// # Errors
    /// Returns an error if it cannot be written.
    pub(crate) fn open(self) -> Result<Option<OutputFile>, Error> {
        match self {
            Self::None => Ok(None),
            Self::Ready(file) => Ok(Some(file)),
            Self::Path(path) => Ok(Some(OutputFile::prepare(Some(&path))?)),
        }
    }
}

/// What becomes of an order.
#[derive(Debug)]
pub(crate) struct OrderResult {
    /// Its place in the run.
    pub(crate) index: u64,
    /// What it is of.
    pub(crate) identity: Option<RenderIdentity>,
    /// The generation of its render.
    pub(crate) generation: u32,
    /// Its render, where the renderer gives renders an id.
    pub(crate) render_id: Option<String>,
    /// The uploaded project.
    pub(crate) asset_id: Option<String>,
    /// Whether an earlier run paid for it.
    pub(crate) is_reused: bool,
    /// The tier that was asked for, which says what a second is billed at.
    pub(crate) resolution: Option<Resolution>,
    /// The container that was asked for.
    pub(crate) format: Format,
    /// Where the video is or was to go, where that is known.
    pub(crate) output: Option<PathBuf>,
    /// The render as the server tells it.
    pub(crate) detail: Option<Box<RenderDetail>>,
    /// How it stands.
    pub(crate) state: OrderState,
}

/// How an order stands.
#[derive(Debug)]
pub(crate) enum OrderState {
    /// Its render exists; more will follow, unless nobody waits.
    Submitted,
    /// Its render is complete, and its video in place where that was asked for.
    Completed(Option<SavedVideo>),
    /// There is no video.
    Failed {
        /// Why.
        error: Error,
        /// Whether the render exists and did not fail at the server: its video is fetched later, and not paid for again.
        is_fetchable: bool,
    },
}

/// A video in its place.
#[derive(Debug)]
pub(crate) struct SavedVideo {
    /// Where.
    pub(crate) path: PathBuf,
    /// How large, in bytes.
    pub(crate) size: u64,
    /// What it is, and what about it is not as it was asked for.
    pub(crate) verified: Verified,
}

impl Order {
    /// A result for the order.
    pub(crate) fn result(&self, state: OrderState) -> OrderResult {
        OrderResult {
            index: self.index,
            identity: self.identity.clone(),
            generation: 0,
            render_id: None,
            asset_id: None,
            is_reused: false,
            resolution: self.options.resolution,
            format: self.options.format.unwrap_or(Format::Mp4),
            output: self.output.path().map(Path::to_owned),
            detail: None,
            state,
        }
    }
}

/// What a run has come to as a whole.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct RunTotals {
    /// What it cost in dollars, where the renderer has an estimate.
    pub(crate) cost_usd: Option<f64>,
}
