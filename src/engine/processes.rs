//! Processes of the engine, each of which renders videos of one project, one after another.
//!
//! Most of the time of a short video is spent before its first frame: programs start, learn what the machine can do, and read
//! the engine. So the producer of the engine is used without its command line, which starts further processes for each of its
//! checks, and a process stays for the next video of the same project. All run in the layers of the sandbox.

use std::fs;
use std::io::{self, Write as _};
use std::path::Path;
use std::process::{ChildStdin, Command, Stdio};
use std::sync::mpsc::{self, Sender};
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use serde_json::json;

use super::error::EngineError;
use super::{Engine, Job, Progress, Workers, capacity, failure_message, keep, parse_line, refusal, request};
use crate::system::file;
use crate::system::programs::WorkDir;
use crate::system::programs::process::{self, OutputTail, ProcessEvent, RunningProcess};
use crate::system::random;
use crate::system::sandbox::{Contained, Watch};
use crate::system::unpack;

/// The script of a process.
const SCRIPT: &str = include_str!("render.mjs");

/// Videos that a process renders: whatever it does not free is limited.
const MOST_VIDEOS: u32 = 50;

/// Processes of other projects that are kept when one is started.
const MOST_OTHERS: usize = 2;

/// Lines that explain why a process has ended.
const MOST_LINES: usize = 12;

/// How long to wait for an event of a process.
const EVENT_TIMEOUT: Duration = Duration::from_millis(200);

/// Renders with processes that stay. Dropping it ends them.
pub(crate) struct Processes {
    engine: Engine,
    /// Processes that render nothing at the moment, the longest idle one first.
    idle: Mutex<Vec<Process>>,
}

impl Processes {
    /// Returns a renderer without processes: they start when they are needed.
    pub(crate) fn new(engine: Engine) -> Self {
        Self { engine, idle: Mutex::default() }
    }

    /// Returns the engine.
    pub(crate) fn engine(&self) -> &Engine {
        &self.engine
    }

    /// Renders `job`, in a process that stays if the job has a digest; returns once the video is complete. A render that fails
    /// after others is repeated in a process of its own: they cannot be the reason then.
    ///
    /// # Errors
    /// Returns [`EngineError`] if the archive, the options or the composition cannot be rendered; `job.output` is
    /// unchanged then.
    pub(crate) fn render(
        &self,
        job: &Job<'_>,
        progress: &mut dyn FnMut(Progress),
    ) -> Result<(), EngineError> {
        if let Some(mut process) = self.take(job.digest) {
            match process.render(job, progress) {
                Ok(()) => {
                    self.give_back(process);
                    return Ok(());
                }
                Err(EngineError::Refused(refused)) => {
                    // It was not asked.
                    self.give_back(process);
                    return Err(EngineError::Refused(refused));
                }
                // Nothing was written to the output yet.
                Err(EngineError::Failed(_) | EngineError::NoVideo | EngineError::Limit(_)) => {}
                Err(error) => return Err(error),
            }
        }
        let mut process = Process::new(&self.engine, job)?;
        process.render(job, progress)?;
        self.give_back(process);
        Ok(())
    }

    /// Returns an idle process for an archive. If there is none, most of those for others end.
    fn take(&self, digest: Option<&str>) -> Option<Process> {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(place) = idle.iter().position(|process| process.digest.as_deref() == digest) {
            return Some(idle.remove(place));
        }
        let surplus = idle.len().saturating_sub(MOST_OTHERS);
        let surplus = idle.drain(..surplus).collect::<Vec<_>>();
        drop(idle);
        drop(surplus);
        None
    }

    /// Keeps a process for another video.
    fn give_back(&self, process: Process) {
        if process.digest.is_some() && process.videos < MOST_VIDEOS {
            self.idle.lock().unwrap_or_else(PoisonError::into_inner).push(process);
        }
    }
}

/// A process that renders videos of an archive. Dropping it ends it and everything that it started.
struct Process {
    engine: Engine,
    /// The process, once it was asked for a video.
    running: Option<Running>,
    /// Identifies the archive, if it may render more of it.
    digest: Option<String>,
    /// Number of videos that it was asked for.
    videos: u32,
    // Deleted last.
    folder: WorkDir,
}

/// A process that has started.
struct Running {
    process: RunningProcess,
    input: ChildStdin,
    watch: Watch,
    /// The proxy of its network.
    _contained: Contained,
    /// The thread that has started it.
    _starter: Sender<()>,
}

impl Process {
    /// Unpacks the archive of a job. Nothing is started yet.
    ///
    /// # Errors
    /// Returns an error if the archive cannot be unpacked.
    fn new(engine: &Engine, job: &Job<'_>) -> Result<Self, EngineError> {
        #[cfg(unix)]
        crate::system::process_tree::ProcessTree::end_orphans();
        let folder = WorkDir::new().map_err(EngineError::Folder)?;
        unpack::unpack(job.archive, &folder.project()).map_err(EngineError::Unpack)?;
        let digest = job.digest.map(str::to_owned);
        Ok(Self { engine: engine.clone(), running: None, digest, videos: 0, folder })
    }

