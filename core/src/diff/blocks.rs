//! Frames, reduced to the sums of their blocks.

use std::ops::Range;

/// Edge of a block of luma or alpha samples. A block of chroma covers the same pixels with half the edge.
pub(super) const BLOCK: usize = 8;

/// Edge of a block of chroma samples.
const HALF: usize = BLOCK / 2;

/// Bytes of a part of a frame, about.
const PART_SIZE: usize = 64 * 1024;

/// The value of a sample without color, and of the grey below transparent pixels.
const MID: u32 = 128;

/// Size and layout of raw frames: planes of 8 bits per sample, Y, U and V with 4:2:0 subsampling, and A if there is an
/// alpha channel. FFmpeg calls them `yuv420p` and `yuva420p`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FrameFormat {
    /// Width in pixels.
    pub width: u32,
    /// Height in pixels.
    pub height: u32,
    /// Whether there is an alpha channel.
    pub has_alpha: bool,
}

impl FrameFormat {
    /// Returns the size of a frame in bytes.
    #[must_use]
    pub fn size(&self) -> usize {
        let (luma, chroma) = (self.luma(), self.chroma());
        let alpha = if self.has_alpha { luma.0 * luma.1 } else { 0 };
        luma.0 * luma.1 + 2 * chroma.0 * chroma.1 + alpha
    }

    /// Returns the number of figures of a block: luma, its slopes along both axes, two of chroma, and alpha.
    pub(super) fn figures(&self) -> usize {
        if self.has_alpha { 6 } else { 5 }
    }

    /// Returns the number of blocks in a row and in a column.
    pub(super) fn grid(&self) -> (usize, usize) {
        let (width, height) = self.luma();
        (width.div_ceil(BLOCK), height.div_ceil(BLOCK))
    }

    /// Returns the number of blocks of a plane.
    pub(super) fn cells(&self) -> usize {
        let (columns, rows) = self.grid();
        columns * rows
    }

    /// Returns the parts of a frame in their order. Each can be read as soon as all bytes up to its end are there, while they
    /// are in the cache of the processor. A frame with an alpha channel has one part: all of it depends on the last plane.
    #[must_use]
    pub fn parts(&self) -> Vec<Part> {
        let size = self.size();
        if self.has_alpha || self.cells() == 0 {
            return vec![Part { plane: 0, rows: 0..self.grid().1, end: size }];
        }
        let (luma, chroma) = (self.luma(), self.chroma());
        let mut parts = Vec::new();
        let mut start = 0;
        for (plane, ((width, height), edge)) in
            [(luma, BLOCK), (chroma, HALF), (chroma, HALF)].into_iter().enumerate()
        {
            let (rows, step) = (height.div_ceil(edge), (PART_SIZE / (width * edge)).max(1));
            for first in (0..rows).step_by(step) {
                let last = (first + step).min(rows);
                let end = start + (last * edge).min(height) * width;
                parts.push(Part { plane, rows: first..last, end });
            }
            start += width * height;
        }
        parts
    }

    fn luma(&self) -> (usize, usize) {
        (self.width as usize, self.height as usize)
    }

    fn chroma(&self) -> (usize, usize) {
        let (width, height) = self.luma();
        (width.div_ceil(2), height.div_ceil(2))
    }
}

/// A part of a frame: some rows of the blocks of a plane.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Part {
    plane: usize,
    rows: Range<usize>,
    end: usize,
}

impl Part {
    /// Returns the number of bytes of the frame up to its end.
    #[must_use]
    pub fn end(&self) -> usize {
        self.end
    }
}

/// The sums of the blocks of a frame, figure by figure and row by row, each as that of 64 samples. A block at the right or
/// lower edge overlaps its neighbor if the frame is not a multiple of its size, so that all blocks have as many samples.
///
/// A thin line that moves within a block does not change its sum. It changes the slopes of the block: the sums of its luma
/// samples, weighted by their distance from the middle, and scaled so that noise of an encoder is as large in them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct BlockSums {
    pub(super) sums: Vec<i16>,
    scratch: Scratch,
}

