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

/// The flags of options about waiting for a render.
#[derive(Debug, Default)]
pub(super) struct WaitFlags(Vec<Given>);

/// Names of the options about waiting.
const WAIT_OPTIONS: [&str; 2] = ["poll-interval", "max-wait"];

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

/// Returns the flag of an option.
fn arg(option: &'static RenderOption) -> Arg {
    let mut arg = Arg::new(option.name)
        .long(option.name)
        .help(option.description())
        .conflicts_with_all(option.conflicts.iter().copied());
    if let Some(short) = option.short {
        arg = arg.short(short);
    }
    if let Some(title) = option.heading.title() {
        arg = arg.help_heading(title);
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
    arg.value_name(name).action(ArgAction::Set).value_parser(parser(option))
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
