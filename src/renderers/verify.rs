//! Compares a rendered video with the request.

use std::fmt;
use std::fs::File;
use std::path::Path;

use crate::fault::Fault;
use crate::ui::Console;
use hyperframes_ci_core::video::{Expected, Video, VideoError};

/// The properties of a video, and how they differ from the request.
#[derive(Debug)]
pub(crate) struct Verified {
    video: Option<Video>,
    mismatches: Vec<String>,
}

/// The video does not match the request.
#[derive(Clone, Debug)]
pub(crate) struct Mismatch(pub(crate) Vec<String>);

impl fmt::Display for Mismatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the video does not match the request: {}", self.0.join("; "))
    }
}

impl Fault for Mismatch {
    fn code(&self) -> &str {
        "output_mismatch"
    }

    fn help(&self) -> Option<String> {
        Some("the video was saved; without --verify, this is a warning".to_owned())
    }
}

/// Reads the headers of the video at `path` and compares them with `expected`.
pub(crate) fn verify(path: &Path, expected: &Expected) -> Verified {
    match File::open(path).map_err(VideoError::from).and_then(|mut file| Video::read(&mut file)) {
        Ok(video) => {
            let mismatches = expected.mismatches(&video);
            Verified { video: Some(video), mismatches }
        }
        Err(error) => Verified { video: None, mismatches: vec![error.to_string()] },
    }
}

impl Verified {
    /// Returns the properties of the video and the mismatches.
    pub(crate) fn into_parts(self) -> (Option<Video>, Vec<String>) {
        (self.video, self.mismatches)
    }

    /// Returns the duration of the video in seconds.
    pub(crate) fn duration(&self) -> Option<f64> {
        self.video.as_ref()?.duration
    }

    /// Prints each mismatch as a warning.
    pub(crate) fn warn(&self, console: &mut Console) {
        for mismatch in &self.mismatches {
            console.warning(&format!("the video does not match the request: {mismatch}"));
        }
    }

    /// Checks that the video matches the request.
    ///
    /// # Errors
    /// Returns [`Mismatch`] if it does not.
    pub(crate) fn check(&self) -> Result<(), Mismatch> {
        if self.mismatches.is_empty() { Ok(()) } else { Err(Mismatch(self.mismatches.clone())) }
    }
}

/// Formats the video as `, h264 1280x720 30 fps 2 s`, or as an empty string if its headers could not be read.
impl fmt::Display for Verified {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some(video) = &self.video else { return Ok(()) };
        let number = |value: Option<f64>, unit: &str| {
            value.map(|value| format!(" {}{unit}", (value * 100.0).round() / 100.0)).unwrap_or_default()
        };
        let audio = video.audio.as_ref().map(|audio| format!(" + {}", audio.codec)).unwrap_or_default();
        write!(
            f,
            ", {} {}x{}{}{}{}{audio}",
            video.codec,
            video.width,
            video.height,
            number(video.fps, " fps"),
            number(video.duration, " s"),
            if video.alpha { " alpha" } else { "" },
        )
    }
}
