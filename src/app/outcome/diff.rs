//! The outcome of `diff`.

use std::path::PathBuf;

use hyperframes_ci_core::video::Video;
use schemars::JsonSchema;
use serde::Serialize;

use super::parts;

/// The result of comparing videos.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub(crate) struct DiffOutcome {
    /// The most important status of all comparisons: `failed`, `skipped`, `changed`, `removed`, `unstable`, `new`, `faint`
    /// or `unchanged`.
    pub(crate) status: &'static str,
    /// The comparisons: one of two files, or one for each composition.
    pub(crate) comparisons: Vec<ComparisonOutcome>,
    /// Files of the report; null without `--report`.
    pub(crate) report: Option<DiffReport>,
}

/// A comparison of two videos.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub(crate) struct ComparisonOutcome {
    /// Name of the video or of the composition.
    pub(crate) name: String,
    /// `unchanged`, `faint`, `changed`, `new`, `removed`, `unstable`, `skipped` or `failed`.
    pub(crate) status: &'static str,
    /// One line for people, such as `launch: changed, 9 of 60 frames, 1.20–1.50 s`.
    pub(crate) summary: String,
    /// Reason for a comparison that was skipped or failed.
    pub(crate) reason: Option<String>,
    /// Data that was compared: `files`, `packets`, `frames`, or `golden` for a golden file; null if
    /// nothing was compared.
    pub(crate) method: Option<&'static str>,
    /// Kinds of differences: `picture`, `sound`, `size`, `duration`, `fps`, `alpha` or
    /// `display` (how players show equal frames).
    pub(crate) differences: Vec<&'static str>,
    /// The earlier video; null for a golden file.
    pub(crate) base: Option<DiffVideo>,
    /// The later video.
    pub(crate) head: Option<DiffVideo>,
    /// Numbers of frames; null if no frames were compared.
    pub(crate) frames: Option<DiffFrames>,
    /// Differences of frames; null if no frames were compared.
    pub(crate) picture: Option<DiffPicture>,
    /// Differences of the sound; null if no sound was compared.
    pub(crate) sound: Option<DiffSound>,
    /// The thresholds that apply.
    pub(crate) thresholds: DiffThresholds,
    /// Ignored regions.
    pub(crate) ignored: Vec<DiffRegion>,
    /// Remarks, such as settings of the encoder that differ.
    pub(crate) notes: Vec<String>,
    /// Pictures of the changes; null without `--report` or without a picture.
    pub(crate) images: Option<DiffImages>,
}

/// A compared video.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub(crate) struct DiffVideo {
    /// Path of the file; null if it was rendered for the comparison only.
    pub(crate) path: Option<PathBuf>,
    /// Properties.
    #[schemars(schema_with = "parts::video")]
    pub(crate) video: Video,
    /// Number of frames; null if they were not counted.
    pub(crate) frames: Option<usize>,
    /// Integrated loudness in LUFS, if the sound differs.
    pub(crate) loudness: Option<f64>,
}

/// Numbers of frames.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub(crate) struct DiffFrames {
    /// Compared frames.
    pub(crate) compared: usize,
    /// Frames that differ by themselves.
    pub(crate) changed: usize,
    /// Frames that differ only in the mean over many.
    pub(crate) faint: usize,
    /// Frames without a counterpart at their time.
    pub(crate) unmatched: usize,
    /// Frames after the end of the head.
    pub(crate) only_base: usize,
    /// Frames after the end of the base.
    pub(crate) only_head: usize,
}

/// Differences of frames.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub(crate) struct DiffPicture {
    /// Largest difference of a block of 8x8 pixels in a frame, in levels of 0 to 255.
    pub(crate) instant: f64,
    /// Largest mean difference of a block over 15 frames, in levels.
    pub(crate) sustained: f64,
    /// Share of the area that is ignored, 0 to 1.
    pub(crate) ignored: f64,
    /// Ranges of time that differ.
    pub(crate) ranges: Vec<DiffRange>,
}

/// A range of time that differs.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub(crate) struct DiffRange {
    /// `changed` or `faint`.
    pub(crate) kind: &'static str,
    /// Start in seconds.
    pub(crate) start: f64,
    /// End in seconds.
    pub(crate) end: f64,
    /// Number of frames that differ.
    pub(crate) frames: usize,
    /// Time of the largest difference, in seconds.
    pub(crate) peak: f64,
    /// Largest difference of a block in a frame, in levels of 0 to 255.
    pub(crate) instant: f64,
    /// Largest mean difference of a block over 15 frames, in levels.
    pub(crate) sustained: f64,
    /// Boxes in pixels around the differences; the largest first.
    pub(crate) boxes: Vec<DiffBox>,
}

/// A rectangle in pixels.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub(crate) struct DiffBox {
    /// Distance from the left edge.
    pub(crate) x: u32,
    /// Distance from the upper edge.
    pub(crate) y: u32,
    /// Width.
    pub(crate) width: u32,
    /// Height.
    pub(crate) height: u32,
}

/// Differences of the sound.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub(crate) struct DiffSound {
    /// Whether it differs.
    pub(crate) changed: bool,
    /// 95th percentile of the differences of levels of 20 ms, in dB.
    pub(crate) difference: f64,
    /// Largest mean difference of 0.3 seconds, in dB.
    pub(crate) local: f64,
    /// Largest mean difference of a band of frequencies over 0.26 seconds, in dB; for a golden file
    /// over 0.51 seconds, and 0 if the file is of the first version.
    pub(crate) band: f64,
    /// Ranges of time that differ.
    pub(crate) ranges: Vec<DiffSoundRange>,
}

/// A range of time in which the sound differs.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub(crate) struct DiffSoundRange {
    /// Start in seconds.
    pub(crate) start: f64,
    /// End in seconds.
    pub(crate) end: f64,
}

/// Thresholds of a comparison.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub(crate) struct DiffThresholds {
    /// For a block in a frame, in levels of 0 to 255.
    pub(crate) instant: f64,
    /// For the mean of a block over 15 frames, in levels.
    pub(crate) sustained: f64,
    /// For levels of the sound, in dB.
    pub(crate) sound: f64,
}

/// A region that is not compared.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub(crate) struct DiffRegion {
    /// The region as it was given, without the reason.
    pub(crate) region: String,
    /// Reason for ignoring the region.
    pub(crate) reason: Option<String>,
}

/// Files of a report.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub(crate) struct DiffReport {
    /// The directory.
    pub(crate) directory: PathBuf,
    /// The page for browsers.
    pub(crate) page: PathBuf,
}

/// Pictures of a comparison.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub(crate) struct DiffImages {
    /// Strip that shows time and size of the differences, as a PNG.
    pub(crate) strip: Option<PathBuf>,
    /// Frames of both videos where they differ, as a PNG.
    pub(crate) filmstrip: Option<PathBuf>,
    /// The strip above the filmstrip, as a PNG; null unless the action compared.
    pub(crate) sheet: Option<PathBuf>,
}
