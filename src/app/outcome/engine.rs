//! The engine that rendered on this machine, in outcomes.

use schemars::JsonSchema;
use serde::Serialize;

use crate::engine::{ENGINE_VERSION, EngineDescription};

/// The engine of renders on this machine.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub(crate) struct EngineOutcome {
    /// Layers that contained the pages, such as `landlock`; empty without a sandbox. Absent unless this machine rendered
    /// them.
    pub(crate) sandbox: Vec<&'static str>,
    /// Versions of the programs. Absent unless this machine rendered the pages.
    pub(crate) programs: VersionsOutcome,
}

/// Versions of the programs of the engine, as each prints its own; null if it does not.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub(crate) struct VersionsOutcome {
    /// The engine, such as `0.8.170`.
    pub(crate) hyperframes: &'static str,
    /// Node.js, such as `v24.21.0`.
    pub(crate) node: Option<String>,
    /// Browser, such as `Chromium 156.0.8078.108`.
    pub(crate) browser: Option<String>,
    /// FFmpeg, such as `ffmpeg version 5.1.9`.
    pub(crate) ffmpeg: Option<String>,
}

impl EngineOutcome {
    /// Returns the outcome of an engine.
    pub(crate) fn of(engine: &EngineDescription) -> Self {
        let versions = engine.versions.clone();
        Self {
            sandbox: engine.layers.iter().map(|layer| layer.name()).collect(),
            programs: VersionsOutcome {
                hyperframes: ENGINE_VERSION,
                node: versions.node,
                browser: versions.browser,
                ffmpeg: versions.ffmpeg,
            },
        }
    }
}