    /// Renders `job`. After an error other than [`EngineError::Refused`] it must not be used again.
    ///
    /// # Errors
    /// As [`Processes::render`]; nothing was written to the output then, unless it is [`EngineError::NotKept`].
    fn render(&mut self, job: &Job<'_>, progress: &mut dyn FnMut(Progress)) -> Result<(), EngineError> {
        let project = self.folder.project();
        let refused =
            refusal::inspect(&project, job.composition, job.variables).map_err(EngineError::Folder)?;
        if !refused.is_empty() {
            return Err(EngineError::Refused(refused));
        }
        let workers = match job.workers {
            Workers::Fixed(count) => count,
            Workers::Most(most) => capacity::workers(most, &project, job.composition, job.frame_rate()),
        };
        self.videos += 1;
        let video = self.folder.path().join(format!("video-{}.{}", self.videos, job.format));
        let mark = format!("@video-{:016x}{:016x}", random(), random());
        let task = json!({
            "mark": mark,
            "output": video,
            "isHeadlessShell": self.engine.programs.browser.is_headless_shell(),
            "hasDevices": self.engine.sandbox.has_devices(),
            "options": request::options(job, workers)?,
        });
        let running = match &mut self.running {
            Some(running) => running,
            none => none.insert(Running::start(&self.engine, &self.folder)?),
        };
        running.render(&task, &mark, self.folder.path(), job, progress)?;
        let kept = keep(&video, job.format, job.output);
        let _ = if video.is_dir() { fs::remove_dir_all(video) } else { fs::remove_file(video) };
        kept
    }
}

impl Running {
    /// Starts the process in the layers of the engine.
    ///
    /// # Errors
    /// Returns an error if it cannot be contained or started.
    fn start(engine: &Engine, folder: &WorkDir) -> Result<Self, EngineError> {
        let script = folder.path().join("render.mjs");
        file::write_private(&script, SCRIPT.as_bytes()).map_err(EngineError::Folder)?;
        let contained = engine.sandbox.contain(folder).map_err(EngineError::Sandbox)?;
        let mut command = contained.command();
        command.arg(&script).arg(&engine.programs.producer).arg(folder.project());
        engine.set_environment(&mut command, folder);
        let mut command = process::without_secrets(command);
        contained.set_environment(&mut command);
        // Frames of the videos in a project are extracted once for each process, and belong to it: those in the home directory
        // are of pages of others.
        command.env("HYPERFRAMES_EXTRACT_CACHE_DIR", folder.temporary().join("extracted"));
        let (mut process, starter) = start_on_thread(command).map_err(EngineError::Start)?;
        let no_input = || EngineError::Start(io::ErrorKind::BrokenPipe.into());
        let input = process.take_stdin().ok_or_else(no_input)?;
        let watch = Watch::new(folder.path());
        Ok(Self { process, input, watch, _contained: contained, _starter: starter })
    }

    /// Asks for a video, and waits for it.
    ///
    /// # Errors
    /// Returns [`EngineError::Failed`] if it was not rendered, [`EngineError::TimedOut`] if the time was over, and
    /// [`EngineError::Limit`] if too much of the machine was used.
    fn render(
        &mut self,
        task: &serde_json::Value,
        mark: &str,
        folder: &Path,
        job: &Job<'_>,
        progress: &mut dyn FnMut(Progress),
    ) -> Result<(), EngineError> {
        // Where it has ended already, its output says why.
        let _ = writeln!(self.input, "{task}").and_then(|()| self.input.flush());
        let mut output = OutputTail::default();
        loop {
            if !self.watch.may_continue(&self.process) {
                let excess = self.watch.excess();
                return Err(excess.map_or_else(|| EngineError::Failed(String::new()), EngineError::Limit));
            }
            match self.process.next_event(job.deadline.limit(EVENT_TIMEOUT)).map_err(EngineError::Start)? {
                ProcessEvent::Stdout(line) => match line.strip_prefix(mark).map(str::trim) {
                    Some("saved") => return Ok(()),
                    Some(failed) => return Err(EngineError::Failed(reported_failure(failed, folder))),
                    None if parse_line(&line, progress) => output.push(&line),
                    None => {}
                },
                ProcessEvent::Stderr(line) if parse_line(&line, progress) => output.push(&line),
                ProcessEvent::Exited(_) => {
                    let lines = output.into_lines();
                    let last = lines.iter().skip(lines.len().saturating_sub(MOST_LINES));
                    return Err(EngineError::Failed(failure_message(last.map(String::as_str), folder)));
                }
                ProcessEvent::Stderr(_) | ProcessEvent::Idle => {}
            }
            if job.deadline.is_over() {
                return Err(EngineError::TimedOut);
            }
        }
    }
}

/// Starts a process on a thread that lives until the sender is dropped: Bubblewrap ends with the thread that has started it, and
/// a process serves threads that end before.
fn start_on_thread(command: Command) -> io::Result<(RunningProcess, Sender<()>)> {
    let (started, process) = mpsc::channel();
    let (starter, ended) = mpsc::channel::<()>();
    thread::Builder::new().spawn(move || {
        let _ = started.send(RunningProcess::start(command, Stdio::piped()));
        let _ = ended.recv();
    })?;
    let process = process.recv().map_err(io::Error::other)??;
    Ok((process, starter))
}

/// Returns the message of a line `failed "…"` of the script.
fn reported_failure(line: &str, folder: &Path) -> String {
    let message = line.strip_prefix("failed ").and_then(|json| serde_json::from_str::<String>(json).ok());
    failure_message(message.as_deref().unwrap_or(line).lines(), folder)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reported_failure_is_the_message_of_the_engine() {
        let message = |line: &str| reported_failure(line, Path::new("/tmp/x"));
        assert_eq!(message(r#"failed "no font\n\n  in /tmp/x/project/a.html""#), "no font\nin a.html");
        assert_eq!(message("other"), "other");
    }
}
