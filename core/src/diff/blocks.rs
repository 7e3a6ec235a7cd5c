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

    /// Returns the number of planes.
    pub(super) fn planes(&self) -> usize {
        if self.has_alpha { 4 } else { 3 }
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

/// The sums of the blocks of a frame, plane by plane and row by row, each as that of 64 samples. A block at the right or
/// lower edge overlaps its neighbor if the frame is not a multiple of its size, so that all blocks have as many samples.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct BlockSums {
    pub(super) sums: Vec<u16>,
    scratch: Scratch,
}

/// Memory that is used again for the next frame.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Scratch {
    lanes: Vec<u64>,
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
        self.sums.resize(cells * format.planes(), 0);
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
        let mut planes = sums.chunks_exact_mut(cells);
        let mut sum = |samples: &[u8], plane: Plane| {
            if let Some(sums) = planes.next() {
                plane.sum(samples, sums, lanes);
            }
        };
        let full = Plane { width, height, edge: BLOCK };
        let half = Plane { width: chroma_width, height: chroma_height, edge: BLOCK / 2 };
        if !format.has_alpha {
            sum(luma, full);
            sum(u, half);
            sum(v, half);
            return;
        }
        let alpha = &rest[..width * height];
        for (samples, plane, step) in [(luma, full, 1), (u, half, 2), (v, half, 2)] {
            composite.clear();
            composite.extend(samples.iter().enumerate().map(|(at, sample)| {
                let (x, y) = (at % plane.width * step, at / plane.width * step);
                over_grey(*sample, alpha[y * width + x])
            }));
            sum(composite, plane);
        }
        sum(alpha, full);
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

impl Plane {
    /// Writes the sums of the blocks of `samples`.
    fn sum(self, samples: &[u8], sums: &mut [u16], lanes: &mut Vec<u64>) {
        let Self { width, height, edge } = self;
        let columns = width.div_ceil(edge);
        // Pairs of bytes are added as the 16 bits of a lane, 8 bytes at a time; 8 rows of 2 x 255 fit.
        let words = width / 8;
        for (row, sums) in sums.chunks_exact_mut(columns).enumerate() {
            let top = (row * edge).min(height.saturating_sub(edge));
            let lines = edge.min(height);
            lanes.clear();
            lanes.resize(words, 0);
            for line in samples.chunks_exact(width).skip(top).take(lines) {
                for (lane, bytes) in lanes.iter_mut().zip(line.as_chunks::<8>().0) {
                    let word = u64::from_le_bytes(*bytes);
                    *lane += (word & LANES) + ((word >> 8) & LANES);
                }
            }
            if edge == BLOCK {
                for (sum, lane) in sums.iter_mut().zip(lanes.iter()) {
                    *sum = low(lane.wrapping_mul(0x0001_0001_0001_0001) >> 48);
                }
            } else {
                for (pair, lane) in sums.chunks_mut(2).zip(lanes.iter()) {
                    let both = lane + (lane >> 16);
                    for (sum, half) in pair.iter_mut().zip([both, both >> 32]) {
                        *sum = low(half);
                    }
                }
            }
            for (column, sum) in sums.iter_mut().enumerate().skip(words * 8 / edge) {
                let left = (column * edge).min(width.saturating_sub(edge));
                let block = samples.chunks_exact(width).skip(top).take(lines);
                let block = block.map(|line| &line[left..(left + edge).min(width)]);
                *sum = block.flatten().map(|sample| u16::from(*sample)).sum();
            }
            let (across, samples) = (edge.min(width), edge.min(width) * lines);
            if across * lines != BLOCK * BLOCK {
                for sum in sums {
                    let scaled = u32::from(*sum) * 64 / u32::try_from(samples).unwrap_or(64);
                    *sum = u16::try_from(scaled).unwrap_or(u16::MAX);
                }
            }
        }
    }
}

/// The lower byte of each lane of 16 bits.
const LANES: u64 = 0x00ff_00ff_00ff_00ff;

/// Returns the lowest 16 bits.
fn low(value: u64) -> u16 {
    let [first, second, ..] = value.to_le_bytes();
    u16::from_le_bytes([first, second])
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn format(width: u32, height: u32, has_alpha: bool) -> FrameFormat {
        FrameFormat { width, height, has_alpha }
    }

    /// Adds up the samples of a block one by one, as the documentation says.
    fn slow(samples: &[u8], width: usize, height: usize, edge: usize) -> Vec<u16> {
        let mut sums = Vec::new();
        for row in 0..height.div_ceil(edge) {
            for column in 0..width.div_ceil(edge) {
                let (top, left) = (
                    (row * edge).min(height.saturating_sub(edge)),
                    (column * edge).min(width.saturating_sub(edge)),
                );
                let (mut sum, mut count) = (0_u32, 0);
                for y in top..(top + edge).min(height) {
                    for x in left..(left + edge).min(width) {
                        sum += u32::from(samples[y * width + x]);
                        count += 1;
                    }
                }
                sums.push(u16::try_from(sum * 64 / count).expect("fits"));
            }
        }
        sums
    }

    #[test]
    fn a_white_frame_has_the_largest_sums_in_all_planes() {
        for format in [format(1920, 1080, false), format(37, 11, true), format(1, 1, false)] {
            let sums = BlockSums::of(&format, &vec![255; format.size()]);
            assert_eq!(sums.sums.len(), format.cells() * format.planes());
            assert!(sums.sums.iter().all(|sum| *sum == 255 * 64), "{format:?}");
        }
    }

    #[test]
    fn transparent_pixels_are_grey_whatever_their_color() {
        let format = format(16, 8, true);
        let mut frame = vec![200; format.size()];
        let alpha = format.size() - 16 * 8;
        frame[alpha..].fill(0);
        let sums = BlockSums::of(&format, &frame).sums;
        assert_eq!(sums, [[128 * 64; 6].as_slice(), &[0; 2]].concat());
    }

    #[test]
    fn a_short_frame_is_filled_with_zeros() {
        let format = format(8, 8, false);
        assert_eq!(BlockSums::of(&format, &[255; 64]).sums, [255 * 64, 0, 0]);
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
            let expected = [
                slow(luma, luma_width, luma_height, 8),
                slow(u, chroma_width, chroma_height, 4),
                slow(v, chroma_width, chroma_height, 4),
            ];
            prop_assert_eq!(BlockSums::of(&format, &frame).sums, expected.concat());
        }
    }
}
