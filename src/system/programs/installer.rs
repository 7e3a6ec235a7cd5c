//! Running installers.

use std::io;
use std::process::Command;

use super::error::ProgramError;
use super::process;
use crate::system::deadline::Deadline;

/// Runs an installer to its end, or until `deadline`; `what` names the program for people.
///
/// # Errors
/// Returns [`ProgramError::Install`] if the installer does not start or fails, and
/// [`ProgramError::TimedOut`] if it takes too long.
pub(super) fn run_installer(what: &str, command: Command, deadline: Deadline) -> Result<(), ProgramError> {
    let failed = |output: String| ProgramError::Install { what: what.to_owned(), output };
    let exited = process::run(command, deadline, &mut |_| true).map_err(|error| match error.kind() {
        io::ErrorKind::TimedOut => ProgramError::TimedOut { what: what.to_owned() },
        _ => failed(error.to_string()),
    })?;
    if exited.status.success() { Ok(()) } else { Err(failed(exited.output.join("\n"))) }
}
