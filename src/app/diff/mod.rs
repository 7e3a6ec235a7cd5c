//! The use case `diff`: what differs between two videos.

mod compare;
mod error;
mod file;
mod frames;
mod outcome;
mod packets;
mod sound;

use std::path::Path;

pub(crate) use compare::{DiffOptions, VideoDiff};
pub(crate) use error::DiffError;
pub(crate) use outcome::{comparison, not_compared};

use hyperframes_ci_core::diff::{FailOn, Status};

use crate::app::failure::DiffFailed;
use crate::app::outcome::{ComparisonOutcome, DiffOutcome};
use crate::fault::Error;
use crate::system::gate::Reach;
use crate::ui::Console;
use file::VideoFile;

/// A video file that somebody names.
#[derive(Clone, Copy, Debug)]
pub(crate) struct DiffInput<'a> {
    /// Its path.
    pub(crate) path: &'a Path,
    /// Where the path may lead.
    pub(crate) reach: &'a Reach,
}

/// Compares two video files.
///
/// # Errors
/// Returns [`DiffError`] if a file is not a complete video, both are the same file, FFmpeg is needed and missing, or it
/// cannot decode a file.
pub(crate) fn compare_files(
    base: DiffInput<'_>,
    head: DiffInput<'_>,
    options: &DiffOptions,
    console: &mut Console,
) -> Result<VideoDiff, DiffError> {
    let open = |input: DiffInput<'_>| VideoFile::open(input.path, input.reach);
    let (base_file, head_file) = (open(base)?, open(head)?);
    if same_file::is_same_file(base.path, head.path).unwrap_or(false) {
        return Err(DiffError::SameFile(head.path.to_owned()));
    }
    compare::compare(&base_file, &head_file, options, console)
}

/// The results of all comparisons.
#[derive(Debug)]
pub(crate) struct DiffResult {
    /// For people and programs.
    pub(crate) outcome: DiffOutcome,
    /// The status of each comparison.
    pub(crate) statuses: Vec<Status>,
}

/// Statuses from the most important one on.
const BY_IMPORTANCE: &[Status] = &[
    Status::Failed,
    Status::Skipped,
    Status::Changed,
    Status::Removed,
    Status::Unstable,
    Status::New,
    Status::Faint,
];

impl DiffResult {
    /// Returns the results of comparisons.
    pub(crate) fn new(comparisons: Vec<(Status, ComparisonOutcome)>) -> Self {
        let (statuses, comparisons): (Vec<_>, Vec<_>) = comparisons.into_iter().unzip();
        let status = BY_IMPORTANCE.iter().copied().find(|status| statuses.contains(status));
        let status = status.unwrap_or(Status::Unchanged).as_str();
        Self { outcome: DiffOutcome { status, comparisons, report: None }, statuses }
    }

    /// Returns whether the gate of the user is passed.
    ///
    /// # Errors
    /// Returns [`DiffFailed`] if a status is not allowed.
    pub(crate) fn verdict(&self, gate: FailOn) -> Result<(), Error> {
        let failing = self.statuses.iter().filter(|status| status.fails(gate));
        match failing.clone().count() {
            0 => Ok(()),
            count => Err(DiffFailed {
                failing: count,
                total: self.statuses.len(),
                is_incomplete: failing
                    .clone()
                    .any(|status| matches!(status, Status::Failed | Status::Skipped)),
                gate,
            }
            .into()),
        }
    }
}

/// Compares two video files that a person names. Without FFmpeg the comparison is skipped, unless they are identical.
///
/// # Errors
/// As [`compare_files`], but for a missing FFmpeg.
pub(crate) fn diff_files(
    base: DiffInput<'_>,
    head: DiffInput<'_>,
    options: &DiffOptions,
    console: &mut Console,
) -> Result<DiffResult, Error> {
    let name = head.path.file_stem().unwrap_or(head.path.as_os_str()).to_string_lossy();
    let compared = match compare_files(base, head, options, console) {
        Ok(diff) => (diff.status, comparison(&name, [base.path, head.path], &diff, options)),
        Err(DiffError::Program(error)) => {
            console.warning(&format!("{error}; {}", crate::fault::Fault::help(&error).unwrap_or_default()));
            (Status::Skipped, not_compared(&name, Status::Skipped, &error.to_string(), options))
        }
        Err(error) => return Err(error.into()),
    };
    Ok(DiffResult::new(vec![compared]))
}
