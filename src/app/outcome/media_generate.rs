//! The outcome of `media generate`.

use schemars::JsonSchema;
use serde::Serialize;

use crate::fault::Exit;

/// What `media generate` has done.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub(crate) struct MediaGenerateOutcome {
    /// Path of the lock file.
    pub(crate) lock: String,
    /// Whether nothing was requested because of --dry-run.
    pub(crate) dry_run: bool,
    /// Entries, in the order of the configuration.
    pub(crate) media: Vec<GeneratedMedia>,
    /// Number of entries that were current before.
    pub(crate) current: usize,
    /// Number of entries that were requested and written.
    pub(crate) generated: usize,
    /// Number of entries that an earlier run had paid for, and that were written now.
    pub(crate) recovered: usize,
    /// Number of entries that have no media.
    pub(crate) not_generated: usize,
    /// Length in seconds of what was generated.
    pub(crate) seconds: f64,
    /// Price in US dollars of what was requested and answered, by the price list.
    pub(crate) usd: f64,
}

/// The result of an entry.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub(crate) struct GeneratedMedia {
    /// Path of the file from the root of the repository.
    pub(crate) file: String,
    /// Line of the entry in the configuration, from 1.
    pub(crate) line: usize,
    /// `speech`, `presenter`, `sound` or `translation`.
    pub(crate) kind: &'static str,
    /// Where the file is kept: `git`, or a store to which `media push` and `mode: media` upload it.
    pub(crate) store: &'static str,
    /// The result.
    pub(crate) status: GenerationState,
    /// Code of the problem; null without one.
    pub(crate) code: Option<&'static str>,
    /// What is wrong; null without a problem.
    pub(crate) message: Option<String>,
    /// What to do about it.
    pub(crate) help: Option<String>,
    /// Identity of the media; null if the script cannot be read, or the audio or the video does not exist yet.
    pub(crate) identity: Option<String>,
    /// Length in seconds; an estimate unless the file was written.
    pub(crate) seconds: f64,
    /// Price in US dollars that this run has caused; an estimate for planned media.
    pub(crate) usd: f64,
    /// Whether this run received media that is billed.
    pub(crate) is_billed: bool,
    /// Status of the API's response, if it refused the request.
    pub(crate) http_status: Option<u16>,
    /// The exit code that the problem asks for.
    #[serde(skip)]
    #[schemars(skip)]
    pub(crate) exit: Option<Exit>,
}

/// The result of an entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum GenerationState {
    /// It was current before.
    Current,
    /// It would be generated without --dry-run, or was not begun.
    Planned,
    /// It was requested and written.
    Generated,
    /// An earlier run had paid for it, and it was written now.
    Recovered,
    /// It is invalid, or a file would be lost; nothing was requested.
    Blocked,
    /// A limit forbids the request.
    Limited,
    /// The request failed; nothing is billed.
    Failed,
    /// The request was not sent after an error that applies to all entries.
    Skipped,
    /// The media may have been billed, and its answer was lost.
    Unconfirmed,
    /// The media is paid for, and its files were not written.
    NotSaved,
    /// The video that is to be translated was not rendered yet; nothing was requested.
    Waiting,
}

impl GenerationState {
    /// Returns the name of the state.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Current => "current",
            Self::Planned => "planned",
            Self::Generated => "generated",
            Self::Recovered => "recovered",
            Self::Blocked => "blocked",
            Self::Limited => "limited",
            Self::Failed => "failed",
            Self::Skipped => "skipped",
            Self::Unconfirmed => "unconfirmed",
            Self::NotSaved => "not saved",
            Self::Waiting => "waiting",
        }
    }

    /// Returns the code of the problem.
    pub(crate) fn code(self) -> Option<&'static str> {
        match self {
            Self::Current | Self::Planned | Self::Generated | Self::Recovered | Self::Waiting => None,
            Self::Blocked => Some("media-blocked"),
            Self::Limited => Some("media-limited"),
            Self::Failed => Some("media-failed"),
            Self::Skipped => Some("media-skipped"),
            Self::Unconfirmed => Some("media-unconfirmed"),
            Self::NotSaved => Some("media-not-saved"),
        }
    }

    /// Returns whether the entry has no media.
    pub(crate) fn is_problem(self) -> bool {
        self.code().is_some()
    }
}
