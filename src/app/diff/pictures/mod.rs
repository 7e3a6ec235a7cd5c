//! Pictures of differences, for comments and reports.

mod canvas;
mod filmstrip;
mod strip;

use hyperframes_ci_core::diff::Region;

use super::compare::VideoDiff;
use super::file::VideoFile;
use crate::system::programs::Ffmpeg;
use canvas::Canvas;

/// Pictures of a comparison, as PNG; absent ones could not be made.
#[derive(Clone, Debug, Default)]
pub(crate) struct DiffPictures {
    /// When the videos differ, and by how much.
    pub(crate) strip: Option<Vec<u8>>,
    /// Frames of both videos where they differ.
    pub(crate) filmstrip: Option<Vec<u8>>,
    /// The strip above the filmstrip, or the strip alone: one picture is one request of those that publish it.
    pub(crate) sheet: Option<Vec<u8>>,
}

impl DiffPictures {
    /// Draws the pictures of a comparison of `files`; a sheet only if `has_sheet`.
    pub(super) fn draw(
        ffmpeg: &Ffmpeg,
        files: [&VideoFile; 2],
        diff: &VideoDiff,
        ignored: &[Region],
        has_sheet: bool,
    ) -> Self {
        let encode = |canvas: &Canvas| ffmpeg.encode_png(canvas.width, canvas.height, canvas.as_bytes());
        let strip = strip::strip(diff, ignored);
        let filmstrip = filmstrip::filmstrip(ffmpeg, files, diff);
        let sheet = has_sheet.then(|| match &filmstrip {
            Some(filmstrip) => strip.above(filmstrip),
            None => strip.clone(),
        });
        Self {
            strip: encode(&strip).ok(),
            filmstrip: filmstrip.and_then(|canvas| encode(&canvas).ok()),
            sheet: sheet.and_then(|canvas| encode(&canvas).ok()),
        }
    }
}
