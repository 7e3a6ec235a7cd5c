//! The length of sounds.

use super::edges::Edges;

/// Returns the length in seconds of a sound, if it is known; `None` if the file is not WAV, FLAC or MP3.
pub(super) fn duration(edges: &Edges) -> Option<Option<f64>> {
    let head = edges.head.as_slice();
    if head.starts_with(b"RIFF") && head.get(8..12) == Some(b"WAVE") {
        return Some(wav(edges));
    }
    if head.starts_with(b"fLaC") {
        return Some(flac(head));
    }
    let start = if head.starts_with(b"ID3") { 10 + synchsafe(head.get(6..10)?)? } else { 0 };
    // A cover may be larger than what is known.
    if start > 0 && start + 4 > head.len() {
        return Some(None);
    }
    let frame = Frame::read(head.get(start..)?);
    match (frame, start) {
        (Some(frame), _) => Some(frame.duration(edges, start)),
        (None, 0) => None,
        (None, _) => Some(None),
    }
}

/// Source: Multimedia Programming Interface and Data Specifications 1.0.
fn wav(edges: &Edges) -> Option<f64> {
    let head = edges.head.as_slice();
    let mut at = 12;
    let mut rate = None;
    loop {
        let length = u32::from_le_bytes(head.get(at + 4..at + 8)?.try_into().ok()?);
        match head.get(at..at + 4)? {
            b"fmt " => rate = Some(u32::from_le_bytes(head.get(at + 16..at + 20)?.try_into().ok()?)),
            b"data" => {
                // A stream does not know its length.
                let rest = edges.size.saturating_sub(at as u64 + 8);
                let bytes = u64::from(length).min(rest);
                return rate.filter(|rate| *rate > 0).map(|rate| bytes as f64 / f64::from(rate));
            }
            _ => {}
        }
        at = at.checked_add(8 + usize::try_from(length).ok()? + usize::try_from(length & 1).ok()?)?;
    }
}

/// Source: RFC 9639, section 8.2.
fn flac(head: &[u8]) -> Option<f64> {
    let info = head.get(8..26)?;
    let rate = u32::from_be_bytes([0, info[10], info[11], info[12]]) >> 4;
    let samples = u64::from(info[13] & 15) << 32
        | u64::from(u32::from_be_bytes([info[14], info[15], info[16], info[17]]));
    (rate > 0 && samples > 0).then(|| samples as f64 / f64::from(rate))
}

/// The header of an MP3 frame; source: ISO/IEC 11172-3 and 13818-3.
struct Frame {
    /// Bits per second.
    bits: u32,
    rate: u32,
    /// Samples per frame.
    samples: u32,
    /// The length in bytes of the frame's side information.
    side: usize,
    /// The number of frames in the file, if a header of Xing or LAME has it.
    count: Option<u32>,
}

impl Frame {
    fn read(bytes: &[u8]) -> Option<Self> {
        const RATES: [u32; 3] = [44_100, 48_000, 32_000];
        const FIRST: [u32; 15] = [0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320];
        const SECOND: [u32; 15] = [0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160];
        let [0xff, second, third, fourth] = *bytes.first_chunk::<4>()? else { return None };
        // Layer III only.
        if second & 0xe6 != 0xe2 {
            return None;
        }
        let version = second >> 3 & 3;
        let is_first = version == 3;
        let shift = match version {
            3 => 0,
            2 => 1,
            0 => 2,
            _ => return None,
        };
        let rate = RATES.get(usize::from(third >> 2 & 3))? >> shift;
        let bits = if is_first { FIRST } else { SECOND }.get(usize::from(third >> 4)).copied()?;
        let is_mono = fourth >> 6 == 3;
        let side = match (is_first, is_mono) {
            (true, false) => 32,
            (true, true) | (false, false) => 17,
            (false, true) => 9,
        };
        let mut frame =
            Self { bits: bits * 1000, rate, samples: if is_first { 1152 } else { 576 }, side, count: None };
        frame.count = frame.counted(bytes);
        (frame.bits > 0).then_some(frame)
    }

    fn counted(&self, bytes: &[u8]) -> Option<u32> {
        let header = bytes.get(4 + self.side..4 + self.side + 12)?;
        let has_count = header[7] & 1 == 1;
        let is_known = header.starts_with(b"Xing") || header.starts_with(b"Info");
        (is_known && has_count).then(|| u32::from_be_bytes([header[8], header[9], header[10], header[11]]))
    }

    /// Returns the length of a file whose first frame is at `start`.
    fn duration(&self, edges: &Edges, start: usize) -> Option<f64> {
        if let Some(count) = self.count {
            return Some(f64::from(count) * f64::from(self.samples) / f64::from(self.rate));
        }
        let bytes = edges.size.checked_sub(start as u64)?;
        Some(bytes as f64 * 8.0 / f64::from(self.bits))
    }
}

/// Reads the length of an ID3 tag.
fn synchsafe(bytes: &[u8]) -> Option<usize> {
    usize::try_from(bytes.iter().fold(0_u32, |value, byte| value << 7 | u32::from(byte & 0x7f))).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seconds(head: &[u8], size: u64) -> Option<Option<f64>> {
        duration(&Edges { size, head: head.to_vec(), tail: Vec::new() })
    }

    #[test]
    fn lengths_are_read() {
        // 128 kbit/s: 16,000 bytes per second.
        let frame = b"\xff\xfb\x90\x64";
        assert_eq!(seconds(frame, 32_000), Some(Some(2.0)));
        let mut counted = frame.to_vec();
        counted.resize(36, 0);
        counted.extend_from_slice(b"Xing\0\0\0\x01\0\0\x01\0");
        assert_eq!(seconds(&counted, 1), Some(Some(256.0 * 1152.0 / 44_100.0)));
        let tagged = [&b"ID3\x04\0\0\0\0\0\x02ab"[..], frame].concat();
        assert_eq!(seconds(&tagged, 16_012), Some(Some(1.0)));
        assert_eq!(seconds(b"ID3\x04\0\0\0\x7f\x7f\x7f", 9_000_000), Some(None), "a large cover");
        let flac = b"fLaC\0\0\0\x22\x10\0\x10\0\0\0\0\0\0\0\x0a\xc4\x42\xf0\0\0\xac\x44";
        assert_eq!(seconds(flac, 100), Some(Some(1.0)));
        assert_eq!(seconds(b"<svg>", 5), None);
        assert_eq!(seconds(b"\xff\xd8\xff\xe0", 5), None);
    }
}
