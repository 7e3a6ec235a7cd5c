//! Golden files byte by byte.
//!
//! The first line is `hyperframes-ci golden 2`: the version of the format. The second one is a JSON object with the numbers
//! that say how long everything else is, and how players show the frames. The rest is a zlib stream: the differences of
//! presentation times, for each second the figures of all blocks, for each frame the low and the high bytes of its cells, the
//! levels of the sound, and for each half second those of its frequencies. All of these are differences from the value
//! before, which compress well. Equal videos have equal files.

use flate2::{Compress, Compression, Decompress, FlushCompress, FlushDecompress, Status};
use serde::{Deserialize, Serialize};

use super::blocks::FrameFormat;
use super::golden::{Golden, cell_grid};
use super::golden_error::{FIRST_VERSION, GoldenError, MAX_SIZE, VERSION};
use super::spectrum::Tones;

/// What the first line begins with.
const MAGIC: &str = "hyperframes-ci golden ";

/// The second line.
#[derive(Debug, Serialize, Deserialize)]
struct Header {
    alpha: bool,
    /// Bands of frequencies.
    #[serde(default)]
    bands: u32,
    channels: u32,
    #[serde(default)]
    display: Option<Vec<String>>,
    frames: u32,
    height: u32,
    /// Half seconds of the sound.
    #[serde(default)]
    halves: u32,
    interval: u32,
    levels: u32,
    seconds: u32,
    width: u32,
}

impl Header {
    fn format(&self) -> FrameFormat {
        FrameFormat { width: self.width, height: self.height, has_alpha: self.alpha }
    }

    /// Returns the size of the numbers in bytes.
    fn size(&self) -> Option<u64> {
        const MAX_EDGE: u32 = 8192;
        let format = self.format();
        if self.width.max(self.height) > MAX_EDGE || self.width.min(self.height) == 0 {
            return None;
        }
        let (columns, rows) = cell_grid(&format);
        let product = |count: u32, size: usize| u64::from(count).checked_mul(size as u64);
        let frames = product(self.frames, 4 + 2 * columns * rows)?;
        let seconds = product(self.seconds, format.cells() * format.figures())?;
        let sound = product(self.levels, 2)?.checked_mul(self.channels.into())?;
        let tones =
            u64::from(self.halves).checked_mul(self.bands.into())?.checked_mul(self.channels.into())?;
        frames.checked_add(seconds)?.checked_add(sound)?.checked_add(tones)
    }
}

impl Golden {
    /// Returns the contents of the file.
    ///
    /// # Errors
    /// Returns [`GoldenError::TooLarge`] if the numbers of the video are larger than 1 GB.
    pub fn encode(&self) -> Result<Vec<u8>, GoldenError> {
        let count = |length: usize| u32::try_from(length).map_err(|_| GoldenError::TooLarge);
        let bands = self.tones.first().map_or(0, |tones| tones.bands);
        let header = Header {
            alpha: self.format.has_alpha,
            bands: count(bands)?,
            channels: count(self.sound.len())?,
            display: self.display.clone(),
            frames: count(self.times.len())?,
            height: self.format.height,
            halves: count(self.tones.first().map_or(0, |tones| tones.levels.len() / bands.max(1)))?,
            interval: self.interval,
            levels: count(self.sound.first().map_or(0, Vec::len))?,
            seconds: count(self.seconds.len())?,
            width: self.format.width,
        };
        let size = header.size().filter(|size| *size <= MAX_SIZE).ok_or(GoldenError::TooLarge)?;
        let mut raw = Vec::with_capacity(usize::try_from(size).unwrap_or(0));
        let mut last = 0;
        for time in &self.times {
            raw.extend(time.wrapping_sub(last).to_le_bytes());
            last = *time;
        }
        let mut last = vec![0; self.seconds.first().map_or(0, Vec::len)];
        for second in &self.seconds {
            raw.extend(second.iter().zip(&last).map(|(value, last): (&u8, &u8)| value.wrapping_sub(*last)));
            last.clone_from(second);
        }
        let mut last = vec![0; self.cells.first().map_or(0, Vec::len)];
        for cells in &self.cells {
            let differences =
                cells.iter().zip(&last).map(|(value, last): (&u16, &u16)| value.wrapping_sub(*last));
            let differences = differences.map(u16::to_le_bytes).collect::<Vec<_>>();
            raw.extend(differences.iter().map(|bytes| bytes[0]));
            raw.extend(differences.iter().map(|bytes| bytes[1]));
            last.clone_from(cells);
        }
        for levels in &self.sound {
            let mut last = 0_u16;
            // Levels of a shorter channel are completed by silence.
            for at in 0..header.levels as usize {
                let level = levels.get(at).copied().unwrap_or(0);
                raw.extend(level.wrapping_sub(last).to_le_bytes());
                last = level;
            }
        }
        for channel in 0..self.sound.len() {
            let levels = self.tones.get(channel).map_or(&[][..], |tones| &tones.levels);
            for at in 0..header.halves as usize * bands {
                let level = |at: usize| levels.get(at).copied().unwrap_or(0);
                let last = at.checked_sub(bands).map_or(0, level);
                raw.push(level(at).wrapping_sub(last));
            }
        }
        let header = serde_json::to_string(&header).map_err(|_| GoldenError::TooLarge)?;
        let mut file = format!("{MAGIC}{VERSION}\n{header}\n").into_bytes();
        let mut compress = Compress::new(Compression::best(), true);
        loop {
            file.reserve(64 * 1024);
            let done = usize::try_from(compress.total_in()).unwrap_or(raw.len()).min(raw.len());
            match compress.compress_vec(&raw[done..], &mut file, FlushCompress::Finish) {
                Ok(Status::StreamEnd) => return Ok(file),
                Ok(_) => {}
                Err(_) => return Err(GoldenError::TooLarge),
            }
        }
    }

