//! Decoding of sound to levels.

use std::io::Read;

use hyperframes_ci_core::diff::{Levels, SAMPLE_RATE, Sound, compare_sound};

use super::error::DiffError;
use super::file::VideoFile;
use crate::system::programs::{Ffmpeg, FfmpegError};

/// Seconds of sound that are compared at most, a day: a file of a few bytes can say that its sound begins in a year.
const MAX_SECONDS: &str = "86400";

/// Maximum number of channels that are compared by themselves; of more, a stereo mix is compared.
const MAX_CHANNELS: u32 = 2;

/// Compares the sound of two videos that have some.
///
/// # Errors
/// Returns [`DiffError`] if FFmpeg cannot decode one of them.
pub(super) fn compare(
    ffmpeg: &Ffmpeg,
    base: &VideoFile,
    head: &VideoFile,
    threshold: f64,
) -> Result<Sound, DiffError> {
    let channels = channels(base).min(channels(head));
    let (base, head) = std::thread::scope(|scope| {
        let base = scope.spawn(|| levels(ffmpeg, base, channels));
        let head = levels(ffmpeg, head, channels);
        (base.join().unwrap_or_else(|_| Ok(Vec::new())), head)
    });
    Ok(compare_sound(&base?, &head?, threshold))
}

/// Returns the number of channels of a video that are compared.
pub(super) fn channels(file: &VideoFile) -> u32 {
    file.video.audio.as_ref().map_or(1, |audio| audio.channels).clamp(1, MAX_CHANNELS)
}

/// Returns the levels of each channel.
pub(super) fn levels(ffmpeg: &Ffmpeg, file: &VideoFile, channels: u32) -> Result<Vec<Levels>, DiffError> {
    let unreadable = |error| DiffError::Unreadable(file.input.path.clone(), error);
    let (count, rate) = (channels.to_string(), SAMPLE_RATE.to_string());
    // A track that starts late is silent before.
    let arguments = [
        "-map",
        "0:a:0",
        "-af",
        "aresample=async=1:first_pts=0",
        "-t",
        MAX_SECONDS,
        "-ac",
        &count,
        "-ar",
        &rate,
        "-f",
        "s16le",
        "pipe:1",
    ];
    let mut stream = ffmpeg.start((&[], &file.input), &arguments).map_err(unreadable)?;
    let mut levels = vec![Levels::default(); channels as usize];
    let mut buffer = vec![0; 64 * 1024];
    let mut filled = 0;
    loop {
        let read = stream.read(&mut buffer[filled..]).map_err(unreadable)?;
        if read == 0 {
            break;
        }
        filled += read;
        let whole = filled - filled % (2 * levels.len());
        for samples in buffer[..whole].chunks_exact(2 * levels.len()) {
            for (levels, sample) in levels.iter_mut().zip(samples.as_chunks::<2>().0) {
                levels.push(i16::from_le_bytes(*sample));
            }
        }
        buffer.copy_within(whole..filled, 0);
        filled -= whole;
    }
    let exited = stream.finish().map_err(unreadable)?;
    if !exited.status.success() {
        return Err(DiffError::of_ffmpeg(&file.input.path, FfmpegError::Failed(exited.output)));
    }
    Ok(levels.into_iter().map(Levels::finish).collect())
}

/// Returns the integrated loudness in LUFS, by EBU R 128; `None` of silence.
pub(super) fn loudness(ffmpeg: &Ffmpeg, file: &VideoFile) -> Option<f64> {
    let arguments =
        ["-map", "0:a:0", "-af", "ebur128=framelog=quiet", "-v", "info", "-nostats", "-f", "null", "-"];
    let (_, lines) = ffmpeg.run((&[], &file.input), &arguments).ok()?;
    let line = lines.iter().rev().find_map(|line| line.trim().strip_prefix("I:"))?;
    let value = line.split_whitespace().next()?.parse::<f64>().ok()?;
    (value > -70.0).then_some(value)
}
