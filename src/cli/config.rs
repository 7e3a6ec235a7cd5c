//! `hyperframes-ci config`

use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use super::workspace::workspace;
use crate::app::config::{Entry, MediaEntry, Settings, Translate};
use crate::app::options::{Given, Kind, OPTIONS, Origin, Scope};
use crate::app::outcome::{ConfigOutcome, EntryOutcome, MediaEntryOutcome};
use crate::app::spec::RenderSpec;
use crate::fault::Error;
use crate::heygen::environment;
use crate::project::engine_pin::engine_note;
use crate::renderers::ENGINE_VERSION;
use crate::ui::{Console, plain, table};

/// Show the configuration
#[derive(Debug, clap::Subcommand)]
pub(super) enum Command {
    /// Show the value of every setting, and where it is set
    ///
    /// Settings come from the environment, hyperframes-ci.toml or defaults; options of `render` override all of them.
    /// Without --entry, shows the settings of `render` without options and those of each entry.
    Show {
        /// Directory inside the repository
        #[arg(default_value = ".")]
        dir: PathBuf,
        /// Show the settings of this entry
        #[arg(long, value_name = "NAME")]
        entry: Option<String>,
        /// Configuration file [default: hyperframes-ci.toml in the repository root]
        #[arg(long, value_name = "FILE")]
        config: Option<PathBuf>,
    },
}

pub(super) fn run(command: &Command, console: &mut Console) -> Result<(), Error> {
    let Command::Show { dir, entry, config } = command;
    let settings = Settings::read(dir, config.as_deref(), workspace())?;
    let entries = &settings.file.entries;
    let chosen = match entry {
        None => None,
        Some(name) => Some(entries.iter().find(|known| known.name == *name).ok_or_else(|| {
            let names = entries.iter().map(|entry| entry.name.as_str()).collect::<Vec<_>>();
            Error::usage(
                format!("no entry named {name:?} in {}", settings.file.path.display()),
                format!("available entries: {}", names.join(", ")),
            )
        })?),
    };
    let rows = rows(&settings, chosen)?;
    let project = chosen.map(|entry| settings.root.join(&entry.project));
    let directories = [project.as_deref().unwrap_or(dir), &settings.root];
    if let Some(note) = engine_note(&directories, ENGINE_VERSION) {
        console.note(&note);
    }
    let others = if chosen.is_some() { &[][..] } else { entries.as_slice() };
    let media = if chosen.is_some() { &[][..] } else { settings.file.media.as_slice() };
    console.outcome(&outcome(&settings, &rows, others, media));
    console.result(&text(&settings, rows, others, media));
    Ok(())
}

/// Name, value and origin.
type Setting = (String, String, Origin);

/// Returns the settings that apply to `entry`, or to a render without an entry.
fn rows(settings: &Settings, entry: Option<&Entry>) -> Result<Vec<Setting>, Error> {
    let mut rows = Vec::new();
    if let Some(entry) = entry {
        let origin = || Origin::File(settings.file.path.clone(), entry.line);
        rows.push(("project".to_owned(), entry.project.clone(), origin()));
        let on = if entry.on.is_empty() { "all".to_owned() } else { entry.on.join(", ") };
        rows.push(("on".to_owned(), on, origin()));
    }
    let (_, given) = settings.resolve(RenderSpec::default(), &[], entry)?;
    let row = |given: &Given| {
        let value = given.value.to_string_lossy().into_owned();
        (given.option.key().to_owned(), value, given.origin.clone())
    };
    let is_of_entry = |given: &&Given| matches!(given.option.scope, Scope::Entry(_));
    rows.extend(given.iter().filter(is_of_entry).map(row));
    for option in OPTIONS.iter().filter(|option| option.scope.is_key()) {
        let set = given.iter().find(|given| given.option.name == option.name);
        let default = || (option.name.to_owned(), option.default().to_owned(), Origin::Default);
        rows.push(set.map_or_else(default, row));
    }
    rows.push(diff_row(settings, entry));
    if entry.is_none() {
        let publish = &settings.file.publish;
        rows.push(("publish".to_owned(), publish.to_json().to_string(), origin_of(settings, publish.line)));
    }
    rows.extend(environment_settings()?);
    Ok(rows)
}

/// Returns how videos are compared.
fn diff_row(settings: &Settings, entry: Option<&Entry>) -> Setting {
    let diff = settings.file.diff(entry);
    ("diff".to_owned(), diff.to_json().to_string(), origin_of(settings, diff.line))
}

/// Returns the origin of a table that starts on `line`; 0 if the file does not have it.
fn origin_of(settings: &Settings, line: usize) -> Origin {
    match line {
        0 => Origin::Default,
        line => Origin::File(settings.file.path.clone(), line),
    }
}

