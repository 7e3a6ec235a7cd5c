//! A row of a batch with `--json`: one object a line, before the summary.

use schemars::JsonSchema;
use serde::Serialize;

use super::manifest::Entry;

/// A row of a batch.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(untagged)]
pub(crate) enum RowOutcome {
    /// A row that has ended.
    Ended(EndedRow),
    /// A row of a dry run.
    Planned(PlannedRow),
}

/// A row that has ended.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub(crate) struct EndedRow {
    /// Its line of the manifest.
    #[serde(flatten)]
    pub(super) entry: Entry,
    /// Whether an earlier run paid for it.
    pub(super) reused: bool,
}

/// A row of a dry run.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub(crate) struct PlannedRow {
    /// The row, from 0.
    pub(super) row: u64,
    /// What a run would do with it.
    pub(super) state: PlannedState,
    /// Why it cannot be rendered as it is.
    pub(super) error: Option<String>,
}

/// What a run would do with a row.
#[derive(Clone, Copy, Debug, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum PlannedState {
    /// Nothing: it cannot be rendered as it is.
    Invalid,
    /// Nothing: its video is in place.
    Done,
    /// Nothing: it failed in an earlier run.
    Failed,
    /// Fetch the video of its render.
    Reused,
    /// Render it.
    WouldRender,
}
