//! Comparisons of several compositions, and their report.

use std::path::Path;

use hyperframes_ci_core::diff::{FailOn, Status};

use super::report::Report;
use super::{Compared, DiffError, DiffInput, DiffOptions, compare_files, outcome};
use crate::app::failure::DiffFailed;
use crate::app::outcome::{ComparisonOutcome, DiffOutcome};
use crate::fault::{Error, Fault};
use crate::system::gate::Reach;
use crate::ui::Console;

/// Collects comparisons.
pub(crate) struct DiffRun {
    report: Option<Report>,
    comparisons: Vec<(Verdict, ComparisonOutcome)>,
    /// The gate of the following comparisons.
    gate: FailOn,
}

/// The results of all comparisons.
#[derive(Debug)]
pub(crate) struct DiffResult {
    /// For people and programs.
    pub(crate) outcome: DiffOutcome,
    verdicts: Vec<Verdict>,
}

/// The status of a comparison, and which differences fail it.
#[derive(Clone, Copy, Debug)]
struct Verdict {
    status: Status,
    gate: FailOn,
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

impl DiffRun {
    /// Returns a run that writes its report to a directory in `reach`, if there is one.
    pub(crate) fn new(report: Option<&Path>, reach: &Reach) -> Self {
        let report = report.map(|directory| Report::new(directory, reach));
        Self { report, comparisons: Vec::new(), gate: FailOn::Never }
    }

    /// Writes a picture with the strip and the filmstrip of each comparison to the report, too.
    pub(crate) fn write_sheets(&mut self) {
        if let Some(report) = &mut self.report {
            report.has_sheets = true;
        }
    }

    /// Returns the number of comparisons.
    pub(crate) fn len(&self) -> usize {
        self.comparisons.len()
    }

    /// Sets which differences of the following comparisons fail.
    pub(crate) fn set_gate(&mut self, gate: FailOn) {
        self.gate = gate;
    }

    /// Compares two video files. Without FFmpeg the comparison is skipped, unless the files are identical.
    ///
    /// # Errors
    /// As [`compare_files`], but for a missing FFmpeg, and if the report cannot be written.
    pub(crate) fn compare(
        &mut self,
        name: &str,
        base: DiffInput<'_>,
        head: DiffInput<'_>,
        options: &DiffOptions,
        console: &mut Console,
    ) -> Result<(), Error> {
        match compare_files(base, head, options, console) {
            Ok(compared) => self.add(name, &compared, options),
            Err(DiffError::Program(error)) => {
                console.warning(&format!("{error}; {}", error.help().unwrap_or_default()));
                self.add_status(name, Status::Skipped, &error.to_string(), options);
                Ok(())
            }
            Err(error) => Err(error.into()),
        }
    }

    /// Returns a line about each comparison from number `first` on.
    pub(crate) fn summaries(&self, first: usize) -> impl Iterator<Item = &str> {
        self.comparisons.iter().skip(first).map(|(_, outcome)| outcome.summary.as_str())
    }

    /// Adds the result of a comparison.
    ///
    /// # Errors
    /// Returns an error if the report cannot be written.
    pub(crate) fn add(
        &mut self,
        name: &str,
        compared: &Compared,
        options: &DiffOptions,
    ) -> Result<(), Error> {
        let mut outcome = compared.outcome(name, options);
        if let Some(report) = self.report.as_mut().filter(|_| compared.diff.status != Status::Unchanged) {
            let images = report.add(self.comparisons.len(), name, compared, options)?;
            outcome.images = Some(images);
        }
        self.push(compared.diff.status, outcome);
        Ok(())
    }

    /// Adds a composition that was not compared, with the reason.
    pub(crate) fn add_status(&mut self, name: &str, status: Status, reason: &str, options: &DiffOptions) {
        self.push(status, outcome::not_compared(name, status, reason, options));
    }

    pub(super) fn push(&mut self, status: Status, outcome: ComparisonOutcome) {
        self.comparisons.push((Verdict { status, gate: self.gate }, outcome));
    }

    /// Writes the report, and returns the results.
    ///
    /// # Errors
    /// Returns an error if the report cannot be written.
    pub(crate) fn finish(self) -> Result<DiffResult, Error> {
        let (verdicts, comparisons): (Vec<Verdict>, Vec<_>) = self.comparisons.into_iter().unzip();
        let has = |status: &Status| verdicts.iter().any(|verdict| verdict.status == *status);
        let status = BY_IMPORTANCE.iter().copied().find(has);
        let status = status.unwrap_or(Status::Unchanged).as_str();
        let mut outcome = DiffOutcome { status, comparisons, report: None };
        outcome.report = self.report.map(|report| report.finish(&outcome)).transpose()?;
        Ok(DiffResult { outcome, verdicts })
    }
}

impl DiffResult {
    /// Returns whether the gates of all comparisons are passed, and none has failed.
    ///
    /// # Errors
    /// Returns [`DiffFailed`] if a status is not allowed.
    pub(crate) fn verdict(&self) -> Result<(), Error> {
        self.failure().map_or(Ok(()), |failed| Err(failed.into()))
    }

    /// Returns what the gates forbid; `None` if nothing.
    pub(crate) fn failure(&self) -> Option<DiffFailed> {
        let failing = self.verdicts.iter().filter(|verdict| verdict.status.fails(verdict.gate));
        let failing = failing.collect::<Vec<_>>();
        let has_gate = |verdict: &&&Verdict| verdict.gate != FailOn::Never;
        let first = failing.iter().find(has_gate).or(failing.first())?;
        let has_no_result = |status: Status| matches!(status, Status::Failed | Status::Skipped);
        Some(DiffFailed {
            failing: failing.len(),
            total: self.verdicts.len(),
            is_incomplete: failing.iter().any(|verdict| has_no_result(verdict.status)),
            gate: first.gate,
        })
    }
}
