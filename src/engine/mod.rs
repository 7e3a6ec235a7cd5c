//! The official HyperFrames engine, run as a child process for local renders and for the emulator.
//!
//! It renders the unpacked archive rather than the project, so that a local render has exactly the files that the cloud
//! would have.

mod browser;
mod capacity;
mod diagnosis;
mod error;
mod fonts;
mod installation;
mod lint;
mod processes;
mod provision;
mod refusal;
mod request;
mod shared;
mod video;

use std::ffi::OsString;
use std::path::Path;
use std::process::Command;

pub(crate) use browser::CaptureMode;
#[cfg(test)]
pub(crate) use browser::{Browser, BrowserSource};
pub(crate) use capacity::capacity;
#[cfg(test)]
pub(crate) use diagnosis::ProgramState;
pub(crate) use diagnosis::{Diagnosis, diagnose};
pub(crate) use error::EngineError;
#[cfg(test)]
pub(crate) use fonts::Fonts;
use hyperframes_ci_core::options::{AspectRatio, Format, FrameRate, Quality, Resolution};
pub(crate) use installation::Installation;
pub(crate) use lint::LintFinding;
pub(crate) use processes::Processes;
pub(crate) use provision::ENGINE_VERSION;
use provision::Programs;
#[cfg(test)]
pub(crate) use refusal::Refused;
use serde::Deserialize;
use serde_json::{Map, Value};
pub(crate) use shared::SharedEngine;
pub(crate) use video::{JobOutput, keep};

use crate::system::deadline::Deadline;
use crate::system::programs::{WorkDir, set_noninteractive};
use crate::system::sandbox::{Layer, ProgramVersions, Sandbox, SandboxOptions};

/// A local render: the archive that the cloud would get, and the options of the request.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Job<'a> {
    /// The packed project.
    pub(crate) archive: &'a Path,
    /// Identifies the contents of the archive, if renders of equal ones may share a process.
    pub(crate) digest: Option<&'a str>,
    /// Path of the composition in the archive; `index.html` if absent.
    pub(crate) composition: Option<&'a str>,
    /// Frames per second, 1 to 240; 30 if absent, as in the cloud.
    pub(crate) fps: Option<FrameRate>,
    /// `standard` if absent, as in the cloud.
    pub(crate) quality: Option<Quality>,
    /// Output format.
    pub(crate) format: Format,
    /// Options of the encoder.
    pub(crate) encoding: Encoding<'a>,
    /// Resolution tier; the composition's own size if absent.
    pub(crate) resolution: Option<Resolution>,
    /// Aspect ratio of the composition: selects the preset of the tier.
    pub(crate) aspect_ratio: Option<AspectRatio>,
    /// Values for the composition's variables.
    pub(crate) variables: Option<&'a Map<String, Value>>,
    /// How many browsers may capture frames at a time.
    pub(crate) workers: Workers,
    /// Where the video is written to.
    pub(crate) output: JobOutput<'a>,
    /// When the engine is ended, and everything that it started.
    pub(crate) deadline: Deadline,
}

impl Job<'_> {
    /// Returns the frames per second.
    fn frame_rate(&self) -> FrameRate {
        self.fps.unwrap_or(FrameRate::from(30))
    }
}

/// Options of the encoder, and of media that cannot be loaded. The engine's defaults apply where they are absent.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Encoding<'a> {
    /// Constant rate factor.
    pub(crate) crf: Option<u8>,
    /// Bitrate, such as `10M`.
    pub(crate) video_bitrate: Option<&'a str>,
    /// Number of repetitions of a GIF; 0 is without end.
    pub(crate) gif_loop: Option<u16>,
    /// Whether a medium that cannot be loaded fails the render.
    pub(crate) is_strict: bool,
}

/// The number of browsers of a render.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Workers {
    /// This number.
    Fixed(usize),
    /// By the length of the video, at least 1 and at most this number.
    Most(usize),
}

/// Progress of the engine.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Progress {
    /// A program is being installed, such as `Node.js 24`.
    Provisioning(String),
    /// The engine reported its progress.
    Rendering {
        /// Name of the stage, such as `capture`.
        stage: String,
        /// Percentage of the whole render, 0 to 100.
        percent: f64,
    },
}

/// What renders depend on besides the project: reports and manifests record it.
#[derive(Clone, Debug)]
pub(crate) struct EngineDescription {
    /// The layers that contain the pages, the weakest first.
    pub(crate) layers: Vec<Layer>,
    /// The versions of the programs.
    pub(crate) versions: ProgramVersions,
}

/// The engine and the programs that it needs.
#[derive(Clone, Debug)]
pub(crate) struct Engine {
    programs: Programs,
    sandbox: Sandbox,
}

