//! The rows of a batch, rendered one after another by one process of the engine.
//!
//! Most of the time of a short video is spent before its first frame: programs start, learn what the machine can do, and read
//! the engine. A process that stays does so once. It runs in the same layers as the process of a single render, and renders
//! pages of one archive only.

use std::fs;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::process::{ChildStdin, Stdio};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use hyperframes_ci_core::options::{Format, Quality};
use hyperframes_ci_core::project::DEFAULT_COMPOSITION;
use serde_json::json;

use super::error::EngineError;
use super::{Engine, Job, Progress, Workers, keep, parse_line, refusal};
use crate::system::file;
use crate::system::programs::WorkDir;
use crate::system::programs::process::{self, ProcessEvent, RunningProcess};
use crate::system::random;
use crate::system::sandbox::{Contained, Watch};
use crate::system::unpack;

/// The script of the process.
const SCRIPT: &str = include_str!("rows.mjs");

/// Videos that a process renders: whatever it does not free is limited.
const MOST_ROWS: u32 = 50;

/// How long to wait for an event of a process.
const EVENT_TIMEOUT: Duration = Duration::from_millis(200);

/// Renders the rows of a batch. Dropping it ends its processes.
pub(crate) struct Rows<'a> {
    engine: &'a Engine,
    /// Processes that render nothing at the moment.
    idle: Mutex<Vec<RowProcess>>,
}

impl<'a> Rows<'a> {
    /// Returns a renderer of rows without processes: they start when they are needed.
    pub(crate) fn new(engine: &'a Engine) -> Self {
        Self { engine, idle: Mutex::default() }
    }

    /// Renders `job` as [`Engine::render`] does, with the same frames, in a process that stays if the options allow it.
    /// A render that fails there is repeated alone: an earlier row cannot be the reason then, and the message is that of the
    /// official command line.
    ///
    /// # Errors
    /// As [`Engine::render`].
    pub(crate) fn render(
        &self,
        job: &Job<'_>,
        progress: &mut dyn FnMut(Progress),
    ) -> Result<(), EngineError> {
        let producer = &self.engine.programs.producer;
        if !can_share(job) || !producer.is_file() {
            return self.engine.render(job, progress);
        }
        let Ok(mut process) = self.take(job.archive) else { return self.engine.render(job, progress) };
        let refused = refusal::inspect(&process.folder.project(), job.composition, job.variables)
            .map_err(EngineError::Folder)?;
        if !refused.is_empty() {
            self.give_back(process);
            return Err(EngineError::Refused(refused));
        }
        let kept = process.render(job, self.engine.programs.browser.is_headless_shell(), progress).and_then(
            |video| {
                let kept = keep(&video, job.format, job.output);
                let _ = fs::remove_file(video);
                kept
            },
        );
        match kept {
            Ok(()) => {
                self.give_back(process);
                Ok(())
            }
            // Nothing was written to the output yet.
            Err(EngineError::Failed(_) | EngineError::NoVideo | EngineError::Limit(_)) => {
                drop(process);
                self.engine.render(job, progress)
            }
            Err(error) => Err(error),
        }
    }

    /// Returns an idle process for an archive, or a new one.
    fn take(&self, archive: &Path) -> Result<RowProcess, EngineError> {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        let place = idle.iter().position(|process| process.archive == archive);
        let process = place.map(|place| idle.swap_remove(place));
        drop(idle);
        process.map_or_else(|| RowProcess::start(self.engine, archive), Ok)
    }

    /// Keeps a process for another row.
    fn give_back(&self, process: RowProcess) {
        if process.rows < MOST_ROWS {
            self.idle.lock().unwrap_or_else(PoisonError::into_inner).push(process);
        }
    }
}

/// Returns whether a process that stays renders the job: one with an option for which the official command line does more
/// than to pass it on has a process of its own.
fn can_share(job: &Job<'_>) -> bool {
    let encoding = job.encoding;
    let has_plain_encoding =
        encoding.crf.is_none() && encoding.video_bitrate.is_none() && !encoding.is_strict;
    has_plain_encoding
        && job.resolution.is_none()
        && matches!(job.workers, Workers::Fixed(1) | Workers::Most(1))
        && matches!(job.format, Format::Mp4 | Format::Webm | Format::Mov)
        && matches!(job.quality, None | Some(Quality::Draft | Quality::Standard | Quality::High))
        && job.frame_rate().whole().is_some()
}

/// A process that renders videos of an archive. Dropping it ends it and everything that it started.
struct RowProcess {
    running: RunningProcess,
    input: ChildStdin,
    watch: Watch,
    archive: PathBuf,
    /// Number of videos that it was asked for.
    rows: u32,
    /// The proxy of its network.
    _contained: Contained,
    // Deleted last.
    folder: WorkDir,
}

