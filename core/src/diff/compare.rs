//! The comparison of two videos, frame by frame.

use super::align::Step;
use super::blocks::{BlockSums, FrameFormat};
use super::lasting::{Lasting, LastingWindow};
use super::ranges::{ChangedRange, Ranges};
use super::region::Region;
use super::thresholds::Thresholds;
use super::window::{Frame, WINDOW, Window};

/// Samples of a block.
const SAMPLES: f64 = 64.0;

/// Compares two videos of one size. The memory that it needs depends on that size only, but for 8 bytes per frame.
#[derive(Clone, Debug)]
pub struct Comparison {
    format: FrameFormat,
    thresholds: Thresholds,
    regions: Vec<Region>,
    /// Which regions are active in the last frame.
    active: Vec<bool>,
    /// Figures of blocks that are not compared in the last frame.
    masked: Vec<usize>,
    window: Window,
    lasting: Lasting,
    /// Number of frames so far.
    count: i32,
    ranges: Ranges,
    picture: Picture,
    /// Blocks that were not compared, over all frames.
    ignored: u64,
}

/// The differences of two videos.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Picture {
    /// Number of compared frames.
    pub compared: usize,
    /// Number of frames that differ by themselves.
    pub changed: usize,
    /// Number of frames that differ only in the mean over many.
    pub faint: usize,
    /// Largest difference of a block in one frame, in levels of 0 to 255.
    pub instant: f64,
    /// Largest mean difference of a block over [`WINDOW`] frames, in levels.
    pub sustained: f64,
    /// Ranges of time that differ, in their order.
    pub ranges: Vec<ChangedRange>,
    /// For each compared frame the larger one of its differences, as multiples of their thresholds.
    pub profile: Vec<f32>,
    /// Share of the frames' area that was not compared, 0 to 1.
    pub ignored: f64,
}

impl Comparison {
    /// Returns a comparison of frames of this format.
    #[must_use]
    pub fn new(format: FrameFormat, thresholds: Thresholds, regions: &[Region]) -> Self {
        Self {
            format,
            thresholds,
            regions: regions.to_vec(),
            active: vec![false; regions.len()],
            masked: Vec::new(),
            window: Window::new(format.cells() * format.figures()),
            lasting: Lasting::default(),
            count: 0,
            ranges: Ranges::new(format),
            picture: Picture::default(),
            ignored: 0,
        }
    }

    /// Compares two frames. Sums of frames of another format count as equal where one has no block.
    pub fn push(&mut self, step: &Step, base: &BlockSums, head: &BlockSums) {
        if let Some(frame) = self.window.make_room() {
            self.leave(frame);
        }
        self.set_mask(step.time);
        self.count += 1;
        let cells = self.format.cells();
        self.ignored += (self.masked.len() / self.format.figures().max(1)) as u64;
        let most = self.window.add(*step, &base.sums, &head.sums, &self.masked);
        let instant = f64::from(most) / SAMPLES;
        self.picture.instant = self.picture.instant.max(instant);
        if let Some(frame) = self.window.frames.back_mut() {
            frame.instant = instant;
            frame.is_instant = instant >= self.thresholds.instant || !step.is_matched;
            if instant >= self.thresholds.instant {
                let least = whole(self.thresholds.instant * SAMPLES);
                frame.mark(cells, |difference, _| difference.abs() >= least);
            }
        }
        if self.window.frames.len() == WINDOW {
            self.judge_window();
        }
    }

    /// Returns the differences.
    #[must_use]
    pub fn finish(mut self) -> Picture {
        if self.window.frames.len() < WINDOW {
            self.judge_window();
        }
        while let Some(frame) = self.window.remove_first() {
            self.leave(frame);
        }
        let compared = (self.picture.profile.len() * self.format.cells()).max(1);
        self.picture.compared = self.picture.profile.len();
        self.picture.ignored = self.ignored as f64 / compared as f64;
        self.picture.ranges = self.ranges.finish();
        self.picture
    }

    /// Looks for blocks whose mean over the window is above the threshold.
    fn judge_window(&mut self) {
        let count = self.window.frames.len();
        let scale = SAMPLES * count.max(1) as f64;
        let mean = f64::from(self.window.most()) / scale;
        self.picture.sustained = self.picture.sustained.max(mean);
        let threshold = self.thresholds.over(count);
        if count < 2 || mean < threshold {
            return;
        }
        #[expect(clippy::cast_possible_truncation, reason = "below 2 to the power of 18")]
        let most = (threshold * scale).ceil() as i32;
        self.lasting.add(&LastingWindow {
            end: self.count,
            count,
            mean,
            totals: &self.window.totals,
            most,
            // A frame before or after the edit is in the window too, and does not differ.
            least: whole(threshold * SAMPLES / 2.0),
        });
    }

    /// Counts a frame that leaves the window.
    fn leave(&mut self, mut frame: Frame) {
        let number = self.picture.profile.len();
        self.lasting.mark(number, self.format.cells(), &mut frame);
        let times =
            (frame.instant / self.thresholds.instant).max(frame.sustained / self.thresholds.sustained);
        // A frame without a counterpart is shown as changed.
        let times = if frame.is_instant { times.max(1.0) } else { times };
        #[expect(clippy::cast_possible_truncation, reason = "rounded, for pictures")]
        self.picture.profile.push(times as f32);
        self.picture.changed += usize::from(frame.is_instant);
        self.picture.faint += usize::from(!frame.is_instant && frame.sustained > 0.0);
        if frame.is_instant || frame.sustained > 0.0 {
            self.ranges.add(number, &frame);
        }
        self.window.recycle(frame);
    }

    /// Finds the blocks that are not compared at `time`.
    fn set_mask(&mut self, time: f64) {
        let active = self.regions.iter().map(|region| region.is_active(time)).collect::<Vec<_>>();
        if active == self.active {
            return;
        }
        let cells = self.format.cells();
        let mut mask = vec![false; cells];
        for (region, _) in self.regions.iter().zip(&active).filter(|(_, active)| **active) {
            region.mark(&self.format, &mut mask);
        }
        self.masked.clear();
        for figure in 0..self.format.figures() {
            let blocks = mask.iter().enumerate().filter(|(_, masked)| **masked);
            self.masked.extend(blocks.map(|(cell, _)| figure * cells + cell));
        }
        self.active = active;
    }
}

/// Returns the least sum of differences that is not below `least`.
fn whole(least: f64) -> i16 {
    #[expect(clippy::cast_possible_truncation, reason = "clamped")]
    let whole = least.ceil().clamp(0.0, f64::from(i16::MAX)) as i16;
    whole
}

#[cfg(test)]
#[path = "compare_tests.rs"]
mod tests;