/// Memory that is used again for the next frame.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Scratch {
    columns: Columns,
    composite: Vec<u8>,
}

impl BlockSums {
    /// Returns the sums of a frame. Samples that are missing at its end count as 0.
    #[must_use]
    pub fn of(format: &FrameFormat, frame: &[u8]) -> Self {
        let mut sums = Self::default();
        sums.read(format, frame);
        sums
    }

    /// Reads another frame, with the memory of the last one. Samples that are missing at its end count as 0.
    pub fn read(&mut self, format: &FrameFormat, frame: &[u8]) {
        let padded;
        let frame = if frame.len() < format.size() {
            padded =
                frame.iter().copied().chain(std::iter::repeat(0)).take(format.size()).collect::<Vec<_>>();
            &padded
        } else {
            frame
        };
        for part in format.parts() {
            self.read_part(format, &part, frame);
        }
    }

    /// Reads a part of a frame, of which all bytes up to the end of the part must be there. After all [`FrameFormat::parts`],
    /// the sums are those of the frame. Nothing is read of a `frame` of another size.
    pub fn read_part(&mut self, format: &FrameFormat, part: &Part, frame: &[u8]) {
        let cells = format.cells();
        self.sums.resize(cells * format.figures(), 0);
        if cells == 0 || frame.len() < format.size() {
            return;
        }
        let (width, height) = format.luma();
        let (chroma_width, chroma_height) = format.chroma();
        let (luma, rest) = frame.split_at(width * height);
        let (u, rest) = rest.split_at(chroma_width * chroma_height);
        let (v, rest) = rest.split_at(chroma_width * chroma_height);
        let Self { sums, scratch } = self;
        let Scratch { columns, composite } = scratch;
        let full = Plane { width, height };
        let half = Plane { width: chroma_width, height: chroma_height };
        let (luma_sums, rest_figures) = sums.split_at_mut(cells);
        let (luma_slopes, rest_figures) = rest_figures.split_at_mut(2 * cells);
        let mut rest_figures = rest_figures.chunks_exact_mut(cells);
        if !format.has_alpha {
            let rows = part.rows.clone();
            match (part.plane, rest_figures.nth(part.plane.saturating_sub(1))) {
                (0, _) => full.sum::<BLOCK>(rows, luma, luma_sums, luma_slopes, columns),
                (1, Some(figures)) => half.sum::<HALF>(rows, u, figures, &mut [], columns),
                (_, Some(figures)) => half.sum::<HALF>(rows, v, figures, &mut [], columns),
                _ => {}
            }
            return;
        }
        let rows = || part.rows.clone();
        let alpha = &rest[..width * height];
        for (samples, plane, step) in [(luma, full, 1), (u, half, 2), (v, half, 2)] {
            composite.clear();
            composite.extend(samples.iter().enumerate().map(|(at, sample)| {
                let (x, y) = (at % plane.width * step, at / plane.width * step);
                over_grey(*sample, alpha[y * width + x])
            }));
            if step == 1 {
                full.sum::<BLOCK>(rows(), composite, luma_sums, luma_slopes, columns);
            } else if let Some(figures) = rest_figures.next() {
                plane.sum::<HALF>(rows(), composite, figures, &mut [], columns);
            }
        }
        if let Some(figures) = rest_figures.next() {
            full.sum::<BLOCK>(rows(), alpha, figures, &mut [], columns);
        }
    }
}

/// Returns a sample over mid-grey.
fn over_grey(sample: u8, alpha: u8) -> u8 {
    let alpha = u32::from(alpha);
    let value = (u32::from(sample) * alpha + MID * (255 - alpha) + 127) / 255;
    u8::try_from(value).unwrap_or(u8::MAX)
}