impl RowProcess {
    /// Unpacks the archive and starts the process in the layers of the engine.
    ///
    /// # Errors
    /// Returns an error if the archive cannot be unpacked or the process cannot be started.
    fn start(engine: &Engine, archive: &Path) -> Result<Self, EngineError> {
        #[cfg(unix)]
        crate::system::process_tree::ProcessTree::end_orphans();
        let folder = WorkDir::new().map_err(EngineError::Folder)?;
        let project = folder.project();
        unpack::unpack(archive, &project).map_err(EngineError::Unpack)?;
        let script = folder.path().join("rows.mjs");
        file::write_private(&script, SCRIPT.as_bytes()).map_err(EngineError::Folder)?;
        let contained = engine.sandbox.contain(&folder).map_err(EngineError::Sandbox)?;
        let mut command = contained.command();
        command.arg(&script).arg(&engine.programs.producer).arg(&project);
        engine.set_environment(&mut command, &folder);
        command.env("PRODUCER_HEADLESS_SHELL_PATH", &engine.programs.browser.path);
        let mut command = process::without_secrets(command);
        contained.set_environment(&mut command);
        // Frames of the videos in a project are extracted for the first row only. The directory is that of this process.
        command.env("HYPERFRAMES_EXTRACT_CACHE_DIR", folder.temporary().join("extracted"));
        let mut running = RunningProcess::start(command, Stdio::piped()).map_err(EngineError::Start)?;
        let no_input = || EngineError::Start(io::ErrorKind::BrokenPipe.into());
        let input = running.take_stdin().ok_or_else(no_input)?;
        let watch = Watch::new(folder.path());
        let archive = archive.to_owned();
        Ok(Self { running, input, watch, archive, rows: 0, _contained: contained, folder })
    }

    /// Renders `job`; returns the path of the video.
    ///
    /// # Errors
    /// Returns [`EngineError::Failed`] without a message if it was not rendered, [`EngineError::TimedOut`] if the time was
    /// over, and [`EngineError::Limit`] if too much of the machine was used. The process must not be used again then.
    fn render(
        &mut self,
        job: &Job<'_>,
        is_headless_shell: bool,
        progress: &mut dyn FnMut(Progress),
    ) -> Result<PathBuf, EngineError> {
        self.rows += 1;
        let video = self.folder.path().join(format!("video-{}.{}", self.rows, job.format));
        let mark = format!("@row-{:016x}{:016x}", random(), random());
        // As the official command line does without and with `--no-browser-gpu`.
        let engine = if is_headless_shell {
            json!({ "browserGpuMode": "auto", "forceScreenshot": false })
        } else {
            json!({ "browserGpuMode": "software" })
        };
        let composition = job.composition.filter(|path| *path != DEFAULT_COMPOSITION);
        let task = json!({
            "mark": mark,
            "output": video,
            "engine": engine,
            "options": {
                "fps": { "num": job.frame_rate().whole(), "den": 1 },
                "quality": job.quality.unwrap_or(Quality::Standard).to_string(),
                "format": job.format.to_string(),
                "workers": 1,
                "useGpu": false,
                "hdrMode": "auto",
                "strictness": "best-effort",
                "entryFile": composition,
                "variables": job.variables,
            },
        });
        let failed = |_| EngineError::Failed(String::new());
        writeln!(self.input, "{}", without_nulls(task)).and_then(|()| self.input.flush()).map_err(failed)?;
        loop {
            if !self.watch.may_continue(&self.running) {
                let excess = self.watch.excess();
                return Err(excess.map_or_else(|| EngineError::Failed(String::new()), EngineError::Limit));
            }
            match self.running.next_event(job.deadline.limit(EVENT_TIMEOUT)).map_err(failed)? {
                ProcessEvent::Stdout(line) => match line.strip_prefix(&mark).map(str::trim) {
                    Some("saved") => return Ok(video),
                    Some(_) => return Err(EngineError::Failed(String::new())),
                    None => drop(parse_line(&line, progress)),
                },
                ProcessEvent::Exited(_) => return Err(EngineError::Failed(String::new())),
                ProcessEvent::Stderr(_) | ProcessEvent::Idle => {}
            }
            if job.deadline.is_over() {
                return Err(EngineError::TimedOut);
            }
        }
    }
}

/// Removes options that are not set: the engine tells them from those that are null.
fn without_nulls(mut task: serde_json::Value) -> serde_json::Value {
    if let Some(options) = task.get_mut("options").and_then(serde_json::Value::as_object_mut) {
        options.retain(|_, value| !value.is_null());
    }
    task
}
