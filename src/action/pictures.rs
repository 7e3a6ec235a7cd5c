//! Pictures of a video: a poster and a moving one.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::heygen::environment;

/// A moving picture that is larger is not shown by GitHub; in bytes.
const LARGEST_GIF: u64 = 5 * 1024 * 1024;

/// A picture of the service's that is larger is not taken; in bytes.
const LARGEST_PICTURE: u64 = 20 * 1024 * 1024;

/// Pictures of a video, as far as they could be made.
#[derive(Clone, Debug, Default)]
pub(super) struct Pictures {
    /// A still picture.
    pub(super) poster: Option<PathBuf>,
    /// A moving picture.
    pub(super) gif: Option<PathBuf>,
}

impl Pictures {
    /// Makes pictures of `video` in `folder`, where FFmpeg is installed; otherwise takes the service's own picture, whose
    /// presigned URL is `thumbnail`.
    pub(super) fn make(video: &Path, thumbnail: Option<&str>, folder: &Path, slug: &str) -> Self {
        let poster = folder.join(format!("{slug}.png"));
        let gif = folder.join(format!("{slug}.gif"));
        let mut pictures = Self::default();
        if ffmpeg(video, &poster, &["-vf", "thumbnail=50,scale='min(960,iw)':-2", "-frames:v", "1"]) {
            pictures.poster = Some(poster);
        } else if let Some(url) = thumbnail {
            pictures.poster = download(url, &poster).then_some(poster);
        }
        let filter =
            "fps=10,scale='min(480,iw)':-2:flags=lanczos,split[a][b];[a]palettegen[p];[b][p]paletteuse";
        if ffmpeg(video, &gif, &["-t", "6", "-filter_complex", filter, "-loop", "0"]) {
            let is_small = std::fs::metadata(&gif).is_ok_and(|metadata| metadata.len() <= LARGEST_GIF);
            pictures.gif = is_small.then_some(gif);
        }
        pictures
    }
}

/// Whether FFmpeg is installed and has made `output`.
fn ffmpeg(video: &Path, output: &Path, arguments: &[&str]) -> bool {
    let mut command = Command::new("ffmpeg");
    // It reads what strangers made, and has no business with anything else.
    let kept = ["PATH", "SystemRoot", "TMPDIR", "TEMP", "TMP"];
    command.env_clear().envs(kept.iter().filter_map(|name| Some((*name, std::env::var_os(name)?))));
    command.args(["-nostdin", "-v", "error", "-y", "-i"]).arg(video).args(arguments).arg(output);
    command.output().is_ok_and(|ran| ran.status.success()) && output.is_file()
}

/// Downloads a picture from a presigned URL; returns whether it is in place.
fn download(url: &str, path: &Path) -> bool {
    let answer = environment::transport().ok().and_then(|transport| transport.open(url, 0, None).ok());
    let Some(answer) = answer.filter(|answer| answer.status().as_u16() == 200) else { return false };
    let is_picture =
        answer.headers().get("content-type").is_some_and(|kind| kind.as_bytes().starts_with(b"image/"));
    let mut body = std::io::Read::take(answer.into_body().into_reader(), LARGEST_PICTURE);
    let file = std::fs::File::create(path);
    is_picture && file.and_then(|mut file| std::io::copy(&mut body, &mut file)).is_ok()
}
