//! The events of a run.

use std::time::Duration;

use hyperframes_ci_core::job::{Origin, Retry, Stage};

use super::order::OrderResult;

/// An event of an order before its result.
#[derive(Debug)]
pub(crate) enum Event {
    /// The order enters a stage of the cloud flow.
    Stage(Stage),
    /// The project is uploaded.
    Asset {
        /// Id of the asset.
        id: String,
        /// Whether an earlier run uploaded it.
        is_reused: bool,
    },
    /// The render exists.
    Render {
        /// Id of the render.
        id: String,
        /// Who submitted it.
        origin: Origin,
    },
    /// A request will be retried.
    Retry {
        /// The request, and the reason.
        retry: Retry,
        /// Time until the retry.
        delay: Duration,
    },
    /// The status of the render, as named by the server.
    Status(String),
    /// Progress of the render.
    Progress {
        /// The stage, as named by the renderer.
        stage: String,
        /// Percentage of the whole render, 0 to 100.
        percent: f64,
    },
    /// Progress of the upload.
    Uploading {
        /// Bytes so far.
        done: u64,
        /// Bytes in total.
        total: u64,
    },
    /// Progress of the download.
    Downloading {
        /// Bytes so far.
        done: u64,
        /// Bytes in total, if the server reports them.
        total: Option<u64>,
    },
    /// A warning for the user.
    Warning(String),
}

/// Receives the events and results of a run.
pub(crate) trait Reporter {
    /// Handles an event.
    fn event(&mut self, event: Event);

    /// Handles the submission or the result of an order; returns whether to submit more orders.
    fn result(&mut self, result: OrderResult) -> bool;
}
