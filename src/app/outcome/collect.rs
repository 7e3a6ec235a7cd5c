//! The outcome of `collect`.

use std::path::PathBuf;

use schemars::JsonSchema;
use serde::Serialize;

/// Renders that were looked for.
#[derive(Clone, Debug, Default, Serialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub(crate) struct CollectOutcome {
    /// The renders.
    pub(crate) renders: Vec<CollectedRender>,
    /// Number of videos that were downloaded.
    pub(crate) collected: usize,
    /// Number of renders that failed, or whose video cannot be downloaded.
    pub(crate) failed: usize,
    /// Number of renders that have not ended.
    pub(crate) running: usize,
}

/// A render that was looked for.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub(crate) struct CollectedRender {
    /// ID of the render.
    pub(crate) render_id: String,
    /// `collected`, `failed` or `running`.
    pub(crate) state: CollectState,
    /// Title of the render.
    pub(crate) title: Option<String>,
    /// Identifier that the render was submitted with.
    pub(crate) callback_id: Option<String>,
    /// Path of the video.
    pub(crate) output_path: Option<PathBuf>,
    /// Length of the video in seconds.
    pub(crate) duration: Option<f64>,
    /// Error code.
    pub(crate) code: Option<String>,
    /// Reason of a failure.
    pub(crate) message: Option<String>,
}

/// Whether a render has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum CollectState {
    /// The video was downloaded.
    Collected,
    /// It failed, or its video cannot be downloaded.
    Failed,
    /// It has not ended.
    Running,
}

impl CollectedRender {
    /// Returns a render about which nothing is known but its ID.
    pub(crate) fn new(render_id: &str) -> Self {
        Self {
            render_id: render_id.to_owned(),
            state: CollectState::Running,
            title: None,
            callback_id: None,
            output_path: None,
            duration: None,
            code: None,
            message: None,
        }
    }

    /// Records a failure.
    pub(crate) fn fail(&mut self, code: &str, message: &str) {
        self.state = CollectState::Failed;
        self.code = Some(code.to_owned());
        self.message = Some(message.to_owned());
    }
}

impl CollectOutcome {
    /// Adds a render.
    pub(crate) fn add(&mut self, render: CollectedRender) {
        match render.state {
            CollectState::Collected => self.collected += 1,
            CollectState::Failed => self.failed += 1,
            CollectState::Running => self.running += 1,
        }
        self.renders.push(render);
    }
}
