//! The differences of the last frames, and their sums.

use std::collections::VecDeque;

use super::align::Step;

/// Number of frames of the mean that shows lasting differences.
pub const WINDOW: usize = 15;

/// A compared frame within the window.
#[derive(Clone, Debug)]
pub(super) struct Frame {
    pub(super) step: Step,
    /// Differences of the sums of blocks, base minus head; figure by figure.
    pub(super) differences: Vec<i16>,
    /// Largest difference of a block, in levels.
    pub(super) instant: f64,
    /// Whether it is changed by itself.
    pub(super) is_instant: bool,
    /// Largest mean difference of a window that contains the frame, in levels; 0 if none is above the threshold where the
    /// frame differs.
    pub(super) sustained: f64,
    /// Blocks that differ; empty if none does.
    pub(super) marked: Vec<bool>,
}

impl Frame {
    pub(super) fn new(step: Step, recycled: Option<Self>) -> Self {
        let (mut differences, mut marked) =
            recycled.map(|frame| (frame.differences, frame.marked)).unwrap_or_default();
        differences.clear();
        marked.clear();
        Self { step, differences, instant: 0.0, is_instant: false, sustained: 0.0, marked }
    }

    /// Marks the blocks of the figures for which `is_marked` returns whether they are, from their difference and their number.
    /// `cells` is the number of blocks. Returns whether there is one.
    pub(super) fn mark(&mut self, cells: usize, is_marked: impl Fn(i16, usize) -> bool) -> bool {
        self.marked.resize(cells, false);
        let mut has_one = false;
        for (figure, differences) in self.differences.chunks_exact(cells.max(1)).enumerate() {
            let blocks = differences.iter().zip(&mut self.marked).enumerate();
            for (block, (difference, marked)) in blocks {
                let is_one = is_marked(*difference, figure * cells + block);
                *marked |= is_one;
                has_one |= is_one;
            }
        }
        has_one
    }
}

/// The last frames, [`WINDOW`] at most.
#[derive(Clone, Debug)]
pub(super) struct Window {
    pub(super) frames: VecDeque<Frame>,
    /// Sums of the differences of all frames.
    pub(super) totals: Vec<i32>,
    recycled: Option<Frame>,
}

impl Window {
    pub(super) fn new(blocks: usize) -> Self {
        Self { frames: VecDeque::with_capacity(WINDOW), totals: vec![0; blocks], recycled: None }
    }

    /// Removes the first frame if the window is full.
    pub(super) fn make_room(&mut self) -> Option<Frame> {
        if self.frames.len() < WINDOW { None } else { self.remove_first() }
    }

    /// Removes the first frame.
    pub(super) fn remove_first(&mut self) -> Option<Frame> {
        let first = self.frames.pop_front()?;
        for (total, difference) in self.totals.iter_mut().zip(&first.differences) {
            *total -= i32::from(*difference);
        }
        Some(first)
    }

    /// Adds a frame and returns its largest difference, as a sum of 64 samples. Blocks in `masked` are not compared.
    pub(super) fn add(&mut self, step: Step, base: &[i16], head: &[i16], masked: &[usize]) -> i16 {
        let mut frame = Frame::new(step, self.recycled.take());
        let difference = |(base, head): (&i16, &i16)| base.saturating_sub(*head).max(-i16::MAX);
        frame.differences.extend(base.iter().zip(head).map(difference));
        for block in masked {
            if let Some(difference) = frame.differences.get_mut(*block) {
                *difference = 0;
            }
        }
        let mut most = 0;
        for (total, difference) in self.totals.iter_mut().zip(&frame.differences) {
            *total += i32::from(*difference);
            most = most.max(difference.abs());
        }
        self.frames.push_back(frame);
        most
    }

    /// Keeps the memory of a frame for the next one.
    pub(super) fn recycle(&mut self, frame: Frame) {
        self.recycled = Some(frame);
    }

    /// Returns the largest sum of the differences of all frames.
    pub(super) fn most(&self) -> i32 {
        self.totals.iter().fold(0, |most, total| most.max(total.abs()))
    }
}
