//! Outcomes of batches.

use hyperframes_ci_core::findings::Diagnostic;
use schemars::JsonSchema;
use serde::Serialize;

use super::parts;
use crate::app::budget::Billed;
use crate::app::failure::{BatchFailed, InvalidRows};
use crate::fault::Error;

/// Rows of a batch.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub(crate) struct BatchOutcome {
    /// The manifest digest of the project.
    pub(crate) digest: String,
    /// Rows of the file.
    pub(crate) rows: u64,
    /// Rows that cannot be rendered as they are.
    pub(crate) invalid: u64,
    /// New renders that rows needed when the run began; equal rows share one.
    pub(crate) would_render: u64,
    /// Rows that use an earlier render, or that of an equal row.
    pub(crate) reused: u64,
    /// Rows whose video was in place when the run began.
    pub(crate) done: u64,
    /// Rows that failed in an earlier run, and were left out.
    pub(crate) failed_before: u64,
    /// Findings short of errors, about the project and about rows, one for each kind; absent without any.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schemars(schema_with = "parts::diagnostics")]
    pub(crate) diagnostics: Vec<Diagnostic>,
    /// The rows because of which a run would render nothing; of a dry run only.
    #[serde(skip)]
    pub(crate) refusal: Option<InvalidRows>,
    /// What the run has come to; absent after a dry run.
    #[serde(flatten)]
    pub(crate) results: Option<BatchResults>,
}

/// What a batch has come to.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub(crate) struct BatchResults {
    /// Rows whose video this run has put in place.
    pub(crate) completed: u64,
    /// Rows without a video.
    pub(crate) failed: u64,
    /// What this run paid for.
    pub(crate) billed: Billed,
    /// Rows that were not submitted.
    pub(crate) not_submitted: u64,
    /// Whether every row without a video timed out in this run.
    #[serde(skip)]
    pub(crate) is_timeout: bool,
    /// Whether the run used no earlier renders.
    #[serde(skip)]
    pub(crate) is_reuse_off: bool,
    /// What it cost in dollars, by the tooling's estimate.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) cost_usd: Option<f64>,
}

impl BatchOutcome {
    /// Returns the number of rows that have a video.
    pub(crate) fn in_place(&self) -> u64 {
        self.results.as_ref().map_or(0, |results| results.completed) + self.done
    }

    /// Checks that every row has a video; after a dry run, that a run would render something.
    ///
    /// # Errors
    /// Returns [`BatchFailed`] if a row has no video, and [`InvalidRows`] if a run would be refused because of rows.
    pub(super) fn verdict(&self) -> Result<(), Error> {
        let missing = self.rows.saturating_sub(self.in_place());
        match (&self.results, &self.refusal) {
            (Some(results), _) if missing > 0 => {
                let (is_timeout, not_submitted) = (results.is_timeout, results.not_submitted);
                let failed = missing.saturating_sub(not_submitted);
                let is_reuse_off = results.is_reuse_off;
                Err(BatchFailed { failed, not_submitted, rows: self.rows, is_timeout, is_reuse_off }.into())
            }
            (None, Some(refusal)) => Err(refusal.clone().into()),
            _ => Ok(()),
        }
    }
}
