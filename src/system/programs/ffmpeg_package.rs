//! FFmpeg from package registries, for machines without it. Unlike packages of Debian, it needs no root, and the caches of CI
//! services can keep it.
//!
//! FFmpeg is in a wheel of PyPI, and ffprobe in a package of npm: static builds for Linux on x86-64. A cache is not trusted, so
//! both are used only if they have the hashes below.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::error::ProgramError;
use super::find::find;
use super::installer::run_installer;
use super::pinned_folder::{PinnedFile, PinnedFolder};
use super::process::{with_variables, without_secrets};
use crate::system::deadline::Deadline;

/// The wheel, as pip reads requirements.
const WHEEL: &str = "imageio-ffmpeg==0.6.0 \
    --hash=sha256:c7e46fcec401dd990405049d2e2f475e2b397779df2519b544b8aab515195282\n";

/// The package of npm.
const PACKAGE: &str = "@ffprobe-installer/linux-x64@5.2.0";

static FFMPEG: PinnedFolder = PinnedFolder {
    title: "FFmpeg 7.0.2",
    name: "ffmpeg-7.0.2",
    files: &[
        PinnedFile {
            name: "ffmpeg",
            sha256: "e7e7fb30477f717e6f55f9180a70386c62677ef8a4d4d1a5d948f4098aa3eb99",
        },
        PinnedFile {
            name: "ffprobe",
            sha256: "576c21674291ec1948d507ea8ab0d78eb6621a0be8c6f1a6db0f50c5fcb1e0f9",
        },
    ],
};

/// Where the programs are after the installation.
const INSTALLED: [&str; 2] = [
    "wheel/imageio_ffmpeg/binaries/ffmpeg-linux-x86_64-v7.0.2",
    "node_modules/@ffprobe-installer/linux-x64/ffprobe",
];

/// Returns FFmpeg, which has ffprobe beside it or on `PATH`: that of the machine, or the one in the cache.
pub(crate) fn find_ffmpeg(cache: &Path) -> Option<PathBuf> {
    on_path().or_else(|| FFMPEG.in_cache(cache))
}

/// Returns the directory in the cache; `None` if the machine has FFmpeg, or there is none for this system.
pub(crate) fn ffmpeg_folder(cache: &Path) -> Option<PathBuf> {
    let is_supported = cfg!(all(target_os = "linux", target_arch = "x86_64"));
    (is_supported && on_path().is_none()).then(|| FFMPEG.folder(cache))
}

/// Installs FFmpeg into the cache if the machine has none, and Python and npm are there to fetch it. `announce` is called with
/// its name.
///
/// # Errors
/// Returns [`ProgramError`] if an installer fails, or the files are not those that are expected.
pub(crate) fn install_ffmpeg(
    cache: &Path,
    deadline: Deadline,
    announce: &mut dyn FnMut(&str),
) -> Result<(), ProgramError> {
    if ffmpeg_folder(cache).is_none() || FFMPEG.in_cache(cache).is_some() {
        return Ok(());
    }
    let (Some(python), Some(npm)) = (find("python3"), find("npm")) else { return Ok(()) };
    announce(FFMPEG.title);
    FFMPEG.install(cache, |root, files| {
        fs::write(root.join("requirements.txt"), WHEEL).map_err(ProgramError::Folder)?;
        fs::write(root.join("package.json"), r#"{"private":true}"#).map_err(ProgramError::Folder)?;
        let mut pip = Command::new(python);
        pip.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-input"]);
        pip.args(["--no-deps", "--no-compile", "--only-binary=:all:", "--require-hashes"]);
        pip.args(["--requirement=requirements.txt", "--target=wheel"]).current_dir(root);
        run_installer(FFMPEG.title, with_variables(pip, &["PIP_"]), deadline)?;
        let mut command = Command::new(npm);
        command.args(["install", "--no-package-lock", "--ignore-scripts", "--no-audit", "--no-fund"]);
        command.args(["--loglevel=error", PACKAGE]).current_dir(root);
        run_installer(FFMPEG.title, without_secrets(command), deadline)?;
        for (installed, file) in INSTALLED.iter().zip(FFMPEG.files) {
            fs::rename(root.join(installed), files.join(file.name)).map_err(ProgramError::Folder)?;
        }
        Ok(())
    })
}

fn on_path() -> Option<PathBuf> {
    find("ffmpeg").filter(|_| find("ffprobe").is_some())
}