impl Engine {
    /// Finds or installs the engine and the programs that it needs, until `deadline`, and finds the layers that contain
    /// its pages.
    ///
    /// # Errors
    /// Returns [`EngineError::Program`] if programs are missing or an installation failed, [`EngineError::TimedOut`] if
    /// `deadline` has passed, and [`EngineError::Sandbox`] if the pages must be contained and cannot be.
    pub(crate) fn provision(
        options: SandboxOptions,
        deadline: Deadline,
        progress: &mut dyn FnMut(Progress),
    ) -> Result<Self, EngineError> {
        let on_install = &mut |what: &str| progress(Progress::Provisioning(what.to_owned()));
        let programs = provision::provision(deadline, on_install)?;
        let contained = programs.contained();
        let sandbox = Sandbox::find(options, contained, deadline);
        // Layers may be missing only because the time was over.
        if deadline.is_over() {
            return Err(EngineError::TimedOut);
        }
        let sandbox = sandbox.map_err(EngineError::Sandbox)?;
        Ok(Self { programs, sandbox })
    }

    /// Returns the layers that contain the pages.
    pub(crate) fn sandbox(&self) -> &Sandbox {
        &self.sandbox
    }

    /// Returns what renders with this engine depend on.
    pub(crate) fn description(&self) -> EngineDescription {
        EngineDescription {
            layers: self.sandbox.layers().to_vec(),
            versions: self.sandbox.versions().clone(),
        }
    }

    /// Sets the working directory and the environment of a process of the engine.
    fn set_environment(&self, command: &mut Command, work_dir: &WorkDir) {
        command
            .current_dir(work_dir.project())
            .env("PATH", self.path())
            .env("TMPDIR", work_dir.temporary())
            .env("PRODUCER_HEADLESS_SHELL_PATH", &self.programs.browser.path);
        set_noninteractive(command);
    }

    /// Returns `PATH` with Node and FFmpeg first: the engine starts both by name.
    fn path(&self) -> OsString {
        let folder = |program: &Path| program.parent().map(Path::to_owned).unwrap_or_default();
        let inherited = std::env::var_os("PATH").unwrap_or_default();
        let own = [folder(&self.programs.node), folder(&self.programs.ffmpeg)];
        let folders = own.into_iter().chain(std::env::split_paths(&inherited));
        std::env::join_paths(folders.filter(|folder| !folder.as_os_str().is_empty())).unwrap_or(inherited)
    }
}

/// A line `@hf-progress {…}` of the engine.
#[derive(Deserialize)]
struct ProgressLine {
    code: String,
    pct: f64,
}

/// The start of a line about progress.
const PROGRESS_LINE: &str = "@hf-progress ";

/// Returns the progress that a line reports; `None` if it is another line.
pub(crate) fn progress_of(line: &str) -> Option<Progress> {
    let report = serde_json::from_str::<ProgressLine>(line.trim().strip_prefix(PROGRESS_LINE)?).ok()?;
    let stage = report.code.replace('_', " ");
    Some(Progress::Rendering { stage, percent: report.pct.clamp(0.0, 100.0) })
}

/// Parses a line of the engine's output; returns whether it may explain a failure.
fn parse_line(line: &str, progress: &mut dyn FnMut(Progress)) -> bool {
    let line = line.trim();
    if line.starts_with(PROGRESS_LINE) {
        progress_of(line).into_iter().for_each(progress);
        return false;
    }
    // Warnings of Node about the flags of the sandbox, log lines, and frames of the progress bar.
    !(line.starts_with("(node:") && line.contains("SecurityWarning")
        || line.starts_with("(Use `node --trace-warnings")
        || line.starts_with("[INFO]")
        || line.starts_with("[WARN]")
        || line.starts_with(['█', '░'])
        || line.contains("studio/download"))
}

/// Returns lines that explain a failure, without the path of the temporary directory.
fn failure_message<'a>(lines: impl Iterator<Item = &'a str>, folder: &Path) -> String {
    let lines = lines.map(str::trim).filter(|line| !line.is_empty()).collect::<Vec<_>>();
    let folder = folder.display().to_string();
    lines.join("\n").replace(&format!("{folder}/project/"), "").replace(&folder, "…")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn progress_is_parsed_and_log_lines_are_not_kept() {
        let mut reported = Vec::new();
        let mut kept = |line: &str| parse_line(line, &mut |progress| reported.push(progress));
        assert!(!kept(r#"@hf-progress {"code":"capture","done":20,"total":60,"pct":43}"#));
        assert!(!kept("@hf-progress {broken"));
        assert!(!kept("[INFO] [Render:trace] {}"));
        assert!(!kept(
            "(node:10) [PERM0001] SecurityWarning: The flag --allow-addons must be used with caution"
        ));
        assert!(!kept("(Use `node --trace-warnings ...` to show where the warning was created)"));
        assert!(kept("Error: no such font"));
        assert_eq!(reported, [Progress::Rendering { stage: "capture".to_owned(), percent: 43.0 }]);
    }

    #[test]
    fn failure_messages_name_files_of_the_project() {
        let message = |output: &str| failure_message(output.lines(), Path::new("/tmp/x"));
        assert_eq!(message("at /tmp/x/project/a.html:3\n\n  in /tmp/x/video\n"), "at a.html:3\nin …/video");
    }
}
