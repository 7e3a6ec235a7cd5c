//! Outcomes of `media check` and `media plan`.

use schemars::JsonSchema;
use serde::Serialize;

/// The state of the generated media of a repository.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub(crate) struct MediaOutcome {
    /// Path of the lock file.
    pub(crate) lock: String,
    /// Entries, in the order of the configuration.
    pub(crate) media: Vec<MediaStatus>,
    /// Files in the lock file that no entry declares.
    pub(crate) undeclared: Vec<String>,
    /// Number of entries that are not current.
    pub(crate) not_current: usize,
    /// Estimated length in seconds of everything that `media generate` would make.
    pub(crate) estimated_seconds: f64,
    /// Estimated price of it in US dollars.
    pub(crate) estimated_usd: f64,
}

/// The state of an entry.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub(crate) struct MediaStatus {
    /// Path of the file from the root of the repository.
    pub(crate) file: String,
    /// Line of the entry in the configuration, from 1.
    pub(crate) line: usize,
    /// State of the entry.
    pub(crate) status: MediaState,
    /// Code of the finding; null if the entry is current.
    pub(crate) code: Option<&'static str>,
    /// What is wrong; null if the entry is current.
    pub(crate) message: Option<String>,
    /// What to do about it; null if the entry is current.
    pub(crate) help: Option<&'static str>,
    /// Identity of the media; null if the script cannot be read.
    pub(crate) identity: Option<String>,
    /// Estimated length in seconds of what would be generated; 0 if nothing would be.
    pub(crate) estimated_seconds: f64,
    /// Estimated price in US dollars of what would be generated; 0 if nothing would be.
    pub(crate) estimated_usd: f64,
}

/// The states of an entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum MediaState {
    /// The files exist, and the lock file agrees with them and with the entry.
    Current,
    /// A file does not exist.
    Missing,
    /// The script or an option has changed since the file was generated.
    Outdated,
    /// The file exists, but the lock file does not contain it.
    Unlocked,
    /// A file has changed since it was generated.
    Changed,
    /// The entry cannot be generated.
    Invalid,
}

impl MediaState {
    /// Returns the name of the state.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Current => "current",
            Self::Missing => "missing",
            Self::Outdated => "outdated",
            Self::Unlocked => "unlocked",
            Self::Changed => "changed",
            Self::Invalid => "invalid",
        }
    }

    /// Returns the code of its finding.
    pub(crate) fn code(self) -> Option<&'static str> {
        match self {
            Self::Current => None,
            Self::Missing => Some("media-missing"),
            Self::Outdated => Some("media-outdated"),
            Self::Unlocked => Some("media-unlocked"),
            Self::Changed => Some("media-changed"),
            Self::Invalid => Some("media-invalid"),
        }
    }

    /// Returns what to do about it.
    pub(crate) fn help(self) -> Option<&'static str> {
        match self {
            Self::Current => None,
            Self::Missing => Some("restore the file, for example with `git checkout`, or generate it"),
            Self::Outdated => Some("generate the file again, or undo the change of the entry or its script"),
            Self::Unlocked => Some("restore hyperframes-ci.lock, or delete the file and generate it"),
            Self::Changed => {
                Some("restore the file, for example with `git checkout`, or delete it and generate it")
            }
            Self::Invalid => Some("correct the entry or its script"),
        }
    }

    /// Returns whether `media generate` makes the file. A file that is not in the lock file, or has changed, is never replaced.
    pub(crate) fn is_generated(self) -> bool {
        matches!(self, Self::Missing | Self::Outdated)
    }
}
