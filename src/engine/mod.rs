//! The official HyperFrames engine, as a child process: what renders on this machine, and for the emulator.
//!
//! It works on the packed archive, unpacked to a temporary directory, so that a preview never differs from the
//! cloud by a file that was not packed.

mod error;
mod provision;

use std::ffi::OsString;
use std::fs::{self, File};
use std::io::Read;
use std::path::Path;
use std::process::Command;

pub(crate) use error::EngineError;
use hyperframes_ci_core::options::{AspectRatio, Format, Quality, Resolution};
use hyperframes_ci_core::project::DEFAULT_COMPOSITION;
use hyperframes_ci_core::video::signature;
use provision::Parts;
use serde::Deserialize;
use serde_json::{Map, Value};

#[cfg(unix)]
use crate::system::interrupt;
use crate::system::programs::{Workplace, process, quieten};
use crate::system::unpack;

/// What the engine is asked to render: the archive that the cloud would get, and the options of the request.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Job<'a> {
    /// The packed project.
    pub(crate) archive: &'a Path,
    /// The entry HTML inside the archive; `index.html` when absent.
    pub(crate) composition: Option<&'a str>,
    /// Frames per second, 1 to 240; 30 when absent, as in the cloud.
    pub(crate) fps: Option<u32>,
    /// `standard` when absent, as in the cloud.
    pub(crate) quality: Option<Quality>,
    /// The container.
    pub(crate) format: Format,
    /// The tier; the composition's own size when absent.
    pub(crate) resolution: Option<Resolution>,
    /// The authored shape: which preset the tier means.
    pub(crate) aspect_ratio: Option<AspectRatio>,
    /// Values for the composition's variables.
    pub(crate) variables: Option<&'a Map<String, Value>>,
    /// Where the video goes; an existing file is replaced.
    pub(crate) output: &'a Path,
}

/// What the engine is doing.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Progress {
    /// A part is being installed, such as `Node.js 24`.
    Provisioning(String),
    /// The engine reported how far it is.
    Rendering {
        /// The engine's name of the stage, such as `capture`.
        stage: String,
        /// Of the whole render, 0 to 100.
        percent: f64,
    },
}

/// The engine and the parts that it needs.
#[derive(Clone, Debug)]
pub(crate) struct Engine {
    parts: Parts,
}

impl Engine {
    /// Finds or installs the engine and its parts.
    ///
    /// # Errors
    /// With every missing part and its remedy, or what an installer said.
    pub(crate) fn provision(progress: &mut dyn FnMut(Progress)) -> Result<Self, EngineError> {
        let announce = &mut |what: &str| progress(Progress::Provisioning(what.to_owned()));
        Ok(Self { parts: provision::provision(announce)? })
    }

    /// Renders `job`, to its end.
    ///
    /// # Errors
    /// See [`EngineError`]; `job.output` is not touched then.
    pub(crate) fn render(
        &self,
        job: &Job<'_>,
        progress: &mut dyn FnMut(Progress),
    ) -> Result<(), EngineError> {
        #[cfg(unix)]
        interrupt::ProcessTree::end_orphans();
        let place = Workplace::new().map_err(EngineError::Folder)?;
        let (folder, project) = (place.path(), place.project());
        unpack::unpack(job.archive, &project).map_err(EngineError::Unpack)?;
        let video = folder.join(format!("video.{}", job.format));
        let mut command = Command::new(&self.parts.node);
        command
            .arg(&self.parts.engine)
            .arg("render")
            .arg(&project)
            .arg("--output")
            .arg(&video)
            .args(arguments(job)?)
            .current_dir(&project)
            .env("PATH", self.path())
            .env("TMPDIR", place.temporary())
            .env("HYPERFRAMES_BROWSER_PATH", &self.parts.browser)
            // It would end itself when any process above it ends, such as a shell that started us in the background.
            // Its end is our business.
            .env("HYPERFRAMES_RENDER_DETACHED", "1");
        quieten(&mut command);
        if let Some(values) = job.variables {
            // By file: a command line is public on most systems, and limited in length.
            let file = folder.join("variables.json");
            fs::write(&file, Value::Object(values.clone()).to_string()).map_err(EngineError::Folder)?;
            command.arg("--variables-file").arg(file);
        }
        let ended = process::run(process::without_secrets(command), &mut |line| hear(line, progress))
            .map_err(EngineError::Start)?;
        if !ended.status.success() {
            return Err(EngineError::Failed(explain(&ended.output, folder)));
        }
        check(&video)?;
        // The output may be on another file system, where a rename is not possible.
        fs::copy(&video, job.output).map(|_| ()).map_err(EngineError::Folder)
    }

    /// `PATH` with our Node and FFmpeg first: the engine starts both by name.
    fn path(&self) -> OsString {
        let node = self.parts.node.parent().map(Path::to_owned).unwrap_or_default();
        let inherited = std::env::var_os("PATH").unwrap_or_default();
        let folders = [node, self.parts.ffmpeg.clone()].into_iter().chain(std::env::split_paths(&inherited));
        std::env::join_paths(folders.filter(|folder| !folder.as_os_str().is_empty())).unwrap_or(inherited)
    }
}

