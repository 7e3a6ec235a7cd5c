//! `hyperframes-ci emulator`

use std::path::PathBuf;
use std::time::Duration;

use crate::app::outcome::EmulatorOutcome;
use crate::emulator::{Config, Emulator, Script};
use crate::fault::Error;
use crate::renderers::emulator_backend;
use crate::system::deadline::Deadline;
use crate::system::sandbox::SandboxOptions;
use crate::ui::Console;

/// Where the format of faults is described.
const FAULTS: &str = "https://github.com/hyperframes-ci/hyperframes-ci/blob/main/docs/emulator.md#faults";

/// Run a local server that emulates the HeyGen API
///
/// Set HEYGEN_API_URL to its address and HEYGEN_API_KEY to its key to use it. Videos are rendered by the official HyperFrames engine on this machine.
/// Press Ctrl-C to stop the server.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Port on 127.0.0.1; 0 chooses a free port
    #[arg(long, default_value_t = 0)]
    port: u16,
    /// API key to accept [default: random]
    #[arg(long, value_name = "KEY", env = "HEYGEN_API_KEY", hide_env_values = true)]
    api_key: Option<String>,
    /// Return a small built-in clip instead of rendering
    #[arg(long)]
    placeholder: bool,
    /// Duration of a placeholder render, in seconds
    #[arg(long, value_name = "SECONDS", default_value_t = 0.0, requires = "placeholder")]
    render_seconds: f64,
    /// Disable direct uploads, like older servers
    #[arg(long)]
    no_direct_uploads: bool,
    /// Number of 409 responses to `complete` per asset
    #[arg(long, value_name = "COUNT", default_value_t = 0)]
    complete_conflicts: u32,
    /// Lifetime of access tokens, in seconds
    #[arg(long, value_name = "SECONDS", default_value_t = 3600)]
    token_lifetime: u64,
    /// JSON file with faults to inject
    // Not a doc comment, where rustdoc wants angle brackets around it.
    #[arg(long, value_name = "FILE", long_help = format!("JSON file with faults to inject\n\nFormat: {FAULTS}"))]
    script: Option<PathBuf>,
}

pub(super) fn run(args: &Args, console: &mut Console) -> Result<(), Error> {
    let delay = Duration::try_from_secs_f64(args.render_seconds)
        .map_err(|_| Error::usage("--render-seconds must be 0 or more", "for example --render-seconds 3"))?;
    let script = match &args.script {
        Some(path) => Script::read(path)?,
        None => Script::default(),
    };
    let renderer = if args.placeholder {
        None
    } else {
        Some(emulator_backend(SandboxOptions::default(), Deadline::NEVER, console)?.0)
    };
    let given = args.api_key.clone().filter(|key| !key.trim().is_empty());
    let is_generated = given.is_none();
    let config = Config {
        port: args.port,
        api_key: given.unwrap_or_else(|| Config::default().api_key),
        placeholder_delay: delay,
        direct_uploads: !args.no_direct_uploads,
        complete_conflicts: args.complete_conflicts,
        token_lifetime: Duration::from_secs(args.token_lifetime),
        script,
        ..Config::default()
    };
    let emulator = Emulator::start(config, renderer)?;
    let kind = if args.placeholder { "placeholder clips" } else { "real renders" };
    console.done(&format!("Emulator running at {} ({kind})", emulator.url()));
    // A key that was given may be a secret.
    let api_key = is_generated.then(|| emulator.api_key().to_owned());
    let shown = api_key.as_deref().unwrap_or("…");
    console
        .detail(&format!("HEYGEN_API_URL={} HEYGEN_API_KEY={shown} hyperframes-ci render", emulator.url()));
    console.outcome(&EmulatorOutcome {
        url: emulator.url().to_owned(),
        api_key,
        placeholder: args.placeholder,
    });
    loop {
        // The interrupt handler ends the process.
        std::thread::park();
    }
}
