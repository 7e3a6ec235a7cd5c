//! The videos that the configuration names: all of them, some by name, or those for an event.

use std::sync::{Mutex, PoisonError};

use hyperframes_ci_core::options::Format;
use hyperframes_ci_core::text::nearest;
use hyperframes_ci_core::variables::{Outputs, Row, fill};
use serde_json::Map;

use super::budget::Billed;
use super::config::{ConfigError, Entry, Settings};
use super::failure::EntriesFailed;
use super::options::Given;
use super::outcome::{EntriesOutcome, EntryRender, EntryResult, ErrorOutcome, Outcome};
use super::render::PreparedRender;
use super::request::RequestBody;
use super::spec::RenderSpec;
use crate::fault::{Error, Exit};
use crate::system::pool::{Message, work_on};
use crate::ui::Console;

/// Entries that are rendered in the cloud at a time.
const AT_A_TIME: usize = 4;

/// Which entries.
#[derive(Clone, Debug, Default)]
pub(crate) struct Selection {
    /// All of them.
    pub(crate) is_all: bool,
    /// Those of these names.
    pub(crate) names: Vec<String>,
    /// Of those, the ones for this event.
    pub(crate) event: Option<String>,
}

impl Selection {
    /// Whether entries are asked for at all.
    pub(crate) fn is_used(&self) -> bool {
        self.is_all || !self.names.is_empty()
    }

    /// The entries, in their order in the file.
    ///
    /// # Errors
    /// Returns an error if there are none, or not one of those that were named.
    pub(crate) fn entries<'a>(&self, settings: &'a Settings) -> Result<Vec<&'a Entry>, Error> {
        let entries = &settings.file.entries;
        if entries.is_empty() {
            return Err(ConfigError::Missing(settings.file.path.clone()).into());
        }
        let names = || entries.iter().map(|entry| entry.name.as_str());
        if let Some(unknown) = self.names.iter().find(|name| names().all(|known| known != *name)) {
            let near = nearest(unknown, names()).map(|near| format!("; did you mean {near}?"));
            let message = format!("there is no entry {unknown:?}{}", near.unwrap_or_default());
            return Err(Error::usage(
                message,
                format!("the entries are {}", names().collect::<Vec<_>>().join(", ")),
            ));
        }
        let is_chosen = |entry: &&Entry| match &self.event {
            Some(event) => entry.is_for(event),
            None => self.is_all || self.names.contains(&entry.name),
        };
        Ok(entries.iter().filter(is_chosen).collect())
    }
}

/// What became of an entry.
pub(crate) struct EndedEntry<'a> {
    /// The entry.
    pub(crate) entry: &'a Entry,
    /// Its render, or why there is none.
    pub(crate) result: Result<Outcome, Error>,
}

/// What became of the entries.
pub(crate) struct EndedEntries<'a> {
    /// In the order of the file.
    pub(crate) entries: Vec<EndedEntry<'a>>,
    /// Whether anything was rendered at all: where one entry cannot be, none is.
    began: bool,
}

impl EndedEntries<'_> {
    /// Whether all have what was asked for.
    ///
    /// # Errors
    /// Returns [`EntriesFailed`].
    pub(crate) fn verdict(&self, of: usize) -> Result<(), EntriesFailed> {
        let errors = self.entries.iter().filter_map(|ended| ended.result.as_ref().err());
        match errors.clone().count() {
            0 => Ok(()),
            failed => Err(EntriesFailed { failed, of, exit: exit_of(errors), began: self.began }),
        }
    }

    /// For programs.
    pub(crate) fn into_outcome(self) -> EntriesOutcome {
        let render = |EndedEntry { entry, result }| EntryRender {
            entry: entry.name.clone(),
            result: match result {
                Ok(outcome) => EntryResult::Outcome(outcome),
                Err(error) => EntryResult::Failed(ErrorOutcome::from(&error)),
            },
        };
        EntriesOutcome { renders: self.entries.into_iter().map(render).collect() }
    }
}

