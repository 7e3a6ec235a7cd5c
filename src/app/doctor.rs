//! The use case `doctor`: what a local render finds on this machine.

use super::outcome::{DoctorOutcome, LayerOutcome, ProgramOutcome, SandboxOutcome};
use crate::engine;
use crate::fault::Error;

/// Finds the programs of local renders and the layers of the sandbox. Nothing is installed.
///
/// # Errors
/// Returns an error if the home directory is unknown.
pub(crate) fn doctor() -> Result<DoctorOutcome, Error> {
    let found = engine::diagnose()?;
    let programs = found.programs.into_iter().map(|program| ProgramOutcome {
        name: program.name,
        version: program.version,
        path: program.path,
    });
    let sandbox = found.sandbox.map(|sandbox| SandboxOutcome {
        layers: sandbox
            .layers()
            .iter()
            .map(|layer| LayerOutcome {
                name: layer.name(),
                holds_files: layer.holds_files(),
                holds_network: layer.holds_network(),
            })
            .collect(),
        missing: sandbox.missing().map(str::to_owned),
        renders_forks: sandbox.check_for_strangers().is_ok(),
    });
    Ok(DoctorOutcome {
        version: env!("CARGO_PKG_VERSION"),
        system: format!("{} {}", std::env::consts::OS, std::env::consts::ARCH),
        programs: programs.collect(),
        sandbox,
    })
}
