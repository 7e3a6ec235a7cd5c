//! Preview images of a video: a poster and an animated GIF.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use crate::heygen::environment;
use crate::system::deadline::Deadline;
use crate::system::gate::{self, Reach};
use crate::system::{output, temporary};

/// Maximum size of an animated GIF in bytes: GitHub does not show larger ones.
const MAX_GIF_SIZE: u64 = 5 * 1024 * 1024;

/// Maximum size of a downloaded thumbnail in bytes.
const MAX_THUMBNAIL_SIZE: u64 = 20 * 1024 * 1024;

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
    /// Creates images of `video` in `folder` with FFmpeg. If that fails, downloads the poster from `thumbnail`, a
    /// presigned URL of the API. Both are made in a temporary directory: those that write them follow links.
    pub(super) fn create(video: &Path, thumbnail: Option<&str>, folder: &Path, slug: &str) -> Self {
        let Ok(work) = temporary::create_folder("hyperframes-ci-images-") else { return Self::default() };
        let (poster, gif) = (work.path().join("poster.png"), work.path().join("preview.gif"));
        let keep = |image: &Path, extension: &str| {
            let contents = gate::read(image, &Reach::anywhere(), MAX_THUMBNAIL_SIZE).ok()?;
            output::write(folder, &format!("{slug}.{extension}"), &contents).ok()
        };
        let mut images = Self::default();
        if ffmpeg(video, &poster, &["-vf", "thumbnail=50,scale='min(960,iw)':-2", "-frames:v", "1"])
            || thumbnail.is_some_and(|url| download(url, &poster))
        {
            images.poster = keep(&poster, "png");
        }
        let filter =
            "fps=10,scale='min(480,iw)':-2:flags=lanczos,split[a][b];[a]palettegen[p];[b][p]paletteuse";
        if ffmpeg(video, &gif, &["-t", "6", "-filter_complex", filter, "-loop", "0"]) {
            let is_small = std::fs::metadata(&gif).is_ok_and(|metadata| metadata.len() <= MAX_GIF_SIZE);
            images.gif = is_small.then(|| keep(&gif, "gif")).flatten();
        }
        images
    }
}

/// Runs FFmpeg; returns whether it wrote `output`.
fn ffmpeg(video: &Path, output: &Path, arguments: &[&str]) -> bool {
    let mut command = Command::new("ffmpeg");
    // It reads untrusted files, so it gets no other variables, which may be secrets.
    let kept = ["PATH", "SystemRoot", "TMPDIR", "TEMP", "TMP"];
    command.env_clear().envs(kept.iter().filter_map(|name| Some((*name, std::env::var_os(name)?))));
    command.args(["-nostdin", "-v", "error", "-y", "-i"]).arg(video).args(arguments).arg(output);
    command.output().is_ok_and(|output| output.status.success()) && output.is_file()
}

/// Downloads an image from a presigned URL to `path`; returns whether that succeeded.
fn download(url: &str, path: &Path) -> bool {
    let deadline = Deadline::after(IMAGE_TIMEOUT);
    let transport = environment::transport().ok();
    let response = transport.and_then(|transport| transport.open(url, 0, None, deadline).ok());
    let Some(response) = response.filter(|response| response.status().as_u16() == 200) else { return false };
    let is_image =
        response.headers().get("content-type").is_some_and(|kind| kind.as_bytes().starts_with(b"image/"));
    let mut body = std::io::Read::take(response.into_body().into_reader(), MAX_THUMBNAIL_SIZE);
    let file = gate::create(path);
    is_image && file.and_then(|mut file| std::io::copy(&mut body, &mut file)).is_ok()
}
