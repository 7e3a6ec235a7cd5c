//! Where the mean over a window is above the threshold.

use std::collections::VecDeque;

use super::window::{Frame, WINDOW};

/// [`WINDOW`] as the type of what is divided by it.
const FULL: u16 = 15;
const _: () = assert!(FULL as usize == WINDOW);

/// Figures of blocks that differed over a window. A frame is marked once, when it leaves the last window that contains it: to
/// mark all frames of each window takes longer than decoding, if much of the picture differs. The loops are ones that compilers
/// vectorize.
#[derive(Clone, Debug, Default)]
pub(super) struct Lasting {
    /// Differences above zero, and those below.
    sides: [Side; 2],
    /// For the last windows that were above: the number of frames up to the end, and the largest mean in levels.
    peaks: VecDeque<(i32, f64)>,
}

/// What is known of each figure of a block; empty before the first window.
#[derive(Clone, Debug, Default)]
struct Side {
    /// Number of frames up to the end of the last window in which the mean was above the threshold.
    ends: Vec<i32>,
    /// From which difference on a frame of that window is marked, as a sum of 64 samples: at least a quarter of the mean, since
    /// what is less is the noise before and after a large change.
    floors: Vec<i16>,
}

/// A window with a mean above the threshold.
#[derive(Clone, Copy, Debug)]
pub(super) struct LastingWindow<'a> {
    /// Number of frames of the video up to its end.
    pub(super) end: i32,
    /// Its number of frames.
    pub(super) count: usize,
    /// The largest mean in levels.
    pub(super) mean: f64,
    /// For each figure the sum of all differences.
    pub(super) totals: &'a [i32],
    /// From which sum on a figure is above the threshold.
    pub(super) most: i32,
    /// From which difference on a frame is marked at least, as a sum of 64 samples. It is the same in all windows.
    pub(super) least: i16,
}

impl Lasting {
    /// Adds a window.
    pub(super) fn add(&mut self, window: &LastingWindow<'_>) {
        if self.peaks.len() == WINDOW {
            self.peaks.pop_front();
        }
        self.peaks.push_back((window.end, window.mean));
        for (side, sign) in self.sides.iter_mut().zip([1, -1]) {
            side.ends.resize(window.totals.len(), 0);
            side.floors.resize(window.totals.len(), 0);
            let quarter = u16::try_from(window.count.max(1)).unwrap_or(u16::MAX);
            // Only a division by a constant is vectorized.
            if window.count == WINDOW {
                side.add(window, sign, |quarters| quarters / FULL);
            } else {
                side.add(window, sign, |quarters| quarters / quarter);
            }
        }
    }

    /// Marks the blocks of the frame with this number that differ over a window which contains it. `cells` is the number of
    /// blocks.
    pub(super) fn mark(&self, number: usize, cells: usize, frame: &mut Frame) {
        let number = i32::try_from(number).unwrap_or(i32::MAX);
        let windows = self.peaks.iter().filter(|(end, _)| *end > number);
        let Some(peak) = windows.map(|(_, mean)| *mean).reduce(f64::max) else { return };
        frame.marked.resize(cells, false);
        let cells = cells.max(1);
        let [above, below] = self
            .sides
            .each_ref()
            .map(|side| side.ends.chunks_exact(cells).zip(side.floors.chunks_exact(cells)));
        let mut has_one = false;
        for ((differences, above), below) in frame.differences.chunks_exact(cells).zip(above).zip(below) {
            let above = above.0.iter().zip(above.1);
            let below = below.0.iter().zip(below.1);
            let blocks = frame.marked.iter_mut().zip(differences).zip(above).zip(below);
            for (((marked, difference), above), below) in blocks {
                let is_above = (*difference >= 0) & (*difference >= *above.1) & (*above.0 > number);
                let is_below = (*difference < 0) & (-*difference >= *below.1) & (*below.0 > number);
                let is_one = is_above | is_below;
                *marked |= is_one;
                has_one |= is_one;
            }
        }
        if has_one {
            frame.sustained = peak;
        }
    }
}

impl Side {
    /// Adds a window: the differences with this `sign`. `mean` returns the mean of a sum.
    fn add(&mut self, window: &LastingWindow<'_>, sign: i32, mean: impl Fn(u16) -> u16) {
        let LastingWindow { end: new_end, most, least, .. } = *window;
        for ((end, floor), total) in self.ends.iter_mut().zip(&mut self.floors).zip(window.totals) {
            let is_above = sign * total >= most;
            #[expect(clippy::cast_possible_truncation, reason = "a sum is below 2 to the power of 18")]
            let quarter = mean((total.unsigned_abs() >> 2) as u16).cast_signed().max(least);
            // Without a branch: a conditional store is not vectorized.
            *end = (*end).max(new_end & -i32::from(is_above));
            *floor ^= (*floor ^ quarter) & -i16::from(is_above);
        }
    }
}
