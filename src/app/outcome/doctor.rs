//! The outcome of `doctor`.

use std::path::PathBuf;

use schemars::JsonSchema;
use serde::Serialize;

/// Programs and sandbox that local renders use on this machine.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub(crate) struct DoctorOutcome {
    /// Version of `hyperframes-ci`.
    pub(crate) version: &'static str,
    /// Operating system and processor.
    pub(crate) system: String,
    /// Programs that local renders need.
    pub(crate) programs: Vec<ProgramOutcome>,
    /// How local renders work on this machine.
    pub(crate) rendering: RenderingOutcome,
    /// The sandbox of local renders; null until Node.js and a browser are installed.
    pub(crate) sandbox: Option<SandboxOutcome>,
    /// What would make local renders possible, faster, or more like those of other machines.
    pub(crate) advice: Vec<AdviceOutcome>,
}

/// How local renders work on this machine.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub(crate) struct RenderingOutcome {
    /// Where the browser was found, such as `Playwright cache`; null if there is none.
    pub(crate) browser_source: Option<&'static str>,
    /// How frames are captured: `begin-frame`, or the slower `screenshots`; null without a browser.
    pub(crate) capture: Option<&'static str>,
    /// Number of font families; null if fontconfig is not installed.
    pub(crate) font_families: Option<usize>,
    /// Number of renders of a batch at a time, by processors and memory.
    pub(crate) concurrency: usize,
}

/// A finding about this machine.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub(crate) struct AdviceOutcome {
    /// What was found, and its effect.
    pub(crate) message: String,
    /// What to do.
    pub(crate) remedy: String,
}

/// A program.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub(crate) struct ProgramOutcome {
    /// Name of the program.
    pub(crate) name: &'static str,
    /// Version as the program prints it; null if it is not installed.
    pub(crate) version: Option<String>,
    /// Path; null if it is not installed.
    pub(crate) path: Option<PathBuf>,
}

/// The sandbox of local renders.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub(crate) struct SandboxOutcome {
    /// Layers around the pages.
    pub(crate) layers: Vec<LayerOutcome>,
    /// Reason for a missing layer.
    pub(crate) missing: Option<String>,
    /// Whether pages of pull requests from forks are rendered on this machine.
    pub(crate) renders_forks: bool,
}

/// A layer of the sandbox.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub(crate) struct LayerOutcome {
    /// Name of the layer.
    pub(crate) name: &'static str,
    /// Whether it keeps pages from files of the machine.
    pub(crate) holds_files: bool,
    /// Whether it keeps pages from services of the machine and its network.
    pub(crate) holds_network: bool,
}
