//! Submitted presenter clips.

use hyperframes_ci_core::options::Format;

use super::Status;

/// A clip; times are seconds since 1970, durations seconds.
#[derive(Clone, Debug)]
pub(crate) struct Video {
    pub(crate) id: String,
    pub(crate) title: Option<String>,
    pub(crate) callback_id: Option<String>,
    pub(crate) callback_url: Option<String>,
    /// Name of the stored audio.
    pub(crate) audio: String,
    /// Length of the audio.
    pub(crate) seconds: f64,
    pub(crate) format: Format,
    /// Width and height in pixels.
    pub(crate) size: (u32, u32),
    /// Captions in the form of SubRip, if they were asked for.
    pub(crate) captions: Option<String>,
    pub(crate) status: Status,
    pub(crate) created_at: i64,
    pub(crate) completed_at: Option<i64>,
    /// Length of the clip, which is billed.
    pub(crate) duration: Option<f64>,
    /// Whether it is the built-in clip.
    pub(crate) placeholder: bool,
}

impl Video {
    /// Returns the name of the stored clip.
    pub(crate) fn video_name(&self) -> String {
        format!("{}.{}", self.id, self.format)
    }

    /// Returns the name of the stored captions.
    pub(crate) fn captions_name(&self) -> String {
        format!("{}.srt", self.id)
    }

    /// Returns the status as the API names it for clips.
    pub(crate) fn status_name(&self) -> &'static str {
        match self.status {
            Status::Queued => "pending",
            Status::Rendering => "processing",
            Status::Completed => "completed",
            Status::Failed(_) => "failed",
        }
    }
}
