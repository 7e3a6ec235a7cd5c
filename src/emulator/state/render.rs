//! Submitted renders.

use hyperframes_ci_core::options::{AspectRatio, Format, Quality, Resolution};
use serde_json::{Map, Value};

/// The options of a submission.
#[derive(Clone, Debug)]
pub(crate) struct RenderOptions {
    pub(crate) fps: Option<u32>,
    pub(crate) quality: Option<Quality>,
    pub(crate) format: Format,
    pub(crate) resolution: Option<Resolution>,
    pub(crate) aspect_ratio: Option<AspectRatio>,
    pub(crate) composition: Option<String>,
    pub(crate) variables: Option<Map<String, Value>>,
    pub(crate) title: Option<String>,
    pub(crate) callback_id: Option<String>,
    pub(crate) callback_url: Option<String>,
}

/// How far a render is.
#[derive(Clone, Debug)]
pub(crate) enum Status {
    /// It waits for the worker.
    Queued,
    /// The worker is rendering the video.
    Rendering,
    /// The video is stored.
    Completed,
    /// It failed with this message.
    Failed(String),
}

impl Status {
    /// Returns the name in the API.
    pub(crate) fn as_str(&self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Rendering => "rendering",
            Self::Completed => "completed",
            Self::Failed(_) => "failed",
        }
    }
}

/// A render; times are seconds since 1970, durations seconds.
#[derive(Clone, Debug)]
pub(crate) struct Render {
    pub(crate) id: String,
    pub(crate) options: RenderOptions,
    /// Name of the stored archive.
    pub(crate) archive: String,
    pub(crate) status: Status,
    pub(crate) created_at: i64,
    pub(crate) completed_at: Option<i64>,
    /// Duration that the composition declares.
    pub(crate) declared_duration: Option<f64>,
    /// Duration of the video.
    pub(crate) duration: Option<f64>,
    pub(crate) deleted: bool,
    /// Whether the video is the built-in clip.
    pub(crate) placeholder: bool,
}

impl Render {
    /// Returns the name of the stored video.
    pub(crate) fn video_name(&self) -> String {
        format!("{}.{}", self.id, self.options.format)
    }

    /// Returns the name of the stored poster.
    pub(crate) fn poster_name(&self) -> String {
        format!("{}.png", self.id)
    }

    /// Returns the message of a failed render.
    pub(crate) fn failure(&self) -> Option<&str> {
        match &self.status {
            Status::Failed(message) => Some(message),
            Status::Queued | Status::Rendering | Status::Completed => None,
        }
    }
}
