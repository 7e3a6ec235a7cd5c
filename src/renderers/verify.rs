//! Holds a rendered video against what was asked for.

use std::fmt;
use std::fs::File;
use std::io::BufReader;
use std::path::Path;

use crate::fault::Fault;
use crate::ui::Console;
use hyperframes_ci_core::video::{Expected, Video, VideoError};

/// What a video is, and what about it is not as it was asked for.
#[derive(Debug)]
pub(crate) struct Verified {
    video: Option<Video>,
    mismatches: Vec<String>,
}

/// The video is not as it was asked for.
#[derive(Clone, Debug)]
pub(crate) struct Mismatch(Vec<String>);

impl fmt::Display for Mismatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the video is not as it was asked for: {}", self.0.join("; "))
    }
}

impl Fault for Mismatch {
    fn code(&self) -> &str {
        "output_mismatch"
    }

    fn help(&self) -> Option<String> {
        Some("the video was kept; without --verify this is a warning".to_owned())
    }
}

/// Reads the headers of the video at `path` and compares them with what was `expected`.
pub(crate) fn verify(path: &Path, expected: &Expected) -> Verified {
    match File::open(path).map_err(VideoError::from).and_then(|file| Video::read(&mut BufReader::new(file))) {
        Ok(video) => {
            let mismatches = expected.mismatches(&video);
            Verified { video: Some(video), mismatches }
        }
        Err(error) => Verified { video: None, mismatches: vec![error.to_string()] },
    }
}

impl Verified {
    /// What the video is, and how it differs from what was asked for.
    pub(crate) fn into_parts(self) -> (Option<Video>, Vec<String>) {
        (self.video, self.mismatches)
    }

    /// How long the video is, in seconds.
    pub(crate) fn duration(&self) -> Option<f64> {
        self.video.as_ref()?.duration
    }

    /// Warns of what is not as it was asked for.
    pub(crate) fn warn(&self, console: &mut Console) {
        for mismatch in &self.mismatches {
            console.warning(&format!("the video is not as it was asked for: {mismatch}"));
        }
    }

    /// The same as an error.
    ///
    /// # Errors
    /// When something is not as it was asked for.
    pub(crate) fn insist(&self) -> Result<(), Mismatch> {
        if self.mismatches.is_empty() { Ok(()) } else { Err(Mismatch(self.mismatches.clone())) }
    }
}

/// `, h264 1280x720 30 fps 2 s`, or nothing where nothing is known.
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
