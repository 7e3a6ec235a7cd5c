//! Node.js, and packages of npm at fixed versions, each set in a folder of its own in the cache.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::{Value, json};

use super::process::without_secrets;
use super::{ProgramError, find, install};

/// The tools run on this major version of Node or a later one; source: the `engines` field of `hyperframes`.
const NODE_MAJOR: u32 = 22;

/// The major version that is installed where there is none; a long-term support release.
const INSTALLED_NODE_MAJOR: u32 = 24;

/// Packages that are installed together.
#[derive(Clone, Debug)]
pub(crate) struct Modules {
    /// What it is, for people.
    what: String,
    folder: PathBuf,
    /// Its `package.json`.
    manifest: Value,
}

impl Modules {
    /// Packages with their versions, in `folder`. Where any of them depends on a package in `pins`, it gets this version.
    pub(crate) fn new(
        what: String,
        folder: PathBuf,
        packages: &[(&str, &str)],
        pins: &[(&str, &str)],
    ) -> Self {
        let versions = |of: &[(&str, &str)]| {
            of.iter().map(|(name, version)| ((*name).to_owned(), json!(version))).collect::<Value>()
        };
        let manifest =
            json!({ "private": true, "dependencies": versions(packages), "overrides": versions(pins) });
        Self { what, folder, manifest }
    }

    /// The folder that Node resolves the packages from.
    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    /// The path of a file of a package.
    pub(crate) fn file(&self, path: &str) -> PathBuf {
        self.folder.join("node_modules").join(path)
    }

    fn is_there(&self) -> bool {
        self.folder.is_dir()
    }

    /// Installs them where they are not there: beside the folder first, so that an interrupted installation leaves nothing
    /// that looks whole. Of concurrent processes one installs, and the others wait for it.
    fn install(&self, npm: &Path, announce: &mut dyn FnMut(&str)) -> Result<(), ProgramError> {
        if self.is_there() {
            return Ok(());
        }
        announce(&self.what);
        let parent = self.folder.parent().unwrap_or(&self.folder);
        fs::create_dir_all(parent).map_err(ProgramError::Folder)?;
        // The system lets go of the lock when the process ends, however it ends.
        let lock =
            fs::File::create(format!("{}.lock", self.folder.display())).map_err(ProgramError::Folder)?;
        lock.lock().map_err(ProgramError::Folder)?;
        if self.is_there() {
            return Ok(());
        }
        let temporary = tempfile::tempdir_in(parent).map_err(ProgramError::Folder)?;
        let _guard = crate::system::interrupt::guard_path(temporary.path());
        fs::write(temporary.path().join("package.json"), self.manifest.to_string())
            .map_err(ProgramError::Folder)?;
        let mut command = Command::new(npm);
        command
            .args([
                "install",
                "--ignore-scripts",
                "--no-audit",
                "--no-fund",
                "--no-package-lock",
                "--loglevel=error",
            ])
            .current_dir(temporary.path());
        install(&self.what, without_secrets(command))?;
        fs::rename(temporary.path(), &self.folder).map_err(ProgramError::Folder)
    }
}

/// Node and npm, as far as they are there.
#[derive(Debug)]
pub(crate) struct Node {
    program: Option<PathBuf>,
    npm: Option<PathBuf>,
    /// A Node of ours.
    own: Modules,
}

impl Node {
    /// Looks for both.
    pub(crate) fn look(cache: &Path) -> Self {
        let own = Modules::new(
            format!("Node.js {INSTALLED_NODE_MAJOR}"),
            cache.join(format!("node-{INSTALLED_NODE_MAJOR}")),
            &[(&package(), &INSTALLED_NODE_MAJOR.to_string())],
            &[],
        );
        Self { program: find("node").filter(|node| is_recent(node)), npm: find("npm"), own }
    }

    /// What is missing for running `modules`, and its remedy.
    pub(crate) fn missing_for(&self, modules: &Modules) -> Option<(String, String)> {
        let is_installed = modules.is_there() && (self.program.is_some() || self.own.is_there());
        let remedy = "install Node.js 22 or later (Debian: apt install npm; otherwise nodejs.org)";
        (!is_installed && self.npm.is_none()).then(|| ("npm".to_owned(), remedy.to_owned()))
    }

    /// Installs `modules`, and Node itself, where they are not there; gives back Node. `announce` hears what is being
    /// installed.
    ///
    /// # Errors
    /// With what the installer said.
    pub(crate) fn ready(
        self,
        modules: &Modules,
        announce: &mut dyn FnMut(&str),
    ) -> Result<PathBuf, ProgramError> {
        let npm = self.npm.unwrap_or_else(|| PathBuf::from("npm"));
        modules.install(&npm, announce)?;
        if let Some(program) = self.program {
            return Ok(program);
        }
        self.own.install(&npm, announce)?;
        let name = if cfg!(windows) { "node.exe" } else { "node" };
        Ok(self.own.file(&package()).join("bin").join(name))
    }
}

/// Keeps an official tool from looking for updates, telling anybody, and drawing for people.
pub(crate) fn quieten(command: &mut Command) {
    let settings =
        ["HYPERFRAMES_NO_UPDATE_CHECK", "HYPERFRAMES_NO_TELEMETRY", "DO_NOT_TRACK", "NO_COLOR", "CI"];
    command.envs(settings.map(|name| (name, "1")));
}

/// The package that holds Node for this machine.
fn package() -> String {
    let system = match std::env::consts::OS {
        "macos" => "darwin",
        "windows" => "win",
        other => other,
    };
    let machine = match std::env::consts::ARCH {
        "x86_64" => "x64",
        "aarch64" => "arm64",
        other => other,
    };
    format!("node-{system}-{machine}")
}

/// Whether this Node is recent enough: `v22.1.0` and later.
fn is_recent(node: &Path) -> bool {
    let Ok(output) = Command::new(node).arg("--version").output() else { return false };
    let text = String::from_utf8_lossy(&output.stdout);
    let major =
        text.trim().trim_start_matches('v').split('.').next().and_then(|major| major.parse::<u32>().ok());
    major.is_some_and(|major| major >= NODE_MAJOR)
}
