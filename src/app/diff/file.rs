//! A video that is compared.

use std::io::{self, Read, Seek};
use std::path::Path;

use hyperframes_ci_core::diff::FrameFormat;
use hyperframes_ci_core::video::{Placement, Video, VideoError, check_whole};

use super::error::DiffError;
use crate::system::gate::{self, Reach};
use crate::system::programs::FfmpegInput;

/// Largest width and height in pixels: a frame of both takes 100 MB.
const MAX_EDGE: u32 = 8192;

/// Bytes of a file in which the encoder's settings are searched: they are in the first frame.
const SETTINGS_LENGTH: u64 = 1024 * 1024;

/// Settings of x264 that depend on the machine.
const MACHINE_SETTINGS: &[&str] = &["threads=", "lookahead_threads=", "sliced_threads=", "cpu_independent="];

/// A video file and its properties.
#[derive(Clone, Debug)]
pub(super) struct VideoFile {
    pub(super) input: FfmpegInput,
    pub(super) video: Video,
    pub(super) placement: Placement,
    /// Size in bytes.
    pub(super) size: u64,
    /// Settings of the encoder, if the file contains them.
    pub(super) settings: Option<String>,
}

impl VideoFile {
    /// Reads the headers of a file.
    ///
    /// # Errors
    /// Returns [`DiffError::Unreadable`] if it cannot be read, [`DiffError::Video`] if it is not a complete video, and
    /// [`DiffError::TooLarge`] if its frames are too large.
    pub(super) fn open(path: &Path, reach: &Reach) -> Result<Self, DiffError> {
        let unreadable = |error| DiffError::Unreadable(path.to_owned(), error);
        let invalid = |error| match error {
            VideoError::Read(error) => DiffError::Unreadable(path.to_owned(), error),
            error => DiffError::Video(path.to_owned(), error),
        };
        let mut file = gate::open(path, reach).map_err(unreadable)?;
        let size = file.metadata().map_err(unreadable)?.len();
        let video = Video::read(&mut file).map_err(invalid)?;
        check_whole(&mut file).map_err(invalid)?;
        let placement = Placement::read(&mut file).map_err(invalid)?;
        if video.width == 0 || video.height == 0 {
            return Err(DiffError::NoFrames(path.to_owned()));
        }
        if video.width > MAX_EDGE || video.height > MAX_EDGE {
            return Err(DiffError::TooLarge(path.to_owned(), video.width, video.height));
        }
        file.rewind().map_err(unreadable)?;
        let mut head = Vec::new();
        (&file).take(SETTINGS_LENGTH).read_to_end(&mut head).map_err(unreadable)?;
        let settings = encoder_settings(&head);
        let input = FfmpegInput { path: path.to_owned(), reach: reach.clone(), container: video.container };
        Ok(Self { input, video, placement, size, settings })
    }

    /// Returns whether both files have the same bytes.
    ///
    /// # Errors
    /// Returns [`DiffError::Unreadable`].
    pub(super) fn equals(&self, other: &Self) -> Result<bool, DiffError> {
        if self.size != other.size {
            return Ok(false);
        }
        let open = |file: &Self| {
            let opened = gate::open(&file.input.path, &file.input.reach);
            opened.map_err(|error| DiffError::Unreadable(file.input.path.clone(), error))
        };
        let (mut base, mut head) = (open(self)?, open(other)?);
        let unreadable = |error| DiffError::Unreadable(self.input.path.clone(), error);
        equal_bytes(&mut base, &mut head).map_err(unreadable)
    }

    /// Returns the format of its frames, as they are decoded for the comparison.
    pub(super) fn format(&self, has_alpha: bool) -> FrameFormat {
        FrameFormat { width: self.video.width, height: self.video.height, has_alpha }
    }
}

fn equal_bytes(base: &mut impl Read, head: &mut impl Read) -> io::Result<bool> {
    const LENGTH: u64 = 1024 * 1024;
    let (mut first, mut second) = (Vec::new(), Vec::new());
    loop {
        first.clear();
        second.clear();
        let length = base.by_ref().take(LENGTH).read_to_end(&mut first)?;
        head.by_ref().take(LENGTH).read_to_end(&mut second)?;
        if first != second || length == 0 {
            return Ok(first == second);
        }
    }
}

/// Returns the settings that x264 writes into the first frame.
fn encoder_settings(bytes: &[u8]) -> Option<String> {
    let find = |bytes: &[u8], text: &[u8]| bytes.windows(text.len()).position(|window| window == text);
    let start = find(bytes, b"x264 - core ")?;
    let text = bytes[start..].split(|byte| *byte == 0).next()?;
    let text = String::from_utf8_lossy(text.get(..text.len().min(4096))?).into_owned();
    let (_, options) = text.split_once("options: ")?;
    let is_kept = |option: &&str| {
        option.contains('=') && !MACHINE_SETTINGS.iter().any(|prefix| option.starts_with(prefix))
    };
    Some(options.split_whitespace().filter(is_kept).collect::<Vec<_>>().join(" "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_are_those_that_do_not_depend_on_the_machine() {
        let bytes = b"\0\0mdat..x264 - core 164 r3095 - H.264 - options: cabac=1 threads=2 crf=18.0 ip_ratio=1.40\0..";
        assert_eq!(encoder_settings(bytes).as_deref(), Some("cabac=1 crf=18.0 ip_ratio=1.40"));
        assert_eq!(encoder_settings(b"another encoder"), None);
    }
}
