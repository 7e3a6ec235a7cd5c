//! The packets of a video: their times and hashes, without decoding.

use hyperframes_ci_core::diff::Timeline;
use hyperframes_ci_core::video::Video;

use super::error::DiffError;
use crate::system::programs::{Ffmpeg, FfmpegInput};

/// The first video track and the first sound track of a file.
#[derive(Clone, Debug)]
pub(super) struct Packets {
    /// The frames in time.
    pub(super) timeline: Timeline,
    /// Hashes of everything that decodes to the picture, with its times.
    pub(super) video: String,
    /// The same of the sound; `None` without a track.
    pub(super) sound: Option<String>,
}

impl Packets {
    /// Reads the packets of a file.
    ///
    /// # Errors
    /// Returns [`DiffError::Unreadable`] or [`DiffError::Decode`] if FFmpeg fails.
    pub(super) fn read(ffmpeg: &Ffmpeg, input: &FfmpegInput, video: &Video) -> Result<Self, DiffError> {
        let arguments =
            ["-map", "0:v:0", "-map", "0:a:0?", "-c", "copy", "-f", "framehash", "-hash", "SHA256", "pipe:1"];
        let printed = ffmpeg.run((&[], input), &arguments);
        let (printed, _) = printed.map_err(|error| DiffError::of_ffmpeg(&input.path, error))?;
        Ok(Self::parse(&String::from_utf8_lossy(&printed), video))
    }

    /// Parses the output of FFmpeg's format `framehash`.
    fn parse(printed: &str, video: &Video) -> Self {
        let mut times = Vec::new();
        let mut tracks = [String::new(), String::new()];
        let mut base = 1.0;
        for line in printed.lines() {
            let Some(track) = track_of(line).and_then(|track| tracks.get_mut(track)) else { continue };
            track.extend([line, "\n"]);
            if let Some(rational) = line.strip_prefix("#tb 0:") {
                base = seconds(rational).unwrap_or(1.0);
            } else if line.starts_with('0') {
                let at = line.split(',').nth(2).and_then(|time| time.trim().parse::<i64>().ok());
                // What an edit list skips is before the start.
                times.extend(at.filter(|at| *at >= 0).map(|at| at as f64 * base));
            }
        }
        let interval = video.fps.map_or(1.0 / 30.0, |fps| 1.0 / fps);
        let [video, sound] = tracks;
        Self {
            timeline: Timeline::new(times, interval),
            video,
            sound: Some(sound).filter(|sound| !sound.is_empty()),
        }
    }
}

/// Returns the track that a line is about: `#tb 0: 1/15360` or `0, 0, 1024, 512, 3423, …`.
fn track_of(line: &str) -> Option<usize> {
    let number = match line.strip_prefix('#') {
        Some(header) => header.split_once(':')?.0.split_whitespace().nth(1)?,
        None => line.split_once(',')?.0,
    };
    number.trim().parse().ok()
}

/// Parses the length of a tick: `1/15360`.
fn seconds(rational: &str) -> Option<f64> {
    let (numerator, denominator) = rational.trim().split_once('/')?;
    let (numerator, denominator) = (numerator.parse::<f64>().ok()?, denominator.parse::<f64>().ok()?);
    (denominator > 0.0).then(|| numerator / denominator)
}

#[cfg(test)]
mod tests {
    use hyperframes_ci_core::video::Container;

    use super::*;

    #[test]
    fn times_and_tracks_are_read() {
        let video = Video {
            container: Container::Mp4,
            codec: "h264".to_owned(),
            width: 16,
            height: 16,
            fps: Some(25.0),
            duration: None,
            alpha: false,
            audio: None,
        };
        let printed = "#format: frame checksums\n#hash: SHA256\n#extradata 0:  41, ab\n#tb 0: 1/100\n\
            #media_type 0: video\n#tb 1: 1/16000\n0, -4, -4, 4, 10, aa\n1, 0, 0, 1024, 9, bb\n\
            0, 0, 0, 4, 10, cc\n0, 4, 8, 4, 10, dd\n0, 8, 4, 4, 10, ee\n";
        let packets = Packets::parse(printed, &video);
        assert_eq!((packets.timeline.len(), packets.timeline.end()), (3, 0.12));
        assert_eq!(packets.sound.as_deref(), Some("#tb 1: 1/16000\n1, 0, 0, 1024, 9, bb\n"));
        assert!(packets.video.starts_with("#extradata 0:  41, ab\n#tb 0: 1/100\n"));
        assert_eq!(Packets::parse("", &video).sound, None);
    }
}
