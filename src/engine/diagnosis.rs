//! What a local render finds on this machine.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use super::provision::{self, ENGINE_VERSION};
use crate::system::deadline::Deadline;
use crate::system::programs::{self, Node, ProgramError, find, process};
use crate::system::sandbox::{ContainedPrograms, Sandbox, SandboxError, SandboxOptions};

/// Time limit of a program that prints its version.
const TIMEOUT: Duration = Duration::from_secs(20);

/// A program that a local render needs.
#[derive(Debug)]
pub(crate) struct ProgramState {
    /// Name for people.
    pub(crate) name: &'static str,
    /// Path, if it is installed.
    pub(crate) path: Option<PathBuf>,
    /// First line of what it prints about its version.
    pub(crate) version: Option<String>,
}

/// What a local render finds on this machine.
#[derive(Debug)]
pub(crate) struct Diagnosis {
    /// The programs.
    pub(crate) programs: Vec<ProgramState>,
    /// The sandbox; `None` until Node and a browser are installed.
    pub(crate) sandbox: Option<Sandbox>,
}

/// Finds the programs and the layers of the sandbox. Nothing is installed.
///
/// # Errors
/// Returns [`ProgramError::Folder`] if the home directory is unknown.
pub(crate) fn diagnose() -> Result<Diagnosis, ProgramError> {
    let cache = programs::cache()?;
    let packages = provision::packages(&cache);
    let node = Node::find(&cache).installed();
    let engine = Some(provision::engine(&packages)).filter(|engine| engine.is_file());
    let browser = provision::browser();
    let ffmpeg = find("ffmpeg");
    let sandbox = match (&node, &browser) {
        (Some(node), Some(browser)) => {
            let folders = ffmpeg.as_deref().and_then(Path::parent).map(Path::to_owned);
            let folders = folders.into_iter().chain([packages.folder().to_owned()]).collect();
            let programs = ContainedPrograms { node: node.clone(), browser: browser.clone(), folders };
            let found: Result<Sandbox, SandboxError> = Sandbox::find(SandboxOptions::default(), programs);
            found.ok()
        }
        _ => None,
    };
    let state = |name, path: Option<PathBuf>, argument: &str| {
        let version = path.as_deref().and_then(|path| version(path, argument));
        ProgramState { name, path, version }
    };
    let programs = vec![
        state("Node.js", node, "--version"),
        ProgramState {
            name: "engine",
            version: engine.as_ref().map(|_| format!("hyperframes {ENGINE_VERSION}")),
            path: engine,
        },
        state("browser", browser, "--version"),
        state("FFmpeg", ffmpeg, "-version"),
    ];
    Ok(Diagnosis { programs, sandbox })
}

/// Returns the first line that a program prints about its version.
fn version(program: &Path, argument: &str) -> Option<String> {
    let mut command = Command::new(program);
    command.arg(argument);
    let (exited, output) =
        process::capture(process::without_secrets(command), Deadline::after(TIMEOUT)).ok()?;
    let line = output.lines().next().map(|line| line.trim().to_owned());
    line.filter(|line| exited.status.success() && !line.is_empty())
}
