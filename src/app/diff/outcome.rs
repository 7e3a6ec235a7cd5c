//! The differences of two videos as a result for people and programs.

use std::path::Path;

use hyperframes_ci_core::diff::{ChangeKind, ChangedRange, Picture, Sound, Status};

use super::compare::{DiffOptions, DiffSide, Difference, Method, VideoDiff};
use crate::app::outcome::{
    ComparisonOutcome, DiffBox, DiffFrames, DiffPicture, DiffRange, DiffRegion, DiffSound, DiffSoundRange,
    DiffThresholds, DiffVideo,
};
use crate::ui::counted;

/// Ranges that a summary names.
const MAX_RANGES: usize = 3;

/// Returns the result of a comparison of the files `base` and `head`, unless they are temporary.
pub(super) fn comparison(
    name: &str,
    [base, head]: [Option<&Path>; 2],
    diff: &VideoDiff,
    options: &DiffOptions,
) -> ComparisonOutcome {
    let side = |path: Option<&Path>, side: &DiffSide| DiffVideo {
        path: path.map(Path::to_owned),
        video: side.video.clone(),
        frames: side.timeline.as_ref().map(hyperframes_ci_core::diff::Timeline::len),
        loudness: side.loudness,
    };
    let frames = |picture: &Picture| DiffFrames {
        compared: picture.compared,
        changed: picture.changed,
        faint: picture.faint,
        unmatched: diff.alignment.unmatched,
        only_base: diff.alignment.only_base,
        only_head: diff.alignment.only_head,
    };
    ComparisonOutcome {
        summary: summary(name, diff),
        reason: None,
        method: Some(match diff.method {
            Method::Files => "files",
            Method::Packets => "packets",
            Method::Frames => "frames",
            Method::Golden => "golden",
        }),
        differences: diff.differences.iter().map(|difference| difference.name()).collect(),
        base: Some(side(base, &diff.sides[0])),
        head: Some(side(head, &diff.sides[1])),
        frames: diff.picture.as_ref().map(frames),
        picture: diff.picture.as_ref().map(picture_outcome),
        sound: diff.sound.as_ref().map(sound_outcome),
        notes: diff.notes.clone(),
        ..without_videos(name, diff.status, options)
    }
}

/// Returns the result of a composition that was not compared, with the reason.
pub(super) fn not_compared(
    name: &str,
    status: Status,
    reason: &str,
    options: &DiffOptions,
) -> ComparisonOutcome {
    let summary = format!("{name}: {status}, {reason}");
    ComparisonOutcome { summary, reason: Some(reason.to_owned()), ..without_videos(name, status, options) }
}

fn without_videos(name: &str, status: Status, options: &DiffOptions) -> ComparisonOutcome {
    let region = |region: &hyperframes_ci_core::diff::Region| DiffRegion {
        region: region.to_string(),
        reason: region.reason().map(str::to_owned),
    };
    ComparisonOutcome {
        name: name.to_owned(),
        status: status.as_str(),
        summary: String::new(),
        reason: None,
        method: None,
        differences: Vec::new(),
        base: None,
        head: None,
        frames: None,
        picture: None,
        sound: None,
        thresholds: DiffThresholds {
            instant: options.thresholds.instant,
            sustained: options.thresholds.sustained,
            sound: options.thresholds.sound,
        },
        ignored: options.ignore.iter().map(region).collect(),
        notes: Vec::new(),
        images: None,
    }
}

fn picture_outcome(picture: &Picture) -> DiffPicture {
    DiffPicture {
        instant: rounded(picture.instant),
        sustained: rounded(picture.sustained),
        ignored: rounded(picture.ignored),
        ranges: picture.ranges.iter().map(range_outcome).collect(),
    }
}

fn range_outcome(range: &ChangedRange) -> DiffRange {
    let pixels = |around: &hyperframes_ci_core::diff::PixelBox| DiffBox {
        x: around.x,
        y: around.y,
        width: around.width,
        height: around.height,
    };
    DiffRange {
        kind: match range.kind {
            ChangeKind::Faint => "faint",
            ChangeKind::Changed => "changed",
        },
        start: rounded(range.start),
        end: rounded(range.end),
        frames: range.frames,
        peak: rounded(range.peak),
        instant: rounded(range.instant),
        sustained: rounded(range.sustained),
        boxes: range.boxes.iter().map(pixels).collect(),
    }
}

