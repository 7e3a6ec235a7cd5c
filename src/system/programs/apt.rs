//! Debian's packages, where they can be installed without asking anybody.

use std::process::Command;

use super::process::without_secrets;
use super::{ProgramError, find, install};

/// Installs packages as root or with passwordless sudo; does nothing where neither is possible, or where there is no
/// `apt-get`. `announce` hears what is being installed.
///
/// # Errors
/// With what the installer said.
pub(crate) fn install_packages(names: &[&str], announce: &mut dyn FnMut(&str)) -> Result<(), ProgramError> {
    let Some(prefix) = package_manager().filter(|_| !names.is_empty()) else { return Ok(()) };
    announce(&names.join(", "));
    let apt = |arguments: &[&str]| {
        let (program, before) = prefix.split_first().expect("the prefix holds a program");
        let mut command = Command::new(program);
        command.args(before).args(arguments).env("DEBIAN_FRONTEND", "noninteractive");
        without_secrets(command)
    };
    install("the list of packages", apt(&["update", "-qq"]))?;
    let mut arguments = vec!["install", "-y", "-qq", "--no-install-recommends"];
    arguments.extend(names);
    install(&names.join(", "), apt(&arguments))
}

/// How to call `apt-get` with the rights that it needs; `None` where that is not possible.
fn package_manager() -> Option<Vec<&'static str>> {
    #[cfg(unix)]
    {
        find("apt-get")?;
        if rustix::process::geteuid().is_root() {
            return Some(vec!["apt-get"]);
        }
        let passwordless =
            Command::new("sudo").args(["-n", "true"]).output().is_ok_and(|output| output.status.success());
        passwordless.then(|| vec!["sudo", "-n", "DEBIAN_FRONTEND=noninteractive", "apt-get"])
    }
    #[cfg(not(unix))]
    None
}
