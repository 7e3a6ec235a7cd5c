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
    /// The sandbox of local renders; null until Node.js and a browser are installed.
    pub(crate) sandbox: Option<SandboxOutcome>,
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
