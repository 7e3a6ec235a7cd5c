//! Renders entries, several at a time, within the limits of the run.

use std::sync::{Mutex, PoisonError};

use super::error::located;
use super::prepare::{PreparedEntry, Preparer};
use super::run::{EntriesRun, EntryRun};
use crate::app::budget::{Billed, LimitOptions};
use crate::app::config::{Entry, Settings};
use crate::app::options::Given;
use crate::app::spec::RenderSpec;
use crate::fault::Error;
use crate::system::pool::{Message, work_on};
use crate::ui::Console;

/// Entries that are rendered in the cloud at a time.
const CONCURRENCY: usize = 4;

/// Renders entries: `given` overrides the settings of each, and `base` applies to what neither sets. Limits in `given`
/// apply to all entries together. If an entry is invalid, none is rendered.
///
/// # Errors
/// Returns an error if `given` is invalid. Errors of entries are in the result.
pub(crate) fn render<'a>(
    settings: &Settings,
    entries: &[&'a Entry],
    base: &RenderSpec,
    given: &[Given],
    console: &mut Console,
) -> Result<EntriesRun<'a>, Error> {
    // Resolved without an entry: limits of the run, not those of an entry.
    let (run_spec, _) = settings.resolve(base.clone(), given, None)?;
    let mut preparer = Preparer::new(settings, base, given);
    let (mut prepared, mut failed) = (Vec::new(), Vec::new());
    for (index, entry) in (0..).zip(entries) {
        let console = &mut console.for_entry(&entry.name);
        match preparer.prepare(entry, index, console) {
            Ok(entry) => prepared.push(entry),
            Err(error) => {
                let error = located(error, entry, settings);
                console.failure(&error);
                failed.push(EntryRun { entry, result: Err(error) });
            }
        }
    }
    if !failed.is_empty() {
        return Ok(EntriesRun { entries: failed, has_started: false });
    }
    Ok(EntriesRun { entries: render_prepared(prepared, run_spec.limits, console), has_started: true })
}

/// Renders prepared entries; `limits` apply to all of them together.
fn render_prepared<'a>(
    prepared: Vec<PreparedEntry<'a>>,
    limits: LimitOptions,
    console: &Console,
) -> Vec<EntryRun<'a>> {
    // One at a time if the cost of one limits the next, or if this machine renders.
    let is_local = prepared.iter().any(|entry| entry.render.is_on_this_machine());
    let concurrency = if limits.is_shared() || is_local { 1 } else { CONCURRENCY };
    let spent = Mutex::new(Billed::default());
    let lock = || spent.lock().unwrap_or_else(PoisonError::into_inner);
    let work = |PreparedEntry { entry, limits: own, mut render }: PreparedEntry<'a>,
                _: &mut dyn FnMut(())| {
        let mut console = console.for_entry(&entry.name);
        let left = limits.after(*lock());
        render.set_limits(LimitOptions {
            max_renders: left.max_renders.or(own.max_renders),
            max_seconds: left.max_seconds.or(own.max_seconds),
            min_balance: own.min_balance,
        });
        let result = render.render(&mut console).and_then(|outcome| {
            *lock() += outcome.billed();
            outcome.verdict().map(|()| outcome)
        });
        if let Err(error) = &result {
            console.failure(error);
        }
        EntryRun { entry, result }
    };
    let mut runs = Vec::new();
    work_on(&mut prepared.into_iter(), concurrency, &work, &mut |message| {
        if let Message::Result(run) = message {
            runs.push(run);
        }
        true
    });
    runs.sort_by_key(|run: &EntryRun<'_>| run.entry.line);
    runs
}
