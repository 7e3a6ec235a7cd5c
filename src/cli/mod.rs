//! The command line: one file per command. Parses and validates arguments, calls a use case, and prints its outcome.

mod action;
mod auth;
mod catalogue;
mod check;
mod collect;
mod config;
mod delete;
mod diff;
mod doctor;
mod emulator;
mod flags;
mod get;
mod init;
mod list;
mod man;
mod media;
mod pack;
mod page;
mod publish;
mod quota;
#[cfg(test)]
mod reference;
mod render;
mod schema;
mod select;
mod severities;
mod values;
mod webhook;
mod workspace;

use std::ffi::OsString;
use std::process::ExitCode;

use clap::{ArgAction, CommandFactory, Parser, Subcommand};

use crate::fault::{EXIT_CODES, Error};
use crate::heygen::environment;
use crate::ui::{Console, OutputError};

/// Check, pack and render HyperFrames compositions in continuous integration
#[derive(Debug, Parser)]
#[command(name = "hyperframes-ci", version, propagate_version = true, max_term_width = 100)]
#[command(disable_help_flag = true, disable_version_flag = true, after_long_help = after_help())]
struct Cli {
    /// Print results and errors as JSON
    ///
    /// Results are written to standard output, and an error to standard error as a single JSON object. Progress is not
    /// shown. HEYGEN_OUTPUT=json has the same effect.
    #[arg(long, global = true, help_heading = GLOBAL)]
    json: bool,
    /// Print version
    #[arg(short = 'V', long, global = true, help_heading = GLOBAL, action = ArgAction::Version)]
    version: Option<bool>,
    /// Print help (see more with '--help')
    #[arg(short, long, global = true, help_heading = GLOBAL, action = ArgAction::Help)]
    #[arg(long_help = "Print help (see a summary with '-h')")]
    help: Option<bool>,
    #[command(subcommand)]
    command: Command,
}

/// Heading of the options that all commands have.
const GLOBAL: &str = "Global options";

/// Returns the end of the help of the program: exit codes and environment variables.
fn after_help() -> String {
    let codes = EXIT_CODES.iter().map(|(code, meaning)| format!("  {code:>3}  {meaning}\n"));
    format!("Exit codes:\n{}\n{ENVIRONMENT_HELP}", codes.collect::<String>())
}

