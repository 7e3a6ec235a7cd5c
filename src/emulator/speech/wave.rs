//! WAV files: mono, 16 bits.

/// Length of the header in bytes.
const HEADER: u32 = 44;

/// Samples of a mono WAV file.
pub(super) struct Wave {
    /// Samples in a second.
    rate: u32,
    samples: Vec<i16>,
}

impl Wave {
    /// Returns an empty file with `rate` samples in a second.
    pub(super) fn new(rate: u32) -> Self {
        Self { rate, samples: Vec::new() }
    }

    /// Returns the length in seconds.
    pub(super) fn seconds(&self) -> f64 {
        self.samples.len() as f64 / f64::from(self.rate)
    }

    /// Adds samples.
    pub(super) fn extend(&mut self, samples: impl IntoIterator<Item = i16>) {
        self.samples.extend(samples);
    }

    /// Adds silence.
    pub(super) fn silence(&mut self, seconds: f64) {
        let count = self.count(seconds);
        self.extend(std::iter::repeat_n(0, count));
    }

    /// Returns the number of samples of `seconds`, of an hour at most.
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped to an hour")]
    pub(super) fn count(&self, seconds: f64) -> usize {
        (seconds.clamp(0.0, 3600.0) * f64::from(self.rate)).round() as usize
    }

    /// Returns the file.
    pub(super) fn to_bytes(&self) -> Vec<u8> {
        let data = u32::try_from(self.samples.len() * 2).unwrap_or(u32::MAX - HEADER);
        let mut bytes = Vec::with_capacity(self.samples.len() * 2 + HEADER as usize);
        bytes.extend_from_slice(b"RIFF");
        bytes.extend_from_slice(&(data + HEADER - 8).to_le_bytes());
        bytes.extend_from_slice(b"WAVEfmt ");
        bytes.extend_from_slice(&16_u32.to_le_bytes());
        // PCM, one channel.
        bytes.extend_from_slice(&[1, 0, 1, 0]);
        bytes.extend_from_slice(&self.rate.to_le_bytes());
        bytes.extend_from_slice(&(self.rate * 2).to_le_bytes());
        bytes.extend_from_slice(&[2, 0, 16, 0]);
        bytes.extend_from_slice(b"data");
        bytes.extend_from_slice(&data.to_le_bytes());
        bytes.extend(self.samples.iter().flat_map(|sample| sample.to_le_bytes()));
        bytes
    }

    /// Reads a mono file of 16 bits; `None` for any other.
    pub(super) fn parse(bytes: &[u8]) -> Option<Self> {
        let mut rest = bytes.strip_prefix(b"RIFF")?.get(4..)?.strip_prefix(b"WAVE")?;
        let mut rate = None;
        loop {
            let (name, size) = (rest.get(..4)?, rest.get(4..8)?);
            let size = u32::from_le_bytes(size.try_into().ok()?) as usize;
            let body = rest.get(8..)?;
            match name {
                b"fmt " => {
                    let is_mono = body.get(..4)? == [1, 0, 1, 0] && body.get(14..16)? == [16, 0];
                    rate = Some(u32::from_le_bytes(body.get(4..8)?.try_into().ok()?)).filter(|_| is_mono);
                }
                b"data" => {
                    let body = body.get(..size).unwrap_or(body);
                    let samples = body.chunks_exact(2).map(|pair| i16::from_le_bytes([pair[0], pair[1]]));
                    return Some(Self { rate: rate.filter(|rate| *rate > 0)?, samples: samples.collect() });
                }
                _ => {}
            }
            // Chunks are padded to an even length.
            rest = body.get(size.checked_add(size % 2)?..)?;
        }
    }

    /// Returns the number of samples in a second.
    pub(super) fn rate(&self) -> u32 {
        self.rate
    }

    /// Returns the samples.
    pub(super) fn into_samples(self) -> Vec<i16> {
        self.samples
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read() {
        let mut wave = Wave::new(8000);
        wave.extend([1, -2, 3]);
        wave.silence(0.5);
        let bytes = wave.to_bytes();
        let read = Wave::parse(&bytes).expect("a file");
        assert_eq!((read.rate(), read.into_samples()), (8000, wave.samples.clone()));
        assert_eq!(bytes.len(), 44 + 2 * 4003);
        for cut in 0..44 {
            assert!(Wave::parse(&bytes[..cut]).is_none(), "{cut}");
        }
        let duration =
            hyperframes_ci_core::media::Media::read(&hyperframes_ci_core::media::Edges::of(&bytes));
        let duration = duration.and_then(|media| media.duration).expect("a length");
        assert!((duration - wave.seconds()).abs() < 1e-6, "{duration}");
    }
}
