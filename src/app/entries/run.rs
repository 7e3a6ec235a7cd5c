//! The results of entries that were rendered together.

use crate::app::config::Entry;
use crate::app::failure::EntriesFailed;
use crate::app::outcome::{EntriesOutcome, EntryRender, EntryResult, ErrorOutcome, Outcome};
use crate::fault::{Error, Exit};

/// An entry and its result.
pub(crate) struct EntryRun<'a> {
    /// The entry.
    pub(crate) entry: &'a Entry,
    /// Its outcome, or the reason why it has none.
    pub(crate) result: Result<Outcome, Error>,
}

/// The results of all entries.
pub(crate) struct EntriesRun<'a> {
    /// In the order of the file.
    pub(crate) entries: Vec<EntryRun<'a>>,
    /// Whether rendering has started: if one entry is invalid, none is rendered, and only the invalid ones are in
    /// `entries`.
    pub(super) has_started: bool,
}

impl EntriesRun<'_> {
    /// Returns whether all of the `total` entries succeeded.
    ///
    /// # Errors
    /// Returns [`EntriesFailed`] if an entry failed.
    pub(crate) fn verdict(&self, total: usize) -> Result<(), EntriesFailed> {
        let errors = self.entries.iter().filter_map(|run| run.result.as_ref().err());
        match errors.clone().count() {
            0 => Ok(()),
            failed => {
                Err(EntriesFailed { failed, total, exit: exit_of(errors), has_started: self.has_started })
            }
        }
    }

    /// Converts the results for programs.
    pub(crate) fn into_outcome(self) -> EntriesOutcome {
        let render = |EntryRun { entry, result }| EntryRender {
            entry: entry.name.clone(),
            result: match result {
                Ok(outcome) => EntryResult::Outcome(outcome),
                Err(error) => EntryResult::Failed(ErrorOutcome::from(&error)),
            },
        };
        EntriesOutcome { renders: self.entries.into_iter().map(render).collect() }
    }
}

/// Returns the exit code that all of the errors have in common, or the general one.
fn exit_of<'a>(mut errors: impl Iterator<Item = &'a Error>) -> Exit {
    let first = errors.next().map_or(Exit::General, Error::exit);
    if errors.all(|error| error.exit() == first) { first } else { Exit::General }
}
