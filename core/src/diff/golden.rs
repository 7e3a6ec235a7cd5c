//! What a golden file knows about a video: enough to see that another video differs, in a fraction of its size.

use super::align::{Alignment, Timeline};
use super::blocks::{BlockSums, FrameFormat};
use super::compare::Picture;
use super::golden_error::{GoldenError, MAX_SIZE, VERSION};
use super::ranges::Ranges;
use super::region::Region;
use super::sound::Levels;
use super::spectrum::Tones;
use super::thresholds::Thresholds;
use super::window::Frame;

/// Edge of a cell, in blocks: 32 pixels.
const CELL: usize = 4;

/// Values of a cell per level.
const PRECISION: i32 = 4;

/// Samples of a block.
const SAMPLES: i32 = 64;

/// The share of the threshold of a block in a frame that applies to a cell, which has 16 blocks.
const CELL_SHARE: f64 = 0.25;

/// The mean of each block over each second, and the brightness of cells of 32x32 pixels in each frame.
#[derive(Clone, Debug, PartialEq)]
pub struct Golden {
    /// Size of the frames.
    pub format: FrameFormat,
    /// Presentation times of the frames in microseconds, ascending.
    pub(super) times: Vec<u32>,
    /// The usual time between frames, in microseconds.
    pub(super) interval: u32,
    /// For each second the figures of all blocks, in levels; slopes are 128 above their value.
    pub(super) seconds: Vec<Vec<u8>>,
    /// For each frame the mean luma of its cells, in quarters of a level.
    pub(super) cells: Vec<Vec<u16>>,
    /// For each channel the levels of the sound, in tenths of a decibel above silence.
    pub(super) sound: Vec<Vec<u16>>,
    /// The same of its frequencies; none if they are not known.
    pub(super) tones: Vec<Tones>,
    /// How players show the frames, in words of the program; `None` if it is not known.
    pub display: Option<Vec<String>>,
    /// The version of the format.
    pub(super) version: u32,
}

/// The differences of a video and a golden file.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct GoldenDifference {
    /// Differences of the frames; `None` if their sizes differ.
    pub picture: Option<Picture>,
    /// Which frames were compared; without its steps.
    pub alignment: Alignment,
    /// Whether one of the videos ends at another time.
    pub has_other_end: bool,
}

/// Makes a [`Golden`] of the frames of a video.
#[derive(Clone, Debug)]
pub struct GoldenBuilder {
    golden: Golden,
    /// Sums of the figures of the current second.
    sums: Vec<i32>,
    /// Frames of the current second.
    count: i32,
}

impl GoldenBuilder {
    /// Returns a builder for frames of this format.
    ///
    /// # Errors
    /// Returns [`GoldenError::TooLarge`] if the video is too large or too long: also one of few frames, with hours between
    /// them, would have a picture for each second.
    pub fn new(format: FrameFormat, timeline: &Timeline) -> Result<Self, GoldenError> {
        let cells = cell_grid(&format);
        let frames = timeline.len() as f64 * (4 + 2 * cells.0 * cells.1) as f64;
        let seconds = (timeline.end() + 1.0) * (format.cells() * format.figures()) as f64;
        let is_countable = timeline.end() * 1e6 < f64::from(u32::MAX);
        if frames + seconds > MAX_SIZE as f64 || !is_countable {
            return Err(GoldenError::TooLarge);
        }
        let golden = Golden {
            format,
            times: timeline.times().iter().map(|time| micros(*time)).collect(),
            interval: micros(1.0 / timeline.rate()),
            seconds: Vec::new(),
            cells: Vec::new(),
            sound: Vec::new(),
            tones: Vec::new(),
            display: None,
            version: VERSION,
        };
        Ok(Self { golden, sums: vec![0; format.cells() * format.figures()], count: 0 })
    }

    /// Adds the next frame. Frames beyond those of the timeline are ignored.
    pub fn push(&mut self, frame: &BlockSums) {
        let number = self.golden.cells.len();
        let Some(second) = self.golden.second_of(number) else { return };
        while self.golden.seconds.len() < second {
            self.end_second();
        }
        for (total, sum) in self.sums.iter_mut().zip(&frame.sums) {
            *total += i32::from(*sum);
        }
        self.count += 1;
        self.golden.cells.push(cells(&self.golden.format, &frame.sums));
    }

