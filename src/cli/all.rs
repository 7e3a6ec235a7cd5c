//! `hyperframes-ci render --all`: the videos that the configuration names.

use std::ffi::OsString;
use std::path::Path;

use hyperframes_ci_core::options::Format;
use hyperframes_ci_core::text::nearest;
use hyperframes_ci_core::variables::{Outputs, Row, fill};
use serde_json::{Map, Value, json};

use super::render::{Args, Ready, Rendered, Request};
use super::reuse::Spent;
use super::settings::Settings;
use crate::app::config::{ConfigError, EVENTS, Entry};
use crate::app::failure::EntriesFailed;
use crate::fault::{Error, Exit};
use crate::system::pool::a_few_at_a_time;
use crate::ui::{Console, table};

/// Entries that are rendered in the cloud at a time.
const AT_A_TIME: usize = 4;

/// Which entries of the configuration.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Entries")]
#[group(id = "selection", multiple = true)]
pub(super) struct SelectArgs {
    /// All entries of hyperframes-ci.toml, written `[[render]]`
    #[arg(long)]
    all: bool,
    /// The entry of this name; several times for several
    #[arg(long, value_name = "NAME", conflicts_with = "all")]
    entry: Vec<String>,
    /// Of those, the entries for an event, as the action renders them
    #[arg(long, value_name = "EVENT", value_parser = clap::builder::PossibleValuesParser::new(EVENTS), requires = "all")]
    on: Option<String>,
}

impl SelectArgs {
    /// Whether entries are asked for at all.
    pub(super) fn is_used(&self) -> bool {
        self.all || !self.entry.is_empty()
    }

    /// The entries, in their order in the file.
    ///
    /// # Errors
    /// When there are none, or not one of those that were named.
    pub(super) fn of<'a>(&self, settings: &'a Settings) -> Result<Vec<&'a Entry>, Error> {
        let entries = &settings.file.entries;
        if entries.is_empty() {
            return Err(ConfigError::Missing(settings.file.path.clone()).into());
        }
        let names = || entries.iter().map(|entry| entry.name.as_str());
        if let Some(unknown) = self.entry.iter().find(|name| names().all(|known| known != *name)) {
            let near = nearest(unknown, names()).map(|near| format!("; did you mean {near}?"));
            let message = format!("there is no entry {unknown:?}{}", near.unwrap_or_default());
            return Err(Error::usage(
                message,
                format!("the entries are {}", names().collect::<Vec<_>>().join(", ")),
            ));
        }
        let is_chosen = |entry: &&Entry| match &self.on {
            Some(event) => entry.is_for(event),
            None => self.all || self.entry.contains(&entry.name),
        };
        Ok(entries.iter().filter(is_chosen).collect())
    }
}

/// Takes away the flags that choose entries.
pub(super) fn without_selection(flags: &[OsString]) -> Vec<OsString> {
    let chooses = |flag: &str| flag == "--all" || flag.starts_with("--entry=") || flag.starts_with("--on=");
    flags.iter().filter(|flag| !flag.to_str().is_some_and(chooses)).cloned().collect()
}

/// What became of an entry.
type Ended = Result<Rendered, Error>;

pub(super) fn run(
    select: &SelectArgs,
    settings: &Settings,
    flags: &[OsString],
    console: &mut Console,
) -> Result<(), Error> {
    let entries = select.of(settings)?;
    let flags = without_selection(flags);
    // What the user says for this run holds for the run; what the file says, for each entry.
    let (of_run, _) = settings.resolve(&flags, None)?;
    let mut ready = Vec::new();
    let mut failed = Vec::new();
    let mut outputs = Outputs::default();
    for (index, entry) in entries.iter().enumerate() {
        let console = &mut console.for_entry(&entry.name);
        match prepare(settings, &flags, entry, index, &mut outputs, console) {
            Ok(prepared) => ready.push((*entry, prepared)),
            Err(error) => {
                console.failure(&error);
                failed.push((entry.name.as_str(), error));
            }
        }
    }
    if !failed.is_empty() {
        let results = failed.iter().map(|(name, error)| json_of(name, &Err(error))).collect::<Vec<_>>();
        console.json(&json!({ "renders": results }));
        return Err(EntriesFailed {
            failed: failed.len(),
            of: entries.len(),
            exit: exit_of(failed.iter().map(|(_, error)| error)),
            began: false,
        }
        .into());
    }
    let limits = &of_run.limits;
    let is_limited = limits.max_renders.is_some() || limits.max_seconds.is_some();
    let is_here = ready.iter().any(|(_, (_, ready))| ready.is_here());
    // What one entry costs decides about the next; and this machine makes one video at a time.
    let at_a_time = if is_limited || is_here { 1 } else { AT_A_TIME };
    let spent = std::sync::Mutex::new(Spent::default());
    let lock = || spent.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    let consoles = |name: &str| console.for_entry(name);
    let work = |(entry, (mut args, ready))| {
        let entry: &Entry = entry;
        let (_, _): (&Args, &Ready) = (&args, &ready);
        let mut console = consoles(&entry.name);
        let (renders, seconds) = lock().left(limits.max_renders, limits.max_seconds);
        args.limits.max_renders = renders.or(args.limits.max_renders);
        args.limits.max_seconds = seconds.or(args.limits.max_seconds);
        let ended = ready.render(&args, &mut console).and_then(|rendered| {
            lock().add(&rendered.result);
            let Rendered { result, video, thumbnail, verdict } = rendered;
            verdict.map(|()| Rendered { result, video, thumbnail, verdict: Ok(()) })
        });
        if let Err(error) = &ended {
            console.failure(error);
        }
        (entry, ended)
    };
    let mut ended = Vec::new();
    a_few_at_a_time(ready.into_iter(), at_a_time, &work, &mut |one| {
        ended.push(one);
        true
    });
    ended.sort_by_key(|(entry, _)| entry.line);
    tell(&ended, console);
    let errors = ended.iter().filter_map(|(_, ended)| ended.as_ref().err());
    match errors.clone().count() {
        0 => Ok(()),
        failed => Err(EntriesFailed { failed, of: ended.len(), exit: exit_of(errors), began: true }.into()),
    }
}

