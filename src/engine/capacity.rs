//! How many browsers capture frames at a time.

use std::path::Path;

use hyperframes_ci_core::composition::Composition;
use hyperframes_ci_core::options::FrameRate;
use hyperframes_ci_core::project::DEFAULT_COMPOSITION;

use crate::system::gate::{self, Reach};
use crate::system::memory;

/// Memory of a browser with its encoder, in bytes: 1.5 GB.
const MEMORY: u64 = 1536 << 20;

/// Processors that a browser and its encoder use.
const PROCESSORS: usize = 2;

/// Length in bytes of the largest page that is read for its duration.
const LARGEST_PAGE: u64 = 16 << 20;

/// Frames that another browser must capture to make up for its start.
const FRAMES: f64 = 60.0;

/// Returns the number of browsers, each with its encoder, that this machine has processors and memory for.
pub(crate) fn capacity() -> usize {
    let processors = std::thread::available_parallelism().map_or(1, usize::from);
    // Where the system does not report it, it is assumed to suffice.
    let by_memory = memory::available().map_or(u64::MAX, |bytes| bytes / MEMORY);
    (processors / PROCESSORS).min(usize::try_from(by_memory).unwrap_or(usize::MAX)).max(1)
}

/// Returns the number of browsers, from 1 to `most`, for a composition of the unpacked `project` at `fps` frames per second.
/// The engine would otherwise measure some frames first, which takes longer than a short video.
pub(super) fn workers(most: usize, project: &Path, composition: Option<&str>, fps: FrameRate) -> usize {
    let composition = composition.unwrap_or(DEFAULT_COMPOSITION);
    let page =
        gate::read(&project.join(composition), &Reach::inside(project, "the project"), LARGEST_PAGE).ok();
    let seconds = page.and_then(|page| {
        Composition::parse(composition, &String::from_utf8_lossy(&page)).root?.duration.number()
    });
    within(most, seconds.unwrap_or_default() * fps.per_second())
}

/// Returns the number of browsers for so many frames, at least 1.
fn within(most: usize, frames: f64) -> usize {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "casts saturate")]
    let by_frames = (frames / FRAMES) as usize;
    most.min(by_frames).max(1)
}

#[test]
fn short_videos_have_one_browser() {
    let counts =
        [0.0, 60.0, 119.0, 120.0, 600.0, f64::INFINITY, f64::NAN, -1.0].map(|frames| within(4, frames));
    assert_eq!(counts, [1, 1, 1, 2, 4, 4, 1, 1]);
    assert_eq!(within(1, 1e9), 1);
}
