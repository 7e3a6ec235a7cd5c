//! Packages of Debian, installed if that needs no password.

use std::process::Command;

use super::error::ProgramError;
use super::find::find;
use super::installer::run_installer;
use super::process::without_secrets;
use crate::system::deadline::Deadline;

/// Installs packages as root or with passwordless sudo; does nothing if neither is possible or `apt-get` is missing.
/// `announce` is called with the names of the packages before they are installed.
///
/// # Errors
/// Returns [`ProgramError::Install`] with the output of `apt-get` if it fails.
pub(crate) fn install_packages(
    names: &[&str],
    deadline: Deadline,
    announce: &mut dyn FnMut(&str),
) -> Result<(), ProgramError> {
    if names.is_empty() {
        return Ok(());
    }
    let Some(prefix) = package_manager() else { return Ok(()) };
    announce(&names.join(", "));
    let apt = |arguments: &[&str]| {
        let mut command = Command::new(prefix[0]);
        command.args(&prefix[1..]).args(arguments).env("DEBIAN_FRONTEND", "noninteractive");
        without_secrets(command)
    };
    run_installer("the list of packages", apt(&["update", "-qq"]), deadline)?;
    let mut arguments = vec!["install", "-y", "-qq", "--no-install-recommends"];
    arguments.extend(names);
    run_installer(&names.join(", "), apt(&arguments), deadline)
}

/// Returns the program and arguments that run `apt-get` as root; `None` if that is not possible.
fn package_manager() -> Option<&'static [&'static str]> {
    #[cfg(unix)]
    {
        find("apt-get")?;
        if rustix::process::geteuid().is_root() {
            return Some(&["apt-get"]);
        }
        let mut sudo = without_secrets(Command::new("sudo"));
        let is_passwordless = sudo.args(["-n", "true"]).output().is_ok_and(|output| output.status.success());
        is_passwordless.then_some(&["sudo", "-n", "DEBIAN_FRONTEND=noninteractive", "apt-get"])
    }
    #[cfg(not(unix))]
    None
}
