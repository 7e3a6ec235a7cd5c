//! Ranges of changed frames.

use super::blocks::FrameFormat;
use super::boxes::{PixelBox, around};
use super::window::Frame;

/// Maximum number of unchanged frames within a range.
const MAX_GAP: usize = 5;

/// Maximum number of ranges; those that are nearest to each other are joined beyond it.
const MAX_RANGES: usize = 200;

/// How a range differs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ChangeKind {
    /// Only the mean over many frames is above the threshold.
    Faint,
    /// A frame is above the threshold by itself, or has no counterpart.
    Changed,
}

/// A range of time in which frames differ.
#[derive(Clone, Debug, PartialEq)]
pub struct ChangedRange {
    /// Time of the first changed frame, in seconds.
    pub start: f64,
    /// When the last changed frame ends, in seconds.
    pub end: f64,
    /// Number of changed frames.
    pub frames: usize,
    /// How it differs.
    pub kind: ChangeKind,
    /// Largest difference of a block in a frame, in levels of 0 to 255.
    pub instant: f64,
    /// Largest mean difference of a block over a window, in levels.
    pub sustained: f64,
    /// Time of the frame with the largest difference, in seconds.
    pub peak: f64,
    /// Boxes around the blocks that differ, the largest first; empty if only frames are missing.
    pub boxes: Vec<PixelBox>,
    /// Number of blocks that differ.
    pub blocks: usize,
}

/// A range while it grows.
#[derive(Clone, Debug)]
struct Open {
    range: ChangedRange,
    marked: Vec<bool>,
    last: usize,
}

/// Collects changed frames.
#[derive(Clone, Debug)]
pub(super) struct Ranges {
    format: FrameFormat,
    closed: Vec<ChangedRange>,
    open: Option<Open>,
}

impl Ranges {
    pub(super) fn new(format: FrameFormat) -> Self {
        Self { format, closed: Vec::new(), open: None }
    }

    /// Adds a changed frame with its number.
    pub(super) fn add(&mut self, number: usize, frame: &Frame) {
        if self.open.as_ref().is_some_and(|open| number - open.last > MAX_GAP + 1) {
            self.close();
        }
        let step = &frame.step;
        let open = self.open.get_or_insert_with(|| Open {
            range: ChangedRange {
                start: step.time,
                end: step.time,
                frames: 0,
                kind: ChangeKind::Faint,
                instant: 0.0,
                sustained: 0.0,
                peak: step.time,
                boxes: Vec::new(),
                blocks: 0,
            },
            marked: vec![false; self.format.cells()],
            last: number,
        });
        let range = &mut open.range;
        range.end = step.time + step.duration;
        range.frames += 1;
        if frame.is_instant {
            range.kind = ChangeKind::Changed;
        }
        if frame.instant > range.instant {
            range.instant = frame.instant;
            range.peak = step.time;
        }
        range.sustained = range.sustained.max(frame.sustained);
        open.last = number;
        for (known, marked) in open.marked.iter_mut().zip(&frame.marked) {
            *known |= marked;
        }
    }

    /// Ends the last range, and returns all.
    pub(super) fn finish(mut self) -> Vec<ChangedRange> {
        self.close();
        self.closed
    }

    fn close(&mut self) {
        let Some(Open { mut range, marked, .. }) = self.open.take() else { return };
        range.boxes = around(&marked, &self.format);
        range.blocks = marked.iter().filter(|marked| **marked).count();
        self.closed.push(range);
        if self.closed.len() > MAX_RANGES {
            self.join_nearest();
        }
    }

    /// Joins the two ranges with the least time between them.
    fn join_nearest(&mut self) {
        let gaps = self.closed.windows(2).map(|pair| pair[1].start - pair[0].end);
        let Some((at, _)) = gaps.enumerate().min_by(|(_, a), (_, b)| a.total_cmp(b)) else { return };
        let second = self.closed.remove(at + 1);
        let first = &mut self.closed[at];
        if second.instant > first.instant {
            first.peak = second.peak;
        }
        let boxes = first.boxes.iter().chain(&second.boxes).copied().reduce(enclosing);
        *first = ChangedRange {
            end: second.end,
            frames: first.frames + second.frames,
            kind: if second.kind == ChangeKind::Changed { second.kind } else { first.kind },
            instant: first.instant.max(second.instant),
            sustained: first.sustained.max(second.sustained),
            boxes: boxes.into_iter().collect(),
            blocks: first.blocks.max(second.blocks),
            ..*first
        };
    }
}

/// Returns the smallest box that contains both.
fn enclosing(first: PixelBox, second: PixelBox) -> PixelBox {
    let (x, y) = (first.x.min(second.x), first.y.min(second.y));
    let right = (first.x + first.width).max(second.x + second.width);
    let bottom = (first.y + first.height).max(second.y + second.height);
    PixelBox { x, y, width: right - x, height: bottom - y }
}
