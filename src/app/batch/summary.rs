//! Counts, records and reports the results of rows.

use std::collections::HashSet;

use super::manifest::{Entry, Manifest, ManifestError, RowState};
use super::row_outcome::{EndedRow, RowOutcome};
use crate::app::budget::Billed;
use crate::app::failure::resume_hint;
use crate::app::outcome::{BatchOutcome, BatchResults, EngineOutcome};
use crate::app::spec::RenderSpec;
use crate::fault::{Error, Exit};
use crate::renderers::verify::Verified;
use crate::renderers::{Event, OrderResult, OrderState, Reporter, RunTotals};
use crate::system::hash::hash;
use crate::system::interrupt;
use crate::ui::{Console, counted, table};

/// Maximum number of remembered renders, to bound memory: after that, identical rows count as billed.
const MOST_PAID: usize = 1 << 18;

/// Counts the results of rows, writes them to the manifest and reports them.
pub(super) struct BatchSummary<'a> {
    manifest: Manifest,
    console: &'a mut Console,
    outcome: BatchOutcome,
    /// Maximum number of failures.
    most: Option<u64>,
    /// Whether a video that does not match the request is a failure.
    must_match: bool,
    /// Whether reuse is off.
    is_reuse_off: bool,
    /// Whether renders are billed.
    is_billed: bool,
    completed: u64,
    reused: u64,
    failed: u64,
    timed_out: u64,
    billed: Billed,
    /// Hashes of the ids of renders that this run paid for; equal rows share one.
    paid: HashSet<u64>,
    broken: Option<ManifestError>,
}

impl<'a> BatchSummary<'a> {
    /// Starts counting; `outcome` has the plan.
    pub(super) fn new(
        manifest: Manifest,
        outcome: BatchOutcome,
        spec: &RenderSpec,
        is_billed: bool,
        console: &'a mut Console,
    ) -> Self {
        let pending = usize::try_from(outcome.would_render + outcome.reused).unwrap_or(usize::MAX);
        if pending > 0 {
            console.step(&format!("Rendering {}", counted(pending, "row")));
        }
        interrupt::set_resume_hint(Some(resume_hint(spec.run.reuse.is_off).to_owned()));
        Self {
            manifest,
            console,
            outcome,
            most: spec.batch.max_failures,
            must_match: spec.must_match,
            is_reuse_off: spec.run.reuse.is_off,
            is_billed,
            completed: 0,
            reused: 0,
            failed: 0,
            timed_out: 0,
            billed: Billed::default(),
            paid: HashSet::new(),
            broken: None,
        }
    }

    /// Returns the number of rows to render or reuse in this run.
    fn pending(&self) -> u64 {
        self.outcome.would_render + self.outcome.reused
    }

    /// Returns whether this run is billed for a render that was not counted for an identical row.
    fn is_paid_now(&mut self, result: &OrderResult) -> bool {
        let Some(id) = result.render_id.as_deref().filter(|_| self.paid.len() < MOST_PAID) else {
            return true;
        };
        self.paid.insert(hash(id))
    }

    /// Returns whether to stop before all rows are submitted.
    pub(super) fn is_over(&self) -> bool {
        self.broken.is_some() || self.most.is_some_and(|most| self.failed > 0 && self.failed >= most)
    }

    /// Returns whether any row has a result.
    pub(super) fn has_results(&self) -> bool {
        self.completed + self.failed > 0 || self.broken.is_some()
    }

