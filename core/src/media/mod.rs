//! The properties of media files, read from their first and last bytes, without a decoder.
//!
//! Files are untrusted: whatever lies outside of these bytes is unknown, and what does not parse has no properties.

mod edges;
mod image;
mod sound;

pub use edges::{EDGE, Edges};

use crate::video::tracks;

/// Extensions of files that have properties.
const EXTENSIONS: &[&str] = &[
    "flac", "gif", "jpeg", "jpg", "m4a", "m4v", "mkv", "mov", "mp3", "mp4", "png", "svg", "wav", "webm",
    "webp",
];

/// Returns whether a file with this path may have properties. Hosts need not know the edges of others.
#[must_use]
pub fn has_properties(path: &str) -> bool {
    let extension = path.rsplit_once('.').map_or("", |(_, extension)| extension);
    EXTENSIONS.iter().any(|known| extension.eq_ignore_ascii_case(known))
}

/// The properties of a media file, as far as they are known.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Media {
    /// Width and height in pixels, of images and videos.
    pub size: Option<(u32, u32)>,
    /// Length in seconds.
    pub duration: Option<f64>,
    /// The video codec, such as `h264`; `None` without a video track.
    pub video: Option<String>,
    /// Whether there is sound.
    pub has_sound: bool,
}

impl Media {
    /// Returns whether it is a picture without pixels.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.size.is_some_and(|(width, height)| width == 0 || height == 0)
    }

    /// Reads the properties of a file; `None` if its format is not known, or its headers are not among the bytes.
    ///
    /// ```
    /// use hyperframes_ci_core::media::{Edges, Media};
    ///
    /// let gif = Media::read(&Edges::of(b"GIF89a\x02\x00\x03\x00")).expect("a GIF");
    /// assert_eq!(gif.size, Some((2, 3)));
    /// assert_eq!(Media::read(&Edges::of(b"<!doctype html>")), None);
    /// ```
    #[must_use]
    pub fn read(edges: &Edges) -> Option<Self> {
        if let Some(size) = image::size(&edges.head) {
            return Some(Self { size: Some(size), ..Self::default() });
        }
        if let Some(duration) = sound::duration(edges) {
            return Some(Self { duration, has_sound: true, ..Self::default() });
        }
        let tracks = tracks(&mut edges.reader()).ok()?;
        Some(Self {
            size: tracks.video.as_ref().map(|(_, width, height)| (*width, *height)),
            duration: tracks.duration,
            video: tracks.video.map(|(codec, ..)| codec),
            has_sound: tracks.has_sound,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn truncated_files_have_no_properties_or_the_same_ones() {
        let wav = b"RIFF\x24\x08\0\0WAVEfmt \x10\0\0\0\x01\0\x01\0\x40\x1f\0\0\x80\x3e\0\0\x02\0\x10\0data\0\x08\0\0";
        let known = Media::read(&Edges { size: 44 + 2048, head: wav.to_vec(), tail: Vec::new() });
        assert_eq!(known.as_ref().and_then(|media| media.duration), Some(0.128));
        for length in 0..wav.len() {
            let found =
                Media::read(&Edges { size: 44 + 2048, head: wav[..length].to_vec(), tail: Vec::new() });
            assert!(found.is_none_or(|found| found.duration.is_none() || Some(&found) == known.as_ref()));
        }
    }
}
