//! What becomes of the rows: counted, written down, told.

use serde_json::{Value, json};

use super::{Entry, Manifest, ManifestError, Outcome, RowResult, RowState};
use crate::error::Error;
use crate::report::Console;

/// Counts what becomes of the rows, writes it down and tells it.
pub(crate) struct Tally<'a> {
    manifest: Manifest,
    console: &'a mut Console,
    totals: Value,
    /// Failures that end the run.
    most: Option<u64>,
    rows: u64,
    done: u64,
    /// Rows that are to be rendered in this run.
    todo: u64,
    /// Rows that failed before, or are of no use.
    failed_before: u64,
    completed: u64,
    reused: u64,
    failed: u64,
    broken: Option<ManifestError>,
}

impl<'a> Tally<'a> {
    /// Begins to count; `totals` has what is known already, and `most` failures end the run.
    pub(crate) fn new(
        manifest: Manifest,
        totals: Value,
        most: Option<u64>,
        console: &'a mut Console,
    ) -> Self {
        let count = |name: &str| totals[name].as_u64().unwrap_or_default();
        let todo = count("would_render") + count("reused");
        console.step(&format!("Rendering {todo} rows"));
        crate::interrupt::set_resume_hint(Some("the same command goes on with what is missing".to_owned()));
        Self {
            most,
            rows: count("rows"),
            done: count("done"),
            todo,
            failed_before: count("failed_before") + count("invalid"),
            completed: 0,
            reused: 0,
            failed: 0,
            broken: None,
            manifest,
            console,
            totals,
        }
    }

    /// Takes in a result, and says whether to go on.
    pub(crate) fn hear(&mut self, result: &RowResult) -> bool {
        let entry = entry(result);
        if let Err(error) = self.manifest.append(&entry) {
            self.broken = Some(error);
        }
        match &result.outcome {
            Outcome::Submitted => return self.broken.is_none(),
            Outcome::Completed(verified) => {
                self.completed += 1;
                self.reused += u64::from(result.is_reused);
                verified.warn(self.console);
            }
            Outcome::Failed(error) => {
                self.failed += 1;
                self.console.warning(&format!("row {}: {error}", result.index + 1));
            }
        }
        let mut line = json!(entry);
        line["reused"] = result.is_reused.into();
        self.console.json_line(&line);
        self.console.progress("rendering", self.completed + self.failed, self.todo, false);
        self.broken.is_none() && self.most.is_none_or(|most| self.failed < most)
    }

    /// The figures, and whether all rows are rendered.
    ///
    /// # Errors
    /// When the manifest could not be written.
    pub(crate) fn end(self) -> Result<(Value, Result<(), Error>), Error> {
        let Self { console, mut totals, rows, done, completed, reused, .. } = self;
        console.end_bar();
        crate::interrupt::set_resume_hint(None);
        if let Some(error) = self.broken {
            return Err(error.into());
        }
        let failed = self.failed + self.failed_before;
        console.done(&format!(
            "{completed} of {rows} rows rendered ({reused} reused), {done} done before, {failed} failed"
        ));
        totals["completed"] = completed.into();
        totals["reused"] = reused.into();
        totals["failed"] = failed.into();
        totals["not_submitted"] = self.todo.saturating_sub(completed + self.failed).into();
        let missing = rows - completed - done;
        let verdict = if missing == 0 { Ok(()) } else { Err(Error::Batch { failed: missing, rows }) };
        Ok((totals, verdict))
    }
}

/// A line of the manifest.
fn entry(result: &RowResult) -> Entry {
    let (state, duration, error) = match &result.outcome {
        Outcome::Submitted => (RowState::Submitted, None, None),
        Outcome::Completed(verified) => (RowState::Completed, verified.duration(), None),
        Outcome::Failed(error) => (RowState::Failed, None, Some(error.to_string())),
    };
    Entry {
        row: result.index,
        identity: result.identity.clone(),
        generation: result.generation,
        state,
        render_id: result.render_id.clone(),
        asset_id: result.asset_id.clone(),
        output: Some(result.output.display().to_string()),
        duration,
        error,
    }
}