/// The options as the engine's flags.
fn arguments(job: &Job<'_>) -> Result<Vec<String>, EngineError> {
    let mut arguments = vec![
        format!("--format={}", job.format),
        format!("--quality={}", job.quality.unwrap_or(Quality::Standard)),
        // Without it the engine would take the root's data-fps, which the cloud does not look at.
        format!("--fps={}", job.fps.unwrap_or(30)),
    ];
    if let Some(composition) = job.composition.filter(|path| *path != DEFAULT_COMPOSITION) {
        arguments.push(format!("--composition={composition}"));
    }
    if let Some(resolution) = job.resolution {
        let Some(shape) = job.aspect_ratio else {
            let message = format!("{resolution} needs a composition of 16:9, 9:16 or 1:1");
            return Err(EngineError::Unsupported(message));
        };
        arguments.push(format!("--resolution={}", shape.preset(resolution)));
    }
    Ok(arguments)
}

/// `@hf-progress {…}`, as the engine prints it.
#[derive(Deserialize)]
struct Report {
    code: String,
    pct: f64,
}

/// Takes in a line of the engine's output; gives back whether it may explain a failure.
fn hear(line: &str, progress: &mut dyn FnMut(Progress)) -> bool {
    let line = line.trim();
    if let Some(json) = line.strip_prefix("@hf-progress ") {
        if let Ok(report) = serde_json::from_str::<Report>(json) {
            progress(Progress::Rendering { stage: report.code, percent: report.pct.clamp(0.0, 100.0) });
        }
        return false;
    }
    // Traces, and the bar that is drawn beside the reports.
    !(line.starts_with("[INFO]")
        || line.starts_with("[WARN]")
        || line.starts_with(['█', '░'])
        || line.contains("studio/download"))
}

/// What the engine says at the end: all of it after its own heading of a failure, where there is one, without the
/// folder that nobody can look into any more.
fn explain(output: &[String], folder: &Path) -> String {
    const LINES: usize = 12;
    let heading = output.iter().rposition(|line| line.trim_start().starts_with('✗'));
    let first = heading.map_or(output.len().saturating_sub(LINES), |heading| heading + 1);
    let folder = folder.display().to_string();
    output[first..]
        .iter()
        .filter(|line| !line.contains("--docker"))
        .map(|line| line.trim().replace(&format!("{folder}/project/"), "").replace(&folder, "…"))
        .collect::<Vec<_>>()
        .join("\n")
}

fn check(video: &Path) -> Result<(), EngineError> {
    let mut head = Vec::new();
    let read = File::open(video).and_then(|file| file.take(16).read_to_end(&mut head));
    if read.is_ok() && signature(&head).is_ok() { Ok(()) } else { Err(EngineError::NoVideo) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn job(output: &Path) -> Job<'_> {
        Job {
            archive: Path::new("none.zip"),
            composition: None,
            fps: None,
            quality: None,
            format: Format::Mp4,
            resolution: None,
            aspect_ratio: None,
            variables: None,
            output,
        }
    }

    #[test]
    fn the_defaults_are_those_of_the_cloud() {
        let arguments = arguments(&job(Path::new("out"))).expect("supported");
        assert_eq!(arguments, ["--format=mp4", "--quality=standard", "--fps=30"]);
    }

    #[test]
    fn a_tier_becomes_the_preset_of_the_shape() {
        let output = Path::new("out");
        let last = |resolution, aspect_ratio| {
            arguments(&Job { resolution: Some(resolution), aspect_ratio, ..job(output) })
                .map(|mut all| all.pop())
        };
        assert_eq!(
            last(Resolution::FullHd, Some(AspectRatio::Portrait)).expect("supported").as_deref(),
            Some("--resolution=portrait")
        );
        assert_eq!(
            last(Resolution::UltraHd, Some(AspectRatio::Square)).expect("supported").as_deref(),
            Some("--resolution=square-4k")
        );
        assert!(matches!(last(Resolution::FullHd, None), Err(EngineError::Unsupported(_))));
    }

    #[test]
    fn progress_is_heard_and_noise_is_not_kept() {
        let mut heard = Vec::new();
        let mut kept = |line: &str| hear(line, &mut |progress| heard.push(progress));
        assert!(!kept(r#"@hf-progress {"code":"capture","done":20,"total":60,"pct":43}"#));
        assert!(!kept("@hf-progress {broken"));
        assert!(!kept("[INFO] [Render:trace] {}"));
        assert!(kept("Error: no such font"));
        assert_eq!(heard, [Progress::Rendering { stage: "capture".to_owned(), percent: 43.0 }]);
    }

    #[test]
    fn an_explanation_names_files_of_the_project() {
        let output = ["at /tmp/x/project/a.html:3".to_owned(), "in /tmp/x/video".to_owned()];
        assert_eq!(explain(&output, Path::new("/tmp/x")), "at a.html:3\nin …/video");
        let output =
            ["noise", "  ✗  Render failed", "   no such font", "   Try --docker for more"].map(str::to_owned);
        assert_eq!(explain(&output, Path::new("/tmp/x")), "no such font");
    }
}
