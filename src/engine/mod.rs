//! The official HyperFrames engine, as a child process.

use std::path::Path;

use hyperframes_ci_core::{AspectRatio, Format, Quality, Resolution};
use serde_json::{Map, Value};

/// What the engine is asked to render: the archive that the cloud would get, and the options of the request.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Job<'a> {
    /// The packed project; it is unpacked to a temporary directory.
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
    /// Where the video goes; the caller gives a temporary path and renames.
    pub(crate) output: &'a Path,
}

/// What the engine is doing.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Progress {
    /// A part is being installed, such as `node` or `chromium`.
    Provisioning(String),
    /// The engine reported a stage: its code, frames (or units) done and in all, percent of the whole.
    Rendering {
        /// Stage, such as `capture` or `encode`.
        stage: String,
        /// Units done in this stage.
        done: u64,
        /// Units in all in this stage.
        total: u64,
        /// Percent of the whole render, 0 to 100.
        percent: f64,
    },
}
