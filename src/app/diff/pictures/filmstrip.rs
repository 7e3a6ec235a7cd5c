//! The filmstrip: frames of both videos where they differ.

use hyperframes_ci_core::diff::{ChangedRange, PixelBox};

use super::super::compare::VideoDiff;
use super::super::file::VideoFile;
use super::canvas::{Area, Canvas, Color};
use crate::system::programs::Ffmpeg;

/// Width of a frame in pixels.
const CELL: usize = 480;

/// Pixels between frames.
const GAP: usize = 8;

/// Maximum height of a frame in pixels.
const MAX_CELL_HEIGHT: usize = 480;

/// Maximum number of rows with a part of the frame.
const MAX_ROWS: usize = 6;

/// Maximum number of ranges that are shown.
const MAX_RANGES: usize = 3;

const GROUND: Color = [110, 118, 129, 255];
const OUTLINE: Color = [255, 0, 200, 255];

/// A row: a part of a frame at a time.
#[derive(Clone, Debug, PartialEq)]
struct Row {
    time: f64,
    part: PixelBox,
    boxes: Vec<PixelBox>,
}

/// Draws the filmstrip of a comparison; `None` if no frame differs or none can be decoded.
pub(super) fn filmstrip(ffmpeg: &Ffmpeg, [base, head]: [&VideoFile; 2], diff: &VideoDiff) -> Option<Canvas> {
    let picture = diff.picture.as_ref()?;
    let rows = rows(&picture.ranges, base.video.width, base.video.height);
    let slack = 0.5 / diff.sides[0].timeline.as_ref()?.rate();
    let heights = rows.iter().map(|row| cell_size(row.part)).collect::<Vec<_>>();
    let height = heights.iter().map(|(_, height)| height + GAP).sum::<usize>() + GAP;
    let mut canvas = Canvas::new(2 * CELL + 3 * GAP, height, GROUND);
    let mut top = GAP;
    let mut drawn = 0;
    for (row, size) in rows.iter().zip(heights) {
        let (first, second) = std::thread::scope(|scope| {
            let base = scope.spawn(|| part(ffmpeg, base, row, size, slack));
            let head = part(ffmpeg, head, row, size, slack);
            (base.join().ok().flatten(), head)
        });
        for (left, samples) in [(GAP, first), (2 * GAP + CELL, second)] {
            let Some(samples) = samples else { continue };
            let left = left + (CELL - size.0) / 2;
            canvas.draw((left, top), size.0, &samples);
            for around in &row.boxes {
                canvas.outline(placed(*around, row.part, size, (left, top)), 2, OUTLINE);
            }
            drawn += 1;
        }
        canvas.label((GAP, top), &format!("{:.2} s", row.time));
        top += size.1 + GAP;
    }
    (drawn > 0).then_some(canvas)
}

/// Chooses the rows: the largest ranges at their middle and their largest difference, after one whole frame.
fn rows(ranges: &[ChangedRange], width: u32, height: u32) -> Vec<Row> {
    let mut largest = ranges.iter().filter(|range| !range.boxes.is_empty()).collect::<Vec<_>>();
    let weight = |range: &ChangedRange| range.instant.max(range.sustained) * range.blocks as f64;
    largest.sort_by(|a, b| weight(b).total_cmp(&weight(a)));
    largest.truncate(MAX_RANGES);
    let whole = PixelBox { x: 0, y: 0, width, height };
    let first =
        largest.first().map(|range| Row { time: range.peak, part: whole, boxes: outer(&range.boxes) });
    largest.sort_by(|a, b| a.start.total_cmp(&b.start));
    let mut rows = first.into_iter().collect::<Vec<_>>();
    for range in largest {
        let Some(around) = range.boxes.first() else { continue };
        let part = widened(*around, width, height);
        let middle = range.start.midpoint(range.end);
        let mut times = vec![range.peak];
        // A range of a few frames looks the same in its middle.
        if range.frames > 3 && (middle - range.peak).abs() > (range.end - range.start) / 8.0 {
            times.push(middle);
        }
        times.sort_by(f64::total_cmp);
        // A part of most of the frame shows nothing that the whole frame does not.
        let is_large = 2 * area(part) > area(whole);
        times.retain(|time| !(is_large && rows.iter().any(|row| row.part == whole && row.time == *time)));
        if part != whole || rows.is_empty() {
            rows.extend(times.into_iter().map(|time| Row { time, part, boxes: outer(&range.boxes) }));
        }
    }
    rows.truncate(MAX_ROWS + 1);
    rows
}

/// Returns the area in pixels.
fn area(part: PixelBox) -> u64 {
    u64::from(part.width) * u64::from(part.height)
}

/// Returns the boxes that no other one contains: outlines inside of an outline hide the picture.
fn outer(boxes: &[PixelBox]) -> Vec<PixelBox> {
    let contains = |outer: &PixelBox, inner: &PixelBox| {
        outer != inner
            && (outer.x..=outer.x + outer.width).contains(&inner.x)
            && (outer.y..=outer.y + outer.height).contains(&inner.y)
            && inner.x + inner.width <= outer.x + outer.width
            && inner.y + inner.height <= outer.y + outer.height
    };
    boxes.iter().filter(|inner| !boxes.iter().any(|other| contains(other, inner))).copied().collect()
}

/// Returns the part of the frame around a box: half of its size on each side, and at least a third of the frame.
fn widened(around: PixelBox, width: u32, height: u32) -> PixelBox {
    let (x, across) = widened_edge(around.x, around.width, width);
    let (y, down) = widened_edge(around.y, around.height, height);
    PixelBox { x, y, width: across, height: down }
}

