//! How many browsers capture frames at a time.

use std::fs;
use std::path::Path;

use hyperframes_ci_core::composition::Composition;
use hyperframes_ci_core::project::DEFAULT_COMPOSITION;

use super::Job;
use crate::system::gate::{self, Reach};

/// Memory of a browser with its encoder, in kilobytes: 1.5 GB.
const MEMORY: usize = 1536 * 1024;

/// Processors that a browser and its encoder use.
const PROCESSORS: usize = 2;

/// Length in bytes of the largest page that is read for its duration.
const LARGEST_PAGE: u64 = 16 << 20;

/// Frames that another browser must capture to make up for its start.
const FRAMES: f64 = 60.0;

/// Returns the number of browsers, each with its encoder, that this machine has processors and memory for.
pub(crate) fn capacity() -> usize {
    let processors = std::thread::available_parallelism().map_or(1, usize::from);
    let memory = fs::read_to_string("/proc/meminfo").ok().and_then(|text| {
        let line = text.lines().find_map(|line| line.strip_prefix("MemAvailable:"))?;
        line.split_whitespace().next()?.parse::<usize>().ok()
    });
    // Other systems than Linux do not report it: assumed to suffice.
    let by_memory = memory.map_or(usize::MAX, |kilobytes| kilobytes / MEMORY);
    (processors / PROCESSORS).min(by_memory).max(1)
}

/// Returns the number of browsers that capture the frames of `job`, at least 1. The engine would otherwise measure some
/// frames first, which takes longer than a short video.
pub(super) fn workers(job: &Job<'_>, project: &Path) -> usize {
    let composition = job.composition.unwrap_or(DEFAULT_COMPOSITION);
    let page =
        gate::read(&project.join(composition), &Reach::inside(project, "the project"), LARGEST_PAGE).ok();
    let seconds = page.and_then(|page| {
        Composition::parse(composition, &String::from_utf8_lossy(&page)).root?.duration.number()
    });
    within(job.max_workers, seconds.unwrap_or_default() * f64::from(job.frame_rate()))
}

/// Returns the number of browsers for so many frames, at least 1.
fn within(most: usize, frames: f64) -> usize {
    // Saturates: a page may claim any duration.
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