/// The shape of a plane.
#[derive(Clone, Copy, Debug)]
struct Plane {
    width: usize,
    height: usize,
}

impl Plane {
    /// Writes the sums of the blocks of `samples` with an edge of `EDGE` in these rows, and their `slopes` along the rows, then
    /// along the columns, unless there is no room for them.
    fn sum<const EDGE: usize>(
        self,
        rows: Range<usize>,
        samples: &[u8],
        sums: &mut [i16],
        slopes: &mut [i16],
        columns: &mut Columns,
    ) {
        let Self { width, height } = self;
        let (across, down) = (EDGE.min(width), EDGE.min(height));
        let count = width.div_ceil(EDGE);
        let middle = slopes.len() / 2;
        let (along_rows, along_columns) = slopes.split_at_mut(middle);
        let slopes = along_rows.chunks_exact_mut(count).zip(along_columns.chunks_exact_mut(count));
        let mut slopes = slopes.skip(rows.start);
        for (row, sums) in sums.chunks_exact_mut(count).enumerate().take(rows.end).skip(rows.start) {
            let top = (row * EDGE).min(height - down);
            let lines = &samples[top * width..(top + down) * width];
            // The last block overlaps its neighbor.
            let last = width - across;
            // Smaller frames have no whole block, and no slopes.
            if across * down == BLOCK * BLOCK {
                let mut slopes = slopes.next();
                for (block, sum) in sums.iter_mut().enumerate() {
                    let figures = whole_block(lines, width, (block * BLOCK).min(last));
                    *sum = figures[0];
                    // Alpha has none.
                    if let Some((along_row, along_column)) = &mut slopes {
                        [along_row[block], along_column[block]] = [figures[1], figures[2]];
                    }
                }
                continue;
            }
            columns.add::<EDGE>(lines, width);
            columns.blocks::<EDGE>(sums);
            if let Some(sum) = sums.last_mut() {
                *sum = columns.sums[last..].iter().sum();
            }
            if across * down == HALF * HALF {
                // The same as below, but for a division that compilers turn into a shift.
                sums.iter_mut().for_each(|sum| *sum = scaled(*sum, HALF * HALF));
            } else {
                sums.iter_mut().for_each(|sum| *sum = scaled(*sum, across * down));
            }
        }
    }
}

/// Every second byte of a word.
const EVEN: u64 = 0x00ff_00ff_00ff_00ff;

/// Returns the sum and the slopes of the block of 8x8 samples at column `start` of 8 lines. Eight samples are added at a time, as
/// lanes of two words: the program is optimized for size, so that its loops are not vectorized.
fn whole_block(lines: &[u8], width: usize, start: usize) -> [i16; 3] {
    let (mut even, mut odd, mut weighted_even, mut weighted_odd) = (0_u64, 0_u64, 0_u64, 0_u64);
    for line in lines.chunks_exact(width) {
        let samples = line.get(start..).and_then(|rest| rest.first_chunk::<8>());
        let samples = samples.map_or(0, |samples| u64::from_le_bytes(*samples));
        even += samples & EVEN;
        odd += samples >> 8 & EVEN;
        // The first line is added 8 times in the end, and the last one once.
        weighted_even += even;
        weighted_odd += odd;
    }
    let (even_sum, odd_sum) = (total(even, SAME), total(odd, SAME));
    let sum = even_sum + odd_sum;
    let by_column = 2 * (total(even, RISING) + total(odd, RISING)) + odd_sum;
    let weighted = total(weighted_even, SAME) + total(weighted_odd, SAME);
    [low(sum), slope(2 * by_column - 7 * sum), slope(9 * sum - 2 * weighted)]
}

/// Sums of the columns in a row of blocks.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Columns {
    sums: Vec<i16>,
    /// A line of zeros.
    blank: Vec<u8>,
}

