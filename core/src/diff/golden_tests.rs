use proptest::prelude::*;

use super::*;
use crate::diff::thresholds::Thresholds;
use crate::diff::{GoldenError, SAMPLE_RATE, compare_sound};

const FORMAT: FrameFormat = FrameFormat { width: 200, height: 100, has_alpha: false };

/// Three seconds of grey at 10 frames per second, with white in a square of these frames.
fn golden(square: std::ops::Range<usize>, edge: usize) -> Golden {
    let timeline = Timeline::new((0..30).map(|frame| f64::from(frame) / 10.0).collect(), 0.1);
    let mut builder = GoldenBuilder::new(FORMAT, &timeline).expect("short");
    for number in 0..30 {
        let mut frame = vec![100; FORMAT.size()];
        frame[200 * 100..].fill(128);
        if square.contains(&number) {
            for row in 40..40 + edge {
                frame[row * 200 + 120..][..edge].fill(255);
            }
        }
        builder.push(&BlockSums::of(&FORMAT, &frame));
    }
    builder.finish(&[])
}

fn compare(head: &Golden, regions: &[&str]) -> Picture {
    let regions = regions.iter().map(|region| region.parse().expect("a region")).collect::<Vec<_>>();
    let difference = golden(0..0, 0).compare(head, &Thresholds::default(), &regions);
    difference.picture.expect("of one size")
}

#[test]
fn equal_videos_are_equal_files_and_have_no_difference() {
    assert_eq!(golden(3..9, 8).encode(), golden(3..9, 8).encode());
    let picture = compare(&golden(0..0, 0), &[]);
    assert_eq!((picture.compared, picture.changed, picture.ranges.len()), (30, 0, 0));
}

#[test]
fn a_change_of_one_frame_is_found_by_its_cell_and_a_small_one_by_its_second() {
    let picture = compare(&golden(12..13, 24), &[]);
    assert_eq!((picture.changed, picture.ranges.len()), (10, 1), "{picture:?}");
    let picture = compare(&golden(22..25, 4), &[]);
    let range = &picture.ranges[0];
    assert!((range.start - 2.0).abs() < 1e-6 && (range.end - 3.0).abs() < 1e-6, "{range:?}");
    let around = range.boxes[0];
    assert!(around.x <= 120 && around.x + around.width >= 124 && around.width <= 32, "{range:?}");
    assert_eq!(compare(&golden(22..25, 4), &["112,32,32x32: clock"]).changed, 0);
    assert_eq!(compare(&golden(22..25, 4), &["@2-: noise"]).changed, 0);
    assert_eq!(compare(&golden(22..25, 4), &["0,0,40x40: elsewhere"]).ranges.len(), 1);
}

#[test]
fn a_video_of_hours_has_no_golden_file_however_few_frames_it_has() {
    let new = |format: FrameFormat, end: f64| {
        GoldenBuilder::new(format, &Timeline::new(vec![0.0, end], 0.1)).map(|_| ()).err()
    };
    let large = FrameFormat { width: 3840, height: 2160, has_alpha: false };
    assert_eq!((new(FORMAT, 600.0), new(large, 600.0)), (None, None));
    assert_eq!([new(FORMAT, 4400.0), new(large, 4000.0)], [Some(GoldenError::TooLarge); 2]);
}

#[test]
fn another_length_and_another_size_are_found() {
    let base = golden(0..0, 0);
    let mut short = base.clone();
    short.times.truncate(25);
    short.cells.truncate(25);
    let difference = base.compare(&short, &Thresholds::default(), &[]);
    assert!(difference.has_other_end && difference.alignment.only_base == 5, "{difference:?}");
    assert_eq!(difference.picture.expect("one size").changed, 0);
    let other = Golden { format: FrameFormat { width: 100, ..FORMAT }, ..base.clone() };
    assert_eq!(base.compare(&other, &Thresholds::default(), &[]).picture, None);
}

