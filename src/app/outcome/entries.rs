//! Outcomes of entries of the configuration.

use schemars::JsonSchema;
use serde::Serialize;

use super::error::ErrorOutcome;
use super::render::Outcome;

/// Renders of the entries of the configuration.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct EntriesOutcome {
    /// In the order of the file.
    pub(crate) renders: Vec<EntryRender>,
}

/// What became of an entry.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct EntryRender {
    /// The entry's name.
    pub(crate) entry: String,
    /// Its render, or why there is none.
    #[serde(flatten)]
    pub(crate) result: EntryResult,
}

/// See [`EntryRender`].
#[derive(Debug, Serialize, JsonSchema)]
#[serde(untagged)]
pub(crate) enum EntryResult {
    /// Its render.
    Outcome(Outcome),
    /// The error envelope.
    Failed(ErrorOutcome),
}
