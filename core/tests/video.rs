//! Headers of real videos, and of damaged ones. `tests/integration/video.rs` compares with ffprobe.

use std::io::Cursor;

use hyperframes_ci_core::video::{Container, Placement, Video, VideoError, check_complete, check_whole};
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
        (&b""[..], "an empty file"),
        (b"<!doctype html><p>Sign in", "an HTML page, possibly from a proxy"),
        (b"{\"error\":{}}", "an unknown format"),
        (b"ftyp", "an unknown format"),
    ] {
        let error = read(bytes).expect_err("no video");
        assert_eq!(error.to_string(), format!("not an MP4, MOV, WebM or GIF video: found {said}"));
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

/// A box with these contents.
fn mp4_box(kind: &[u8; 4], contents: &[&[u8]]) -> Vec<u8> {
    let contents = contents.concat();
    let size = u32::try_from(contents.len() + 8).expect("small");
    [&size.to_be_bytes()[..], kind, &contents].concat()
}

/// Words of four bytes.
fn words(words: &[u32]) -> Vec<u8> {
    words.iter().flat_map(|word| word.to_be_bytes()).collect()
}

/// An MP4 of `count` fragments of a second each; `promise` goes into `mvex` and `index` before the fragments.
fn fragmented(count: u32, promise: &[u8], index: &[u8]) -> Vec<u8> {
    let tkhd = mp4_box(b"tkhd", &[&words(&[0, 0, 0, 1, 0, 0])]);
    let mdhd = mp4_box(b"mdhd", &[&words(&[0, 0, 0, 1000, 0, 0])]);
    let hdlr = mp4_box(b"hdlr", &[&words(&[0, 0]), b"vide"]);
    let trak = mp4_box(b"trak", &[&tkhd, &mp4_box(b"mdia", &[&mdhd, &hdlr])]);
    let mvhd = mp4_box(b"mvhd", &[&words(&[0, 0, 0, 1000, 0])]);
    let trex = mp4_box(b"trex", &[&words(&[0, 1, 1, 100, 0, 0])]);
    let moov = mp4_box(b"moov", &[&mvhd, &trak, &mp4_box(b"mvex", &[promise, &trex])]);
    let traf =
        mp4_box(b"traf", &[&mp4_box(b"tfhd", &[&words(&[0, 1])]), &mp4_box(b"trun", &[&words(&[0, 10])])]);
    let fragment = [mp4_box(b"moof", &[&traf]), mp4_box(b"mdat", &[b"0123456789"])].concat();
    let head = mp4_box(b"ftyp", &[b"isom", &words(&[0])]);
    [head, moov, index.to_vec(), fragment.repeat(count as usize)].concat()
}

#[test]
fn a_fragmented_video_is_held_against_what_it_promises() {
    let check = |bytes: &[u8], duration| check_complete(&mut Cursor::new(bytes), duration);
    let fragment = fragmented(1, b"", b"").len() - fragmented(0, b"", b"").len();
    let mehd = mp4_box(b"mehd", &[&words(&[0, 3000])]);
    let size = u32::try_from(fragment).expect("small");
    let entry = |size: u32| words(&[size, 1000, 0]);
    let sidx = [&words(&[0, 1, 1000, 0, 0, 3])[..], &entry(size), &entry(size), &entry(size)].concat();
    let sidx = mp4_box(b"sidx", &[&sidx]);
    for (promise, index, duration) in
        [(&mehd[..], &b""[..], None), (b"", &sidx, None), (b"", b"", Some(3.0)), (&mehd, &sidx, Some(99.0))]
    {
        let whole = fragmented(3, promise, index);
        check(&whole, duration).expect("whole");
        for cut in 1..=3 * fragment {
            assert!(check(&whole[..whole.len() - cut], duration).is_err(), "{cut} bytes less");
        }
    }
    // Nothing says how long it is: only a fragment that is cut is noticed, and none at all.
    let unknown = fragmented(3, b"", b"");
    check(&unknown[..unknown.len() - fragment], None).expect("nobody knows better");
    assert!(check(&unknown[..unknown.len() - 18], None).is_err(), "a fragment without its media");
    assert!(check(&unknown[..unknown.len() - 3 * fragment], None).is_err(), "no fragment");
}

/// An EBML element with these contents.
fn element(id: &[u8], contents: &[&[u8]]) -> Vec<u8> {
    let contents = contents.concat();
    let size = u32::try_from(contents.len()).expect("small") | 0x1000_0000;
    [id, &size.to_be_bytes(), &contents].concat()
}

/// A WebM whose segment and clusters have no size: four clusters of a second each, with `info` and `cues` before them.
fn live(info: &[u8], cues: &[u8]) -> Vec<u8> {
    const OPEN: &[u8] = &[0x01, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff];
    let entry = element(&[0xae], &[&element(&[0xd7], &[&[1]]), &element(&[0x83], &[&[1]])]);
    let tracks = element(&[0x16, 0x54, 0xae, 0x6b], &[&entry]);
    let info = element(&[0x15, 0x49, 0xa9, 0x66], &[info]);
    let head = element(&[0x1a, 0x45, 0xdf, 0xa3], &[b""]);
    let mut file = [&head[..], &[0x18, 0x53, 0x80, 0x67], OPEN, &info, &tracks, cues].concat();
    for second in 0..4_u16 {
        let time = element(&[0xe7], &[&(second * 1000).to_be_bytes()]);
        let blocks = [0_u16, 500].map(|at| element(&[0xa3], &[&[0x81], &at.to_be_bytes(), &[0x80, 7]]));
        file = [&file[..], &[0x1f, 0x43, 0xb6, 0x75], OPEN, &time, &blocks[0], &blocks[1]].concat();
    }
    file
}

#[test]
fn a_live_webm_is_held_against_what_it_promises() {
    let check = |bytes: &[u8], duration| check_complete(&mut Cursor::new(bytes), duration);
    let duration = element(&[0x44, 0x89], &[&4000_f64.to_be_bytes()]);
    let cluster = (live(b"", b"").len()
        - live(b"", b"").windows(4).position(|id| id == [0x1f, 0x43, 0xb6, 0x75]).expect("a cluster"))
        / 4;
    let cue = |at: u32| {
        let position = element(&[0xb7], &[&element(&[0xf1], &[&at.to_be_bytes()])]);
        element(&[0x1c, 0x53, 0xbb, 0x6b], &[&element(&[0xbb], &[&position])])
    };
    let last = u32::try_from(live(b"", &cue(0)).len() - cluster - 20).expect("small");
    for (info, cues, promised) in
        [(&duration[..], &b""[..], None), (b"", b"", Some(4.0)), (b"", &cue(last), None)]
    {
        let whole = live(info, cues);
        check(&whole, promised).expect("whole");
        assert!(check(&whole[..whole.len() - cluster], promised).is_err(), "{} bytes", whole.len());
    }
    let unknown = live(b"", b"");
    check(&unknown[..unknown.len() - cluster], None).expect("nobody knows better");
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

/// Returns where a box with this name begins, behind another place.
fn find(bytes: &[u8], kind: &[u8], from: usize) -> usize {
    from + bytes[from..].windows(kind.len()).position(|window| window == kind).expect("a box") - 4
}

#[test]
fn a_picture_is_upright_and_whole_unless_the_container_says_so() {
    let placement = |bytes: &[u8]| Placement::read(&mut Cursor::new(bytes)).expect("a video");
    for clip in [MP4, MOV, WEBM] {
        assert_eq!(placement(clip), Placement::default());
    }
    let turned = |kind: &[u8], place: usize| {
        let mut turned = MP4.to_vec();
        let matrix = find(MP4, kind, 0) + 8 + place;
        let factors = [0, 0x1_0000, 0, -0x1_0000, 0, 0, 0x5a_0000, 0, 0x4000_0000_i32];
        turned[matrix..matrix + 36].copy_from_slice(factors.map(i32::to_be_bytes).as_flattened());
        placement(&turned).matrices
    };
    let quarter = [[0, 0x1_0000, -0x1_0000, 0]];
    assert_eq!((turned(b"tkhd", 40), turned(b"mvhd", 36)), (quarter.to_vec(), quarter.to_vec()));

    // A box of 8 figures at the end of the description of the picture.
    let mut cropped = MP4.to_vec();
    let mut at = 0;
    let mut size = 0;
    for kind in [b"moov", b"trak", b"mdia", b"minf", b"stbl", b"stsd", b"avc1"] {
        at = find(&cropped, kind, at);
        let field = cropped[at..at + 4].first_chunk::<4>().copied().expect("a size");
        size = u32::from_be_bytes(field);
        cropped[at..at + 4].copy_from_slice(&(size + 40).to_be_bytes());
    }
    let end = at + usize::try_from(size).expect("small");
    let figures = [100, 1, 50, 1, 0, 1, 0, 1_u32];
    let crop = [&40_u32.to_be_bytes()[..], b"clap", figures.map(u32::to_be_bytes).as_flattened()].concat();
    cropped.splice(end..end, crop);
    assert_eq!(placement(&cropped).crop, figures.map(u64::from));
}
