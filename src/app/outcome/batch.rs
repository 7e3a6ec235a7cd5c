//! Outcomes of batches.

use hyperframes_ci_core::findings::Diagnostic;
use schemars::JsonSchema;
use serde::Serialize;

use super::engine::EngineOutcome;
use super::parts;
use crate::app::budget::Billed;
use crate::app::failure::{BatchFailed, InvalidRows};
use crate::fault::Error;

/// The result of a batch.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub(crate) struct BatchOutcome {
    /// Digest of the project's manifest.
    pub(crate) digest: String,
    /// Number of rows in the file.
    pub(crate) rows: u64,
    /// Number of invalid rows.
    pub(crate) invalid: u64,
    /// Number of new renders that were required when the run started. Identical rows share a render.
    pub(crate) would_render: u64,
    /// Number of rows that reuse an earlier render or the render of an identical row.
    pub(crate) reused: u64,
    /// Number of rows whose video already existed when the run started.
    pub(crate) done: u64,
    /// Number of rows that were skipped because they failed in an earlier run.
    pub(crate) failed_before: u64,
    /// Warnings and notes about the project and the rows, one per kind; absent if there are none.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schemars(schema_with = "parts::diagnostics")]
    pub(crate) diagnostics: Vec<Diagnostic>,
    /// The invalid rows that would prevent a run; only in a dry run.
    #[serde(skip)]
    pub(crate) refusal: Option<InvalidRows>,
    /// Results of the run; absent after a dry run.
    #[serde(flatten)]
    pub(crate) results: Option<BatchResults>,
}

/// The results of a batch.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub(crate) struct BatchResults {
    /// Number of rows that this run completed.
    pub(crate) completed: u64,
    /// Number of rows without a video.
    pub(crate) failed: u64,
    /// Renders that this run was billed for.
    pub(crate) billed: Billed,
    /// Number of rows that were not submitted.
    pub(crate) not_submitted: u64,
    /// Whether every row without a video timed out in this run.
    #[serde(skip)]
    pub(crate) is_timeout: bool,
    /// Whether the run used no earlier renders.
    #[serde(skip)]
    pub(crate) is_reuse_off: bool,
    /// Estimated cost in US dollars.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) cost_usd: Option<f64>,
    /// The engine, if this machine rendered the rows.
    #[serde(flatten)]
    pub(crate) engine: Option<EngineOutcome>,
}

impl BatchOutcome {
    /// Returns the number of rows that have a video.
    pub(crate) fn in_place(&self) -> u64 {
        self.results.as_ref().map_or(0, |results| results.completed) + self.done
    }

    /// Checks that every row has a video; after a dry run, that no invalid row would prevent a run.
    ///
    /// # Errors
    /// Returns [`BatchFailed`] if a row has no video, and [`InvalidRows`] if invalid rows would prevent a run.
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
