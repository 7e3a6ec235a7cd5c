//! What a local render finds on this machine.

use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use hyperframes_ci_core::options::Format;

use super::browser::Browser;
use super::capacity::capacity;
use super::fonts::Fonts;
use super::provision::{self, ENGINE_VERSION};
use crate::system::deadline::Deadline;
use crate::system::programs::{self, Node, ProgramError, process};
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
    /// The browser.
    pub(crate) browser: Option<Browser>,
    /// The fonts; `None` where fontconfig is not installed.
    pub(crate) fonts: Option<Fonts>,
    /// Formats that FFmpeg has no encoder for, each with the encoder; `None` if it does not list them.
    pub(crate) missing_encoders: Option<Vec<(Format, &'static str)>>,
    /// Number of browsers that the machine has processors and memory for.
    pub(crate) capacity: usize,
    /// The sandbox; `None` until Node, a browser and FFmpeg are installed.
    pub(crate) sandbox: Option<Sandbox>,
}

/// The encoder of each format; source: the official engine.
const ENCODERS: [(Format, &str); 5] = [
    (Format::Mp4, "libx264"),
    (Format::Webm, "libvpx-vp9"),
    (Format::Mov, "prores_ks"),
    (Format::Gif, "gif"),
    (Format::Hls, "libx264"),
];

/// Finds the programs and the layers of the sandbox. Nothing is installed.
///
/// # Errors
/// Returns [`ProgramError::Folder`] if the home directory is unknown.
pub(crate) fn diagnose() -> Result<Diagnosis, ProgramError> {
    let cache = programs::cache()?;
    let packages = provision::packages(&cache);
    let node = Node::find(&cache).installed();
    let engine = Some(provision::engine(&packages)).filter(|engine| engine.is_file());
    let browser = Browser::find();
    let ffmpeg = programs::find_ffmpeg(&cache);
    let sandbox = match (&node, &browser, &ffmpeg) {
        (Some(node), Some(browser), Some(ffmpeg)) => {
            let programs = provision::contained(node, &browser.path, ffmpeg, packages.folder());
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
        state("browser", browser.as_ref().map(|browser| browser.path.clone()), "--version"),
        state("FFmpeg", ffmpeg.clone(), "-version"),
    ];
    Ok(Diagnosis {
        programs,
        browser,
        fonts: Fonts::find(),
        missing_encoders: ffmpeg.and_then(|ffmpeg| missing_encoders(&ffmpeg)),
        capacity: capacity(),
        sandbox,
    })
}

/// Asks FFmpeg for its encoders.
fn missing_encoders(ffmpeg: &Path) -> Option<Vec<(Format, &'static str)>> {
    let mut command = process::without_secrets(Command::new(ffmpeg));
    command.args(["-hide_banner", "-encoders"]);
    let (exited, output) = process::capture(command, Deadline::after(Duration::from_secs(20))).ok()?;
    exited.status.success().then(|| without_encoder(&output))
}

/// Returns the formats whose encoder is not in the list that FFmpeg prints: ` V....D libx264   H.264 …`.
fn without_encoder(list: &str) -> Vec<(Format, &'static str)> {
    let known = list.lines().filter_map(|line| line.split_whitespace().nth(1)).collect::<HashSet<_>>();
    ENCODERS.into_iter().filter(|(_, encoder)| !known.contains(encoder)).collect()
}

#[test]
fn encoders_are_read_from_the_list_of_ffmpeg() {
    let list = "Encoders:\n V..... = Video\n ------\n V....D libx264    libx264 H.264 (codec h264)\n V....D gif   GIF\n";
    assert_eq!(without_encoder(list), [(Format::Webm, "libvpx-vp9"), (Format::Mov, "prores_ks")]);
}