/// The arguments of an entry, and everything about it that can be known before anything is rendered.
fn prepare(
    settings: &Settings,
    flags: &[OsString],
    entry: &Entry,
    index: usize,
    outputs: &mut Outputs,
    console: &mut Console,
) -> Result<(Args, Ready), Error> {
    let (mut args, _) = settings.resolve(flags, Some(entry))?;
    args.levels.validate()?;
    let request = Request::of(&args)?;
    if request.project.is_some() {
        return Err(Error::usage("an entry renders a directory", "leave the project out of --data"));
    }
    let is_batch = args.batch.batch.is_some();
    let default = if is_batch { "renders/{entry}/{index}.{ext}" } else { "renders/{entry}.{ext}" };
    let pattern = args.output.as_deref().map(|path| path.display().to_string());
    let pattern = pattern.unwrap_or_else(|| settings.root.join(default).display().to_string());
    let pattern = pattern.replace("{entry}", &entry.name);
    let output = if is_batch {
        args.batch
            .manifest
            .get_or_insert_with(|| settings.root.join(format!("renders/{}.manifest.jsonl", entry.name)));
        pattern
    } else {
        let ext = request.options.format.unwrap_or(Format::Mp4);
        let variables = request.options.variables.clone().unwrap_or_default();
        let row = Row { index: index as u64, line: 0, variables, options: Map::new(), output: None };
        fill(&pattern, &row, ext.as_str()).map_err(|message| Error::usage(message, "change `output`"))?
    };
    if outputs.add(&output, index as u64).is_some() {
        let message = format!("{output} is the output of another entry as well");
        return Err(Error::usage(message, "put {entry} into the output"));
    }
    args.output = Some(output.into());
    console.step(&format!("Looking at {}", args.dir.as_deref().unwrap_or(Path::new(".")).display()));
    let ready = Ready::new(&args, request, console)?;
    Ok((args, ready))
}

/// The exit code that all of the errors have, or the general one.
fn exit_of<'a>(mut errors: impl Iterator<Item = &'a Error>) -> Exit {
    let first = errors.next().map_or(Exit::General, Error::exit);
    if errors.all(|error| error.exit() == first) { first } else { Exit::General }
}

fn json_of(name: &str, ended: &Result<&Rendered, &Error>) -> Value {
    let mut json = match ended {
        Ok(rendered) => rendered.result.clone(),
        Err(error) => error.to_json(),
    };
    json["entry"] = name.into();
    json
}

fn tell(ended: &[(&Entry, Ended)], console: &mut Console) {
    let results = ended.iter().map(|(entry, ended)| json_of(&entry.name, &ended.as_ref()));
    console.json(&json!({ "renders": results.collect::<Vec<_>>() }));
    let row = |(entry, ended): &(&Entry, Ended)| match ended {
        Ok(rendered) => {
            let result = &rendered.result;
            let state = match (&result["rows"], &rendered.video) {
                (Value::Number(_), _) if result["completed"].is_null() => "ready".to_owned(),
                (Value::Number(rows), _) => {
                    let count = |name: &str| result[name].as_u64().unwrap_or_default();
                    format!("{} of {rows} rows", count("completed") + count("done"))
                }
                (_, None) => "ready".to_owned(),
                _ if result["reused"] == true => "reused".to_owned(),
                _ => "rendered".to_owned(),
            };
            let seconds = result.pointer("/video/duration").and_then(Value::as_f64);
            let video = rendered.video.as_ref().map(|video| video.display().to_string());
            vec![
                entry.name.clone(),
                state,
                seconds.map_or_else(String::new, |seconds| format!("{seconds} s")),
                video.unwrap_or_default(),
            ]
        }
        Err(error) => vec![
            entry.name.clone(),
            "failed".to_owned(),
            String::new(),
            error.to_string().lines().next().unwrap_or_default().to_owned(),
        ],
    };
    console.result(&table(&ended.iter().map(row).collect::<Vec<_>>()));
}
