//! The command line: one file per command. Parses and validates arguments, calls a use case, and prints its outcome.

mod action;
mod auth;
mod check;
mod config;
mod delete;
mod emulator;
mod flags;
mod get;
mod list;
mod pack;
#[cfg(test)]
mod reference;
mod render;
mod schema;
mod select;
mod severities;
mod values;
mod workspace;

use std::ffi::OsString;
use std::process::ExitCode;

use clap::{CommandFactory, Parser, Subcommand};

use crate::fault::Error;
use crate::ui::{Console, OutputError};

/// Check, pack and render HyperFrames compositions in continuous integration.
#[derive(Debug, Parser)]
#[command(name = "hyperframes-ci", version, propagate_version = true, max_term_width = 100)]
#[command(after_help = "\
Exit codes: 0 done · 1 failed · 2 usage · 3 not authenticated · 4 timed out, and the render lives on · 5 the checks found errors · 6 a limit forbids it")]
struct Cli {
    /// Print results as JSON on standard output, errors as one JSON object on standard error, and nothing else
    /// (also HEYGEN_OUTPUT=json)
    #[arg(long, global = true)]
    json: bool,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Render(Box<render::Args>),
    Check(check::Args),
    Pack(pack::Args),
    Get(get::Args),
    List(list::Args),
    Delete(delete::Args),
    #[command(subcommand)]
    Auth(auth::Command),
    Emulator(emulator::Args),
    Action(action::Args),
    #[command(subcommand)]
    Config(config::Command),
    #[command(subcommand)]
    Schema(schema::Command),
    /// Print a completion script for a shell
    Completions {
        /// The shell
        shell: clap_complete::Shell,
    },
}

/// Runs the command of `arguments`; returns the exit code.
pub(crate) fn run(arguments: Vec<OsString>) -> ExitCode {
    let wants_json = std::env::var("HEYGEN_OUTPUT").is_ok_and(|value| value.eq_ignore_ascii_case("json"));
    let has_flag = arguments.iter().any(|argument| argument == "--json");
    let cli = match Cli::try_parse_from(arguments) {
        Ok(cli) => cli,
        Err(error) => return fail(&error, wants_json || has_flag),
    };
    let mut console = Console::new(cli.json || wants_json);
    if let Err(error) = crate::system::interrupt::install() {
        console.warning(&format!("Ctrl-C will not clean up: {error}"));
    }
    let result = cli.command.run(&mut console);
    crate::system::interrupt::finish();
    let result = match (result, console.take_output_error()) {
        (Ok(()), Some(error)) => Err(error.into()),
        (result, _) => result,
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            console.failure(&error);
            ExitCode::from(error.exit().code())
        }
    }
}

/// A command line that clap refuses, or a request for help.
/// Prints an error of clap; as JSON if `json` is set.
fn fail(error: &clap::Error, json: bool) -> ExitCode {
    if json && error.use_stderr() {
        let usage = usage(error);
        Console::new(true).failure(&usage);
        return ExitCode::from(usage.exit().code());
    }
    match error.print() {
        Err(written) if !error.use_stderr() && written.kind() != std::io::ErrorKind::BrokenPipe => {
            let written = Error::from(OutputError(written));
            Console::new(json).failure(&written);
            return ExitCode::from(written.exit().code());
        }
        _ => {}
    }
    // The exit code of clap for usage errors is 2, like Exit::Usage.
    ExitCode::from(u8::try_from(error.exit_code()).unwrap_or(1))
}

/// Converts an error of clap.
fn usage(error: &clap::Error) -> Error {
    let message = error.render().to_string();
    let message = message.strip_prefix("error: ").unwrap_or(&message);
    let message = message.split("\n\nUsage:").next().unwrap_or(message);
    Error::usage(message.trim(), "see --help")
}

impl Command {
    fn run(self, console: &mut Console) -> Result<(), Error> {
        match self {
            Self::Render(args) => render::run(&args, console),
            Self::Check(args) => check::run(&args, console),
            Self::Pack(args) => pack::run(&args, console),
            Self::Get(args) => get::run(&args, console),
            Self::List(args) => list::run(&args, console),
            Self::Delete(args) => delete::run(&args, console),
            Self::Auth(command) => auth::run(&command, console),
            Self::Emulator(args) => emulator::run(&args, console),
            Self::Action(args) => action::run(&args, console),
            Self::Config(command) => config::run(&command, console),
            Self::Schema(command) => schema::run(&command, console),
            Self::Completions { shell } => {
                let mut script = Vec::new();
                clap_complete::generate(shell, &mut Cli::command(), "hyperframes-ci", &mut script);
                console.result(&String::from_utf8_lossy(&script));
                Ok(())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_definition_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn renderers_of_the_registry_can_be_chosen_and_are_in_the_help() {
        let parse = |name| Cli::try_parse_from(["hyperframes-ci", "render", "--renderer", name]);
        assert!(parse("clip").is_ok() && parse("emulator").is_err());
        let mut command = Cli::command();
        let help = command.find_subcommand_mut("render").expect("a command").render_long_help();
        assert!(help.to_string().contains("[possible values: auto, cloud, local, lambda, clip]"), "{help}");
    }
}
