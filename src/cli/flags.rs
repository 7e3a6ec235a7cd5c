//! The flags of `render`, generated from the table of options.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::builder::{PossibleValuesParser, ValueParser};
use clap::parser::ValueSource;
use clap::{Arg, ArgAction, ArgMatches, Command};

use crate::app::options::{Fallback, Given, Kind, OPTIONS, Origin, RenderOption, apply_layers, option};
use crate::app::spec::RenderSpec;
use crate::fault::Error;
use crate::renderers::RunOptions;

/// The flags of all options.
#[derive(Debug, Default)]
pub(super) struct RenderFlags(pub(super) Vec<Given>);

impl clap::Args for RenderFlags {
    fn augment_args(command: Command) -> Command {
        command.args(OPTIONS.iter().map(arg))
    }

    fn augment_args_for_update(command: Command) -> Command {
        Self::augment_args(command)
    }
}

impl clap::FromArgMatches for RenderFlags {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, clap::Error> {
        Ok(Self(OPTIONS.iter().filter_map(|option| given(option, matches)).collect()))
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        *self = Self::from_arg_matches(matches)?;
        Ok(())
    }
}

/// The flags about waiting for a render.
#[derive(Debug, Default)]
pub(super) struct WaitFlags(Vec<Given>);

/// Names of the options about waiting for a render.
const WAIT_OPTIONS: [&str; 3] = ["poll-interval", "max-wait", "timeout"];

impl WaitFlags {
    /// Returns the options of the run.
    ///
    /// # Errors
    /// Returns a usage error if a value is invalid.
    pub(super) fn options(&self) -> Result<RunOptions, Error> {
        let mut spec = RenderSpec::default();
        apply_layers(&mut spec, self.0.clone())?;
        Ok(spec.run)
    }
}

impl clap::Args for WaitFlags {
    fn augment_args(command: Command) -> Command {
        command.args(WAIT_OPTIONS.iter().filter_map(|name| option(name)).map(arg))
    }

    fn augment_args_for_update(command: Command) -> Command {
        Self::augment_args(command)
    }
}

impl clap::FromArgMatches for WaitFlags {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, clap::Error> {
        let options = WAIT_OPTIONS.iter().filter_map(|name| option(name));
        Ok(Self(options.filter_map(|option| given(option, matches)).collect()))
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        *self = Self::from_arg_matches(matches)?;
        Ok(())
    }
}

/// The flags about the renders that are compared.
#[derive(Debug, Default)]
pub(super) struct DiffRenderFlags(pub(super) Vec<Given>);

/// Names of the options about renders that are compared.
const DIFF_OPTIONS: &[&str] = &[
    "composition",
    "variables",
    "variables-file",
    "fps",
    "quality",
    "format",
    "resolution",
    "renderer",
    "max-wait",
    "max-renders",
    "max-seconds",
    "min-balance",
    "network",
    "allow-unsandboxed",
];

impl clap::Args for DiffRenderFlags {
    fn augment_args(command: Command) -> Command {
        command.args(DIFF_OPTIONS.iter().filter_map(|name| option(name)).map(diff_arg))
    }

    fn augment_args_for_update(command: Command) -> Command {
        Self::augment_args(command)
    }
}

impl clap::FromArgMatches for DiffRenderFlags {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, clap::Error> {
        let options = DIFF_OPTIONS.iter().filter_map(|name| option(name));
        Ok(Self(options.filter_map(|option| given(option, matches)).collect()))
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        *self = Self::from_arg_matches(matches)?;
        Ok(())
    }
}

/// Returns the value of an option on the command line.
fn given(option: &'static RenderOption, matches: &ArgMatches) -> Option<Given> {
    if matches.value_source(option.name) != Some(ValueSource::CommandLine) {
        return None;
    }
    let value = match option.kind {
        Kind::Switch => OsString::from("true"),
        _ => matches.get_raw(option.name)?.next_back()?.to_owned(),
    };
    Some(Given { option, value, origin: Origin::Flag })
}