    /// Reports the totals and returns the outcome.
    ///
    /// # Errors
    /// Returns an error if the manifest could not be written.
    pub(super) fn end(self, totals: Option<&RunTotals>) -> Result<BatchOutcome, Error> {
        let cost_usd = totals.and_then(|totals| totals.cost_usd);
        let pending = self.pending();
        let Self { console, mut outcome, completed, reused, billed, is_reuse_off, .. } = self;
        console.end_bar();
        interrupt::set_resume_hint(None);
        if let Some(error) = self.broken {
            return Err(error.into());
        }
        let failed = self.failed + outcome.failed_before + outcome.invalid;
        let rendered_here = completed - reused - billed.renders;
        let is_timeout = failed == self.timed_out && outcome.rows == outcome.done + completed + failed;
        let not_submitted = pending.saturating_sub(completed + self.failed);
        let counts = [
            ("rendered", billed.renders, format!("{:.1} s", billed.seconds)),
            ("rendered locally", rendered_here, String::new()),
            ("reused", reused, "not billed".to_owned()),
            ("already done", outcome.done, String::new()),
            ("failed", failed, String::new()),
            ("not submitted", not_submitted, String::new()),
        ];
        let counts = counts.into_iter().filter(|(_, count, _)| *count > 0);
        let lines = counts.map(|(what, count, more)| vec![what.to_owned(), count.to_string(), more]);
        table(&lines.collect::<Vec<_>>()).lines().for_each(|line| console.detail(line));
        outcome.reused = reused;
        outcome.results = Some(BatchResults {
            completed,
            failed,
            billed,
            not_submitted,
            is_timeout,
            is_reuse_off,
            cost_usd,
            engine: totals.and_then(|totals| totals.engine.as_ref()).map(EngineOutcome::of),
        });
        let completed = format!("{} of {} rows completed", outcome.in_place(), outcome.rows);
        if outcome.in_place() == outcome.rows {
            console.done(&completed);
        } else {
            console.not_done(&completed);
        }
        if let Some(cost) = cost_usd {
            console.detail(&format!("estimated cost: ${cost:.4}"));
        }
        Ok(outcome)
    }
}

impl Reporter for BatchSummary<'_> {
    fn event(&mut self, event: Event) {
        if let Event::Warning(text) = event {
            self.console.warning(&text);
        }
    }

    fn result(&mut self, mut result: OrderResult) -> bool {
        if let (true, OrderState::Completed(Some(video))) = (self.must_match, &result.state)
            && let Err(mismatch) = video.verified.check()
        {
            // Another render would differ in the same way.
            let is_fetchable = result.render_id.is_some();
            result.state = OrderState::Failed { error: mismatch.into(), is_fetchable };
        }
        if matches!(result.state, OrderState::Completed(_)) && !result.is_reused {
            result.is_reused = !self.is_paid_now(&result);
        }
        let entry = entry(&result);
        if let Err(error) = self.manifest.append(&entry) {
            self.broken = Some(error);
        }
        match &result.state {
            OrderState::Submitted => return self.broken.is_none(),
            OrderState::Completed(video) => {
                self.completed += 1;
                self.reused += u64::from(result.is_reused);
                let verified = video.as_ref().map(|video| &video.verified);
                if self.is_billed && !result.is_reused {
                    self.billed.add(verified.and_then(Verified::duration), result.resolution);
                }
                if let Some(verified) = verified {
                    verified.warn(self.console);
                }
            }
            OrderState::Failed { error, .. } => {
                self.failed += 1;
                self.timed_out += u64::from(error.exit() == Exit::Timeout);
                self.console.warning(&format!("row {}: {error}", result.index + 1));
            }
        }
        let ended = EndedRow { entry, reused: result.is_reused };
        self.console.outcome_line(&RowOutcome::Ended(ended));
        let failed = if self.failed > 0 { format!(", {} failed", self.failed) } else { String::new() };
        let (done, pending) = (self.completed + self.failed, self.pending());
        self.console.progress(&format!("rendering{failed}"), done, pending, false);
        !self.is_over()
    }
}

/// Returns the entry of a result for the manifest.
fn entry(result: &OrderResult) -> Entry {
    let (state, duration, error) = match &result.state {
        OrderState::Submitted => (RowState::Submitted, None, None),
        OrderState::Completed(video) => {
            let duration = video.as_ref().and_then(|video| video.verified.duration());
            (RowState::Completed, duration, None)
        }
        // A render that did not fail on the server is downloaded later and not billed again.
        OrderState::Failed { error, is_fetchable: true } => {
            (RowState::Submitted, None, Some(error.to_string()))
        }
        OrderState::Failed { error, is_fetchable: false } => {
            (RowState::Failed, None, Some(error.to_string()))
        }
    };
    Entry {
        row: result.index,
        identity: result.identity.as_ref().map(|identity| identity.key(0).to_string()).unwrap_or_default(),
        generation: result.generation,
        state,
        render_id: result.render_id.clone(),
        asset_id: result.asset_id.clone(),
        output: result.output.as_ref().map(|output| output.display().to_string()),
        duration,
        error,
    }
}