    /// Returns the golden file of a video with these levels of its channels.
    #[must_use]
    pub fn finish(mut self, sound: &[Levels]) -> Golden {
        self.golden.times.truncate(self.golden.cells.len());
        if self.count > 0 {
            self.end_second();
        }
        self.golden.sound = sound.iter().map(Levels::tenths).collect();
        self.golden.tones = sound.iter().filter_map(Levels::tones).cloned().collect();
        self.golden
    }

    fn end_second(&mut self) {
        let cells = self.golden.format.cells();
        let figures = match (self.count, self.golden.seconds.last()) {
            (0, Some(last)) => last.clone(),
            (count, _) => {
                let count = count.max(1) * SAMPLES;
                let figure = |(at, sum): (usize, &i32)| {
                    let is_slope = (1..3).contains(&(at / cells.max(1)));
                    let value =
                        (*sum + count.div_euclid(2)).div_euclid(count) + if is_slope { 128 } else { 0 };
                    u8::try_from(value.clamp(0, 255)).unwrap_or(0)
                };
                self.sums.iter().enumerate().map(figure).collect()
            }
        };
        self.golden.seconds.push(figures);
        self.sums.fill(0);
        self.count = 0;
    }
}

/// Returns the mean luma of the cells of a frame.
fn cells(format: &FrameFormat, sums: &[i16]) -> Vec<u16> {
    let (columns, rows) = format.grid();
    let mut totals = vec![(0_i32, 0_i32); cell_grid(format).0 * cell_grid(format).1];
    for row in 0..rows {
        let line = &sums[row * columns..][..columns];
        let totals = &mut totals[row / CELL * cell_grid(format).0..];
        for (blocks, (total, count)) in line.chunks(CELL).zip(totals) {
            *total += blocks.iter().map(|sum| i32::from(*sum)).sum::<i32>();
            *count += i32::try_from(blocks.len()).unwrap_or(0);
        }
    }
    let mean = |(total, count): (i32, i32)| total * PRECISION / (SAMPLES * count.max(1));
    totals.into_iter().map(|cell| u16::try_from(mean(cell).max(0)).unwrap_or(u16::MAX)).collect()
}

