//! Submitted translations of videos.

use super::Status;

/// A translation into one language; times are seconds since 1970, durations seconds.
#[derive(Clone, Debug)]
pub(crate) struct Translation {
    pub(crate) id: String,
    pub(crate) title: Option<String>,
    pub(crate) callback_id: Option<String>,
    pub(crate) callback_url: Option<String>,
    /// Name of the stored video.
    pub(crate) video: String,
    /// Name of the language in the catalogue.
    pub(crate) language: &'static str,
    /// Length of the video, which is billed.
    pub(crate) seconds: f64,
    /// Price in US dollars per second.
    pub(crate) usd_per_second: f64,
    /// Whether captions were asked for.
    pub(crate) has_captions: bool,
    pub(crate) status: Status,
    pub(crate) created_at: i64,
    pub(crate) completed_at: Option<i64>,
}

impl Translation {
    /// Returns the name of the stored translation.
    pub(crate) fn video_name(&self) -> String {
        format!("{}.mp4", self.id)
    }

    /// Returns the name of the stored captions with the extension `extension`.
    pub(crate) fn captions_name(&self, extension: &str) -> String {
        format!("{}.{extension}", self.id)
    }

    /// Returns the status as the API names it for translations.
    pub(crate) fn status_name(&self) -> &'static str {
        match self.status {
            Status::Queued => "pending",
            Status::Rendering => "running",
            Status::Completed => "completed",
            Status::Failed(_) => "failed",
        }
    }
}