impl Columns {
    /// Adds up at most `EDGE` lines of `width` samples; missing ones are zeros.
    fn add<const EDGE: usize>(&mut self, samples: &[u8], width: usize) {
        let Self { sums, blank } = self;
        sums.resize(width, 0);
        blank.resize(width, 0);
        let mut lines = [&blank[..width]; EDGE];
        lines.iter_mut().zip(samples.chunks_exact(width)).for_each(|(line, found)| *line = found);
        for (column, sum) in sums.iter_mut().enumerate() {
            *sum = lines.iter().map(|line| i16::from(line[column])).sum();
        }
    }

    /// Writes the sums of the whole blocks of `EDGE` columns.
    fn blocks<const EDGE: usize>(&self, sums: &mut [i16]) {
        for (sum, block) in sums.iter_mut().zip(self.sums.as_chunks::<EDGE>().0) {
            *sum = low(block.as_chunks::<4>().0.iter().map(|four| total(lanes(four), SAME)).sum());
        }
    }
}

/// Weights of four lanes: 1 each, and 0 to 3 from the first lane to the last one. The first lane has the lowest bits of a word,
/// and its weight the highest ones.
const SAME: u64 = 0x0001_0001_0001_0001;
const RISING: u64 = 0x0000_0001_0002_0003;

/// Returns four values that are not negative as the lanes of a word.
fn lanes(values: &[i16; 4]) -> u64 {
    values.iter().rev().fold(0, |lanes, value| lanes << 16 | u64::from(value.cast_unsigned()))
}

/// Returns the sum of four lanes with these weights, by one multiplication: its highest 16 bits are that sum. It must be below
/// 65,536.
fn total(lanes: u64, weights: u64) -> i32 {
    i32::from((lanes.wrapping_mul(weights) >> 48) as u16)
}

/// Returns the slope of a block from its sum weighted by -7, -5 to 7, scaled as a sum: these weights of 64 samples have a
/// norm of 36.66, and those of a sum have 8.
fn slope(weighted: i32) -> i16 {
    low(weighted * 2 / 9)
}

/// Returns the sum of `samples` samples as that of 64.
fn scaled(sum: i16, samples: usize) -> i16 {
    let scaled = i32::from(sum) * 64 / i32::try_from(samples).unwrap_or(64);
    i16::try_from(scaled).unwrap_or(i16::MAX)
}

