//! What a run says while it goes on.

use std::time::Duration;

use hyperframes_ci_core::job::{Origin, Retry, Stage};

use super::order::OrderResult;

/// Something that happens to an order before it has a result.
#[derive(Debug)]
pub(crate) enum Event {
    /// It enters a stage of the cloud's flow.
    Stage(Stage),
    /// Its project is uploaded, now or by an earlier run.
    Asset {
        /// The asset's id.
        id: String,
        /// Whether an earlier run uploaded it.
        is_reused: bool,
    },
    /// Its render exists.
    Render {
        /// The render's id.
        id: String,
        /// Where it comes from.
        origin: Origin,
    },
    /// A request is tried again after a pause.
    Retry {
        /// What is tried again, and why.
        retry: Retry,
        /// How long the pause is.
        delay: Duration,
    },
    /// The server's word for how it stands.
    Status(String),
    /// How far the render is.
    Progress {
        /// The renderer's word for what it is doing.
        stage: String,
        /// Of the whole render, 0 to 100.
        percent: f64,
    },
    /// Bytes of the archive are on their way.
    Uploading {
        /// So far.
        done: u64,
        /// In all.
        total: u64,
    },
    /// Bytes of the video are on their way.
    Downloading {
        /// So far.
        done: u64,
        /// In all, where the server says so.
        total: Option<u64>,
    },
    /// Something that the user should know.
    Warning(String),
}

/// Hears of what happens in a run.
pub(crate) trait Reporter {
    /// Something happens.
    fn event(&mut self, event: Event);

    /// An order has a result, or is submitted; returns whether more orders are to be submitted.
    fn result(&mut self, result: OrderResult) -> bool;
}
