//! Programs of others: found, installed where that needs nobody's consent (from npm into our cache, from Debian's packages
//! as root or with passwordless sudo), and run as child processes that are told no secrets.

mod apt;
mod node;
pub(crate) mod process;
mod workplace;

use crate::fault::Fault;
use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;

pub(crate) use apt::install_packages;
pub(crate) use node::{Modules, Node, quieten};
pub(crate) use workplace::Workplace;

/// Why a program is not there.
#[derive(Debug)]
pub(crate) enum ProgramError {
    /// Programs are missing and could not be installed: name and remedy of each.
    Missing(Vec<(String, String)>),
    /// An installation failed; the end of its output.
    Install {
        /// What was to be installed.
        what: String,
        /// What the installer said last.
        output: String,
    },
    /// There is no place for it.
    Folder(io::Error),
}

impl fmt::Display for ProgramError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Missing(parts) => {
                let names = parts.iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>();
                write!(f, "this needs {}", names.join(" and "))
            }
            Self::Install { what, output } => write!(f, "installing {what} failed:\n{output}"),
            Self::Folder(error) => write!(f, "there is no place for other programs: {error}"),
        }
    }
}

impl Fault for ProgramError {
    fn code(&self) -> &str {
        match self {
            Self::Missing(_) => "engine_missing",
            Self::Install { .. } => "engine_not_installed",
            Self::Folder(_) => "engine_not_started",
        }
    }

    fn help(&self) -> Option<String> {
        Some(match self {
            Self::Missing(parts) => {
                parts.iter().map(|(name, remedy)| format!("{name}: {remedy}")).collect::<Vec<_>>().join("\n")
            }
            Self::Install { .. } => "check the network and the free space, then run again".to_owned(),
            Self::Folder(_) => "check the free space, TMPDIR and HYPERFRAMES_CI_CACHE".to_owned(),
        })
    }
}

/// Where installed programs are kept.
///
/// # Errors
/// When no home directory is known.
pub(crate) fn cache() -> Result<PathBuf, ProgramError> {
    crate::system::cache::folder().ok_or_else(|| {
        ProgramError::Folder(io::Error::other("no home directory is known; set HYPERFRAMES_CI_CACHE"))
    })
}

/// The program `name` on `PATH`, or `name` itself where it is a path.
pub(crate) fn find(name: &str) -> Option<PathBuf> {
    let direct = Path::new(name);
    if direct.is_absolute() {
        return direct.is_file().then(|| direct.to_owned());
    }
    let endings: &[&str] = if cfg!(windows) { &[".exe", ".cmd"] } else { &[""] };
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path)
        .flat_map(|folder| endings.iter().map(move |ending| folder.join(format!("{name}{ending}"))))
        .find(|program| program.is_file())
}

/// Runs an installer to its end.
fn install(what: &str, command: Command) -> Result<(), ProgramError> {
    let failed = |output: String| ProgramError::Install { what: what.to_owned(), output };
    let ended = process::run(command, &mut |_| true).map_err(|error| failed(error.to_string()))?;
    if ended.status.success() { Ok(()) } else { Err(failed(ended.output.join("\n"))) }
}
