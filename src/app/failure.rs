//! Errors of use cases.

use std::fmt;

use hyperframes_ci_core::archive::INLINE_UPLOAD_LIMIT;
use hyperframes_ci_core::diff::FailOn;
use hyperframes_ci_core::findings::{Findings, Severity};
use serde_json::{Map, Value};

use crate::fault::{Exit, Fault};
use crate::ui::{bytes, counted};

const NOTHING_BILLED: &str = "nothing was uploaded or billed";

/// The remedy for findings.
const EXPLAIN: &str = "run `hyperframes-ci check --explain <CODE>` for details";

/// The checks before a render or a pack found errors. Nothing was uploaded or billed.
#[derive(Debug)]
pub(crate) struct PreflightFailed(pub(crate) Findings);

impl fmt::Display for PreflightFailed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_count(self.0.count(Severity::Error), f)?;
        write!(f, "; {NOTHING_BILLED}")
    }
}

impl Fault for PreflightFailed {
    fn code(&self) -> &str {
        "preflight_failed"
    }

    fn help(&self) -> Option<String> {
        Some(EXPLAIN.to_owned())
    }

    fn exit(&self) -> Exit {
        Exit::Preflight
    }

    fn members(&self) -> Map<String, Value> {
        Map::from_iter([("diagnostics".to_owned(), serde_json::json!(self.0.diagnostics))])
    }

    fn findings(&self) -> Option<&Findings> {
        Some(&self.0)
    }
}

/// The command `check` found errors, which it has reported.
#[derive(Debug)]
pub(crate) struct CheckFailed {
    /// Number of errors.
    pub(crate) errors: usize,
}

impl fmt::Display for CheckFailed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_count(self.errors, f)
    }
}

impl Fault for CheckFailed {
    fn code(&self) -> &str {
        "preflight_failed"
    }

    fn help(&self) -> Option<String> {
        Some(EXPLAIN.to_owned())
    }

    fn exit(&self) -> Exit {
        Exit::Preflight
    }
}

fn write_count(errors: usize, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    write!(f, "the checks found {}", counted(errors, "error"))
}

/// Videos differ, and the gate of the user forbids it.
#[derive(Debug)]
pub(crate) struct DiffFailed {
    /// Number of comparisons that the gate forbids.
    pub(crate) failing: usize,
    /// Number of comparisons.
    pub(crate) total: usize,
    /// Whether one of them has no result.
    pub(crate) is_incomplete: bool,
    /// The gate.
    pub(crate) gate: FailOn,
}

impl fmt::Display for DiffFailed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { failing, total, is_incomplete, gate } = self;
        let what = if *is_incomplete { "differences or failures" } else { "differences" };
        write!(f, "{what} in {failing} of {}; --fail-on-diff is {gate}", counted(*total, "comparison"))
    }
}

impl Fault for DiffFailed {
    fn code(&self) -> &str {
        if self.is_incomplete { "diff_incomplete" } else { "visual_difference" }
    }

    fn help(&self) -> Option<String> {
        Some("look at the report that --report writes, then correct or approve the changes".to_owned())
    }

    fn exit(&self) -> Exit {
        if self.is_incomplete { Exit::General } else { Exit::Difference }
    }
}

/// The archive exceeds the upload limit.
#[derive(Debug)]
pub(crate) struct ArchiveTooLarge {
    /// Size in bytes.
    pub(crate) size: u64,
    /// Limit in bytes.
    pub(crate) limit: u64,
    /// The largest files, a line each.
    pub(crate) largest: Vec<String>,
}

impl fmt::Display for ArchiveTooLarge {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (mut size, mut limit) = (bytes(self.size), bytes(self.limit));
        if size == limit {
            (size, limit) = (format!("{} bytes", self.size), format!("{} bytes", self.limit));
        }
        write!(f, "the archive is too large: {size} exceeds the limit of {limit}; largest files:")?;
        self.largest.iter().try_for_each(|line| write!(f, "\n  {line}"))
    }
}

impl Fault for ArchiveTooLarge {
    fn code(&self) -> &str {
        "archive_too_large"
    }

    fn help(&self) -> Option<String> {
        let help = match self.limit {
            INLINE_UPLOAD_LIMIT => "use --upload auto, which uploads the archive before the submission",
            _ => "exclude files that the video does not need with .hyperframesignore",
        };
        Some(help.to_owned())
    }

    fn exit(&self) -> Exit {
        Exit::Preflight
    }
}

/// A batch has invalid rows.
#[derive(Clone, Debug)]
pub(crate) struct InvalidRows {
    /// Number of invalid rows.
    pub(crate) count: u64,
    /// The first errors, a line each.
    pub(crate) first: Vec<String>,
    /// Whether the other rows can be rendered without them.
    pub(crate) is_skippable: bool,
}

impl InvalidRows {
    /// Returns the number of errors that are not in `first`, as a line; `None` if there are none.
    pub(crate) fn more(&self) -> Option<String> {
        let more = self.count.saturating_sub(self.first.len() as u64);
        (more > 0).then(|| format!("and {more} more"))
    }
}