#[test]
fn a_file_that_cannot_be_read_is_said_to_be_what_it_is() {
    let file = golden(3..9, 8).encode().expect("small");
    assert_eq!(Golden::decode(&file), Ok(golden(3..9, 8)));
    assert_eq!(Golden::decode(&file[..file.len() - 1]), Err(GoldenError::Damaged));
    assert_eq!(Golden::decode(&[&file[..], b"x"].concat()), Err(GoldenError::Damaged));
    assert_eq!(Golden::decode(b"<!doctype html>\n"), Err(GoldenError::NotGolden));
    assert_eq!(Golden::decode(b""), Err(GoldenError::NotGolden));
    assert_eq!(Golden::decode(b"hyperframes-ci golden 7\nwhatever"), Err(GoldenError::Newer(7)));
    assert_eq!(Golden::decode(b"hyperframes-ci golden 0\nwhatever"), Err(GoldenError::NotGolden));
    let mut damaged = file.clone();
    let middle = file.len() - 9;
    damaged[middle] ^= 0x10;
    assert_eq!(Golden::decode(&damaged), Err(GoldenError::Damaged));
}

/// Two seconds of a tone in each of two channels.
fn sound(frequencies: [f64; 2]) -> Vec<Levels> {
    let channel = |frequency: f64| {
        let mut levels = Levels::default();
        for at in 0..2 * SAMPLE_RATE {
            let angle = 2.0 * std::f64::consts::PI * frequency * f64::from(at) / f64::from(SAMPLE_RATE);
            #[expect(clippy::cast_possible_truncation, reason = "within the range of samples")]
            levels.push((8000.0 * angle.sin()) as i16);
        }
        levels.finish()
    };
    frequencies.map(channel).to_vec()
}

#[test]
fn another_pitch_and_swapped_channels_are_found() {
    let with_sound = |frequencies| {
        let mut golden = golden(0..0, 0);
        let sound = sound(frequencies);
        golden.sound = sound.iter().map(Levels::tenths).collect();
        golden.tones = sound.iter().filter_map(Levels::tones).cloned().collect();
        golden.display = Some(vec!["upright".to_owned()]);
        golden
    };
    let base = with_sound([440.0, 660.0]);
    let file = base.encode().expect("small");
    assert_eq!(Golden::decode(&file), Ok(base.clone()));
    let silent = golden(0..0, 0).encode().expect("small");
    assert!(file.len() - silent.len() < 600, "{} bytes", file.len() - silent.len());
    for (frequencies, is_changed) in
        [([440.0, 660.0], false), ([466.2, 660.0], true), ([440.0, 699.3], true), ([660.0, 440.0], true)]
    {
        let found = compare_sound(&base.sound(), &with_sound(frequencies).sound(), 0.5);
        assert_eq!(found.is_changed, is_changed, "{frequencies:?}: {found:?}");
    }
}

#[test]
fn a_file_of_the_first_version_is_read_and_known_to_be_one() {
    let file = golden(3..9, 8).encode().expect("small");
    let mut lines = file.splitn(3, |byte| *byte == b'\n').skip(1);
    let mut header: serde_json::Value =
        serde_json::from_slice(lines.next().expect("a header")).expect("JSON");
    let object = header.as_object_mut().expect("an object");
    object.retain(|name, _| !["bands", "display", "halves"].contains(&name.as_str()));
    let rest = lines.next().expect("numbers");
    let first = [format!("hyperframes-ci golden 1\n{header}\n").as_bytes(), rest].concat();
    let first = Golden::decode(&first).expect("a golden file");
    assert!(first.is_outdated() && !golden(3..9, 8).is_outdated());
    assert_eq!(Golden { version: VERSION, ..first }, golden(3..9, 8));
}

proptest! {
    #[test]
    fn no_file_is_read_without_an_end(bytes in proptest::collection::vec(any::<u8>(), 0..200), at in 0_usize..400) {
        let mut file = golden(3..9, 8).encode().expect("small");
        let at = at.min(file.len());
        file.splice(at..(at + bytes.len()).min(file.len()), bytes.iter().copied());
        if let Ok(golden) = Golden::decode(&file) {
            let _ = golden.compare(&golden, &Thresholds::default(), &[]);
        }
    }
}