fn sound_outcome(sound: &Sound) -> DiffSound {
    let range = |range: &hyperframes_ci_core::diff::SoundRange| DiffSoundRange {
        start: rounded(range.start),
        end: rounded(range.end),
    };
    DiffSound {
        changed: sound.is_changed,
        difference: rounded(sound.difference),
        local: rounded(sound.local),
        band: rounded(sound.band),
        ranges: sound.ranges.iter().map(range).collect(),
    }
}

/// Rounds to thousandths.
fn rounded(value: f64) -> f64 {
    (value * 1000.0).round() / 1000.0
}

/// Returns one line about a comparison: `launch: changed, 9 of 60 frames, 1.20–1.50 s`.
fn summary(name: &str, diff: &VideoDiff) -> String {
    let mut parts = Vec::new();
    if let Some(picture) = diff.picture.as_ref().filter(|picture| !picture.ranges.is_empty()) {
        let changed = picture.changed + picture.faint;
        parts.push(format!("{changed} of {}", counted(picture.compared, "frame")));
        parts.push(ranges(picture.ranges.iter().map(|range| (range.start, range.end))));
    }
    let [base, head] = &diff.sides;
    for difference in &diff.differences {
        let both = |text: &dyn Fn(&DiffSide) -> String| format!("{} to {}", text(base), text(head));
        parts.push(match difference {
            Difference::Picture => continue,
            Difference::Sound => sound_summary(diff),
            Difference::Size => both(&|side| format!("{}x{}", side.video.width, side.video.height)),
            Difference::Duration => both(&|side| format!("{:.2} s", length(side))),
            Difference::Fps => both(&|side| {
                let rate = side.timeline.as_ref().map(hyperframes_ci_core::diff::Timeline::rate);
                format!("{} fps", rounded(rate.or(side.video.fps).unwrap_or(0.0)))
            }),
            Difference::Alpha if head.video.alpha => "transparency added".to_owned(),
            Difference::Alpha => "transparency removed".to_owned(),
            Difference::Display => {
                let differences = diff.display.iter().map(|display| {
                    let [base, head] = &display.values;
                    format!("{} {base} to {head}", display.name)
                });
                differences.collect::<Vec<_>>().join(", ")
            }
        });
    }
    let parts = parts.iter().map(|part| format!(", {part}")).collect::<String>();
    format!("{name}: {}{parts}", diff.status)
}

fn length(side: &DiffSide) -> f64 {
    let frames = side.timeline.as_ref().map(hyperframes_ci_core::diff::Timeline::end);
    frames.or(side.video.duration).unwrap_or(0.0)
}

fn sound_summary(diff: &VideoDiff) -> String {
    let has_sound = |side: &DiffSide| side.video.audio.is_some();
    match (&diff.sound, has_sound(&diff.sides[1])) {
        (Some(sound), _) if sound.ranges.is_empty() => {
            format!("sound differs by {:.1} dB", sound.difference)
        }
        (Some(sound), _) => {
            let times = ranges(sound.ranges.iter().map(|range| (range.start, range.end)));
            format!("sound differs by {:.1} dB, {times}", sound.difference.max(sound.local).max(sound.band))
        }
        (None, true) => "sound added".to_owned(),
        (None, false) => "sound removed".to_owned(),
    }
}

/// Formats ranges of time: `1.20–1.50 s`.
fn ranges(ranges: impl ExactSizeIterator<Item = (f64, f64)>) -> String {
    let more = ranges.len().saturating_sub(MAX_RANGES);
    let times = ranges.take(MAX_RANGES).map(|(start, end)| format!("{start:.2}–{end:.2}"));
    let times = times.collect::<Vec<_>>().join(", ");
    if more == 0 { format!("{times} s") } else { format!("{times} s and {more} more") }
}