    /// Reads the contents of a file.
    ///
    /// # Errors
    /// Returns [`GoldenError`] if it is not a golden file, newer than this program, damaged, or too large.
    pub fn decode(file: &[u8]) -> Result<Self, GoldenError> {
        let line = |bytes: &[u8]| bytes.iter().take(4096).position(|byte| *byte == b'\n');
        let end = line(file).ok_or(GoldenError::NotGolden)?;
        let first = std::str::from_utf8(&file[..end]).map_err(|_| GoldenError::NotGolden)?;
        let version = first.trim_end().strip_prefix(MAGIC).ok_or(GoldenError::NotGolden)?;
        let version = match version.parse::<u32>() {
            Ok(version @ FIRST_VERSION..=VERSION) => version,
            Ok(version) if version > VERSION => return Err(GoldenError::Newer(version)),
            _ => return Err(GoldenError::NotGolden),
        };
        let file = &file[end + 1..];
        let end = line(file).ok_or(GoldenError::Damaged)?;
        let header = serde_json::from_slice::<Header>(&file[..end]).map_err(|_| GoldenError::Damaged)?;
        let size = header.size().ok_or(GoldenError::Damaged)?;
        if size > MAX_SIZE {
            return Err(GoldenError::TooLarge);
        }
        let raw = decompress(&file[end + 1..], usize::try_from(size).unwrap_or(0))?;
        let format = header.format();
        let frames = header.frames as usize;
        let (times, raw) = raw.split_at(4 * frames);
        let mut last = 0_u32;
        let times = times.as_chunks::<4>().0.iter().map(|bytes| {
            last = last.wrapping_add(u32::from_le_bytes(*bytes));
            last
        });
        let times = times.collect::<Vec<_>>();
        if times.windows(2).any(|pair| pair[0] > pair[1]) {
            return Err(GoldenError::Damaged);
        }
        let length = format.cells() * format.figures();
        let (seconds, raw) = raw.split_at(length * header.seconds as usize);
        let mut last = vec![0_u8; length];
        let seconds = seconds.chunks_exact(length).map(|second| {
            last.iter_mut().zip(second).for_each(|(last, value)| *last = last.wrapping_add(*value));
            last.clone()
        });
        let seconds = seconds.collect();
        let count = cell_grid(&format).0 * cell_grid(&format).1;
        let (cells, raw) = raw.split_at(2 * count * frames);
        let (sound, tones) = raw.split_at(2 * header.levels as usize * header.channels as usize);
        let mut last = vec![0_u16; count];
        let cells = cells.chunks_exact(2 * count).map(|frame| {
            let (low, high) = frame.split_at(count);
            for ((last, low), high) in last.iter_mut().zip(low).zip(high) {
                *last = last.wrapping_add(u16::from_le_bytes([*low, *high]));
            }
            last.clone()
        });
        let cells = cells.collect();
        let sound = sound.chunks_exact((2 * header.levels as usize).max(1)).map(|levels| {
            let mut last = 0_u16;
            let levels = levels.as_chunks::<2>().0.iter().map(|bytes| {
                last = last.wrapping_add(u16::from_le_bytes(*bytes));
                last
            });
            levels.collect()
        });
        let bands = header.bands as usize;
        let tones = tones.chunks_exact((header.halves as usize * bands).max(1)).map(|differences| {
            let mut levels = differences.to_vec();
            for at in bands..levels.len() {
                levels[at] = levels[at].wrapping_add(levels[at - bands]);
            }
            Tones { bands, levels }
        });
        Ok(Self {
            format,
            times,
            interval: header.interval,
            seconds,
            cells,
            sound: sound.collect(),
            tones: tones.collect(),
            display: header.display,
            version,
        })
    }
}

/// Returns exactly `size` bytes.
fn decompress(compressed: &[u8], size: usize) -> Result<Vec<u8>, GoldenError> {
    const STEP: usize = 1024 * 1024;
    let mut raw = Vec::new();
    let mut decompress = Decompress::new(true);
    loop {
        raw.reserve((size + 1 - raw.len()).min(STEP));
        let done = usize::try_from(decompress.total_in()).unwrap_or(0).min(compressed.len());
        let before = (done, raw.len());
        let status = decompress.decompress_vec(&compressed[done..], &mut raw, FlushDecompress::None);
        let done = usize::try_from(decompress.total_in()).unwrap_or(0);
        match status {
            Ok(Status::StreamEnd) if raw.len() == size && done == compressed.len() => return Ok(raw),
            Ok(Status::Ok | Status::BufError) if raw.len() <= size && (done, raw.len()) != before => {}
            _ => return Err(GoldenError::Damaged),
        }
    }
}
