//! Outcomes of `media adopt`, `media check` and `media plan`.

use hyperframes_ci_core::findings::Rule;
use schemars::JsonSchema;
use serde::Serialize;

/// The result of `media adopt`.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub(crate) struct MediaAdoptOutcome {
    /// Path of the lock file.
    pub(crate) lock: String,
    /// Files of the entries that were recorded.
    pub(crate) adopted: Vec<String>,
    /// Number of entries that were current before.
    pub(crate) current: usize,
}

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
    /// Files that are kept in a store, and that Git would commit as well.
    pub(crate) not_ignored: Vec<String>,
    /// Number of entries that are neither current nor waiting.
    pub(crate) not_current: usize,
    /// Estimated length in seconds of what is missing or outdated.
    pub(crate) estimated_seconds: f64,
    /// Estimated price in US dollars of making it with HeyGen.
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
    /// `speech`, `presenter`, `sound` or `translation`.
    pub(crate) kind: &'static str,
    /// State of the entry.
    pub(crate) status: MediaState,
    /// Code of the finding; null if the entry is current or waiting.
    pub(crate) code: Option<&'static str>,
    /// The problem; null if the entry is current.
    pub(crate) message: Option<String>,
    /// How to fix it; null if the entry is current.
    pub(crate) help: Option<&'static str>,
    /// Identity of the media; null if the script cannot be read, or the audio or the video does not exist yet.
    pub(crate) identity: Option<String>,
    /// Estimated length in seconds; 0 unless the file is missing or outdated.
    pub(crate) estimated_seconds: f64,
    /// Estimated price in US dollars of making the file with HeyGen; 0 unless it is missing or outdated.
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
    /// The file is recorded, and was not fetched from its store yet.
    NotFetched,
    /// The script, the audio or an option has changed since the file was recorded.
    Outdated,
    /// The file exists, but the lock file does not contain it.
    Unlocked,
    /// A file has changed since it was recorded.
    Changed,
    /// The script is missing, empty, too long or not valid SSML, the audio is too long or of another type, or a file cannot be read.
    Invalid,
    /// The video that is to be translated was not rendered yet.
    Waiting,
}

impl MediaState {
    /// Returns the name of the state.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Current => "current",
            Self::Missing => "missing",
            Self::NotFetched => "not fetched",
            Self::Outdated => "outdated",
            Self::Unlocked => "unlocked",
            Self::Changed => "changed",
            Self::Invalid => "invalid",
            Self::Waiting => "waiting",
        }
    }

    /// Returns the rule of its finding.
    pub(crate) fn rule(self) -> Option<Rule> {
        match self {
            Self::Current | Self::Waiting => None,
            Self::Missing | Self::NotFetched => Some(Rule::MediaMissing),
            Self::Outdated => Some(Rule::MediaOutdated),
            Self::Unlocked => Some(Rule::MediaUnlocked),
            Self::Changed => Some(Rule::MediaChanged),
            Self::Invalid => Some(Rule::MediaInvalid),
        }
    }

    /// Returns the code of its finding.
    pub(crate) fn code(self) -> Option<&'static str> {
        self.rule().map(Rule::code)
    }

    /// Returns what to do about it.
    pub(crate) fn help(self) -> Option<&'static str> {
        match self {
            Self::Current => None,
            Self::Missing => Some(
                "restore the file, for example with `git checkout`; or run `hyperframes-ci media generate`",
            ),
            Self::NotFetched => Some("run `hyperframes-ci media fetch`"),
            Self::Outdated => {
                Some("run `hyperframes-ci media generate`, or undo the change of the entry or its script")
            }
            Self::Unlocked => {
                Some("record the file with `hyperframes-ci media adopt`, or restore hyperframes-ci.lock")
            }
            Self::Changed => Some(
                "restore the file, for example with `git checkout`; or record it with `hyperframes-ci media adopt`",
            ),
            Self::Invalid => Some("correct the entry, its script or its audio"),
            Self::Waiting => Some("render the video with `hyperframes-ci render`"),
        }
    }

    /// Returns whether the state is a problem.
    pub(crate) fn is_problem(self) -> bool {
        !matches!(self, Self::Current | Self::Waiting)
    }

    /// Returns whether the file has to be made.
    pub(crate) fn is_due(self) -> bool {
        matches!(self, Self::Missing | Self::Outdated)
    }
}
