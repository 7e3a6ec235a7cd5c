//! Frames, reduced to the sums of their blocks.

/// Edge of a block of luma or alpha samples. A block of chroma covers the same pixels with half the edge.
pub(super) const BLOCK: usize = 8;

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

    fn luma(&self) -> (usize, usize) {
        (self.width as usize, self.height as usize)
    }

    fn chroma(&self) -> (usize, usize) {
        let (width, height) = self.luma();
        (width.div_ceil(2), height.div_ceil(2))
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
    lanes: Vec<Lanes>,
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
        let cells = format.cells();
        self.sums.clear();
        self.sums.resize(cells * format.figures(), 0);
        if cells == 0 {
            return;
        }
        let (width, height) = format.luma();
        let (chroma_width, chroma_height) = format.chroma();
        let (luma, rest) = frame.split_at(width * height);
        let (u, rest) = rest.split_at(chroma_width * chroma_height);
        let (v, rest) = rest.split_at(chroma_width * chroma_height);
        let Self { sums, scratch } = self;
        let Scratch { lanes, composite } = scratch;
        let full = Plane { width, height, edge: BLOCK };
        let half = Plane { width: chroma_width, height: chroma_height, edge: BLOCK / 2 };
        let (luma_figures, rest_figures) = sums.split_at_mut(3 * cells);
        let mut rest_figures = rest_figures.chunks_exact_mut(cells);
        if !format.has_alpha {
            full.sum_with_slopes(luma, luma_figures, lanes);
            for (samples, figures) in [u, v].into_iter().zip(rest_figures) {
                half.sum(samples, figures, lanes);
            }
            return;
        }
        let alpha = &rest[..width * height];
        for (samples, plane, step) in [(luma, full, 1), (u, half, 2), (v, half, 2)] {
            composite.clear();
            composite.extend(samples.iter().enumerate().map(|(at, sample)| {
                let (x, y) = (at % plane.width * step, at / plane.width * step);
                over_grey(*sample, alpha[y * width + x])
            }));
            if step == 1 {
                full.sum_with_slopes(composite, luma_figures, lanes);
            } else if let Some(figures) = rest_figures.next() {
                plane.sum(composite, figures, lanes);
            }
        }
        if let Some(figures) = rest_figures.next() {
            full.sum(alpha, figures, lanes);
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
    /// Edge of a block: 8 or 4.
    edge: usize,
}

/// Sums of 8 columns, as 4 lanes of 16 bits each: 8 rows of 255 fit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Lanes {
    /// Of columns 0, 2, 4 and 6.
    even: u64,
    /// Of columns 1, 3, 5 and 7.
    odd: u64,
    /// Of pairs of columns, weighted by the number of the row, 0 to 7.
    by_row: u64,
}

impl Plane {
    /// Writes the sums of the blocks of `samples`.
    fn sum(self, samples: &[u8], sums: &mut [i16], lanes: &mut Vec<Lanes>) {
        let columns = self.width.div_ceil(self.edge);
        for (row, sums) in sums.chunks_exact_mut(columns).enumerate() {
            let top = self.add_rows::<false>(row, samples, lanes);
            if self.edge == BLOCK {
                sums.iter_mut().zip(lanes.iter()).for_each(|(sum, lanes)| *sum = lanes.sum());
            } else {
                for (pair, lanes) in sums.chunks_mut(2).zip(lanes.iter()) {
                    let both = lanes.even + lanes.odd;
                    let both = both + (both >> 16);
                    for (sum, half) in pair.iter_mut().zip([both, both >> 32]) {
                        *sum = low(half);
                    }
                }
            }
            for (column, sum) in sums.iter_mut().enumerate().skip(lanes.len() * 8 / self.edge) {
                *sum = self.block(samples, column, top).map(|(_, _, sample)| i16::from(sample)).sum();
            }
            let (across, down) = (self.edge.min(self.width), self.edge.min(self.height));
            if across * down != BLOCK * BLOCK {
                sums.iter_mut().for_each(|sum| *sum = scaled(*sum, across * down));
            }
        }
    }