const ENVIRONMENT_HELP: &str = "\
Environment variables:
  HEYGEN_API_KEY           API key
  HEYGEN_API_URL           Base URL of the API [default: https://api.heygen.com]
  HEYGEN_CONFIG_DIR        Directory of the credentials file [default: ~/.heygen]
  HEYGEN_MAX_RETRIES       Maximum number of retries of an API call
  HEYGEN_NO_BROWSER        Set to 1 to open no browser
  HEYGEN_NONINTERACTIVE    Set to 1 to ask no questions
  HEYGEN_OUTPUT            json or human [default: output in ~/.heygen/config.toml]
  HYPERFRAMES_CI_TIMEOUT   Seconds without data after which a request fails
  HYPERFRAMES_CI_<OPTION>  Value of an option of `render`, such as HYPERFRAMES_CI_MAX_WAIT";

#[derive(Debug, Subcommand)]
enum Command {
    Render(Box<render::Args>),
    Check(check::Args),
    Pack(pack::Args),
    Diff(Box<diff::Args>),
    #[command(subcommand)]
    Media(media::Command),
    Get(get::Args),
    Collect(collect::Args),
    List(list::Args),
    Delete(delete::Args),
    Publish(publish::Args),
    Quota(quota::Args),
    Init(init::Args),
    Doctor(doctor::Args),
    #[command(subcommand)]
    Auth(auth::Command),
    Emulator(emulator::Args),
    #[command(subcommand)]
    Webhook(webhook::Command),
    Action(action::Args),
    #[command(subcommand)]
    Config(config::Command),
    #[command(subcommand)]
    Schema(schema::Command),
    /// Print a shell completion script
    Completions {
        /// Shell
        shell: clap_complete::Shell,
    },
    /// Write the manual pages
    #[command(hide = true)]
    Man(man::Args),
}

/// Runs the command of `arguments`; returns the exit code.
pub(crate) fn run(arguments: Vec<OsString>) -> ExitCode {
    let wants_json = environment::wants_json();
    let has_flag = arguments.iter().any(|argument| argument == "--json");
    let cli = match Cli::try_parse_from(arguments) {
        Ok(cli) => cli,
        Err(error) => return fail(&error, wants_json || has_flag),
    };
    let mut console = Console::new(cli.json || wants_json);
    if let Err(error) = crate::system::interrupt::install() {
        console.warning(&format!("cannot handle Ctrl-C; temporary files may remain if interrupted: {error}"));
    }
    workspace::allow_job_folders();
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

/// Prints an error of clap or the requested help, and returns the exit code. Errors are JSON if `json` is set.
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

/// Converts an error of clap to a usage error.
fn usage(error: &clap::Error) -> Error {
    let message = error.render().to_string();
    let message = message.strip_prefix("error: ").unwrap_or(&message);
    let message = message.split("\n\nUsage:").next().unwrap_or(message);
    let message = message.split("\n\nFor more information").next().unwrap_or(message);
    Error::usage(message.trim(), "see `hyperframes-ci --help`")
}

impl Command {
    fn run(self, console: &mut Console) -> Result<(), Error> {
        match self {
            Self::Render(args) => render::run(&args, console),
            Self::Check(args) => check::run(&args, console),
            Self::Pack(args) => pack::run(&args, console),
            Self::Diff(args) => diff::run(&args, console),
            Self::Media(command) => media::run(&command, console),
            Self::Get(args) => get::run(&args, console),
            Self::Collect(args) => collect::run(&args, console),
            Self::List(args) => list::run(&args, console),
            Self::Delete(args) => delete::run(&args, console),
            Self::Publish(args) => publish::run(&args, console),
            Self::Quota(args) => quota::run(&args, console),
            Self::Doctor(args) => doctor::run(&args, console),
            Self::Init(args) => init::run(&args, console),
            Self::Auth(command) => auth::run(&command, console),
            Self::Emulator(args) => emulator::run(&args, console),
            Self::Webhook(command) => webhook::run(&command, console),
            Self::Action(args) => action::run(&args, console),
            Self::Config(command) => config::run(&command, console),
            Self::Schema(command) => schema::run(&command, console),
            Self::Completions { shell } => {
                let mut script = Vec::new();
                clap_complete::generate(shell, &mut Cli::command(), "hyperframes-ci", &mut script);
                console.result(&String::from_utf8_lossy(&script));
                Ok(())
            }
            Self::Man(args) => man::run(&args, Cli::command(), console),
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
        assert!(
            help.to_string()
                .contains("[possible values: auto, cloud, local, docker, lambda, cloudrun, http, clip]"),
            "{help}"
        );
    }

    /// Calls `check` with the long and the short help of every command.
    fn each_help(command: &mut clap::Command, check: &dyn Fn(&str, &str, &str)) {
        let (long, short) = (command.render_long_help(), command.render_help());
        check(command.get_name(), &long.to_string(), &short.to_string());
        for subcommand in command.get_subcommands_mut().filter(|command| command.get_name() != "help") {
            each_help(subcommand, check);
        }
    }

    #[test]
    fn help_fits_100_columns_and_its_short_form_has_one_line_for_each_option() {
        let mut command = Cli::command();
        command.build();
        each_help(&mut command, &|name, long, short| {
            for line in long.lines().chain(short.lines()) {
                assert!(line.chars().count() <= 100, "{name}: {line}");
            }
            let last = short.trim_end().lines().last().expect("a line");
            assert!(last.ends_with("(see more with '--help')"), "{name}: {short}");
            let options = short.lines().skip_while(|line| !line.ends_with("ptions:"));
            for line in options.filter(|line| line.starts_with(' ')) {
                assert!(line.trim_start().starts_with('-'), "{name}: {line}");
            }
        });
    }

    #[test]
    fn the_help_lists_every_exit_code() {
        let help = Cli::command().render_long_help().to_string();
        for code in [0, 1, 2, 3, 4, 5, 6, 7, 8, 129, 130, 143] {
            assert!(help.contains(&format!("\n  {code:>3}  ")), "{code}: {help}");
        }
    }

    #[test]
    fn options_show_their_defaults_and_environment_variables() {
        let mut command = Cli::command();
        let help = command.find_subcommand_mut("render").expect("a command").render_long_help().to_string();
        for text in ["[default: 30]", "[env: HYPERFRAMES_CI_FPS=]", "[env: HYPERFRAMES_CI_MAX_RENDERS=]"] {
            assert!(help.contains(text), "{text}\n{help}");
        }
        let batch = help.split("--batch <FILE>").nth(1).and_then(|rest| rest.split("\n      --").next());
        assert!(!batch.expect("the option").contains("[env:"), "it is set in an entry, not in a variable");
    }
}
