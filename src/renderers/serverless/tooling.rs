//! The official tooling, prepared for one stack and one project.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use serde_json::Value;

use super::error::ServerlessError;
use super::follower::{FOLLOWING, Follower};
use super::platform::Platform;
use super::session::Preparation;
use crate::system::clock::pause;
use crate::system::deadline::Deadline;
use crate::system::programs::process::{self, OutputTail, RunningProcess};
use crate::system::programs::{self, Lock, Node, NpmPackages, WorkDir, set_noninteractive};
use crate::system::unpack::unpack;

/// Packages to pin to the version of the tooling: its version ranges would let npm mix versions.
const PINNED_PACKAGES: &[&str] = &["core", "engine", "lint", "parsers", "producer", "studio-server"];

/// The HTML parser of the SDKs, at the tested version.
const PARSER: (&str, &str) = ("linkedom", "0.18.12");

/// The text of the process that follows executions, without the part that asks the service.
pub(in crate::renderers) const FOLLOW: &str = include_str!("follow.mjs");

/// Pause before the first retry of a request; each one doubles it.
pub(in crate::renderers) const RETRY_PAUSE: Duration = Duration::from_millis(500);

/// Packages of npm with the tooling of a platform.
#[derive(Debug)]
pub(in crate::renderers) struct Packages {
    /// The platform in messages, and in the name of the directory.
    pub(in crate::renderers) name: &'static str,
    pub(in crate::renderers) folder: &'static str,
    /// The tested version, which the lock file is of.
    pub(in crate::renderers) version: &'static str,
    pub(in crate::renderers) lock: &'static Lock,
    /// The packages that are used.
    pub(in crate::renderers) roots: &'static [&'static str],
}

impl Packages {
    /// Returns the packages of a version: those of the lock file, or for another version those that npm chooses.
    fn of(&self, cache: &Path, version: &str) -> NpmPackages {
        let name = format!("the HyperFrames tooling for {} {version}", self.name);
        let folder = format!("{}-{version}", self.folder);
        if version == self.version {
            return NpmPackages::locked(name, cache.join(format!("{folder}-{}", self.lock.id())), self.lock);
        }
        let pinned = PINNED_PACKAGES.iter().map(|name| format!("@hyperframes/{name}")).collect::<Vec<_>>();
        let mut pins = pinned.iter().map(|name| (name.as_str(), version)).collect::<Vec<_>>();
        pins.push(PARSER);
        let roots = self.roots.iter().map(|root| (*root, version)).collect::<Vec<_>>();
        NpmPackages::new(name, cache.join(folder), &roots, &pins)
    }

    /// Returns what the lock file does not fix.
    #[cfg(test)]
    pub(in crate::renderers) fn problems(&self) -> Vec<String> {
        let mut problems = self.lock.problems();
        let manifest = serde_json::from_str::<Value>(self.lock.manifest).unwrap_or_default();
        let pins = PINNED_PACKAGES.iter().map(|name| (format!("@hyperframes/{name}"), self.version));
        for (name, version) in pins.chain([(PARSER.0.to_owned(), PARSER.1)]) {
            if manifest["overrides"][&name] != version {
                problems.push(format!("{name} is not overridden by {version}"));
            }
        }
        for name in self.roots.iter().filter(|name| manifest["dependencies"][**name] != self.version) {
            problems.push(format!("{name} is not {}", self.version));
        }
        problems
    }
}

