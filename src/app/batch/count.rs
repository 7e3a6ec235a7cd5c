//! Validates every row before anything is submitted, and reports invalid ones.

use hyperframes_ci_core::findings::{Diagnostic, Findings};

use super::findings::RowFindings;
use super::outputs::{OutputHashes, Writers};
use super::places::refused;
use super::rows::{BatchRows, InvalidRow};
use crate::app::failure::InvalidRows;
use crate::fault::Error;
use crate::system::hash::Hashes;
use crate::system::output_place::ResolvedFolders;
use crate::ui::{Console, counted};

/// Maximum number of invalid rows that are reported individually.
const MOST_REPORTED: usize = 20;

/// The number of rows, and which of them are invalid.
#[derive(Debug)]
pub(crate) struct RowCount {
    pub(super) rows: u64,
    pub(super) invalid: u64,
    /// Rows with an output that must not be written, from 0, sorted.
    pub(super) refused: Vec<u64>,
    /// [Hashes](super::rows::ValidRow::hash) of identical rows, sorted.
    pub(super) repeated: Vec<u64>,
    /// Findings about rows, which are not errors.
    pub(super) diagnostics: Vec<Diagnostic>,
    /// The invalid rows that prevent a run; only set in a dry run, which continues to the end.
    pub(super) refusal: Option<InvalidRows>,
}

/// Rows that cannot be rendered.
#[derive(Default)]
struct Problems {
    count: u64,
    /// The first ones, with their lines.
    first: Vec<(u64, String)>,
}

impl Problems {
    fn add(&mut self, line: u64, message: String) {
        self.count += 1;
        if self.first.len() < MOST_REPORTED {
            self.first.push((line, message));
        }
    }
}

impl BatchRows<'_> {
    /// Validates every row.
    ///
    /// # Errors
    /// Returns a usage error if the file cannot be read or has no rows. Returns [`InvalidRows`] if different rows write the same
    /// file, or if rows are invalid and `--keep-going` is not set; in a dry run it is in the result.
    pub(crate) fn count(&self, console: &mut Console) -> Result<RowCount, Error> {
        let file = self.file.name().display();
        let mut source = self.file.read()?;
        if let Some(separator) = source.separator() {
            console.note(&format!("{file}: detected {separator} as column separator"));
        }
        if let Some(hint) = source.hint() {
            console.warning(&format!("{file}: {hint}"));
        }
        let (mut rows, mut problems, mut refusals) = (0, Problems::default(), Vec::new());
        let (mut hashes, mut folders) = (OutputHashes::default(), self.folders());
        let (mut findings, mut requests) = (RowFindings::default(), Hashes::default());
        for row in &mut source {
            rows += 1;
            match self.validate(row) {
                Err(InvalidRow { line, message, .. }) => problems.add(line, message),
                Ok(mut row) => {
                    requests.push(row.hash());
                    for (issue, severity) in row.issues.drain(..) {
                        findings.add(&row.row, issue, severity);
                    }
                    match self.target(&row, &mut folders) {
                        Ok(target) => hashes.add(&target),
                        Err(refusal) => {
                            refusals.push(row.row.index);
                            problems.add(row.row.line, refused(&row.row, &row.output, &refusal));
                        }
                    }
                }
            }
        }
        let blank = source.blank_rows();
        if blank > 0 {
            let blank = usize::try_from(blank).unwrap_or(usize::MAX);
            console.note(&format!("{file}: {} skipped", counted(blank, "blank row")));
        }
        if rows == 0 {
            return Err(Error::usage(
                format!("{} contains no rows", self.file.name().display()),
                "pass a file with at least one row",
            ));
        }
        let is_clash = self.find_clashes(hashes.repeated(), &mut refusals, &mut problems, &mut folders)?;
        let findings = findings.into_diagnostics(&file.to_string(), self.declarations);
        console.findings(&Findings { diagnostics: findings.clone(), ..Findings::default() });
        let refusal = self.refusal_of(problems, is_clash, console)?;
        refusals.sort_unstable();
        let (invalid, refusal) = refusal;
        let repeated = requests.into_repeated();
        Ok(RowCount { rows, invalid, refused: refusals, repeated, diagnostics: findings, refusal })
    }

    /// Reads the rows again whose outputs have these hashes. Adds rows that write the file of an earlier row to
    /// `refused` and `problems`. Returns whether they are the same file on every file system.
    fn find_clashes(
        &self,
        repeated: Vec<u64>,
        refused: &mut Vec<u64>,
        problems: &mut Problems,
        folders: &mut ResolvedFolders,
    ) -> Result<bool, Error> {
        if repeated.is_empty() {
            return Ok(false);
        }
        let mut is_certain = false;
        let mut writers = Writers::new(repeated);
        for row in self.read()? {
            let Ok(row) = row else { continue };
            let Ok(target) = self.target(&row, folders) else { continue };
            if let Some(clash) = writers.add(&row, &target) {
                is_certain |= clash.is_certain;
                refused.push(row.row.index);
                problems.add(row.row.line, clash.message);
            }
        }
        Ok(is_certain)
    }

    /// Returns the number of invalid rows, and in a dry run the rows that prevent a run.
    ///
    /// # Errors
    /// Returns [`InvalidRows`] if they prevent the run and this is not a dry run.
    fn refusal_of(
        &self,
        problems: Problems,
        is_clash: bool,
        console: &mut Console,
    ) -> Result<(u64, Option<InvalidRows>), Error> {
        let Problems { count, mut first } = problems;
        first.sort();
        let file = self.file.name().display();
        let first = first.into_iter().map(|(line, message)| format!("{file}:{line}: {message}")).collect();
        let invalid = InvalidRows { count, first, is_skippable: !is_clash };
        match count {
            0 => Ok((0, None)),
            // The program cannot decide which one of two rows writes the file.
            _ if is_clash || !self.spec.batch.skips_invalid_rows => {
                if self.spec.is_dry_run {
                    Ok((count, Some(invalid)))
                } else {
                    Err(invalid.into())
                }
            }
            _ => {
                invalid.first.iter().chain(&invalid.more()).for_each(|line| console.warning(line));
                Ok((count, None))
            }
        }
    }
}