/// Returns the settings that only environment variables can set.
fn environment_settings() -> Result<Vec<Setting>, Error> {
    let origin = |name: &str| match environment::variable(name).filter(|value| !value.is_empty()) {
        Some(_) => Origin::Environment(name.to_owned()),
        None => Origin::Default,
    };
    let row = |what: &str, value: String, name: &str| (what.to_owned(), value, origin(name));
    let credential = environment::find_credential()?;
    Ok(vec![
        ("engine".to_owned(), format!("hyperframes {ENGINE_VERSION}"), Origin::Default),
        row("api", environment::base()?.to_string(), "HEYGEN_API_URL"),
        row("retries", environment::render_retries()?.to_string(), "HEYGEN_MAX_RETRIES"),
        row("timeout", environment::idle_timeout()?.as_secs_f64().to_string(), "HYPERFRAMES_CI_TIMEOUT"),
        match credential {
            // The source, not the secret.
            Some(found) => {
                ("credential".to_owned(), "set".to_owned(), Origin::Environment(found.source.to_string()))
            }
            None => ("credential".to_owned(), "none".to_owned(), Origin::Default),
        },
    ])
}

fn outcome(settings: &Settings, rows: &[Setting], entries: &[Entry], media: &[MediaEntry]) -> ConfigOutcome {
    let values = rows.iter().map(|(name, value, origin)| {
        let value = typed(name, value);
        (name.clone(), json!({ "value": value, "origin": origin.to_string() }))
    });
    let entry = |entry: &Entry| EntryOutcome {
        name: entry.name.clone(),
        project: entry.project.clone(),
        on: entry.on.clone(),
        line: entry.line,
        settings: entry
            .settings
            .iter()
            .map(|set| (set.option.key().to_owned(), typed(set.option.key(), &set.value)))
            .chain(entry.diff.iter().map(|diff| ("diff".to_owned(), diff.to_json())))
            .chain(entry.translate.iter().flat_map(Translate::to_json))
            .collect(),
    };
    ConfigOutcome {
        path: settings.file.path.display().to_string(),
        exists: settings.file.path.is_file(),
        settings: values.collect(),
        entries: entries.iter().map(entry).collect(),
        media: media
            .iter()
            .map(|entry| MediaEntryOutcome {
                file: entry.file.clone(),
                line: entry.line,
                settings: entry.to_json(),
            })
            .collect(),
    }
}

/// Returns the value of a setting in JSON: a number, a boolean or an object where the setting is of that kind.
fn typed(name: &str, value: &str) -> Value {
    let option = OPTIONS.iter().find(|option| option.key() == name);
    let is_json = matches!(name, "retries" | "timeout" | "diff" | "publish");
    let is_typed = is_json
        || option.is_some_and(|option| {
            matches!(
                option.kind,
                Kind::Integer { .. } | Kind::FrameRate | Kind::Number(_) | Kind::Switch | Kind::Values
            )
        });
    let parsed = serde_json::from_str::<Value>(value).ok();
    parsed.filter(|_| is_typed).unwrap_or_else(|| value.into())
}

fn text(settings: &Settings, rows: Vec<Setting>, entries: &[Entry], media: &[MediaEntry]) -> String {
    let exists = if settings.file.path.is_file() { "" } else { " (not found)" };
    let rows = rows.into_iter().map(|(name, value, origin)| {
        let value = if value.is_empty() { "-".to_owned() } else { value };
        vec![format!("  {name}"), value, short_origin(&origin, &settings.file.path)]
    });
    let mut text =
        format!("{}{exists}\n\n{}", settings.file.path.display(), table(&rows.collect::<Vec<_>>()));
    if !entries.is_empty() {
        let rows = entries.iter().map(|entry| {
            let set = entry.settings.iter().map(|set| format!("{} = {}", set.option.key(), set.value));
            let set = set.chain(entry.diff.iter().map(|diff| format!("diff = {}", diff.to_json())));
            let translate = entry.translate.iter().flat_map(Translate::to_json);
            let set = set.chain(translate.map(|(key, value)| format!("{key} = {}", shown(&value))));
            let events = if entry.on.is_empty() { "all events".to_owned() } else { entry.on.join(", ") };
            vec![
                format!("  {}", entry.name),
                entry.project.clone(),
                events,
                set.collect::<Vec<_>>().join(", "),
            ]
        });
        text.push_str(&format!("\nentries\n{}", table(&rows.collect::<Vec<_>>())));
    }
    if !media.is_empty() {
        let rows = media.iter().map(|entry| {
            let set = entry.to_json().into_iter().filter(|(key, _)| key != "file");
            let set = set.map(|(key, value)| format!("{key} = {}", shortened(&value)));
            vec![format!("  {}", entry.file), set.collect::<Vec<_>>().join(", ")]
        });
        text.push_str(&format!("\nmedia\n{}", table(&rows.collect::<Vec<_>>())));
    }
    text
}

/// Formats a value in one line.
fn shown(value: &Value) -> String {
    let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    plain(&text).to_string()
}

/// Formats a value in one line; a script is shortened.
fn shortened(value: &Value) -> String {
    const LENGTH: usize = 40;
    let text = value.as_str().map_or_else(|| value.to_string(), |text| plain(text).to_string());
    match text.char_indices().nth(LENGTH) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text,
    }
}

/// Formats an origin; a position in the configuration has the file name only, since its path is printed above.
fn short_origin(origin: &Origin, file: &Path) -> String {
    match origin {
        Origin::File(path, line) if path == file => {
            format!("{}:{line}", file.file_name().unwrap_or_default().to_string_lossy())
        }
        other => other.to_string(),
    }
}
