//! `hyperframes-ci doctor`

use crate::app::doctor::doctor;
use crate::app::outcome::{DoctorOutcome, SandboxOutcome};
use crate::fault::Error;
use crate::ui::{Console, plain, table};

/// Show the programs and the sandbox that local renders use
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
    match &outcome.sandbox {
        Some(sandbox) => print_sandbox(sandbox, console),
        None => console.result("\nSandbox: unknown until Node.js and a browser are installed\n"),
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
