//! Running installers.

use std::process::Command;

use super::error::ProgramError;
use super::process;

/// Runs an installer to its end; `what` names the program for people.
///
/// # Errors
/// Returns [`ProgramError::Install`] if the installer does not start or fails.
pub(super) fn run_installer(what: &str, command: Command) -> Result<(), ProgramError> {
    let failed = |output: String| ProgramError::Install { what: what.to_owned(), output };
    let exited = process::run(command, &mut |_| true).map_err(|error| failed(error.to_string()))?;
    if exited.status.success() { Ok(()) } else { Err(failed(exited.output.join("\n"))) }
}
