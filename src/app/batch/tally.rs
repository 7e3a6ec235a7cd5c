//! What becomes of the rows: counted, written down, told.

use serde_json::{Value, json};

use super::{Entry, Manifest, ManifestError, RowState};
use crate::app::failure::BatchFailed;
use crate::cli::reuse::billed;
use crate::fault::{Error, Exit};
use crate::renderers::cloud::{Outcome, RowResult};
use crate::ui::{Console, counted, table};

/// Counts what becomes of the rows, writes it down and tells it.
pub(crate) struct Tally<'a> {
    manifest: Manifest,
    console: &'a mut Console,
    totals: Value,
    /// Failures that end the run.
    most: Option<u64>,
    /// Whether a video that is not as it was asked for is a failure.
    is_strict: bool,
    rows: u64,
    done: u64,
    /// Rows that are to be rendered in this run.
    todo: u64,
    /// Rows that failed before, or are of no use.
    failed_before: u64,
    completed: u64,
    reused: u64,
    failed: u64,
    /// Renders that were submitted and paid for, and their seconds.
    billed: (u64, f64),
    broken: Option<ManifestError>,
}

impl<'a> Tally<'a> {
    /// Begins to count; `totals` has what is known already, `most` failures end the run, and with `is_strict` a video that
    /// is not as it was asked for is one.
    pub(crate) fn new(
        manifest: Manifest,
        totals: Value,
        most: Option<u64>,
        is_strict: bool,
        console: &'a mut Console,
    ) -> Self {
        let count = |name: &str| totals[name].as_u64().unwrap_or_default();
        let todo = count("would_render") + count("reused");
        let shown = usize::try_from(todo).unwrap_or(usize::MAX);
        console.step(&format!("Rendering {}", counted(shown, "row")));
        crate::system::interrupt::set_resume_hint(Some(
            "the same command goes on with what is missing".to_owned(),
        ));
        Self {
            most,
            is_strict,
            rows: count("rows"),
            done: count("done"),
            todo,
            failed_before: count("failed_before") + count("invalid"),
            completed: 0,
            reused: 0,
            failed: 0,
            billed: (0, 0.0),
            broken: None,
            manifest,
            console,
            totals,
        }
    }

    /// Takes in a result, and says whether to go on.
    pub(crate) fn hear(&mut self, mut result: RowResult) -> bool {
        if let (true, Outcome::Completed(verified)) = (self.is_strict, &result.outcome) {
            let verdict = verified.insist();
            verdict.unwrap_or_else(|error| result.outcome = Outcome::Failed(Box::new(error.into())));
        }
        let entry = entry(&result);
        if let Err(error) = self.manifest.append(&entry) {
            self.broken = Some(error);
        }
        match &result.outcome {
            Outcome::Submitted => return self.broken.is_none(),
            Outcome::Completed(verified) => {
                self.completed += 1;
                self.reused += u64::from(result.is_reused);
                if result.render_id.is_some() && !result.is_reused {
                    self.billed.0 += 1;
                    self.billed.1 += billed(verified.duration().unwrap_or_default(), result.resolution);
                }
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
        let failed = if self.failed > 0 { format!(", {} failed", self.failed) } else { String::new() };
        self.console.progress(&format!("rendering{failed}"), self.completed + self.failed, self.todo, false);
        self.broken.is_none() && self.most.is_none_or(|most| self.failed < most)
    }

    /// The figures, and whether all rows are rendered.
    ///
    /// # Errors
    /// When the manifest could not be written.
    pub(crate) fn end(self) -> Result<(Value, Result<(), Error>), Error> {
        let Self { console, mut totals, rows, done, completed, reused, .. } = self;
        console.end_bar();
        crate::system::interrupt::set_resume_hint(None);
        if let Some(error) = self.broken {
            return Err(error.into());
        }
        let failed = self.failed + self.failed_before;
        let (billed, seconds) = self.billed;
        let on_this_machine = completed - reused - billed;
        let not_submitted = self.todo.saturating_sub(completed + self.failed);
        let counts = [
            ("rendered", billed, format!("{seconds:.1} s")),
            ("rendered here", on_this_machine, String::new()),
            ("reused", reused, "nothing paid".to_owned()),
            ("done before", done, String::new()),
            ("failed", failed, String::new()),
            ("not submitted", not_submitted, String::new()),
        ];
        let counts = counts.into_iter().filter(|(_, count, _)| *count > 0);
        let lines = counts.map(|(what, count, more)| vec![what.to_owned(), count.to_string(), more]);
        table(&lines.collect::<Vec<_>>()).lines().for_each(|line| console.detail(line));
        console.done(&format!("{} of {rows} rows are there", completed + done));
        totals["completed"] = completed.into();
        totals["reused"] = reused.into();
        totals["failed"] = failed.into();
        totals["billed"] = json!({ "renders": self.billed.0, "seconds": self.billed.1 });
        totals["not_submitted"] = not_submitted.into();
        let missing = rows - completed - done;
        let verdict = if missing == 0 { Ok(()) } else { Err(BatchFailed { failed: missing, rows }.into()) };
        Ok((totals, verdict))
    }
}

/// A line of the manifest.
fn entry(result: &RowResult) -> Entry {
    let (state, duration, error) = match &result.outcome {
        Outcome::Submitted => (RowState::Submitted, None, None),
        Outcome::Completed(verified) => (RowState::Completed, verified.duration(), None),
        Outcome::Failed(error) => {
            // A render that lives on is gone on with, not paid for again.
            let lives_on = error.exit() == Exit::Timeout && result.render_id.is_some();
            let state = if lives_on { RowState::Submitted } else { RowState::Failed };
            (state, None, Some(error.to_string()))
        }
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
