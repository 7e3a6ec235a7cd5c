//! Thresholds between the noise of encoders and edits.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::window::WINDOW;
use crate::options::{UnknownValue, closed_set};

closed_set! {
    /// How small a difference is reported.
    Sensitivity {
        /// Twice the thresholds of `normal`, for videos of encoders with more noise.
        Low = "low",
        /// The thresholds that were validated with renders of one encoder.
        Normal = "normal",
        /// Near the noise of the encoder: may report noise as differences.
        High = "high",
    }
}

/// From which differences on a video counts as changed.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Thresholds {
    /// Signed mean difference of a block in one frame, in levels of 0 to 255. The noise of x264 is up to 4.7, a letter or a
    /// move by one pixel at least 18.5.
    pub instant: f64,
    /// The same, as the mean over 15 frames. The noise is up to 1.9, a color changed by 2 % on a thin rule 2.5.
    pub sustained: f64,
    /// 95th percentile of the differences of sound levels, in dB. The noise of AAC is up to 0.13.
    pub sound: f64,
}

impl Default for Thresholds {
    fn default() -> Self {
        Sensitivity::Normal.into()
    }
}

impl From<Sensitivity> for Thresholds {
    fn from(sensitivity: Sensitivity) -> Self {
        match sensitivity {
            Sensitivity::Low => Self { instant: 12.0, sustained: 4.4, sound: 1.0 },
            Sensitivity::Normal => Self { instant: 6.0, sustained: 2.2, sound: 0.5 },
            Sensitivity::High => Self { instant: 4.8, sustained: 1.9, sound: 0.25 },
        }
    }
}

impl Thresholds {
    /// Returns the threshold of the mean over `count` frames, between that of one and that of [`WINDOW`] frames: a shorter
    /// video has no whole window.
    pub(super) fn over(&self, count: usize) -> f64 {
        let missing = WINDOW.saturating_sub(count.max(1)) as f64 / (WINDOW - 1) as f64;
        self.sustained + (self.instant - self.sustained) * missing
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_threshold_of_few_frames_is_between_both() {
        let thresholds = Thresholds::default();
        assert!((thresholds.over(1) - 6.0).abs() < 1e-9 && (thresholds.over(15) - 2.2).abs() < 1e-9);
        assert!((thresholds.over(8) - 4.1).abs() < 1e-9);
    }
}
