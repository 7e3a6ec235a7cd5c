//! Compares a rendered video with the request.

use std::fmt;
use std::fs::File;
use std::io::Read;
use std::path::Path;

use crate::fault::Fault;
use crate::system::output_parts::PLAYLIST;
use crate::ui::Console;
use hyperframes_ci_core::options::{Format, FrameRate};
use hyperframes_ci_core::video::{Container, Expected, Playlist, Video, VideoError, sound, sound_of_segment};

/// Length of the start of a segment that is searched for sound, in bytes.
const SEGMENT_HEAD: u64 = 64 * 1024;

/// The properties of a video, and how they differ from the request.
#[derive(Debug)]
pub(crate) struct Verified {
    video: Option<Video>,
    mismatches: Vec<String>,
}

/// The video does not match the request.
#[derive(Clone, Debug)]
pub(crate) struct Mismatch(pub(crate) Vec<String>);

impl fmt::Display for Mismatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the video does not match the request: {}", self.0.join("; "))
    }
}

impl Fault for Mismatch {
    fn code(&self) -> &str {
        "output_mismatch"
    }

    fn help(&self) -> Option<String> {
        Some("the video was saved; without --verify, this is a warning".to_owned())
    }
}

/// Reads the headers of the video at `path` and compares them with `expected`.
pub(crate) fn verify(path: &Path, expected: &Expected) -> Verified {
    match File::open(path).map_err(VideoError::from).and_then(|mut file| Video::read(&mut file)) {
        Ok(video) => {
            let mismatches = expected.mismatches(&video);
            Verified { video: Some(video), mismatches }
        }
        Err(error) => Verified { video: None, mismatches: vec![error.to_string()] },
    }
}

/// Reads the files of a directory of frames or segments and compares them with `expected`. Its format is known to be the requested
/// one.
pub(crate) fn verify_folder(folder: &Path, expected: &Expected) -> Verified {
    let video = match expected.format {
        Some(Format::PngSequence) => frames(folder, expected.fps.unwrap_or(FrameRate::from(30))),
        _ => stream(folder),
    };
    match video {
        Ok(video) => Verified { mismatches: expected.mismatches(&video), video: Some(video) },
        Err(problem) => Verified { video: None, mismatches: vec![problem] },
    }
}

/// Returns the properties of numbered frames, which are shown at a rate that no file says.
fn frames(folder: &Path, rate: FrameRate) -> Result<Video, String> {
    let frame = |number: u64| folder.join(format!("frame_{number:06}.png"));
    let count = (1..).take_while(|number| frame(*number).is_file()).count();
    let mut head = [0; 26];
    let read = File::open(frame(1)).and_then(|mut file| file.read_exact(&mut head));
    read.map_err(|error| format!("cannot read the first frame: {error}"))?;
    if !head.starts_with(b"\x89PNG\r\n\x1a\n") {
        return Err("the first frame is not a PNG".to_owned());
    }
    let side = |at: usize| u32::from_be_bytes([head[at], head[at + 1], head[at + 2], head[at + 3]]);
    #[expect(clippy::cast_precision_loss, reason = "far below 2^53 frames")]
    let duration = count as f64 / rate.per_second();
    let audio = File::open(folder.join("audio.m4a")).ok();
    Ok(Video {
        container: Container::PngSequence,
        codec: "png".to_owned(),
        width: side(16),
        height: side(20),
        fps: Some(rate.per_second()),
        duration: Some(duration),
        // Kinds of pixels with opacity; source: the PNG specification.
        alpha: matches!(head[25], 4 | 6),
        audio: audio.and_then(|mut file| sound(&mut file)),
    })
}

/// Returns the properties of a stream: its playlists, and that every segment exists.
fn stream(folder: &Path) -> Result<Video, String> {
    let playlist = |name: &str| -> Result<Playlist, String> {
        let text = std::fs::read_to_string(folder.join(name));
        let text = text.map_err(|error| format!("cannot read {name}: {error}"))?;
        Playlist::parse(&text).map_err(|error| format!("{name} is {error}"))
    };
    let master = playlist(PLAYLIST)?;
    let mut duration = None;
    let mut audio = None;
    for name in &master.files {
        let media = playlist(name)?;
        if !media.is_complete {
            return Err(format!("{name} has no end"));
        }
        let missing = media.files.iter().find(|segment| !folder.join(segment).is_file());
        if let Some(segment) = missing {
            return Err(format!("{name} lists a missing segment: {segment}"));
        }
        let mut head = Vec::new();
        if let Some(Ok(file)) = media.files.first().map(|segment| File::open(folder.join(segment))) {
            let _ = file.take(SEGMENT_HEAD).read_to_end(&mut head);
        }
        audio = audio.or_else(|| sound_of_segment(&head));
        if name == "video.m3u8" {
            duration = Some(media.duration);
        }
    }
    let video = duration.and_then(|duration| master.video(duration, audio));
    video.ok_or_else(|| format!("{PLAYLIST} has no video"))
}

impl Verified {
    /// Returns the properties of the video and the mismatches.
    pub(crate) fn into_parts(self) -> (Option<Video>, Vec<String>) {
        (self.video, self.mismatches)
    }

    /// Returns the duration of the video in seconds.
    pub(crate) fn duration(&self) -> Option<f64> {
        self.video.as_ref()?.duration
    }

    /// Prints each mismatch as a warning.
    pub(crate) fn warn(&self, console: &mut Console) {
        for mismatch in &self.mismatches {
            console.warning(&format!("the video does not match the request: {mismatch}"));
        }
    }

    /// Checks that the video matches the request.
    ///
    /// # Errors
    /// Returns [`Mismatch`] if it does not.
    pub(crate) fn check(&self) -> Result<(), Mismatch> {
        if self.mismatches.is_empty() { Ok(()) } else { Err(Mismatch(self.mismatches.clone())) }
    }
}

/// Formats the video as `, h264 1280x720 30 fps 2 s`, or as an empty string if its headers could not be read.
impl fmt::Display for Verified {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some(video) = &self.video else { return Ok(()) };
        let number = |value: Option<f64>, unit: &str| {
            value.map(|value| format!(" {}{unit}", (value * 100.0).round() / 100.0)).unwrap_or_default()
        };
        let audio = video.audio.as_ref().map(|audio| format!(" + {}", audio.codec)).unwrap_or_default();
        write!(
            f,
            ", {} {}x{}{}{}{}{audio}",
            video.codec,
            video.width,
            video.height,
            number(video.fps, " fps"),
            number(video.duration, " s"),
            if video.alpha { " alpha" } else { "" },
        )
    }
}
