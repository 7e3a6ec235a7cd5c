//! What a local render finds on this machine.

use std::path::PathBuf;

use super::browser::Browser;
use super::provision::{self, ENGINE_VERSION};
use crate::system::deadline::Deadline;
use crate::system::programs::{self, Node, ProgramError, find};
use crate::system::sandbox::{Sandbox, SandboxError, SandboxOptions, version_line};

/// A program that a local render needs.
#[derive(Debug)]
pub(crate) struct ProgramState {
    /// Name for people.
    pub(crate) name: &'static str,
    /// Path, if it is installed.
    pub(crate) path: Option<PathBuf>,
    /// What it prints about its version.
    pub(crate) version: Option<String>,
}

/// What a local render finds on this machine.
#[derive(Debug)]
pub(crate) struct Diagnosis {
    /// The programs.
    pub(crate) programs: Vec<ProgramState>,
    /// The sandbox; `None` until Node, a browser and FFmpeg are installed.
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
    let browser = Browser::find().map(|browser| browser.path);
    let ffmpeg = find("ffmpeg");
    let sandbox = match (&node, &browser, &ffmpeg) {
        (Some(node), Some(browser), Some(ffmpeg)) => {
            let programs = provision::contained(node, browser, ffmpeg, packages.folder());
            let found: Result<Sandbox, SandboxError> =
                Sandbox::find(SandboxOptions::default(), programs, Deadline::NEVER);
            found.ok()
        }
        _ => None,
    };
    let state = |name, path: Option<PathBuf>, argument: &str| {
        let version = path.as_deref().and_then(|path| version_line(path, argument, Deadline::NEVER));
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