/// The official tooling, the project in a working directory, and the environment of its processes.
pub(in crate::renderers) struct Tooling {
    platform: &'static Platform,
    modules: NpmPackages,
    node: PathBuf,
    /// The working directory, which contains the unpacked project.
    work_dir: WorkDir,
    /// Variables of its processes.
    variables: Vec<(&'static str, String)>,
}

impl Tooling {
    /// Finds or installs a version of the tooling and unpacks the project; `on_install` is called with the name of everything that
    /// is installed.
    ///
    /// # Errors
    /// Returns an error if Node is missing, an installation fails, or the archive cannot be unpacked.
    pub(in crate::renderers) fn new(
        platform: &'static Platform,
        (packages, version): (&Packages, &str),
        variables: Vec<(&'static str, String)>,
        preparation: &Preparation<'_>,
        on_install: &mut dyn FnMut(&str),
    ) -> Result<Self, ServerlessError> {
        let cache = programs::cache()?;
        let modules = packages.of(&cache, version);
        let node = Node::find(&cache);
        if let Some(missing) = node.missing_for(&modules) {
            return Err(programs::ProgramError::Missing(vec![missing]).into());
        }
        let node = node.install(&modules, preparation.deadline, on_install)?;
        let work_dir = WorkDir::new().map_err(|error| ServerlessError::Folder(platform, error))?;
        unpack(preparation.archive, &work_dir.project()).map_err(ServerlessError::Unpack)?;
        Ok(Self { platform, modules, node, work_dir, variables })
    }

    /// Returns the working directory.
    pub(in crate::renderers) fn folder(&self) -> &Path {
        self.work_dir.path()
    }

    /// Returns the unpacked project.
    pub(in crate::renderers) fn project(&self) -> PathBuf {
        self.work_dir.project()
    }

    /// Returns the path of a file of the packages.
    pub(in crate::renderers) fn module(&self, path: &str) -> PathBuf {
        self.modules.file(path)
    }

    /// Writes a file to the working directory; returns its path.
    ///
    /// # Errors
    /// Returns an error if it cannot be written.
    pub(in crate::renderers) fn write(&self, name: &str, text: &str) -> Result<PathBuf, ServerlessError> {
        let path = self.folder().join(name);
        let written = path.parent().map_or(Ok(()), fs::create_dir_all).and_then(|()| fs::write(&path, text));
        written.map_err(|error| ServerlessError::Folder(self.platform, error))?;
        Ok(path)
    }

    /// Returns a command that runs Node.
    pub(in crate::renderers) fn node(&self) -> Command {
        let mut command = Command::new(&self.node);
        command.env("TMPDIR", self.work_dir.temporary());
        command.envs(self.variables.iter().map(|(name, value)| (name, value)));
        set_noninteractive(&mut command);
        command
    }

    /// Returns a command that runs `script` with the packages, and with `settings` as its first argument.
    pub(in crate::renderers) fn script(&self, script: &str, settings: &Value) -> Command {
        let mut command = self.node();
        // Node resolves packages from the working directory.
        command
            .args(["--input-type=module", "--eval", script, "--"])
            .arg(settings.to_string())
            .current_dir(self.modules.folder());
        command
    }

    /// Runs a command and returns its output.
    ///
    /// # Errors
    /// Returns an error about `what` if the command fails.
    pub(in crate::renderers) fn run(
        &self,
        command: Command,
        what: &'static str,
        deadline: Deadline,
    ) -> Result<String, ServerlessError> {
        let failed = |output| ServerlessError::of_tool(self.platform, what, output);
        let command = process::with_variables(command, self.platform.variables);
        let (ended, output) = process::capture(command, deadline).map_err(|error| match error.kind() {
            io::ErrorKind::TimedOut => ServerlessError::ToolTimedOut { what },
            _ => failed(error.to_string()),
        })?;
        if ended.status.success() {
            return Ok(output);
        }
        let lines = if ended.output.is_empty() { OutputTail::of(&output).into_lines() } else { ended.output };
        Err(failed(lines.join("\n").trim().to_owned()))
    }

    /// Starts the process that follows executions: [`FOLLOW`] after the text that asks the service.
    ///
    /// # Errors
    /// Returns an error if it cannot be started.
    pub(in crate::renderers) fn follower(
        &self,
        script: &str,
        mut settings: Value,
        longest_pause: Duration,
    ) -> Result<Follower, ServerlessError> {
        let failed = |error: io::Error| ServerlessError::of_tool(self.platform, FOLLOWING, error.to_string());
        settings["pause"] = millis(longest_pause);
        settings["retry"] = millis(pause(RETRY_PAUSE));
        let command = process::with_variables(self.script(script, &settings), self.platform.variables);
        let mut running = RunningProcess::start(command, Stdio::piped()).map_err(failed)?;
        let input =
            running.take_stdin().ok_or_else(|| failed(io::Error::other("cannot open its standard input")))?;
        Ok(Follower::new(self.platform, running, input))
    }
}

/// Returns a duration in milliseconds.
pub(in crate::renderers) fn millis(duration: Duration) -> Value {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX).into()
}