/// Returns a value that fits in 16 bits.
fn low(value: i32) -> i16 {
    let [first, second, ..] = value.to_le_bytes();
    i16::from_le_bytes([first, second])
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn format(width: u32, height: u32, has_alpha: bool) -> FrameFormat {
        FrameFormat { width, height, has_alpha }
    }

    /// Adds up the samples of a block one by one, as the documentation says.
    fn slow(samples: &[u8], width: usize, height: usize, edge: usize) -> [Vec<i16>; 3] {
        let mut figures = [const { Vec::new() }; 3];
        for row in 0..height.div_ceil(edge) {
            for column in 0..width.div_ceil(edge) {
                let (top, left) = (
                    (row * edge).min(height.saturating_sub(edge)),
                    (column * edge).min(width.saturating_sub(edge)),
                );
                let (mut sum, mut along_row, mut along_column, mut count) = (0_i32, 0, 0, 0);
                for y in top..(top + edge).min(height) {
                    for x in left..(left + edge).min(width) {
                        let sample = i32::from(samples[y * width + x]);
                        let weight =
                            |at: usize, start: usize| 2 * i32::try_from(at - start).expect("small") - 7;
                        sum += sample;
                        along_row += weight(x, left) * sample;
                        along_column += weight(y, top) * sample;
                        count += 1;
                    }
                }
                let slope = |slope: i32| if count == 64 { slope * 2 / 9 } else { 0 };
                for (figures, figure) in
                    figures.iter_mut().zip([sum * 64 / count, slope(along_row), slope(along_column)])
                {
                    figures.push(i16::try_from(figure).expect("fits"));
                }
            }
        }
        figures
    }

    #[test]
    fn a_white_frame_has_the_largest_sums_in_all_planes() {
        for format in [format(1920, 1080, false), format(37, 11, true), format(1, 1, false)] {
            let sums = BlockSums::of(&format, &vec![255; format.size()]);
            let cells = format.cells();
            assert_eq!(sums.sums.len(), cells * format.figures());
            let is_right =
                |(at, sum): (usize, &i16)| *sum == if (1..3).contains(&(at / cells)) { 0 } else { 255 * 64 };
            assert!(sums.sums.iter().enumerate().all(is_right), "{format:?}");
        }
    }

    #[test]
    fn a_line_that_moves_within_a_block_changes_its_slope() {
        let format = format(16, 16, false);
        let line = |top: usize| {
            let mut frame = vec![40; format.size()];
            frame[top * 16..][..3 * 16].fill(140);
            BlockSums::of(&format, &frame).sums
        };
        let (before, after) = (line(9), line(10));
        let differences = before.iter().zip(&after).map(|(before, after)| after - before).collect::<Vec<_>>();
        assert!(differences[..10].iter().all(|difference| *difference == 0), "{differences:?}");
        // 16 levels and more.
        assert!(differences[10..12].iter().all(|difference| *difference > 16 * 64), "{differences:?}");
    }

    #[test]
    fn transparent_pixels_are_grey_whatever_their_color() {
        let format = format(16, 8, true);
        let mut frame = vec![200; format.size()];
        let alpha = format.size() - 16 * 8;
        frame[alpha..].fill(0);
        let sums = BlockSums::of(&format, &frame).sums;
        assert_eq!(sums, [[128 * 64; 2], [0; 2], [0; 2], [128 * 64; 2], [128 * 64; 2], [0; 2]].concat());
    }

    #[test]
    fn a_short_frame_is_filled_with_zeros() {
        let format = format(8, 8, false);
        assert_eq!(BlockSums::of(&format, &[255; 64]).sums, [255 * 64, 0, 0, 0, 0]);
    }

    proptest! {
        #[test]
        fn sums_are_those_of_the_samples(
            (width, height, frame) in (1_u32..70, 1_u32..40).prop_flat_map(|(width, height)| {
                let size = format(width, height, false).size();
                (Just(width), Just(height), proptest::collection::vec(any::<u8>(), size))
            })
        ) {
            let format = format(width, height, false);
            let ((luma_width, luma_height), (chroma_width, chroma_height)) = (format.luma(), format.chroma());
            let (luma, chroma) = frame.split_at(luma_width * luma_height);
            let (u, v) = chroma.split_at(chroma_width * chroma_height);
            let [sums, along_rows, along_columns] = slow(luma, luma_width, luma_height, 8);
            let [[u, ..], [v, ..]] = [u, v].map(|plane| slow(plane, chroma_width, chroma_height, 4));
            let expected = [sums, along_rows, along_columns, u, v];
            prop_assert_eq!(BlockSums::of(&format, &frame).sums, expected.concat());
        }

        /// A part needs nothing of the frame behind its end.
        #[test]
        fn parts_are_read_before_the_rest_is_there(
            (width, height, has_alpha) in (1_u32..6000, 1_u32..90, any::<bool>()), seed in any::<u64>()
        ) {
            let format = format(width, height, has_alpha);
            let mut state = seed | 1;
            let mut random = || {
                state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                state.to_be_bytes()[0]
            };
            let frame = (0..format.size()).map(|_| random()).collect::<Vec<_>>();
            let mut arriving = vec![0; format.size()];
            let (mut sums, mut start) = (BlockSums::default(), 0);
            for part in format.parts() {
                arriving[start..part.end()].copy_from_slice(&frame[start..part.end()]);
                sums.read_part(&format, &part, &arriving);
                start = part.end();
            }
            prop_assert_eq!(start, format.size());
            prop_assert_eq!(sums.sums, BlockSums::of(&format, &frame).sums);
        }
    }
}
