//! The outcome of `media fetch`.

use schemars::JsonSchema;
use serde::Serialize;

/// What `media fetch` has done.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub(crate) struct MediaFetchOutcome {
    /// Path of the lock file.
    pub(crate) lock: String,
    /// Entries whose files are kept in a store, in the order of the configuration.
    pub(crate) media: Vec<FetchedMedia>,
    /// Number of files that existed before.
    pub(crate) present: usize,
    /// Number of files that were fetched.
    pub(crate) fetched: usize,
    /// Number of files that could not be fetched.
    pub(crate) not_fetched: usize,
}

/// The result of an entry.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub(crate) struct FetchedMedia {
    /// Path of the file from the root of the repository.
    pub(crate) file: String,
    /// Line of the entry in the configuration, from 1.
    pub(crate) line: usize,
    /// The store, such as `branch`.
    pub(crate) store: &'static str,
    /// The result.
    pub(crate) status: FetchState,
    /// Size in bytes of the file that exists or was fetched; otherwise 0.
    pub(crate) bytes: u64,
    /// Why it was not fetched; null if it exists.
    pub(crate) message: Option<String>,
    /// What to do about it.
    pub(crate) help: Option<&'static str>,
}

/// The results of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum FetchState {
    /// It existed, with the recorded contents.
    Present,
    /// It was fetched.
    Fetched,
    /// It was fetched in place of a file with other contents.
    Replaced,
    /// The lock file does not contain it: it was not generated yet.
    NotRecorded,
    /// A file with other contents exists.
    Changed,
    /// The store does not have it.
    NotStored,
    /// The file in the store is not the recorded one.
    Damaged,
    /// The existing file cannot be read.
    Unreadable,
    /// The file cannot be written.
    Unwritable,
}

impl FetchState {
    /// Returns whether the file was written.
    pub(crate) fn is_written(self) -> bool {
        matches!(self, Self::Fetched | Self::Replaced)
    }

    /// Returns whether the recorded file does not exist.
    pub(crate) fn is_problem(self) -> bool {
        match self {
            Self::Present | Self::Fetched | Self::Replaced | Self::NotRecorded => false,
            Self::Changed | Self::NotStored | Self::Damaged | Self::Unreadable | Self::Unwritable => true,
        }
    }

    /// Returns what to do about it.
    pub(crate) fn help(self) -> Option<&'static str> {
        match self {
            Self::Present | Self::Fetched | Self::Replaced => None,
            Self::NotRecorded => Some("generate it with `hyperframes-ci media generate` or `mode: media`"),
            Self::Changed => {
                Some("record the file with `hyperframes-ci media adopt`, or add --overwrite to replace it")
            }
            Self::NotStored | Self::Damaged => Some(
                "run `hyperframes-ci media push` on a machine that has the file; to generate it again, remove its table from hyperframes-ci.lock",
            ),
            Self::Unreadable | Self::Unwritable => Some("check the path and the permissions"),
        }
    }
}
