//! Checks that a fragmented MP4 is complete. Each fragment is complete in itself, so a file that is truncated between two
//! fragments is valid; only the durations and sizes that the start of the file declares reveal it.

use std::io::{Read, Seek};

use super::model::VideoError;
use super::mp4::{Atom, Reader, check_whole};

const MISSING: VideoError = VideoError::Damaged("its last fragments are missing");

/// Returns whether a video of `seconds` is shorter than promised, with a tolerance for the ends of tracks.
pub(super) fn is_shorter(seconds: f64, promised: f64) -> bool {
    promised - seconds > 0.25 + promised * 0.01
}

/// Checks as [`super::check_whole`] does, and that no fragment is missing: by the indexes (`sidx`), the duration of the movie
/// (`mehd`, `mvhd`), or otherwise by the expected `duration` in seconds.
///
/// # Errors
/// Returns [`VideoError::Damaged`] if the file is truncated or fragments are missing.
pub(super) fn check(
    file: &mut (impl Read + Seek),
    duration: Option<f64>,
    end: u64,
) -> Result<(), VideoError> {
    let reader = &mut Reader::new(file);
    let (top, mut movie) = check_whole(reader, end)?;
    if !movie.is_fragmented {
        return Ok(());
    }
    let last = |kind: &[u8; 4]| top.iter().rposition(|atom| atom.kind == *kind);
    if last(b"moof") > last(b"mdat") {
        return Err(VideoError::Damaged("its last fragment has no media"));
    }
    for sidx in top.iter().filter(|atom| atom.kind == *b"sidx") {
        if indexed_end(reader, *sidx)? > end {
            return Err(MISSING);
        }
    }
    for moof in top.iter().filter(|atom| atom.kind == *b"moof") {
        reader.fragment(*moof, &mut movie)?;
    }
    let seconds = |ticks: u64, timescale: u32| {
        if timescale > 0 { ticks as f64 / f64::from(timescale) } else { 0.0 }
    };
    let present = movie.tracks.iter().map(|track| seconds(track.ticks, track.timescale)).fold(0.0, f64::max);
    if present == 0.0 {
        return Err(VideoError::Damaged("it has no frames"));
    }
    let declared = seconds(movie.fragments_duration, movie.timescale);
    // Some writers declare the duration of the first fragment as that of the movie.
    let estimate = || seconds(movie.duration, movie.timescale).max(duration.unwrap_or_default());
    let promised = if declared > 0.0 { declared } else { estimate() };
    if is_shorter(present, promised) { Err(MISSING) } else { Ok(()) }
}

/// Returns the offset where the last subsegment of an index ends; source: ISO/IEC 14496-12, section 8.16.3.
fn indexed_end(reader: &mut Reader<'_, impl Read + Seek>, sidx: Atom) -> Result<u64, VideoError> {
    let is_long = reader.at::<1>(sidx.start)? != [0];
    let (first, table) = if is_long {
        (u64::from_be_bytes(reader.at(sidx.start + 20)?), sidx.start + 28)
    } else {
        (u64::from(reader.u32(sidx.start + 16)?), sidx.start + 20)
    };
    let count = u64::from(u16::from_be_bytes(reader.at(table + 2)?));
    let room = sidx.end.saturating_sub(table + 4) / 12;
    let mut end = sidx.end.saturating_add(first);
    for index in 0..count.min(room) {
        let size = reader.u32(table + 4 + index * 12)? & 0x7fff_ffff;
        end = end.saturating_add(u64::from(size));
    }
    Ok(end)
}
