//! Runs containers with the command line of Docker or Podman.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use hyperframes_ci_core::api::RenderRequest;
use hyperframes_ci_core::options::Format;
use serde::Deserialize;
use serde_json::Value;

use super::command::{CONFIG, ContainedRender, Container, VARIABLES, video_name};
use super::error::DockerError;
use super::options::{ContainerProgram, DockerOptions};
use crate::engine::{self, JobOutput, Progress};
use crate::fault::Error;
use crate::renderers::RunContext;
use crate::system::deadline::Deadline;
use crate::system::file;
#[cfg(unix)]
use crate::system::interrupt;
use crate::system::memory;
use crate::system::programs::process::{self, Exited};
use crate::system::programs::{WorkDir, find};
use crate::system::random;
use crate::system::sandbox::Network;
use crate::system::unpack;

/// Prefixes of the variables that the programs read. They do not reach the container.
const VARIABLES_OF_PROGRAMS: &[&str] = &["DOCKER_", "CONTAINER_", "CONTAINERS_", "PODMAN_"];

/// How long removing a container may take.
const REMOVAL_TIMEOUT: Duration = Duration::from_secs(20);

/// How long it may take after an interruption: people wait for the prompt, and CI services for 7.5 s or more.
#[cfg(unix)]
const REMOVAL_TIMEOUT_AT_END: Duration = Duration::from_secs(5);

/// Packs everything that the archive contains: the project was packed with its own rules before.
const IGNORE_NOTHING: &str = "!.*\n!/renders/\n!/snapshots/\n";

/// A program that runs containers, and an image that exists.
#[derive(Clone, Debug)]
pub(super) struct Docker {
    program: PathBuf,
    kind: ContainerProgram,
    image: String,
    network: Network,
}

impl Docker {
    /// Finds the program and the image, and pulls the image if it is missing.
    ///
    /// # Errors
    /// Returns [`DockerError`] if a part is missing.
    pub(super) fn find(
        options: &DockerOptions,
        deadline: Deadline,
        on_pull: &mut dyn FnMut(),
    ) -> Result<Self, DockerError> {
        let image = options.image.clone().ok_or(DockerError::NoImageSet)?;
        let wanted = options.program.map_or(ContainerProgram::ALL.to_vec(), |program| vec![program]);
        let found = wanted.iter().find_map(|kind| Some((*kind, find(kind.as_str())?)));
        let (kind, program) =
            found.ok_or_else(|| DockerError::NoProgram(wanted.iter().map(|kind| kind.as_str()).collect()))?;
        let mut docker = Self { program, kind, image, network: options.network.unwrap_or(Network::None) };
        let version = docker.capture(&["version".to_owned()], deadline)?;
        if !version.0.status.success() {
            return Err(DockerError::NoService(kind.as_str(), text(&version)));
        }
        if is_podman(&version) {
            docker.kind = ContainerProgram::Podman;
        }
        let inspect = ["image", "inspect", "--format={{.Id}}", &docker.image].map(str::to_owned);
        let missing = docker.capture(&inspect, deadline)?;
        if missing.0.status.success() {
            return Ok(docker);
        }
        // The ID of an image names no registry.
        if !docker.image.contains('@') {
            return Err(DockerError::NoImage(docker.image.clone(), text(&missing)));
        }
        on_pull();
        let pulled =
            docker.capture(&["pull".to_owned(), "--quiet".to_owned(), docker.image.clone()], deadline)?;
        if pulled.0.status.success() {
            return Ok(docker);
        }
        Err(DockerError::NoImage(docker.image.clone(), text(&pulled)))
    }

    /// Returns the name of the program and the image, for messages.
    pub(super) fn description(&self) -> String {
        format!("{} with {}", self.kind.as_str(), self.image)
    }