/// Returns the number of cells in a row and in a column.
pub(super) fn cell_grid(format: &FrameFormat) -> (usize, usize) {
    let (columns, rows) = format.grid();
    (columns.div_ceil(CELL), rows.div_ceil(CELL))
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped")]
fn micros(seconds: f64) -> u32 {
    (seconds * 1e6).round().clamp(0.0, f64::from(u32::MAX)) as u32
}

impl Golden {
    /// Returns the frames in time.
    #[must_use]
    pub fn timeline(&self) -> Timeline {
        let times = self.times.iter().map(|time| f64::from(*time) / 1e6).collect();
        Timeline::new(times, f64::from(self.interval) / 1e6)
    }

    /// Returns the levels of the channels of the sound; none without sound.
    #[must_use]
    pub fn sound(&self) -> Vec<Levels> {
        let levels = self.sound.iter().enumerate();
        levels.map(|(channel, tenths)| Levels::of_tenths(tenths, self.tones.get(channel))).collect()
    }

    /// Returns whether the file is of an older version, which knows less.
    #[must_use]
    pub fn is_outdated(&self) -> bool {
        self.version < VERSION
    }

    /// Returns the second in which a frame is shown. A time that is rounded is not in the second before.
    pub(super) fn second_of(&self, frame: usize) -> Option<usize> {
        self.times.get(frame).map(|time| (*time as usize + 1000) / 1_000_000)
    }

    /// Returns a picture of the means of all seconds, each with one pixel for 8x8, from left to right with `columns` of them in
    /// a row: its width, its height, and samples in the order red, green, blue and opacity.
    #[must_use]
    pub fn stills(&self, columns: usize) -> (usize, usize, Vec<u8>) {
        const GAP: usize = 2;
        let (across, down) = self.format.grid();
        let blocks = self.format.cells();
        let columns = columns.min(self.seconds.len()).max(1);
        let (step, rows) = ((across + GAP, down + GAP), self.seconds.len().div_ceil(columns));
        let (width, height) = (columns * step.0 - GAP, (rows * step.1).saturating_sub(GAP).max(1));
        let mut samples = vec![0; 4 * width * height];
        for (number, second) in self.seconds.iter().enumerate() {
            let (left, top) = (number % columns * step.0, number / columns * step.1);
            for block in 0..blocks {
                let at = 4 * ((top + block / across) * width + left + block % across);
                let figure = |figure: usize| second.get(figure * blocks + block).copied().unwrap_or(0);
                samples[at..at + 4].copy_from_slice(&rgba(figure(0), figure(3), figure(4)));
            }
        }
        (width, height, samples)
    }

    /// Returns the differences of `head`. All of them count as changes: a mean over a second cannot tell a faint change from
    /// a short one.
    #[must_use]
    pub fn compare(&self, head: &Self, thresholds: &Thresholds, regions: &[Region]) -> GoldenDifference {
        let (base_frames, head_frames) = (self.timeline(), head.timeline());
        let mut alignment = Alignment::new(&base_frames, &head_frames);
        let interval = 1.0 / base_frames.rate().min(head_frames.rate());
        let has_other_end = (base_frames.end() - head_frames.end()).abs() > interval / 2.0;
        let size = |golden: &Self| (golden.format.width, golden.format.height);
        let has_size = size(self) == size(head);
        let picture = has_size.then(|| self.compare_frames(head, &alignment, thresholds, regions));
        alignment.steps.clear();
        GoldenDifference { picture, alignment, has_other_end }
    }

    fn compare_frames(
        &self,
        head: &Self,
        alignment: &Alignment,
        thresholds: &Thresholds,
        regions: &[Region],
    ) -> Picture {
        let blocks = self.format.cells();
        let seconds = self.seconds.len().min(head.seconds.len());
        let counts = [self, head].map(Self::frames_of_seconds);
        let mut picture = Picture::default();
        let mut ranges = Ranges::new(self.format);
        let mut current: Option<(usize, f64, Vec<bool>)> = None;
        let mut mask = Mask::new(self.format, regions);
        let least = thresholds.instant * CELL_SHARE;
        for (number, step) in alignment.steps.iter().enumerate() {
            mask.at(step.time);
            let second = self.second_of(step.base as usize).unwrap_or(0);
            // The rest of a second that only one of them has is not a part of a mean.
            let has_means = second < seconds && counts[0].get(second) == counts[1].get(second);
            if current.as_ref().is_none_or(|(known, ..)| *known != second) || mask.is_new {
                let means = [&self.seconds, &head.seconds].map(|all| all.get(second).filter(|_| has_means));
                let (most, marked) = match means {
                    [Some(base), Some(head)] => {
                        means_of_second(base, head, blocks, &mask.blocks, thresholds.sustained)
                    }
                    _ => (0.0, Vec::new()),
                };
                current = Some((second, most, marked));
            }
            let mut frame = Frame::new(*step, None);
            let pair = [&self.cells, &head.cells].map(Vec::as_slice);
            if let (Some(base), Some(other)) =
                (pair[0].get(step.base as usize), pair[1].get(step.head as usize))
            {
                frame.instant = self.mark_cells(base, other, &mask.cells, least, &mut frame.marked);
            }
            let most = current.as_ref().map_or(0.0, |(_, most, _)| *most);
            picture.instant = picture.instant.max(frame.instant);
            picture.sustained = picture.sustained.max(most);
            if let Some((_, _, marked)) = current.as_ref().filter(|_| most >= thresholds.sustained) {
                frame.sustained = most;
                frame.marked.resize(blocks, false);
                frame.marked.iter_mut().zip(marked).for_each(|(known, marked)| *known |= marked);
            }
            frame.is_instant = frame.instant >= least || frame.sustained > 0.0 || !step.is_matched;
            let times = (frame.instant / least).max(frame.sustained / thresholds.sustained);
            #[expect(clippy::cast_possible_truncation, reason = "rounded, for pictures")]
            picture.profile.push(if step.is_matched { times } else { times.max(1.0) } as f32);
            picture.ignored += mask.share;
            if frame.is_instant {
                picture.changed += 1;
                ranges.add(number, &frame);
            }
        }
        picture.compared = alignment.steps.len();
        picture.ignored /= picture.compared.max(1) as f64;
        picture.ranges = ranges.finish();
        picture
    }

    /// Returns the largest difference of a cell in levels, and marks the blocks of those that differ by at least `least`.
    fn mark_cells(
        &self,
        base: &[u16],
        head: &[u16],
        masked: &[bool],
        least: f64,
        marked: &mut Vec<bool>,
    ) -> f64 {
        let (columns, rows) = self.format.grid();
        let across = cell_grid(&self.format).0.max(1);
        let mut most = 0.0_f64;
        for (cell, (base, head)) in base.iter().zip(head).enumerate() {
            let difference = f64::from(base.abs_diff(*head)) / f64::from(PRECISION);
            if masked.get(cell) == Some(&true) {
                continue;
            }
            most = most.max(difference);
            if difference < least {
                continue;
            }
            marked.resize(columns * rows, false);
            let (left, top) = (cell % across * CELL, cell / across * CELL);
            for row in top..(top + CELL).min(rows) {
                marked[row * columns + left..row * columns + (left + CELL).min(columns)].fill(true);
            }
        }
        most
    }

    /// Returns the number of frames of each second.
    fn frames_of_seconds(&self) -> Vec<usize> {
        let mut counts = vec![0; self.seconds.len()];
        for second in (0..self.times.len()).filter_map(|frame| self.second_of(frame)) {
            if let Some(count) = counts.get_mut(second) {
                *count += 1;
            }
        }
        counts
    }
}

/// Returns the color of luma and chroma by ITU-R BT.709.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped")]
fn rgba(luma: u8, blue: u8, red: u8) -> [u8; 4] {
    let luma = (f32::from(luma) - 16.0) * 255.0 / 219.0;
    let (blue, red) = (f32::from(blue) - 128.0, f32::from(red) - 128.0);
    let sample = |value: f32| value.round().clamp(0.0, 255.0) as u8;
    [sample(luma + 1.793 * red), sample(luma - 0.213 * blue - 0.533 * red), sample(luma + 2.112 * blue), 255]
}

/// Returns the largest difference of two means, and the blocks that differ by at least `least` levels.
fn means_of_second(base: &[u8], head: &[u8], blocks: usize, masked: &[bool], least: f64) -> (f64, Vec<bool>) {
    let mut marked = vec![false; blocks];
    let mut most = 0_u8;
    for (base, head) in base.chunks_exact(blocks.max(1)).zip(head.chunks_exact(blocks.max(1))) {
        for (block, (base, head)) in base.iter().zip(head).enumerate() {
            let difference = base.abs_diff(*head);
            if masked.get(block) == Some(&true) {
                continue;
            }
            most = most.max(difference);
            marked[block] |= f64::from(difference) >= least;
        }
    }
    (most.into(), marked)
}

/// What is not compared at a time.
struct Mask<'a> {
    format: FrameFormat,
    regions: &'a [Region],
    active: Vec<bool>,
    blocks: Vec<bool>,
    /// Cells with a block that is not compared.
    cells: Vec<bool>,
    /// Share of the blocks, 0 to 1.
    share: f64,
    /// Whether it differs from that of the last time.
    is_new: bool,
}

