//! The outcome of `media fetch` and `media push`.

use schemars::JsonSchema;
use serde::Serialize;

/// What `media fetch` or `media push` has done.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub(crate) struct MediaTransferOutcome {
    /// Path of the lock file.
    pub(crate) lock: String,
    /// Entries whose files are kept in a store, in the order of the configuration.
    pub(crate) media: Vec<TransferredMedia>,
    /// Number of files that were already where they belong.
    pub(crate) present: usize,
    /// Number of files that were fetched or uploaded.
    pub(crate) transferred: usize,
    /// Number of files that could not be fetched or uploaded.
    pub(crate) not_transferred: usize,
}

/// The result of an entry.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub(crate) struct TransferredMedia {
    /// Path of the file from the root of the repository.
    pub(crate) file: String,
    /// Line of the entry in the configuration, from 1.
    pub(crate) line: usize,
    /// The store: `branch` or `release`.
    pub(crate) store: &'static str,
    /// The result.
    pub(crate) status: TransferState,
    /// Size in bytes of the file that is where it belongs; otherwise 0.
    pub(crate) bytes: u64,
    /// Why it was not transferred; null if it is where it belongs.
    pub(crate) message: Option<String>,
    /// What to do about it.
    pub(crate) help: Option<&'static str>,
}

/// Where files go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Direction {
    /// From a store to the working tree.
    Fetch,
    /// From the working tree to a store.
    Push,
}

/// The results of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum TransferState {
    /// It existed with the recorded contents, in the working tree or in the store.
    Present,
    /// It was fetched.
    Fetched,
    /// It was fetched in place of a file with other contents.
    Replaced,
    /// It was uploaded.
    Uploaded,
    /// The lock file does not contain it.
    NotRecorded,
    /// The file in the working tree has changed since it was recorded.
    Changed,
    /// The store does not have it.
    NotStored,
    /// The file in the store is not the recorded one.
    Damaged,
    /// Neither the working tree nor the store has it.
    Missing,
    /// The file in the working tree cannot be read.
    Unreadable,
    /// The file in the working tree cannot be written.
    Unwritable,
}

impl TransferState {
    /// Returns whether the file was fetched or uploaded.
    pub(crate) fn is_transferred(self) -> bool {
        matches!(self, Self::Fetched | Self::Replaced | Self::Uploaded)
    }

    /// Returns whether the recorded file is not where it belongs.
    pub(crate) fn is_problem(self, direction: Direction) -> bool {
        match self {
            Self::Present | Self::Fetched | Self::Replaced | Self::Uploaded => false,
            // It was not generated yet.
            Self::NotRecorded => direction == Direction::Push,
            Self::Changed
            | Self::NotStored
            | Self::Damaged
            | Self::Missing
            | Self::Unreadable
            | Self::Unwritable => true,
        }
    }

    /// Returns what to do about it.
    pub(crate) fn help(self, direction: Direction) -> Option<&'static str> {
        match (self, direction) {
            (Self::Present | Self::Fetched | Self::Replaced | Self::Uploaded, _) => None,
            (Self::NotRecorded, Direction::Fetch) => {
                Some("generate it with `hyperframes-ci media generate` or `mode: media`")
            }
            (Self::NotRecorded, Direction::Push) => Some(
                "generate it with `hyperframes-ci media generate`, or record it with `hyperframes-ci media adopt`",
            ),
            (Self::Changed, Direction::Fetch) => {
                Some("record the file with `hyperframes-ci media adopt`, or add --overwrite to replace it")
            }
            (Self::Changed, Direction::Push) => Some(
                "record the file with `hyperframes-ci media adopt`, or restore it with `media fetch --overwrite`",
            ),
            (Self::NotStored | Self::Damaged | Self::Missing, _) => Some(
                "run `hyperframes-ci media push` on a machine that has the file; to generate it again, remove its table from hyperframes-ci.lock",
            ),
            (Self::Unreadable | Self::Unwritable, _) => Some("check the path and the permissions"),
        }
    }
}