    /// Renders an order into `output`; calls `progress` with each report of the engine.
    ///
    /// # Errors
    /// Returns an error if there is no video; `output` is unchanged then.
    pub(super) fn render(
        &self,
        context: &RunContext<'_>,
        archive: &Path,
        options: &RenderRequest,
        output: JobOutput<'_>,
        progress: &mut dyn FnMut(Progress),
    ) -> Result<(), Error> {
        let work_dir = WorkDir::new().map_err(DockerError::Folder)?;
        unpack::unpack(archive, &work_dir.project()).map_err(DockerError::Unpack)?;
        let made = self.work_dirs(&work_dir, options).map_err(DockerError::Folder)?;
        let deadline = context.deadline();
        let name = format!("hyperframes-ci-{:016x}", random());
        let container = Container {
            program: self.kind,
            image: &self.image,
            name: &name,
            user: user(),
            project: &work_dir.project(),
            input: &made.input,
            output: &made.output,
            temporary: &work_dir.temporary(),
            network: self.network,
            memory: memory::total().map(|bytes| bytes / 10 * 9),
        };
        let render = ContainedRender {
            options,
            network: self.network,
            // A batch renders several videos at a time instead.
            workers: context.options.workers.or(context.is_batch.then_some(1)),
            minutes: context.time_left().as_secs_f64() / 60.0,
        };
        let arguments = [container.arguments(), render.arguments()].concat();
        let running = Running::new(self, name);
        let line = &mut |line: &str| match engine::progress_of(line) {
            Some(report) => {
                progress(report);
                false
            }
            None => true,
        };
        let exited =
            process::run(self.command(&arguments), deadline, line).map_err(|error| not_run(&error))?;
        running.ended();
        let ran = (exited, String::new());
        if !ran.0.status.success() {
            return Err(failure(&ran).into());
        }
        let format = options.format.unwrap_or(Format::Mp4);
        Ok(engine::keep(&made.output.join(video_name(format)), format, output)?)
    }

    /// Makes the directories of a container.
    fn work_dirs(&self, work_dir: &WorkDir, options: &RenderRequest) -> io::Result<WorkDirs> {
        let made = WorkDirs { input: work_dir.path().join("input"), output: work_dir.path().join("output") };
        fs::write(work_dir.project().join(".hyperframesignore"), IGNORE_NOTHING)?;
        fs::create_dir(&made.input)?;
        fs::create_dir(&made.output)?;
        fs::write(made.input.join(CONFIG), "")?;
        if let Some(variables) = &options.variables {
            let text = Value::Object(variables.clone()).to_string();
            file::write_private(&made.input.join(VARIABLES), text.as_bytes())?;
        }
        #[cfg(unix)]
        if user().is_none_or(|(user, _)| user == 0) {
            // The container has another user. Their parent directory is closed to the users of this machine.
            use std::os::unix::fs::PermissionsExt;
            let open = |path: &Path, mode| fs::set_permissions(path, fs::Permissions::from_mode(mode));
            open(&made.output, 0o777)?;
            open(&work_dir.temporary(), 0o777)?;
            open(&work_dir.project(), 0o755)?;
            open(&made.input, 0o755)?;
            if options.variables.is_some() {
                open(&made.input.join(VARIABLES), 0o644)?;
            }
        }
        Ok(made)
    }

    /// Runs the program, and returns its output.
    fn capture(&self, arguments: &[String], deadline: Deadline) -> Result<(Exited, String), DockerError> {
        process::capture(self.command(arguments), deadline).map_err(|error| not_run(&error))
    }

    fn command(&self, arguments: &[String]) -> Command {
        let mut command = Command::new(&self.program);
        command.args(arguments);
        process::with_variables(command, VARIABLES_OF_PROGRAMS)
    }
}

/// Returns whether the output of `version` is that of Podman, which distributions install under the name of Docker as well.
fn is_podman((exited, output): &(Exited, String)) -> bool {
    output.lines().any(|line| line.starts_with("Client:") && line.contains("Podman"))
        || exited.output.iter().any(|line| line.contains("Emulate Docker CLI using podman"))
}

/// Returns the arguments that remove a container, and so end what runs in it: it does not end with the program that started it.
fn removal(name: &str) -> [String; 3] {
    ["rm", "--force", name].map(str::to_owned)
}