fn widened_edge(start: u32, length: u32, total: u32) -> (u32, u32) {
    let wanted = (length * 2).max(total.div_ceil(3)).min(total);
    let before = (wanted - length.min(wanted)) / 2;
    (start.saturating_sub(before).min(total - wanted), wanted)
}

/// Returns the size in pixels that a part is shown with.
fn cell_size(part: PixelBox) -> (usize, usize) {
    let (width, height) = (part.width.max(1) as usize, part.height.max(1) as usize);
    let tall = CELL * height / width;
    if tall <= MAX_CELL_HEIGHT {
        (CELL, tall.max(1))
    } else {
        ((MAX_CELL_HEIGHT * width / height).max(1), MAX_CELL_HEIGHT)
    }
}

/// Returns where a box is shown.
fn placed(around: PixelBox, part: PixelBox, size: (usize, usize), (left, top): (usize, usize)) -> Area {
    let scale = |value: u32, total: u32, length: usize| value as usize * length / total.max(1) as usize;
    let from = |start: u32, origin: u32| start.saturating_sub(origin);
    let right = (around.x + around.width).min(part.x + part.width);
    let bottom = (around.y + around.height).min(part.y + part.height);
    let x = scale(from(around.x, part.x), part.width, size.0);
    let y = scale(from(around.y, part.y), part.height, size.1);
    let end =
        (scale(from(right, part.x), part.width, size.0), scale(from(bottom, part.y), part.height, size.1));
    Area { x: left + x, y: top + y, width: end.0.saturating_sub(x), height: end.1.saturating_sub(y) }
}

/// Decodes a part of a frame as `rgb24`, scaled to `size`.
fn part(ffmpeg: &Ffmpeg, file: &VideoFile, row: &Row, size: (usize, usize), slack: f64) -> Option<Vec<u8>> {
    let start = format!("{:.6}", (row.time - slack).max(0.0));
    let PixelBox { x, y, width, height } = row.part;
    let filter = format!("crop={width}:{height}:{x}:{y}:exact=1,scale={}:{}:flags=area", size.0, size.1);
    let arguments =
        ["-map", "0:v:0", "-frames:v", "1", "-vf", &filter, "-f", "rawvideo", "-pix_fmt", "rgb24", "pipe:1"];
    let (samples, _) = ffmpeg.run((&["-noautorotate", "-ss", &start], &file.input), &arguments).ok()?;
    (samples.len() == size.0 * size.1 * 3).then_some(samples)
}

#[cfg(test)]
mod tests {
    use hyperframes_ci_core::diff::ChangeKind;

    use super::*;

    fn range(start: f64, frames: usize, around: PixelBox) -> ChangedRange {
        ChangedRange {
            start,
            end: start + frames as f64 / 30.0,
            frames,
            kind: ChangeKind::Changed,
            instant: 20.0,
            sustained: 4.0,
            peak: start,
            boxes: vec![around],
            blocks: 4,
        }
    }

    #[test]
    fn parts_are_around_the_change_and_a_third_of_the_frame() {
        let part = |x, y, width, height| widened(PixelBox { x, y, width, height }, 900, 600);
        assert_eq!(part(400, 300, 8, 8), PixelBox { x: 254, y: 204, width: 300, height: 200 });
        assert_eq!(part(0, 592, 8, 8), PixelBox { x: 0, y: 400, width: 300, height: 200 });
        assert_eq!(part(0, 0, 900, 600), PixelBox { x: 0, y: 0, width: 900, height: 600 });
    }

    #[test]
    fn the_largest_ranges_are_shown_in_their_order_after_a_whole_frame() {
        let small = PixelBox { x: 16, y: 16, width: 8, height: 8 };
        let ranges =
            [range(0.0, 1, small), range(1.0, 30, small), range(3.0, 2, small), range(5.0, 2, small)];
        let rows = rows(&ranges, 900, 600);
        assert_eq!((rows[0].part.width, rows[0].time), (900, 0.0));
        assert_eq!(rows[1..].iter().map(|row| row.time).collect::<Vec<_>>(), [0.0, 1.0, 1.5, 3.0]);
    }

    #[test]
    fn a_part_of_most_of_the_frame_is_not_shown_again() {
        let large = PixelBox { x: 0, y: 0, width: 400, height: 250 };
        let ranges = [range(0.0, 1, large), range(2.0, 1, large)];
        let rows = rows(&ranges, 900, 600);
        assert_eq!(
            rows.iter().map(|row| (row.part.height, row.time)).collect::<Vec<_>>(),
            [(600, 0.0), (500, 2.0)]
        );
    }

    #[test]
    fn boxes_within_others_are_not_outlined() {
        let whole = PixelBox { x: 0, y: 0, width: 900, height: 400 };
        let inner = PixelBox { x: 64, y: 392, width: 8, height: 8 };
        let below = PixelBox { x: 64, y: 396, width: 8, height: 8 };
        assert_eq!(outer(&[whole, inner, below]), [whole, below]);
        assert_eq!(outer(&[inner]), [inner]);
    }

    #[test]
    fn boxes_are_placed_within_the_part() {
        let part = PixelBox { x: 100, y: 100, width: 240, height: 240 };
        let around = PixelBox { x: 220, y: 100, width: 24, height: 12 };
        let area = placed(around, part, (480, 480), (8, 16));
        assert_eq!(area, Area { x: 248, y: 16, width: 48, height: 24 });
    }
}
