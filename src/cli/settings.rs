//! From flags, the environment, the configuration and defaults to what counts, in this order.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::fmt;
use std::path::{Path, PathBuf};

use clap::error::ErrorKind;
use clap::parser::ValueSource;
use clap::{ArgMatches, Command, CommandFactory, FromArgMatches, Parser};

use super::batch::HEADING as BATCHES;
use super::check::Target;
use super::render::Args;
use super::values;
use crate::app::config;
use crate::app::config::{Entry, File, KEYS, Key, Kind, Setting};
use crate::fault::Error;
use crate::project::collect;

/// A command line of `render` without its name.
#[derive(Debug, Parser)]
#[command(name = "render", no_binary_name = true, disable_help_flag = true)]
struct Line {
    #[command(flatten)]
    args: Args,
}

/// Where a value comes from that no flag sets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Origin {
    /// A variable of the environment.
    Environment(String),
    /// A line of the configuration.
    File(PathBuf, usize),
    /// Nobody set it.
    Default,
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Environment(name) => f.write_str(name),
            Self::File(path, line) => write!(f, "{}:{line}", path.display()),
            Self::Default => f.write_str("default"),
        }
    }
}

/// A value that somebody set.
#[derive(Clone, Debug)]
pub(super) struct Given {
    pub(super) key: &'static Key,
    pub(super) value: String,
    pub(super) origin: Origin,
}

/// A configuration and the repository that it is for.
#[derive(Debug, Default)]
pub(crate) struct Settings {
    /// What the file says.
    pub(crate) file: File,
    /// The root that its paths start from.
    pub(crate) root: PathBuf,
}

impl Settings {
    /// Reads the configuration of the repository around `directory`, or `other` in its place.
    ///
    /// # Errors
    /// When it is of no use.
    pub(crate) fn read(directory: &Path, other: Option<&Path>) -> Result<Self, Error> {
        let root = collect::boundary(directory, values::workspace().as_deref());
        let file = config::read(&root, other)?;
        // Paths are shown as short as they can be.
        let here = std::env::current_dir().is_ok_and(|here| here == root);
        Ok(Self { file, root: if here { PathBuf::new() } else { root } })
    }

    /// The same file for another checkout of the repository.
    pub(crate) fn at(&self, root: &Path) -> Self {
        Self { file: self.file.clone(), root: root.to_owned() }
    }

    /// What is to be checked of a project by `flags`, or of an entry.
    ///
    /// # Errors
    /// When a value is of no use, or the project cannot be read.
    pub(crate) fn target(&self, flags: &[String], entry: Option<&Entry>) -> Result<Target, Error> {
        let flags = flags.iter().map(OsString::from).collect::<Vec<_>>();
        self.resolve(&flags, entry)?.0.target()
    }

    /// What a command line comes to, for an entry or by itself; and the values that no flag sets.
    ///
    /// # Errors
    /// When a value is of no use; the message says where it comes from.
    pub(super) fn resolve(
        &self,
        flags: &[OsString],
        entry: Option<&Entry>,
    ) -> Result<(Args, Vec<Given>), Error> {
        let mut command = Line::command();
        command.build();
        let matches = parse(&command, flags)?;
        let mut set = command
            .get_arguments()
            .filter(|argument| {
                matches.value_source(argument.get_id().as_str()) == Some(ValueSource::CommandLine)
            })
            .map(|argument| argument.get_id().to_string())
            .collect::<BTreeSet<_>>();
        // What comes after `--` is no flag.
        let end = flags.iter().position(|flag| flag == "--").unwrap_or(flags.len());
        let (before, after) = flags.split_at(end);
        let mut arguments = before.to_vec();
        let mut counts = Vec::new();
        for given in self.layers(entry) {
            let flag = given.key.flag();
            let Some(argument) = command.get_arguments().find(|known| known.get_long() == Some(flag)) else {
                continue;
            };
            let id = argument.get_id().as_str();
            let excludes = |one: &clap::Arg, other: &str| {
                command.get_arg_conflicts_with(one).iter().any(|known| known.get_id() == other)
            };
            let is_excluded = command.get_arguments().any(|other| {
                let name = other.get_id().as_str();
                set.contains(name) && (excludes(argument, name) || excludes(other, id))
            });
            let is_for_batches = argument.get_help_heading() == Some(BATCHES) && flag != "batch";
            if set.contains(id) || is_excluded || (is_for_batches && !set.contains("batch")) {
                continue;
            }
            set.insert(id.to_owned());
            if given.key.kind != Kind::Switch {
                let argument = OsString::from(format!("--{flag}={}", given.value));
                check(&command, &argument, &given)?;
                arguments.push(argument);
            } else if is_on(&given)? {
                arguments.push(format!("--{flag}").into());
            }
            counts.push(given);
        }
        arguments.extend_from_slice(after);
        if let (None, Some(entry)) = (matches.get_raw("dir"), entry) {
            arguments.push("--".into());
            arguments.push(self.root.join(&entry.project).into_os_string());
        }
        let matches = parse(&command, &arguments)?;
        let Line { mut args } = Line::from_arg_matches(&matches).map_err(|error| super::usage(&error))?;
        let checks = [Some(&self.file.check), entry.map(|entry| &entry.check)];
        args.levels.known = Some(checks.into_iter().flatten().cloned().collect());
        Ok((args, counts))
    }