/// Renders entries: `own` values of the user hold for each, and `base` for what they do not set. Limits that the user sets
/// for this run hold for all entries together.
///
/// # Errors
/// Returns an error if the user's own values make no sense. What becomes of entries is in the result.
pub(crate) fn render<'a>(
    settings: &Settings,
    entries: &[&'a Entry],
    base: &RenderSpec,
    own: &[Given],
    console: &mut Console,
) -> Result<EndedEntries<'a>, Error> {
    // What the user says for this run holds for the run; what the file says, for each entry.
    let (of_run, _) = settings.resolve(base.clone(), own, None)?;
    let (mut ready, mut failed) = (Vec::new(), Vec::new());
    let mut outputs = Outputs::default();
    for (index, entry) in (0..).zip(entries) {
        let console = &mut console.for_entry(&entry.name);
        match prepare(settings, base, own, entry, index, &mut outputs, console) {
            Ok(prepared) => ready.push((*entry, prepared)),
            Err(error) => {
                console.failure(&error);
                failed.push(EndedEntry { entry, result: Err(error) });
            }
        }
    }
    if !failed.is_empty() {
        return Ok(EndedEntries { entries: failed, began: false });
    }
    let limits = of_run.limits;
    let is_here = ready.iter().any(|(_, (_, prepared))| prepared.is_on_this_machine());
    // What one entry costs decides about the next; and this machine makes one video at a time.
    let at_a_time = if limits.is_shared() || is_here { 1 } else { AT_A_TIME };
    let spent = Mutex::new(Billed::default());
    let lock = || spent.lock().unwrap_or_else(PoisonError::into_inner);
    let console = &*console;
    let work =
        |(entry, (own_limits, mut prepared)): (&'a Entry, (super::budget::LimitOptions, PreparedRender)),
         _: &mut dyn FnMut(())| {
            let mut console = console.for_entry(&entry.name);
            let left = limits.after(*lock());
            prepared.set_limits(super::budget::LimitOptions {
                max_renders: left.max_renders.or(own_limits.max_renders),
                max_seconds: left.max_seconds.or(own_limits.max_seconds),
                min_balance: own_limits.min_balance,
            });
            let result = prepared.render(&mut console).and_then(|outcome| {
                *lock() += outcome.billed();
                outcome.verdict().map(|()| outcome)
            });
            if let Err(error) = &result {
                console.failure(error);
            }
            EndedEntry { entry, result }
        };
    let mut ended = Vec::new();
    work_on(&mut ready.into_iter(), at_a_time, &work, &mut |message| {
        if let Message::Result(one) = message {
            ended.push(one);
        }
        true
    });
    ended.sort_by_key(|ended: &EndedEntry<'_>| ended.entry.line);
    Ok(EndedEntries { entries: ended, began: true })
}

/// An entry and everything about it that can be known before anything is rendered.
fn prepare(
    settings: &Settings,
    base: &RenderSpec,
    own: &[Given],
    entry: &Entry,
    index: u64,
    outputs: &mut Outputs,
    console: &mut Console,
) -> Result<(super::budget::LimitOptions, PreparedRender), Error> {
    let (mut spec, _) = settings.resolve(base.clone(), own, Some(entry))?;
    spec.severities.validate()?;
    let request = RequestBody::new(&spec)?;
    if request.uploaded.is_some() {
        return Err(Error::usage("an entry renders a directory", "leave the project out of --data"));
    }
    let is_batch = spec.batch.rows.is_some();
    let default = if is_batch { "renders/{entry}/{index}.{ext}" } else { "renders/{entry}.{ext}" };
    let pattern = spec.output.as_deref().map(|path| path.display().to_string());
    let pattern = pattern.unwrap_or_else(|| settings.root.join(default).display().to_string());
    let pattern = pattern.replace("{entry}", &entry.name);
    let output = if is_batch {
        spec.batch
            .manifest
            .get_or_insert_with(|| settings.root.join(format!("renders/{}.manifest.jsonl", entry.name)));
        pattern
    } else {
        let ext = request.options.format.unwrap_or(Format::Mp4);
        let variables = request.options.variables.clone().unwrap_or_default();
        let row = Row { index, line: 0, variables, options: Map::new(), output: None };
        fill(&pattern, &row, ext.as_str()).map_err(|message| Error::usage(message, "change `output`"))?
    };
    if outputs.add(&output, index).is_some() {
        let message = format!("{output} is the output of another entry as well");
        return Err(Error::usage(message, "put {entry} into the output"));
    }
    spec.output = Some(output.into());
    console.step(&format!("Looking at {}", spec.directory().display()));
    let limits = spec.limits;
    Ok((limits, PreparedRender::new(spec, console)?))
}

/// The exit code that all of the errors have, or the general one.
fn exit_of<'a>(mut errors: impl Iterator<Item = &'a Error>) -> Exit {
    let first = errors.next().map_or(Exit::General, Error::exit);
    if errors.all(|error| error.exit() == first) { first } else { Exit::General }
}