impl<'a> Mask<'a> {
    fn new(format: FrameFormat, regions: &'a [Region]) -> Self {
        let active = vec![false; regions.len()];
        Self { format, regions, active, blocks: Vec::new(), cells: Vec::new(), share: 0.0, is_new: false }
    }

    fn at(&mut self, time: f64) {
        let active = self.regions.iter().map(|region| region.is_active(time)).collect::<Vec<_>>();
        self.is_new = active != self.active;
        if !self.is_new {
            return;
        }
        let (columns, across) = (self.format.grid().0, cell_grid(&self.format).0);
        self.blocks = vec![false; self.format.cells()];
        self.cells = vec![false; across * cell_grid(&self.format).1];
        for (region, _) in self.regions.iter().zip(&active).filter(|(_, active)| **active) {
            region.mark(&self.format, &mut self.blocks);
        }
        for (block, _) in self.blocks.iter().enumerate().filter(|(_, masked)| **masked) {
            self.cells[block / columns / CELL * across + block % columns / CELL] = true;
        }
        let masked = self.blocks.iter().filter(|masked| **masked).count();
        self.share = masked as f64 / self.blocks.len().max(1) as f64;
        self.active = active;
    }
}

#[cfg(test)]
#[path = "golden_tests.rs"]
mod tests;