    /// What is set beside flags; what comes first counts. Rows come before what is for batches only.
    fn layers(&self, entry: Option<&Entry>) -> Vec<Given> {
        let environment = KEYS.iter().filter_map(|key| {
            let name = key.variable();
            // A workflow sets what it was not given to nothing.
            let value = values::environment(&name).filter(|value| !value.trim().is_empty())?;
            Some(Given { key, value, origin: Origin::Environment(name) })
        });
        let of_file = |setting: &Setting| Given {
            key: setting.key,
            value: match setting.key.kind {
                Kind::Path => self.root.join(&setting.value).display().to_string(),
                _ => setting.value.clone(),
            },
            origin: Origin::File(self.file.path.clone(), setting.line),
        };
        let entry = entry.into_iter().flat_map(|entry| &entry.settings);
        let mut layers = environment.chain(entry.chain(&self.file.defaults).map(of_file)).collect::<Vec<_>>();
        layers.sort_by_key(|given| given.key.flag() != "batch");
        layers
    }
}

/// The flags of `render` that a command line has, as another one takes them.
pub(super) fn flags_of(matches: &ArgMatches) -> Vec<OsString> {
    let mut command = Line::command();
    command.build();
    let (mut flags, mut paths) = (Vec::new(), vec![OsString::from("--")]);
    for argument in command.get_arguments() {
        let id = argument.get_id().as_str();
        if matches.value_source(id) != Some(ValueSource::CommandLine) {
            continue;
        }
        let raw = matches.get_raw(id).into_iter().flatten();
        match argument.get_long() {
            None => paths.extend(raw.map(ToOwned::to_owned)),
            Some(long) if !argument.get_action().takes_values() => flags.push(format!("--{long}").into()),
            Some(long) => flags.extend(raw.map(|value| {
                let mut flag = OsString::from(format!("--{long}="));
                flag.push(value);
                flag
            })),
        }
    }
    if paths.len() > 1 {
        flags.extend(paths);
    }
    flags
}

/// What the help says about a flag of `render`.
pub(super) fn help_of(flag: &str) -> String {
    let command = Line::command();
    let argument = command.get_arguments().find(|argument| argument.get_long() == Some(flag));
    let help = argument.and_then(clap::Arg::get_help).map(ToString::to_string);
    help.unwrap_or_default()
}

/// What counts where nobody sets a flag of `render`.
pub(super) fn default_of(flag: &str) -> String {
    let command = Line::command();
    let argument = command.get_arguments().find(|argument| argument.get_long() == Some(flag));
    let values = argument.map(|argument| argument.get_default_values().join(", ".as_ref()));
    let value = values.filter(|value| !value.is_empty()).map(|value| value.to_string_lossy().into_owned());
    let help = help_of(flag);
    let of_help = help.split_once("default: ").and_then(|(_, rest)| rest.split_once(']'));
    value.or_else(|| of_help.map(|(value, _)| value.to_owned())).unwrap_or_default()
}

fn parse(command: &Command, arguments: &[OsString]) -> Result<ArgMatches, Error> {
    command.clone().try_get_matches_from(arguments).map_err(|error| super::usage(&error))
}

/// Looks at a value by itself, so that a mistake is told where it was made.
fn check(command: &Command, argument: &OsString, given: &Given) -> Result<(), Error> {
    let Err(error) = command.clone().try_get_matches_from([argument]) else { return Ok(()) };
    if !matches!(error.kind(), ErrorKind::ValueValidation | ErrorKind::InvalidValue) {
        return Ok(());
    }
    let rule = std::error::Error::source(&error)
        .map_or_else(|| format!("is {}", given.key.kind.shown()), ToString::to_string);
    Err(Error::usage(
        format!("{}: {} {rule}", given.origin, given.key.name),
        "see `hyperframes-ci render --help`",
    ))
}

/// Whether a switch is on.
fn is_on(given: &Given) -> Result<bool, Error> {
    match given.value.trim() {
        "true" | "1" => Ok(true),
        "false" | "0" => Ok(false),
        _ => Err(Error::usage(
            format!("{}: {} is true or false", given.origin, given.key.name),
            "see `hyperframes-ci render --help`",
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_flag_is_a_key_or_is_for_one_run() {
        const FOR_ONE_RUN: &[&str] = &[
            "asset-id",
            "url",
            "data",
            "no-wait",
            "dry-run",
            "idempotency-key",
            "emulator",
            "all",
            "entry",
            "on",
            "batch",
            "config",
            "deny",
            "warn",
            "allow",
            "strict",
        ];
        let command = Line::command();
        let flags = command.get_arguments().filter_map(clap::Arg::get_long).collect::<BTreeSet<_>>();
        let keys =
            KEYS.iter().map(|key| key.name).chain(FOR_ONE_RUN.iter().copied()).collect::<BTreeSet<_>>();
        assert_eq!(flags, keys);
        for key in KEYS {
            let argument = command.get_arguments().find(|argument| argument.get_long() == Some(key.name));
            let argument = argument.expect("a flag");
            assert_eq!(key.kind == Kind::Switch, !argument.get_action().takes_values(), "{}", key.name);
            let words = argument.get_possible_values();
            let words = words.iter().map(clap::builder::PossibleValue::get_name).collect::<Vec<_>>();
            match key.kind {
                Kind::OneOf(known) => assert_eq!(words, known, "{}", key.name),
                Kind::Switch => {}
                _ => assert!(words.is_empty(), "{}", key.name),
            }
        }
    }
}