/// Width of the help of an option with `-h`, in columns: what flags and values leave of 100 columns.
const SHORT_WIDTH: usize = 66;

/// Returns the default of an option as the help shows it, or nothing.
fn default_text(option: &RenderOption) -> Option<String> {
    match option.fallback {
        Fallback::None => None,
        Fallback::Value(value) | Fallback::Server(value) | Fallback::Words(value) => {
            Some(format!("[default: {value}]"))
        }
    }
}

/// Returns the possible values of an option as the help shows them, or nothing.
fn possible_values(option: &RenderOption) -> Option<String> {
    match option.kind {
        Kind::OneOf(words) => Some(format!("[possible values: {}]", words().join(", "))),
        _ => None,
    }
}

/// Returns the help for `-h`: one line, with the default and the possible values if they fit.
fn short_help(option: &RenderOption) -> String {
    let mut help = option.help.to_owned();
    for part in [default_text(option), possible_values(option)].into_iter().flatten() {
        if help.chars().count() + 1 + part.chars().count() <= SHORT_WIDTH {
            help = format!("{help} {part}");
        }
    }
    help
}

/// Returns the help for `--help`, in the form of clap. Clap itself would parse the environment variable, whose value must
/// not be validated where a flag overrides it.
fn long_help(option: &RenderOption) -> String {
    let details = if option.details.is_empty() { String::new() } else { format!("\n\n{}", option.details) };
    let variable = option.scope.is_key().then(|| format!("[env: {}=]", option.variable()));
    let parts = [possible_values(option), default_text(option), variable];
    let parts = parts.into_iter().flatten().map(|part| format!("\n{part}")).collect::<String>();
    let separator = if parts.is_empty() { "" } else { "\n" };
    format!("{}{details}{separator}{parts}", option.help)
}

/// Returns the flag of an option.
fn arg(option: &'static RenderOption) -> Arg {
    flag(option).conflicts_with_all(option.conflicts.iter().copied())
}

/// Returns the flag of an option of renders that are compared, which has only conflicts with options of its own command.
fn diff_arg(option: &'static RenderOption) -> Arg {
    let conflicts = option.conflicts.iter().filter(|name| DIFF_OPTIONS.contains(name));
    flag(option).conflicts_with_all(conflicts.copied())
}

fn flag(option: &'static RenderOption) -> Arg {
    let mut arg = Arg::new(option.name)
        .long(option.name)
        .help(short_help(option))
        .long_help(long_help(option))
        .help_heading(option.heading.title());
    if let Some(short) = option.short {
        arg = arg.short(short);
    }
    if let Fallback::Value(value) = option.fallback {
        arg = arg.default_value(value);
    }
    if option.is_for_single_render {
        arg = arg.conflicts_with("selection");
    }
    if matches!(option.name, "asset-id" | "url") {
        arg = arg.group("source");
    }
    if option.kind.is_switch() {
        return arg.action(ArgAction::SetTrue);
    }
    let name = if option.value_name.is_empty() {
        option.name.to_ascii_uppercase().replace('-', "_")
    } else {
        option.value_name.to_owned()
    };
    arg.value_name(name)
        .action(ArgAction::Set)
        .value_parser(parser(option))
        // Otherwise `--max-wait -1` is reported as an unknown option.
        .allow_negative_numbers(matches!(
            option.kind,
            Kind::Integer { .. } | Kind::FrameRate | Kind::Number(_)
        ))
        .hide_default_value(true)
        .hide_possible_values(true)
}

/// Returns a parser that validates values with the table, so that the message of clap names the flag.
fn parser(option: &'static RenderOption) -> ValueParser {
    match option.kind {
        Kind::OneOf(words) => PossibleValuesParser::new(words()).into(),
        Kind::Path => clap::value_parser!(PathBuf),
        _ => ValueParser::new(move |text: &str| {
            (option.set)(&mut RenderSpec::default(), text.as_ref()).map(|()| text.to_owned())
        }),
    }
}
