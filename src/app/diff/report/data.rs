//! What the page's script knows about a comparison.

use hyperframes_ci_core::diff::{ChangeKind, ChangedRange, Region, SoundRange, Timeline};
use serde::Serialize;

use super::super::compare::DiffSide;
use super::super::file::VideoFile;
use super::super::{Compared, sound};
use crate::system::programs::Ffmpeg;

/// Columns of the strip and of the sound levels.
const COLUMNS: usize = 1000;

/// A comparison with a viewer.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ViewerData {
    index: usize,
    width: u32,
    height: u32,
    fps: f64,
    /// Seconds of the base and of the head.
    lengths: [f64; 2],
    sources: [String; 2],
    has_sound: [bool; 2],
    /// Largest difference for each column of the common part, as a multiple of the threshold.
    profile: Vec<f32>,
    ranges: Vec<Range>,
    sound: Vec<Times>,
    ignored: Vec<Ignored>,
    /// Levels of both sounds in dB, if they differ.
    levels: Option<[Vec<f32>; 2]>,
}

#[derive(Debug, Serialize)]
struct Range {
    start: f64,
    end: f64,
    peak: f64,
    kind: &'static str,
    boxes: Vec<[u32; 4]>,
}

#[derive(Debug, Serialize)]
struct Times {
    start: f64,
    end: f64,
}

#[derive(Debug, Serialize)]
struct Ignored {
    from: f64,
    to: Option<f64>,
    rectangle: [f64; 4],
}

impl ViewerData {
    pub(super) fn new(index: usize, compared: &Compared, ignored: &[Region], sources: [String; 2]) -> Self {
        let Compared { files, diff, .. } = compared;
        let [base, head] = &diff.sides;
        let (width, height) = (head.video.width, head.video.height);
        let rate = |side: &DiffSide| side.timeline.as_ref().map(Timeline::rate).or(side.video.fps);
        let length = |side: &DiffSide| {
            side.timeline.as_ref().map(Timeline::end).or(side.video.duration).unwrap_or(0.0)
        };
        let has_other_sound = diff.sound.as_ref().is_some_and(|sound| sound.is_changed);
        let ffmpeg = Ffmpeg::find().ok().filter(|_| has_other_sound);
        let levels = ffmpeg.and_then(|ffmpeg| levels(&ffmpeg, &files[0]).zip(levels(&ffmpeg, &files[1])));
        let picture = diff.picture.as_ref();
        Self {
            index,
            width,
            height,
            fps: rate(base).unwrap_or(30.0).max(rate(head).unwrap_or(30.0)),
            lengths: [length(base), length(head)],
            sources,
            has_sound: [base.video.audio.is_some(), head.video.audio.is_some()],
            profile: picture.map(|picture| columns(&picture.profile)).unwrap_or_default(),
            ranges: picture.into_iter().flat_map(|picture| &picture.ranges).map(range).collect(),
            sound: diff.sound.iter().flat_map(|sound| &sound.ranges).map(times).collect(),
            ignored: ignored
                .iter()
                .map(|region| Ignored {
                    from: region.from(),
                    to: region.to(),
                    rectangle: region.rectangle(width, height),
                })
                .collect(),
            levels: levels.map(|(base, head)| [base, head]),
        }
    }
}

fn range(range: &ChangedRange) -> Range {
    Range {
        start: range.start,
        end: range.end,
        peak: range.peak,
        kind: if range.kind == ChangeKind::Changed { "changed" } else { "faint" },
        boxes: range.boxes.iter().map(|around| [around.x, around.y, around.width, around.height]).collect(),
    }
}

fn times(range: &SoundRange) -> Times {
    Times { start: range.start, end: range.end }
}

/// Returns the levels of all channels together, for each column.
fn levels(ffmpeg: &Ffmpeg, file: &VideoFile) -> Option<Vec<f32>> {
    let levels = sound::levels(ffmpeg, file, 1).ok()?;
    levels.first().map(|levels| columns(levels.as_slice()))
}

/// Returns at most [`COLUMNS`] values: the largest of each column.
fn columns(values: &[f32]) -> Vec<f32> {
    let count = values.len().min(COLUMNS);
    let column = |number: usize| {
        let part = &values[number * values.len() / count..((number + 1) * values.len()).div_ceil(count)];
        let largest = part.iter().copied().fold(f32::MIN, f32::max);
        (largest * 100.0).round() / 100.0
    };
    (0..count).map(column).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_column_has_the_largest_of_its_values() {
        let mut values = vec![0.0; 2500];
        values[1234] = 7.0;
        let columns = columns(&values);
        assert_eq!((columns.len(), columns[493]), (1000, 7.0));
        assert!(super::columns(&[]).is_empty());
        assert_eq!(super::columns(&[1.0, 2.0]), [1.0, 2.0]);
    }
}