/// Runs a command, and ends it after `limit`.
#[cfg(unix)]
fn run_within(mut command: Command, limit: Duration) {
    let Ok(mut child) = command.spawn() else { return };
    let deadline = Deadline::after(limit);
    while matches!(child.try_wait(), Ok(None)) && !deadline.is_over() {
        std::thread::sleep(Duration::from_millis(20));
    }
    let _ = child.kill();
}

/// Directories of a container, next to those of every render.
struct WorkDirs {
    input: PathBuf,
    output: PathBuf,
}

/// A container, which is removed when this is dropped or the process is interrupted, unless it has ended.
struct Running<'a> {
    docker: &'a Docker,
    name: String,
    has_ended: bool,
    #[cfg(unix)]
    _guard: interrupt::Guard,
}

impl<'a> Running<'a> {
    fn new(docker: &'a Docker, name: String) -> Self {
        #[cfg(unix)]
        let guard = {
            let (docker, name) = (docker.clone(), name.clone());
            interrupt::guard_with(Box::new(move || {
                let mut command = docker.command(&removal(&name));
                command.stdin(std::process::Stdio::null());
                command.stdout(std::process::Stdio::null()).stderr(std::process::Stdio::null());
                // Destructors do not run, and a service that hangs must not keep the process.
                run_within(command, REMOVAL_TIMEOUT_AT_END);
            }))
        };
        Self {
            docker,
            name,
            has_ended: false,
            #[cfg(unix)]
            _guard: guard,
        }
    }

    /// Notes that it has ended, and was removed by the program.
    fn ended(mut self) {
        self.has_ended = true;
    }
}

impl Drop for Running<'_> {
    fn drop(&mut self) {
        if !self.has_ended {
            let _ = self.docker.capture(&removal(&self.name), Deadline::after(REMOVAL_TIMEOUT));
        }
    }
}

/// The envelope of errors of the program in the container.
#[derive(Deserialize)]
struct Envelope {
    error: EnvelopeError,
}

#[derive(Deserialize)]
struct EnvelopeError {
    code: String,
    message: String,
}

/// Returns the error of a program that did not run to its end.
fn not_run(error: &io::Error) -> DockerError {
    match error.kind() {
        io::ErrorKind::TimedOut => DockerError::TimedOut,
        _ => DockerError::NotStarted(error.to_string()),
    }
}

/// Returns the error of a container that failed.
fn failure(ran: &(Exited, String)) -> DockerError {
    let output = text(ran);
    // Other lines, such as warnings of the engine, may be around it.
    let objects = output.match_indices('{').filter(|(at, _)| *at == 0 || output[..*at].ends_with('\n'));
    let mut envelopes = objects.filter_map(|(at, _)| {
        serde_json::Deserializer::from_str(&output[at..]).into_iter::<Envelope>().next()?.ok()
    });
    match envelopes.next_back() {
        Some(Envelope { error }) if error.code == "timeout" => DockerError::TimedOut,
        Some(Envelope { error }) => DockerError::Render(error.message),
        None if was_started(ran.0.status.code()) => {
            let lines = ran.0.output.iter().map(|line| format!("\n{line}"));
            DockerError::Render(format!("{}{}", ran.0.status, lines.collect::<String>()))
        }
        None => DockerError::NotStarted(output),
    }
}

/// Returns whether a container with this exit code was started; source: `docker run`, whose own codes are 125 to 127.
fn was_started(code: Option<i32>) -> bool {
    code.is_some_and(|code| !(125..=127).contains(&code))
}

/// Returns the end of the output of a program that failed.
fn text((exited, output): &(Exited, String)) -> String {
    match exited.output.as_slice() {
        [] if output.trim().is_empty() => exited.status.to_string(),
        [] => process::OutputTail::of(output).into_lines().join("\n"),
        lines => lines.join("\n"),
    }
}

/// Returns user and group of this process.
fn user() -> Option<(u32, u32)> {
    #[cfg(unix)]
    return Some((rustix::process::geteuid().as_raw(), rustix::process::getegid().as_raw()));
    #[cfg(not(unix))]
    None
}
