//! The strip: when videos differ, and by how much.

use hyperframes_ci_core::diff::{ChangeKind, Region};

use super::super::compare::{DiffSide, VideoDiff};
use super::canvas::{Area, Canvas, Color};

/// Size in pixels.
const WIDTH: usize = 1000;
const HEIGHT: usize = 52;

/// Height of the baseline.
const BASELINE: usize = 6;

/// Height of the lane of the sound.
const SOUND_LANE: usize = 8;

/// Least width of a change.
const MIN_WIDTH: usize = 6;

/// How many times the threshold has the full height.
const FULL: f64 = 32.0;

const NOTHING: Color = [0, 0, 0, 0];
const MEASURED: Color = [46, 160, 67, 255];
const CHANGED: Color = [207, 34, 46, 255];
const FAINT: Color = [212, 133, 14, 255];
const ONLY_ONE: Color = [130, 80, 223, 255];
const IGNORED: Color = [110, 118, 129, 255];
const SOUND: Color = [9, 105, 218, 255];

/// Draws the strip of a comparison.
pub(super) fn strip(diff: &VideoDiff, ignored: &[Region]) -> Canvas {
    let mut canvas = Canvas::new(WIDTH, HEIGHT, NOTHING);
    let ends = [0, 1].map(|side| end(&diff.sides[side]));
    let total = ends[0].max(ends[1]).max(1e-3);
    let common = ends[0].min(ends[1]);
    let ground = HEIGHT - SOUND_LANE - BASELINE;
    let (_, shared) = columns(0.0, common, total);
    canvas.fill(Area { x: 0, y: ground, width: shared, height: BASELINE }, MEASURED);
    if shared < WIDTH {
        canvas.fill(Area { x: shared, y: ground, width: WIDTH - shared, height: BASELINE }, ONLY_ONE);
        canvas.hatch(Area { x: shared, y: 0, width: WIDTH - shared, height: ground }, ONLY_ONE);
    }
    for region in ignored {
        let (left, right) = columns(region.from(), region.to().unwrap_or(total).min(total), total);
        canvas.hatch(Area { x: left, y: ground, width: right - left, height: BASELINE }, IGNORED);
    }
    if let Some(picture) = &diff.picture {
        let mut heights = vec![(0_usize, false); WIDTH];
        let count = picture.profile.len().max(1);
        for (number, times) in picture.profile.iter().enumerate().filter(|(_, times)| **times >= 1.0) {
            let time = |number: f64| number / count as f64 * common;
            let (at, number) = (time(number as f64 + 0.5), number as f64);
            let (left, right) = columns(time(number), time(number + 1.0), total);
            let kind = picture.ranges.iter().find(|range| (range.start..range.end).contains(&at));
            let is_changed = kind.is_none_or(|range| range.kind == ChangeKind::Changed);
            for column in &mut heights[left..right] {
                *column = (column.0.max(height(f64::from(*times), ground)), column.1 || is_changed);
            }
        }
        for (x, (height, is_changed)) in
            heights.into_iter().enumerate().filter(|(_, (height, _))| *height > 0)
        {
            let color = if is_changed { CHANGED } else { FAINT };
            canvas.fill(Area { x, y: ground - height, width: 1, height: height + BASELINE }, color);
        }
    } else if !diff.differences.is_empty() && diff.has_no_metric() {
        canvas.hatch(Area { x: 0, y: 0, width: shared, height: ground }, CHANGED);
    }
    for range in diff.sound.iter().flat_map(|sound| &sound.ranges) {
        let (left, right) = columns(range.start, range.end.min(total), total);
        let area = Area { x: left, y: HEIGHT - SOUND_LANE + 2, width: right - left, height: SOUND_LANE - 2 };
        canvas.fill(area, SOUND);
    }
    canvas
}

fn end(side: &DiffSide) -> f64 {
    let frames = side.timeline.as_ref().map(hyperframes_ci_core::diff::Timeline::end);
    frames.or(side.video.duration).unwrap_or(0.0)
}

/// Returns the columns of a range of time, wide enough to be seen.
fn columns(start: f64, end: f64, total: f64) -> (usize, usize) {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "within the width of the image"
    )]
    let column = |time: f64| (time / total * WIDTH as f64).round().clamp(0.0, WIDTH as f64) as usize;
    let (left, right) = (column(start), column(end));
    if right - left.min(right) >= MIN_WIDTH || end - start >= total {
        return (left, right);
    }
    let middle = left.midpoint(right);
    let left = middle.saturating_sub(MIN_WIDTH / 2).min(WIDTH - MIN_WIDTH);
    (left, left + MIN_WIDTH)
}

/// Returns the height of a difference, as a multiple of its threshold.
fn height(times: f64, full: usize) -> usize {
    let share = (1.0 + times).log2() / (1.0 + FULL).log2();
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "within the height of the image"
    )]
    let height = (share.clamp(0.0, 1.0) * full as f64) as usize;
    height.max(8).min(full)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_frame_of_a_long_video_is_wide_enough_to_be_seen() {
        assert_eq!(columns(300.0, 300.03, 600.0), (497, 503));
        assert_eq!(columns(0.0, 0.03, 600.0), (0, 6));
        assert_eq!(columns(599.97, 600.0, 600.0), (994, 1000));
        assert_eq!(columns(0.0, 300.0, 600.0), (0, 500));
    }

    #[test]
    fn heights_grow_with_the_difference() {
        assert!(height(1.0, 58) < height(3.0, 58) && height(3.0, 58) < height(30.0, 58));
        assert_eq!(height(1000.0, 58), 58);
    }
}