    /// Writes the sums of the blocks of `samples`, then their slopes along the rows, then those along the columns.
    fn sum_with_slopes(self, samples: &[u8], figures: &mut [i16], lanes: &mut Vec<Lanes>) {
        let cells = figures.len() / 3;
        let (sums, slopes) = figures.split_at_mut(cells);
        self.sum(samples, sums, lanes);
        // Smaller frames have no whole block.
        if self.width < BLOCK || self.height < BLOCK {
            return;
        }
        let (along_rows, along_columns) = slopes.split_at_mut(cells);
        let columns = self.width.div_ceil(BLOCK);
        let rows = along_rows.chunks_exact_mut(columns).zip(along_columns.chunks_exact_mut(columns));
        for (row, (along_rows, along_columns)) in rows.enumerate() {
            let top = self.add_rows::<true>(row, samples, lanes);
            let slopes = along_rows.iter_mut().zip(along_columns.iter_mut());
            for ((along_row, along_column), lanes) in slopes.zip(lanes.iter()) {
                let sum = i32::from(lanes.sum());
                *along_row = slope(lanes.by_column(), sum);
                *along_column = slope(lanes.by_row(), sum);
            }
            // The last block overlaps its neighbor.
            if let (true, Some(along_row), Some(along_column)) =
                (lanes.len() < columns, along_rows.last_mut(), along_columns.last_mut())
            {
                let add = |(sum, by_column, by_row), (x, y, sample): (usize, usize, u8)| {
                    let (x, y) = (i32::try_from(x).unwrap_or(0), i32::try_from(y).unwrap_or(0));
                    let sample = i32::from(sample);
                    (sum + sample, by_column + x * sample, by_row + y * sample)
                };
                let (sum, by_column, by_row) = self.block(samples, columns - 1, top).fold((0, 0, 0), add);
                *along_row = slope(by_column, sum);
                *along_column = slope(by_row, sum);
            }
        }
    }

    /// Adds the rows of a row of blocks, 8 columns at a time, and returns the first one.
    fn add_rows<const WEIGHTED: bool>(self, row: usize, samples: &[u8], lanes: &mut Vec<Lanes>) -> usize {
        let Self { width, height, edge } = self;
        let top = (row * edge).min(height.saturating_sub(edge));
        lanes.clear();
        lanes.resize(width / 8, Lanes::default());
        let lines = samples.chunks_exact(width).skip(top).take(edge.min(height));
        for (number, line) in (0_u64..).zip(lines) {
            for (lanes, bytes) in lanes.iter_mut().zip(line.as_chunks::<8>().0) {
                let word = u64::from_le_bytes(*bytes);
                let (even, odd) = (word & LANES, (word >> 8) & LANES);
                lanes.even += even;
                lanes.odd += odd;
                if WEIGHTED {
                    lanes.by_row += (even + odd) * number;
                }
            }
        }
        top
    }

    /// Returns the samples of a block, with their column and row in it.
    fn block(self, samples: &[u8], column: usize, top: usize) -> impl Iterator<Item = (usize, usize, u8)> {
        let Self { width, height, edge } = self;
        let left = (column * edge).min(width.saturating_sub(edge));
        let lines = samples.chunks_exact(width).skip(top).take(edge.min(height));
        lines.enumerate().flat_map(move |(y, line)| {
            let block = &line[left..(left + edge).min(width)];
            block.iter().enumerate().map(move |(x, sample)| (x, y, *sample))
        })
    }
}

impl Lanes {
    fn sum(self) -> i16 {
        low(add_lanes(self.even + self.odd))
    }

    /// Returns the sum weighted by the number of the row.
    fn by_row(self) -> i32 {
        self.by_row
            .to_le_bytes()
            .as_chunks::<2>()
            .0
            .iter()
            .map(|lane| i32::from(u16::from_le_bytes(*lane)))
            .sum()
    }

    /// Returns the sum weighted by the number of the column.
    fn by_column(self) -> i32 {
        let lane = |lanes: u64, number: u32| i32::from(low(lanes >> (16 * number)));
        let even =
            (1..4).zip([2, 4, 6]).map(|(number, weight)| lane(self.even, number) * weight).sum::<i32>();
        let odd =
            (0..4).zip([1, 3, 5, 7]).map(|(number, weight)| lane(self.odd, number) * weight).sum::<i32>();
        even + odd
    }
}

/// Adds four lanes, whose sum fits in 16 bits.
fn add_lanes(lanes: u64) -> u64 {
    lanes.wrapping_mul(0x0001_0001_0001_0001) >> 48
}

/// Returns the slope of a block from its sum and its sum weighted by 0 to 7, scaled as a sum: the weights -7, -5 to 7 of 64
/// samples have a norm of 36.66, and those of a sum have 8.
fn slope(weighted: i32, sum: i32) -> i16 {
    let slope = (2 * weighted - 7 * sum) * 2 / 9;
    i16::try_from(slope).unwrap_or(if slope < 0 { i16::MIN } else { i16::MAX })
}

/// Returns the sum of `samples` samples as that of 64.
fn scaled(sum: i16, samples: usize) -> i16 {
    let scaled = i32::from(sum) * 64 / i32::try_from(samples).unwrap_or(64);
    i16::try_from(scaled).unwrap_or(i16::MAX)
}

/// The lower byte of each lane of 16 bits.
const LANES: u64 = 0x00ff_00ff_00ff_00ff;

/// Returns the lowest 16 bits.
fn low(value: u64) -> i16 {
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
    }
}
