//! The outcome of `media push`.

use schemars::JsonSchema;
use serde::Serialize;

/// What `media push` has done.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub(crate) struct MediaPushOutcome {
    /// Path of the lock file.
    pub(crate) lock: String,
    /// Entries whose files are kept in a store, in the order of the configuration.
    pub(crate) media: Vec<PushedMedia>,
    /// Number of files that the store had before.
    pub(crate) stored: usize,
    /// Number of files that were uploaded.
    pub(crate) uploaded: usize,
    /// Number of files that could not be uploaded.
    pub(crate) not_uploaded: usize,
}

/// The result of an entry.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub(crate) struct PushedMedia {
    /// Path of the file from the root of the repository.
    pub(crate) file: String,
    /// Line of the entry in the configuration, from 1.
    pub(crate) line: usize,
    /// The store, such as `branch`.
    pub(crate) store: &'static str,
    /// The result.
    pub(crate) status: PushState,
    /// Size in bytes of the file that the store has; otherwise 0.
    pub(crate) bytes: u64,
    /// Why it was not uploaded; null if the store has it.
    pub(crate) message: Option<String>,
    /// What to do about it.
    pub(crate) help: Option<&'static str>,
}

/// The results of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum PushState {
    /// The store had it.
    Stored,
    /// It was uploaded.
    Uploaded,
    /// The lock file does not contain it.
    NotRecorded,
    /// It has changed since it was recorded.
    Changed,
    /// It does not exist, and the store does not have it.
    Missing,
    /// It cannot be read.
    Unreadable,
}

impl PushState {
    /// Returns whether the store does not have the file.
    pub(crate) fn is_problem(self) -> bool {
        !matches!(self, Self::Stored | Self::Uploaded)
    }

    /// Returns what to do about it.
    pub(crate) fn help(self) -> Option<&'static str> {
        match self {
            Self::Stored | Self::Uploaded => None,
            Self::NotRecorded => Some(
                "generate it with `hyperframes-ci media generate`, or record it with `hyperframes-ci media adopt`",
            ),
            Self::Changed => Some(
                "record the file with `hyperframes-ci media adopt`, or restore it with `media fetch --overwrite`",
            ),
            Self::Missing => Some(
                "run the command on a machine that has the file; to generate it again, remove its table from hyperframes-ci.lock",
            ),
            Self::Unreadable => Some("check the path and the permissions"),
        }
    }
}
