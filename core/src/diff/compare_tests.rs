use proptest::prelude::*;

use super::*;
use crate::diff::{ChangeKind, PixelBox};

const FORMAT: FrameFormat = FrameFormat { width: 160, height: 96, has_alpha: false };

/// Returns a frame of this luma, with a rectangle of another one.
fn frame(luma: u8, rectangle: Option<(usize, usize, usize, usize, u8)>) -> BlockSums {
    let mut frame = vec![128; FORMAT.size()];
    frame[..160 * 96].fill(luma);
    if let Some((left, top, width, height, luma)) = rectangle {
        for y in top..top + height {
            frame[y * 160 + left..][..width].fill(luma);
        }
    }
    BlockSums::of(&FORMAT, &frame)
}

fn step(number: u32) -> Step {
    Step::matched(number, number, f64::from(number) / 30.0, 1.0 / 30.0)
}

/// Compares 60 frames of grey with those that `head` returns.
fn compare(regions: &[&str], head: impl Fn(u32) -> BlockSums) -> Picture {
    let regions = regions.iter().map(|region| region.parse().expect("a region")).collect::<Vec<_>>();
    let mut comparison = Comparison::new(FORMAT, Thresholds::default(), &regions);
    let base = frame(100, None);
    for number in 0..60 {
        comparison.push(&step(number), &base, &head(number));
    }
    comparison.finish()
}

#[test]
fn equal_frames_do_not_differ() {
    let picture = compare(&[], |_| frame(100, None));
    let expected = Picture { compared: 60, profile: vec![0.0; 60], ..Picture::default() };
    assert_eq!(picture, expected);
}

#[test]
fn a_range_has_its_time_and_its_box() {
    let changed = |number| (36..45).contains(&number).then_some((40, 24, 16, 8, 130));
    let picture = compare(&[], |number| frame(100, changed(number)));
    assert_eq!((picture.changed, picture.faint, picture.ranges.len()), (9, 0, 1));
    let range = &picture.ranges[0];
    assert!((range.start - 1.2).abs() < 1e-9 && (range.end - 1.5).abs() < 1e-9);
    assert_eq!((range.frames, range.kind, range.blocks), (9, ChangeKind::Changed, 2));
    assert_eq!(range.boxes, [PixelBox { x: 40, y: 24, width: 16, height: 8 }]);
    assert!((range.instant - 30.0).abs() < 1e-9 && (range.sustained - 18.0).abs() < 1e-9);
}

#[test]
fn one_frame_is_found() {
    let picture = compare(&[], |number| frame(if number == 59 { 107 } else { 100 }, None));
    assert_eq!((picture.changed, picture.ranges.len()), (1, 1));
    assert!((picture.ranges[0].end - 2.0).abs() < 1e-9);
}

#[test]
fn a_small_lasting_difference_is_faint_and_only_where_it_is() {
    let changed = |number| (20..50).contains(&number).then_some((40, 24, 16, 8, 103));
    let picture = compare(&[], |number| frame(100, changed(number)));
    assert_eq!((picture.changed, picture.faint), (0, 30));
    let range = &picture.ranges[0];
    assert_eq!((picture.ranges.len(), range.kind, range.frames), (1, ChangeKind::Faint, 30));
    assert!((range.start - 20.0 / 30.0).abs() < 1e-9, "{range:?}");
    assert!((picture.sustained - 3.0).abs() < 1e-9);
}

#[test]
fn noise_before_and_after_a_large_change_is_not_a_part_of_it() {
    // Less than the threshold, and in the same direction.
    let luma = |number: u32| if (20..23).contains(&number) { 230 } else { 102 };
    let picture = compare(&[], |number| frame(100, Some((40, 24, 16, 8, luma(number)))));
    assert_eq!((picture.changed, picture.faint), (3, 0), "{:?}", picture.ranges);
    let range = &picture.ranges[0];
    assert!((range.start - 20.0 / 30.0).abs() < 1e-9 && (range.end - 23.0 / 30.0).abs() < 1e-9, "{range:?}");
    // One that begins slowly is found from its first frames on.
    let picture = compare(&[], |number| {
        let levels = number.saturating_sub(20).min(20);
        frame(100, Some((40, 24, 16, 8, 100 + u8::try_from(levels).expect("small"))))
    });
    assert!(picture.ranges[0].start < 24.5 / 30.0, "{:?}", picture.ranges);
}

