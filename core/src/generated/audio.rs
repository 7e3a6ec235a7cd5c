//! The formats of speech, by their first bytes: documents of the API disagree about them.

/// A format of audio.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AudioFormat {
    /// MPEG audio, layer 3.
    Mp3,
    /// RIFF WAVE.
    Wav,
}

impl AudioFormat {
    /// Returns the format of a file with these first bytes; `None` if it is neither.
    #[must_use]
    pub fn of(head: &[u8]) -> Option<Self> {
        match head {
            [b'R', b'I', b'F', b'F', _, _, _, _, b'W', b'A', b'V', b'E', ..] => Some(Self::Wav),
            [b'I', b'D', b'3', ..] => Some(Self::Mp3),
            // The sync word of a frame, and layer 3.
            [0xff, second, ..] if second & 0xe6 == 0xe2 => Some(Self::Mp3),
            _ => None,
        }
    }

    /// Returns the usual extension.
    #[must_use]
    pub fn extension(self) -> &'static str {
        match self {
            Self::Mp3 => "mp3",
            Self::Wav => "wav",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn formats_are_told_by_their_first_bytes() {
        assert_eq!(AudioFormat::of(b"RIFF\0\0\0\0WAVEfmt "), Some(AudioFormat::Wav));
        assert_eq!(AudioFormat::of(b"ID3\x04"), Some(AudioFormat::Mp3));
        assert_eq!(AudioFormat::of(b"\xff\xfb\x90"), Some(AudioFormat::Mp3));
        for other in [&b"<!doctype html>"[..], b"RIFF\0\0\0\0AVI ", b"\xff\xd8\xff", b"\xff\xf1", b""] {
            assert_eq!(AudioFormat::of(other), None, "{other:?}");
        }
    }
}
