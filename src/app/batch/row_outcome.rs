//! The outcome of a row with `--json`: one object per line, before the summary.

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
    /// Entry of the manifest.
    #[serde(flatten)]
    pub(super) entry: Entry,
    /// Whether an earlier render was reused.
    pub(super) reused: bool,
}

/// A row of a dry run.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub(crate) struct PlannedRow {
    /// Index of the row, from 0.
    pub(super) row: u64,
    /// Planned action.
    pub(super) state: PlannedState,
    /// Reason why the row is invalid.
    pub(super) error: Option<String>,
}

/// The planned action for a row.
#[derive(Clone, Copy, Debug, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum PlannedState {
    /// None: the row is invalid.
    Invalid,
    /// None: the video exists.
    Done,
    /// None: the row failed in an earlier run.
    Failed,
    /// Download the video of an existing render.
    Reused,
    /// Submit a new render.
    WouldRender,
}
