//! The built-in video: one second of a test image, a few kilobytes.

use hyperframes_ci_core::options::Format;

/// Duration of the clips, in seconds.
pub(super) const SECONDS: f64 = 1.0;

/// Returns the clip in `format`.
pub(super) fn clip(format: Format) -> &'static [u8] {
    match format {
        // The API has no other formats.
        Format::Mp4 | Format::Gif | Format::PngSequence | Format::Hls => {
            include_bytes!("clips/placeholder.mp4")
        }
        Format::Webm => include_bytes!("clips/placeholder.webm"),
        Format::Mov => include_bytes!("clips/placeholder.mov"),
    }
}

/// Returns the poster, a PNG.
pub(super) fn poster() -> &'static [u8] {
    include_bytes!("clips/placeholder.png")
}
