//! `hyperframes-ci doctor`

use crate::app::doctor::doctor;
use crate::app::outcome::{AdviceOutcome, DoctorOutcome, RenderingOutcome, SandboxOutcome};
use crate::fault::Error;
use crate::ui::{Console, plain, table};

/// Show the programs and the sandbox that local renders use, and what to install
///
/// Nothing is installed or changed.
#[derive(Debug, clap::Args)]
pub(super) struct Args {}

pub(super) fn run(_: &Args, console: &mut Console) -> Result<(), Error> {
    let outcome = doctor()?;
    print(&outcome, console);
    console.outcome(&outcome);
    Ok(())
}

/// Prints the programs and the layers as tables.
fn print(outcome: &DoctorOutcome, console: &mut Console) {
    let mut rows = vec![["PROGRAM", "VERSION", "PATH"].map(str::to_owned).to_vec()];
    rows.extend(outcome.programs.iter().map(|program| {
        let version =
            program.version.as_deref().map_or_else(|| "not found".to_owned(), |text| plain(text).to_string());
        let path = program.path.as_ref().map_or_else(String::new, |path| path.display().to_string());
        vec![program.name.to_owned(), version, path]
    }));
    console.result(&table(&rows));
    print_rendering(&outcome.rendering, console);
    match &outcome.sandbox {
        Some(sandbox) => print_sandbox(sandbox, console),
        None => console.result("\nSandbox: unknown until Node.js and a browser are installed\n"),
    }
    print_advice(&outcome.advice, console);
}

/// Prints how frames are captured, and what limits speed and fidelity.
fn print_rendering(rendering: &RenderingOutcome, console: &mut Console) {
    let capture = match (rendering.capture, rendering.browser_source) {
        (Some(capture), Some(source)) => format!("{capture} (browser from: {source})"),
        _ => "unknown until a browser is installed".to_owned(),
    };
    let fonts =
        rendering.font_families.map_or_else(|| "unknown".to_owned(), |count| format!("{count} families"));
    let rows =
        [("Capture", capture), ("Fonts", fonts), ("Renders at a time", rendering.concurrency.to_string())];
    let rows = rows.map(|(name, value)| vec![name.to_owned(), value]).to_vec();
    console.result("\n");
    console.result(&table(&rows));
}

/// Prints what to install.
fn print_advice(advice: &[AdviceOutcome], console: &mut Console) {
    if !advice.is_empty() {
        console.result("\n");
    }
    for AdviceOutcome { message, remedy } in advice {
        console.result(&format!("- {}\n  {}\n", plain(message), plain(remedy)));
    }
}

fn print_sandbox(sandbox: &SandboxOutcome, console: &mut Console) {
    let word = |holds: bool| if holds { "yes" } else { "" }.to_owned();
    let mut rows = vec![["LAYER", "FILES", "NETWORK"].map(str::to_owned).to_vec()];
    rows.extend(
        sandbox
            .layers
            .iter()
            .map(|layer| vec![layer.name.to_owned(), word(layer.holds_files), word(layer.holds_network)]),
    );
    console.result("\n");
    console.result(&table(&rows));
    let forks = if sandbox.renders_forks { "are rendered" } else { "are not rendered" };
    console.result(&format!("\nPages of pull requests from forks {forks} on this machine\n"));
    if let Some(missing) = &sandbox.missing {
        console.detail(&format!("missing layer: {}", plain(missing)));
    }
}
