//! `hyperframes-ci emulator`

use std::path::PathBuf;
use std::time::Duration;

use crate::app::outcome::EmulatorOutcome;
use crate::emulator::{Config, Emulator, Script};
use crate::fault::Error;
use crate::renderers::emulator_backend;
use crate::system::deadline::Deadline;
use crate::ui::Console;

/// Run a HeyGen-compatible render server on this machine, until Ctrl-C
///
/// Point a client at it with HEYGEN_API_URL. Its renders are real: the official engine makes them.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Port on 127.0.0.1; 0 takes a free one
    #[arg(long, default_value_t = 0)]
    port: u16,
    /// The only API key that is accepted; any key without it
    #[arg(long, value_name = "KEY")]
    api_key: Option<String>,
    /// Answer every render with a small built-in clip instead of rendering
    #[arg(long)]
    placeholder: bool,
    /// How long a placeholder render takes, in seconds
    #[arg(long, value_name = "SECONDS", default_value_t = 0.0, requires = "placeholder")]
    render_seconds: f64,
    /// Offer no direct uploads, as older servers do
    #[arg(long)]
    no_direct_uploads: bool,
    /// Answer `complete` with 409 this many times for each asset
    #[arg(long, value_name = "COUNT", default_value_t = 0)]
    complete_conflicts: u32,
    /// How long the access tokens of sign-ins are valid, in seconds
    #[arg(long, value_name = "SECONDS", default_value_t = 3600)]
    token_lifetime: u64,
    /// Faults to play, as JSON (see docs/emulator.md)
    #[arg(long, value_name = "FILE")]
    script: Option<PathBuf>,
}

pub(super) fn run(args: &Args, console: &mut Console) -> Result<(), Error> {
    let delay = Duration::try_from_secs_f64(args.render_seconds)
        .map_err(|_| Error::usage("--render-seconds must be 0 or more", "such as --render-seconds 3"))?;
    let script = match &args.script {
        Some(path) => Script::read(path)?,
        None => Script::default(),
    };
    let renderer = if args.placeholder { None } else { Some(emulator_backend(Deadline::NEVER, console)?) };
    let config = Config {
        port: args.port,
        api_key: args.api_key.clone(),
        placeholder_delay: delay,
        direct_uploads: !args.no_direct_uploads,
        complete_conflicts: args.complete_conflicts,
        token_lifetime: Duration::from_secs(args.token_lifetime),
        script,
        ..Config::default()
    };
    let emulator = Emulator::start(config, renderer)?;
    let kind = if args.placeholder { "placeholder clips" } else { "real renders" };
    console.done(&format!("emulator with {kind} at {}", emulator.url()));
    console.detail(&format!("HEYGEN_API_URL={} HEYGEN_API_KEY=… hyperframes-ci render", emulator.url()));
    console.outcome(&EmulatorOutcome { url: emulator.url().to_owned(), placeholder: args.placeholder });
    loop {
        // The interrupt handler ends the process.
        std::thread::park();
    }
}
