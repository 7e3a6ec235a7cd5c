//! Headers of videos, and the first bytes of other files.

use std::io::Cursor;

use hyperframes_ci_core::project::credential;
use hyperframes_ci_core::refusal::refers_to_files;
use hyperframes_ci_core::video::{Placement, Video, check_complete, check_whole, signature};

/// A file that should be a video.
pub(super) fn run(input: &[u8]) {
    let _ = (signature(input), refers_to_files(input), credential("a.mp4", || Some(input.to_vec())));
    if let Ok(video) = Video::read(&mut Cursor::new(input)) {
        assert!(video.fps.is_none_or(|fps| fps.is_finite() && fps > 0.0), "{video:?}");
        assert!(video.duration.is_none_or(|seconds| seconds.is_finite() && seconds >= 0.0), "{video:?}");
        assert!(video.codec.len() <= 64 && !video.codec.contains(char::is_control), "{video:?}");
    }
    let _ = Placement::read(&mut Cursor::new(input));
    let whole = check_whole(&mut Cursor::new(input));
    // A video that lacks its end is not complete, unless it declares no length.
    let with_duration = check_complete(&mut Cursor::new(input), Some(5.0));
    assert!(whole.is_ok() || with_duration.is_err(), "{whole:?}");
}
