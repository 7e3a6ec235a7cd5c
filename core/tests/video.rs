//! Headers of real videos, and of damaged ones. `tests/integration/video.rs` compares with ffprobe.

use std::io::Cursor;

use hyperframes_ci_core::video::{Container, Video, VideoError, check_whole};
use proptest::prelude::*;

const MP4: &[u8] = include_bytes!("../../src/emulator/clips/placeholder.mp4");
const MOV: &[u8] = include_bytes!("../../src/emulator/clips/placeholder.mov");
const WEBM: &[u8] = include_bytes!("../../src/emulator/clips/placeholder.webm");

fn read(bytes: &[u8]) -> Result<Video, VideoError> {
    Video::read(&mut Cursor::new(bytes))
}

/// As ffprobe tells them.
#[test]
fn the_built_in_clips() {
    let video = |container, codec: &str, width, height, fps, alpha| Video {
        container,
        codec: codec.to_owned(),
        width,
        height,
        fps: Some(fps),
        duration: Some(1.0),
        alpha,
        audio: None,
    };
    assert_eq!(read(MP4).expect("a video"), video(Container::Mp4, "h264", 160, 90, 10.0, false));
    assert_eq!(read(MOV).expect("a video"), video(Container::Mov, "prores", 64, 36, 4.0, true));
    assert_eq!(read(WEBM).expect("a video"), video(Container::Webm, "vp9", 160, 90, 10.0, false));
}

#[test]
fn what_is_no_video_is_said_so() {
    for (bytes, said) in [
        (&b""[..], "empty"),
        (b"<!doctype html><p>Sign in", "a page, as a proxy sends it"),
        (b"{\"error\":{}}", "something else"),
        (b"ftyp", "something else"),
    ] {
        let error = read(bytes).expect_err("no video");
        assert_eq!(error.to_string(), format!("this is no MP4, MOV or WebM video but {said}"));
    }
}

#[test]
fn a_video_without_its_index_is_damaged() {
    let index = MP4.windows(4).position(|window| window == b"moov").expect("an index");
    assert!(matches!(read(&MP4[..index - 4]), Err(VideoError::Damaged(_))));
    assert!(matches!(read(&WEBM[..60]), Err(VideoError::Damaged(_))));
}

#[test]
fn a_video_is_whole_or_it_is_cut() {
    let check = |bytes: &[u8]| check_whole(&mut Cursor::new(bytes));
    for clip in [MP4, MOV, WEBM] {
        check(clip).expect("whole");
        for cut in 1..clip.len() {
            assert!(check(&clip[..cut]).is_err(), "{cut} of {} bytes", clip.len());
        }
    }
    // The index first, as for a fast start: the sizes of boxes tell, and where they do not, the tables of samples do.
    let (size, media) = box_of(MP4, b"mdat");
    let mut fast = MP4.to_vec();
    fast.drain(media..media + size);
    let index = b"\0\0\0\x08mdat";
    assert!(check(&fast).is_err(), "no media at all");
    fast.extend_from_slice(index);
    assert!(check(&fast).is_err(), "an empty one");
}

/// Size and place of a box at the top.
fn box_of(file: &[u8], kind: &[u8; 4]) -> (usize, usize) {
    let at = file.windows(4).position(|window| window == kind).expect("a box") - 4;
    (u32::from_be_bytes(file[at..at + 4].try_into().expect("four bytes")) as usize, at)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    /// Bytes of strangers: an error or figures, never a panic, and never long.
    #[test]
    fn damage_is_survived(
        clip in prop::sample::select(vec![MP4, MOV, WEBM]),
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..12),
        cut in prop::option::of(any::<prop::sample::Index>()),
    ) {
        let mut bytes = clip.to_vec();
        for (place, byte) in changes {
            let place = place.index(bytes.len());
            bytes[place] = byte;
        }
        if let Some(cut) = cut {
            bytes.truncate(cut.index(bytes.len()));
        }
        let _ = read(&bytes);
    }
}
