//! Comparing two videos: raw frames and sound levels in, figures out.
//!
//! A frame is reduced to the sums of its blocks of 8x8 luma and 4x4 chroma samples ([`BlockSums`]). The encoder of a video
//! changes every frame a little after an edit of a few; these changes cancel out within a block, while those of an edit
//! do not. So two thresholds on the signed mean difference of a block tell them apart: one for a single frame, and a
//! lower one for the mean over [`WINDOW`] frames.
//!
//! ```
//! use hyperframes_ci_core::diff::{BlockSums, Comparison, FrameFormat, Step, Thresholds};
//!
//! let format = FrameFormat { width: 64, height: 64, has_alpha: false };
//! let sums = |luma: u8| {
//!     let mut frame = vec![128; format.size()];
//!     frame[..64 * 64].fill(luma);
//!     BlockSums::of(&format, &frame)
//! };
//! let mut comparison = Comparison::new(format, Thresholds::default(), &[]);
//! for number in 0..30 {
//!     let step = Step::matched(number, number, f64::from(number) / 30.0, 1.0 / 30.0);
//!     comparison.push(&step, &sums(100), &sums(if number == 12 { 130 } else { 100 }));
//! }
//! let picture = comparison.finish();
//! assert_eq!((picture.changed, picture.ranges.len()), (1, 1));
//! assert_eq!(picture.ranges[0].boxes.len(), 1);
//! ```

mod align;
mod blocks;
mod boxes;
mod compare;
mod golden;
mod golden_error;
mod golden_file;
mod lasting;
mod ranges;
mod region;
mod sound;
mod spectrum;
mod status;
mod thresholds;
mod window;

pub use align::{Alignment, Step, Timeline};
pub use blocks::{BlockSums, FrameFormat, Part};
pub use boxes::PixelBox;
pub use compare::{Comparison, Picture};
pub use golden::{Golden, GoldenBuilder, GoldenDifference};
pub use golden_error::GoldenError;
pub use ranges::{ChangeKind, ChangedRange};
pub use region::{Region, RegionError};
pub use sound::{LEVEL_SECONDS, Levels, SAMPLE_RATE, Sound, SoundRange, compare_sound};
pub use status::{FailOn, Status};
pub use thresholds::{Sensitivity, Thresholds};
pub use window::WINDOW;
