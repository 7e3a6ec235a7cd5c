//! Preview images of a video: a poster and an animated GIF.

use std::path::{Path, PathBuf};
use std::time::Duration;

use hyperframes_ci_core::video::Video;

use crate::heygen::environment;
use crate::heygen::source::Source;
use crate::system::deadline::Deadline;
use crate::system::gate::{self, Reach};
use crate::system::output;
use crate::system::programs::{Ffmpeg, FfmpegInput};

/// Maximum size of an animated preview in bytes.
const MAX_GIF_SIZE: usize = 5 * 1024 * 1024;

/// Maximum size in bytes of an animated image that was rendered and is shown as it is: the proxy of GitHub for images does not
/// send larger ones.
const MAX_SHOWN_SIZE: u64 = 10 * 1024 * 1024;

/// Maximum size of a downloaded thumbnail in bytes.
const MAX_THUMBNAIL_SIZE: u64 = 20 * 1024 * 1024;

/// How FFmpeg makes a still image, and an animated GIF of the first seconds.
const POSTER: &[&str] = &[
    "-vf",
    "thumbnail=50,scale='min(960,iw)':-2",
    "-frames:v",
    "1",
    "-f",
    "image2pipe",
    "-c:v",
    "png",
    "pipe:1",
];
const GIF: &[&str] = &[
    "-t",
    "6",
    "-filter_complex",
    "fps=10,scale='min(480,iw)':-2:flags=lanczos,split[a][b];[a]palettegen[p];[b][p]paletteuse",
    "-loop",
    "0",
    "-f",
    "gif",
    "pipe:1",
];

/// How long the download of a thumbnail may take.
const IMAGE_TIMEOUT: Duration = Duration::from_secs(60);

/// Preview images of a video; absent ones could not be created.
#[derive(Clone, Debug, Default)]
pub(super) struct Images {
    /// A still image.
    pub(super) poster: Option<PathBuf>,
    /// An animated GIF of the first seconds.
    pub(super) gif: Option<PathBuf>,
}

impl Images {
    /// Creates images of `video`, which is in `folder`, with FFmpeg in `folder`. If that fails, downloads the poster from
    /// `thumbnail`, a presigned URL of the API.
    pub(super) fn create(video: &Path, thumbnail: Option<&str>, folder: &Path, slug: &str) -> Self {
        let keep =
            |image: &[u8], extension: &str| output::write(folder, &format!("{slug}.{extension}"), image).ok();
        let reach = Reach::inside(folder, "the output directory");
        let source = Ffmpeg::find().ok().zip(input(video, &reach));
        let make = |arguments: &[&str]| {
            let (ffmpeg, input) = source.as_ref()?;
            let (image, _) = ffmpeg.run((&[], input), arguments).ok()?;
            (!image.is_empty()).then_some(image)
        };
        let poster = make(POSTER).or_else(|| download(thumbnail?));
        let poster = poster.and_then(|poster| keep(&poster, "png"));
        if is_gif(video) {
            return Self { poster, gif: fits(video).then(|| video.to_owned()) };
        }
        let gif = make(GIF).filter(|gif| gif.len() <= MAX_GIF_SIZE);
        Self { poster, gif: gif.and_then(|gif| keep(&gif, "gif")) }
    }
}

/// Returns whether a video is an animated image, which is shown as it is.
pub(super) fn is_gif(video: &Path) -> bool {
    video.extension().is_some_and(|extension| extension == "gif")
}

/// Returns whether an animated image is small enough to be shown.
pub(super) fn fits(image: &Path) -> bool {
    image.metadata().is_ok_and(|metadata| metadata.len() <= MAX_SHOWN_SIZE)
}

/// Returns a video as FFmpeg reads it; `None` if it is not one.
fn input(video: &Path, reach: &Reach) -> Option<FfmpegInput> {
    let container = Video::read(&mut gate::open(video, reach).ok()?).ok()?.container;
    Some(FfmpegInput { path: video.to_owned(), reach: reach.clone(), container })
}

/// Downloads an image from a presigned URL; `None` if that fails.
fn download(url: &str) -> Option<Vec<u8>> {
    let deadline = Deadline::after(IMAGE_TIMEOUT);
    let transport = environment::transport().ok();
    let response = transport.and_then(|transport| transport.open(url, 0, None, deadline).ok());
    let response = response.filter(|response| response.status().as_u16() == 200)?;
    let is_image =
        response.headers().get("content-type").is_some_and(|kind| kind.as_bytes().starts_with(b"image/"));
    let mut image = Vec::new();
    let mut body = std::io::Read::take(response.into_body().into_reader(), MAX_THUMBNAIL_SIZE);
    (is_image && std::io::Read::read_to_end(&mut body, &mut image).is_ok()).then_some(image)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rendered_gif_is_its_own_preview_unless_it_is_too_large() {
        let folder = tempfile::tempdir().expect("a folder");
        let video = folder.path().join("v.gif");
        let file = std::fs::File::create(&video).expect("a file");
        let gif = |size| {
            file.set_len(size).expect("resized");
            Images::create(&video, None, folder.path(), "v").gif
        };
        assert_eq!(gif(MAX_SHOWN_SIZE), Some(video.clone()));
        assert_eq!(gif(MAX_SHOWN_SIZE + 1), None);
    }
}