#[test]
fn noise_of_either_sign_is_not_a_change() {
    let picture = compare(&[], |number| frame(if number % 2 == 0 { 104 } else { 96 }, None));
    assert_eq!((picture.changed, picture.faint), (0, 0), "{picture:?}");
    assert!((picture.instant - 4.0).abs() < 1e-9 && picture.sustained < 0.3);
}

#[test]
fn a_short_video_is_compared_by_the_mean_of_all_its_frames() {
    let run = |luma: u8| {
        let mut comparison = Comparison::new(FORMAT, Thresholds::default(), &[]);
        for number in 0..5 {
            comparison.push(&step(number), &frame(100, None), &frame(luma, None));
        }
        comparison.finish()
    };
    assert_eq!((run(104).faint, run(106).changed), (0, 5));
    assert_eq!(run(105).faint, 5, "the threshold of 5 frames is 4.9");
}

#[test]
fn distant_changes_are_separate_ranges() {
    let picture = compare(&[], |number| frame(if [10, 14, 30].contains(&number) { 120 } else { 100 }, None));
    let frames = picture.ranges.iter().map(|range| range.frames).collect::<Vec<_>>();
    assert_eq!((picture.changed, frames), (3, vec![2, 1]));
}

#[test]
fn ignored_regions_are_not_compared_and_counted() {
    let changed = |number: u32| {
        let rectangle = (10..20).contains(&number).then_some((40, 24, 16, 8, 130));
        frame(100, rectangle)
    };
    let picture = compare(&["40,24,16x8"], changed);
    assert_eq!((picture.changed, picture.ranges.len()), (0, 0));
    assert!((picture.ignored - 2.0 / 240.0).abs() < 1e-9, "{}", picture.ignored);
    let picture = compare(&["@0-0.5"], changed);
    assert_eq!(picture.changed, 5);
    assert!((picture.ignored - 0.25).abs() < 1e-9);
}

#[test]
fn a_frame_without_a_counterpart_is_changed() {
    let mut comparison = Comparison::new(FORMAT, Thresholds::default(), &[]);
    for number in 0..20 {
        let step = Step { is_matched: number != 7, ..step(number) };
        comparison.push(&step, &frame(100, None), &frame(100, None));
    }
    let picture = comparison.finish();
    assert_eq!((picture.changed, picture.ranges.len()), (1, 1));
    assert!(picture.ranges[0].boxes.is_empty());
}

#[test]
fn ranges_are_limited() {
    let mut comparison = Comparison::new(FORMAT, Thresholds::default(), &[]);
    let (grey, light) = (frame(100, None), frame(140, None));
    for number in 0..3000 {
        comparison.push(&step(number), &grey, if number % 10 == 0 { &light } else { &grey });
    }
    let picture = comparison.finish();
    assert_eq!((picture.changed, picture.ranges.len()), (300, 200));
    assert_eq!(picture.ranges.iter().map(|range| range.frames).sum::<usize>(), 300);
}

proptest! {
    /// Whatever happens in a video: one frame in one block above the threshold is found, in its range and its box.
    #[test]
    fn any_block_above_the_threshold_is_found(
        number in 0_u32..40, column in 0_usize..20, row in 0_usize..12, levels in 6_u8..100, noise in 0_u8..2
    ) {
        let mut comparison = Comparison::new(FORMAT, Thresholds::default(), &[]);
        for at in 0..40 {
            let changed = (at == number).then_some((column * 8, row * 8, 8, 8, 100 + levels));
            let base = frame(100 + noise * u8::from(at % 3 == 0), None);
            comparison.push(&step(at), &base, &frame(100, changed));
        }
        let picture = comparison.finish();
        if levels > 6 {
            prop_assert_eq!(picture.changed, 1);
            let (x, y) = (u32::try_from(column * 8).expect("fits"), u32::try_from(row * 8).expect("fits"));
            prop_assert_eq!(&picture.ranges[0].boxes, &[PixelBox { x, y, width: 8, height: 8 }]);
            prop_assert!((picture.ranges[0].start - f64::from(number) / 30.0).abs() < 1e-9);
        }
        prop_assert_eq!(picture.profile.len(), 40);
    }
}
