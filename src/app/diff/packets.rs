//! The packets of a video: their times and hashes, without decoding.

use std::io::{self, BufRead, BufReader};

use hyperframes_ci_core::diff::Timeline;
use hyperframes_ci_core::video::Video;
use sha2::{Digest, Sha256};

use super::display::Display;
use super::error::DiffError;
use super::file::VideoFile;
use crate::system::programs::{Ffmpeg, FfmpegError};

/// The first video track and the first sound track of a file.
#[derive(Clone, Debug)]
pub(super) struct Packets {
    /// The frames in time.
    pub(super) timeline: Timeline,
    /// Length of a tick of the picture, in seconds.
    tick: f64,
    /// Everything that decodes to the picture, with its times.
    pub(super) video: Track,
    /// The same of the sound; `None` without a track.
    pub(super) sound: Option<Track>,
    /// How players show the picture.
    pub(super) display: Display,
}

/// The packets of a track in the order of their decoding.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Track {
    /// What the decoder must know before.
    header: String,
    packets: Vec<Packet>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Packet {
    /// Presentation time in ticks.
    time: i64,
    /// The start of a digest of the contents and all times.
    digest: [u8; 16],
}

impl Packets {
    /// Reads the packets of a file.
    ///
    /// # Errors
    /// Returns [`DiffError::Unreadable`] or [`DiffError::Decode`] if FFmpeg fails.
    pub(super) fn read(ffmpeg: &Ffmpeg, file: &VideoFile) -> Result<Self, DiffError> {
        let arguments =
            ["-map", "0:v:0", "-map", "0:a:0?", "-c", "copy", "-f", "framehash", "-hash", "SHA256", "pipe:1"];
        let input = &file.input;
        let unreadable = |error| DiffError::Unreadable(input.path.clone(), error);
        let mut stream = ffmpeg.start_describing((&[], input), &arguments).map_err(unreadable)?;
        let packets = Self::parse(BufReader::new(&mut stream), &file.video).map_err(unreadable)?;
        let (exited, lines) = stream.finish_with_lines().map_err(unreadable)?;
        if !exited.status.success() {
            let errors = exited.output.iter().filter_map(|line| error_of(line)).collect();
            return Err(DiffError::of_ffmpeg(&input.path, FfmpegError::Failed(errors)));
        }
        let header = packets.video.header.lines();
        let shape = header.filter_map(|line| line.strip_prefix("#sar 0: ")).next();
        let display = Display::new(&lines, shape.map(str::trim), &file.placement);
        Ok(Self { display, ..packets })
    }

    /// Returns the number of frames at the start that are equal for certain: those before all frames of the first packet that
    /// differs, and of the ones behind it, which may depend on it.
    pub(super) fn equal_frames(&self, other: &Self) -> usize {
        if self.video.header != other.video.header {
            return 0;
        }
        let tracks = [&self.video.packets, &other.video.packets];
        let equal = tracks[0].iter().zip(tracks[1]).take_while(|(packet, other)| packet == other).count();
        let first = tracks.iter().flat_map(|packets| &packets[equal..]).map(|packet| packet.time).min();
        let frames = self.timeline.times();
        first.map_or(frames.len(), |first| {
            let first = first as f64 * self.tick;
            frames.partition_point(|time| *time < first - self.tick / 2.0)
        })
    }

    /// Parses the output of FFmpeg's format `framehash`.
    fn parse(printed: impl BufRead, video: &Video) -> io::Result<Self> {
        let mut tracks = [Track::default(), Track::default()];
        let mut tick = 1.0;
        for line in printed.lines() {
            let line = line?;
            let Some(track) = track_of(&line).and_then(|track| tracks.get_mut(track)) else { continue };
            if line.starts_with('#') {
                track.header.extend([&line, "\n"]);
                tick = line.strip_prefix("#tb 0:").and_then(seconds).unwrap_or(tick);
                continue;
            }
            let mut digest = [0; 16];
            digest.copy_from_slice(&Sha256::digest(&line)[..16]);
            // A packet without a time has none that a frame could have.
            track.packets.push(Packet { time: time_of(&line).unwrap_or(i64::MIN), digest });
        }
        let interval = video.fps.map_or(1.0 / 30.0, |fps| 1.0 / fps);
        let [video, sound] = tracks;
        // What an edit list skips is before the start.
        let times = video.packets.iter().filter(|packet| packet.time >= 0);
        let times = times.map(|packet| packet.time as f64 * tick).collect();
        Ok(Self {
            timeline: Timeline::new(times, interval),
            tick,
            video,
            sound: Some(sound).filter(|sound| *sound != Track::default()),
            display: Display::default(),
        })
    }
}

/// Returns what FFmpeg says in a line that is about an error: `[mov @ 0x55dc3d409900] [error] moov atom not found`.
fn error_of(line: &str) -> Option<String> {
    let levels = ["[error] ", "[fatal] ", "[panic] "];
    levels
        .iter()
        .any(|level| line.contains(level))
        .then(|| levels.iter().fold(line.to_owned(), |line, level| line.replacen(level, "", 1)))
}

/// Returns the track that a line is about: `#tb 0: 1/15360` or `0, 0, 1024, 512, 3423, …`.
fn track_of(line: &str) -> Option<usize> {
    let number = match line.strip_prefix('#') {
        Some(header) => header.split_once(':')?.0.split_whitespace().nth(1)?,
        None => line.split_once(',')?.0,
    };
    number.trim().parse().ok()
}

/// Returns the presentation time of a packet, in ticks.
fn time_of(line: &str) -> Option<i64> {
    line.split(',').nth(2)?.trim().parse().ok()
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
        let parse = |printed: &str| Packets::parse(printed.as_bytes(), &video).expect("text");
        let packets = parse(printed);
        assert_eq!((packets.timeline.len(), packets.timeline.end()), (3, 0.12));
        let [picture, sound] = [&packets.video, packets.sound.as_ref().expect("a track")];
        assert_eq!(sound.header, "#tb 1: 1/16000\n");
        assert_eq!(picture.header, "#extradata 0:  41, ab\n#tb 0: 1/100\n#media_type 0: video\n");
        assert_eq!((picture.packets.len(), sound.packets.len()), (4, 1));
        assert_eq!(parse("").sound, None);
        // A frame that is shown before one that differs is equal, unless its packet is behind.
        let equal = |from: &str, to: &str| packets.equal_frames(&parse(&printed.replace(from, to)));
        assert_eq!(equal("dd", "dx"), 1, "the frame at 4 comes behind the one at 8");
        assert_eq!(equal("ee", "ex"), 1);
        assert_eq!(equal("0, 8, 4, 4, 10, ee", "0, 8, 12, 4, 10, ee"), 1);
        assert_eq!((equal("cc", "cx"), equal("41, ab", "41, ac"), equal("bb", "bx")), (0, 0, 3));
        assert_eq!(equal("0, 8, 4, 4, 10, ee\n", ""), 1);
    }
}