impl fmt::Display for InvalidRows {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let count = usize::try_from(self.count).unwrap_or(usize::MAX);
        write!(f, "{}; {NOTHING_BILLED}", counted(count, "invalid row"))?;
        self.first.iter().chain(&self.more()).try_for_each(|line| write!(f, "\n  {line}"))
    }
}

impl Fault for InvalidRows {
    fn code(&self) -> &str {
        "invalid_rows"
    }

    fn help(&self) -> Option<String> {
        let help = if self.is_skippable {
            "correct the rows, or add --keep-going to render the valid ones"
        } else {
            "correct the rows"
        };
        Some(help.to_owned())
    }

    fn exit(&self) -> Exit {
        Exit::Preflight
    }
}

/// Rows of a batch failed.
#[derive(Debug)]
pub(crate) struct BatchFailed {
    /// Number of rows without a video, except those that were not submitted.
    pub(crate) failed: u64,
    /// Number of rows that were not submitted, because the run ended before it was their turn.
    pub(crate) not_submitted: u64,
    /// Number of all rows.
    pub(crate) rows: u64,
    /// Whether all failed rows timed out.
    pub(crate) is_timeout: bool,
    /// Whether the run used no earlier renders.
    pub(crate) is_reuse_off: bool,
}

/// Returns how to resume a batch. With `--no-reuse`, the same command would be billed for all rows again.
pub(crate) fn resume_hint(is_reuse_off: bool) -> &'static str {
    if is_reuse_off {
        "run the same command without --no-reuse to resume"
    } else {
        "run the same command again to resume"
    }
}

impl fmt::Display for BatchFailed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.failed, self.not_submitted) {
            (failed, 0) => write!(f, "{failed} of {} rows failed", self.rows),
            (0, open) => write!(f, "{open} of {} rows were not submitted", self.rows),
            (failed, open) => {
                write!(f, "{failed} of {} rows failed and {open} were not submitted", self.rows)
            }
        }
    }
}

impl Fault for BatchFailed {
    fn code(&self) -> &str {
        "batch_failed"
    }

    fn help(&self) -> Option<String> {
        let help =
            format!("{}; add --retry-failed to render failed rows again", resume_hint(self.is_reuse_off));
        Some(help)
    }

    fn exit(&self) -> Exit {
        if self.is_timeout { Exit::Timeout } else { Exit::General }
    }
}

/// Entries of the configuration failed.
#[derive(Debug)]
pub(crate) struct EntriesFailed {
    /// Number of failed entries.
    pub(crate) failed: usize,
    /// Number of selected entries.
    pub(crate) total: usize,
    /// Exit code for all of them.
    pub(crate) exit: Exit,
    /// Whether rendering has started.
    pub(crate) has_started: bool,
}

impl fmt::Display for EntriesFailed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} of {} failed", self.failed, counted(self.total, "entry"))?;
        if self.has_started { Ok(()) } else { write!(f, "; {NOTHING_BILLED}") }
    }
}

impl Fault for EntriesFailed {
    fn code(&self) -> &str {
        "entries_failed"
    }

    fn help(&self) -> Option<String> {
        // The errors of the entries have their own help.
        self.has_started.then(|| "run the same command again to resume".to_owned())
    }

    fn exit(&self) -> Exit {
        self.exit
    }
}

/// The user declined to delete a render.
#[derive(Debug)]
pub(crate) struct Declined;

impl fmt::Display for Declined {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("cancelled; nothing was deleted")
    }
}

impl Fault for Declined {
    fn code(&self) -> &str {
        "declined"
    }

    fn exit(&self) -> Exit {
        Exit::Usage
    }
}

/// Renders have failed, or their videos cannot be downloaded; they were printed.
#[derive(Debug)]
pub(crate) struct CollectFailed {
    /// Number of these renders.
    pub(crate) failed: usize,
    /// Number of renders that were looked for.
    pub(crate) total: usize,
}

impl fmt::Display for CollectFailed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} of {} failed", self.failed, counted(self.total, "render"))
    }
}

impl Fault for CollectFailed {
    fn code(&self) -> &str {
        "collect_failed"
    }

    fn help(&self) -> Option<String> {
        Some("run the command that submitted them again: completed renders are reused".to_owned())
    }
}

/// Renders of equal input differ.
#[derive(Clone, Debug)]
pub(crate) struct NotRepeatable {
    /// One line about each render that differs from the first.
    pub(crate) differences: Vec<String>,
    /// Whether the checks have found a cause.
    pub(crate) has_cause: bool,
}

impl fmt::Display for NotRepeatable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "renders of the same project differ: {}", self.differences.join("; "))
    }
}

impl Fault for NotRepeatable {
    fn code(&self) -> &str {
        "render_not_repeatable"
    }

    fn help(&self) -> Option<String> {
        let help = if self.has_cause {
            "use seeded random numbers, and times of the timeline instead of the clock"
        } else {
            "look for remote files that change, and for animations that follow the clock"
        };
        Some(help.to_owned())
    }

    fn exit(&self) -> Exit {
        Exit::Difference
    }
}
