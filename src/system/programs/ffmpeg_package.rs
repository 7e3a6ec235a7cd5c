//! FFmpeg from package registries, for machines without it. Unlike packages of Debian, it needs no root, and the caches of CI
//! services can keep it.
//!
//! FFmpeg is in a wheel of PyPI, and ffprobe in a package of npm: static builds for Linux on x86-64. A cache is not trusted, so
//! both are used only if they have the hashes below.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use super::error::ProgramError;
use super::find::find;
use super::installer::run_installer;
use super::process::{with_variables, without_secrets};
use crate::system::deadline::Deadline;
use crate::system::digest;
use crate::system::interrupt;

const NAME: &str = "FFmpeg 7.0.2";

/// The wheel, as pip reads requirements.
const WHEEL: &str = "imageio-ffmpeg==0.6.0 \
    --hash=sha256:c7e46fcec401dd990405049d2e2f475e2b397779df2519b544b8aab515195282\n";

/// The package of npm.
const PACKAGE: &str = "@ffprobe-installer/linux-x64@5.2.0";

/// A program, where it is after the installation, and its SHA-256.
struct Part {
    name: &'static str,
    installed: &'static str,
    sha256: &'static str,
}

const PARTS: [Part; 2] = [
    Part {
        name: "ffmpeg",
        installed: "wheel/imageio_ffmpeg/binaries/ffmpeg-linux-x86_64-v7.0.2",
        sha256: "e7e7fb30477f717e6f55f9180a70386c62677ef8a4d4d1a5d948f4098aa3eb99",
    },
    Part {
        name: "ffprobe",
        installed: "node_modules/@ffprobe-installer/linux-x64/ffprobe",
        sha256: "576c21674291ec1948d507ea8ab0d78eb6621a0be8c6f1a6db0f50c5fcb1e0f9",
    },
];

/// Returns FFmpeg, which has ffprobe beside it or on `PATH`: that of the machine, or the one in the cache.
pub(crate) fn find_ffmpeg(cache: &Path) -> Option<PathBuf> {
    on_path().or_else(|| in_cache(cache))
}

/// Returns the directory in the cache; `None` if the machine has FFmpeg, or there is none for this system.
pub(crate) fn ffmpeg_folder(cache: &Path) -> Option<PathBuf> {
    let is_supported = cfg!(all(target_os = "linux", target_arch = "x86_64"));
    (is_supported && on_path().is_none()).then(|| folder(cache))
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
    let Some(folder) = ffmpeg_folder(cache).filter(|_| in_cache(cache).is_none()) else { return Ok(()) };
    let (Some(python), Some(npm)) = (find("python3"), find("npm")) else { return Ok(()) };
    announce(NAME);
    fs::create_dir_all(cache).map_err(ProgramError::Folder)?;
    let temporary = tempfile::Builder::new().prefix(".ffmpeg-").tempdir_in(cache);
    let temporary = temporary.map_err(ProgramError::Folder)?;
    let _guard = interrupt::guard_path(temporary.path());
    let root = temporary.path();
    fs::write(root.join("requirements.txt"), WHEEL).map_err(ProgramError::Folder)?;
    fs::write(root.join("package.json"), r#"{"private":true}"#).map_err(ProgramError::Folder)?;
    let mut pip = Command::new(python);
    pip.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-input", "--no-deps"]);
    pip.args(["--no-compile", "--only-binary=:all:", "--require-hashes", "--requirement=requirements.txt"]);
    pip.arg("--target=wheel").current_dir(root);
    run_installer(NAME, with_variables(pip, &["PIP_"]), deadline)?;
    let mut command = Command::new(npm);
    command.args(["install", "--no-package-lock", "--ignore-scripts", "--no-audit", "--no-fund"]);
    command.args(["--loglevel=error", PACKAGE]).current_dir(root);
    run_installer(NAME, without_secrets(command), deadline)?;
    gather(root).map_err(ProgramError::Folder)?;
    // What was there is not intact. Another process may do the same.
    let _ = fs::remove_dir_all(&folder);
    let _ = fs::rename(root.join("bin"), &folder);
    match in_cache(cache) {
        Some(_) => Ok(()),
        None => Err(ProgramError::Install {
            what: NAME.to_owned(),
            output: "the installed files have other hashes".to_owned(),
        }),
    }
}

/// Moves the programs to the directory `bin`.
fn gather(root: &Path) -> io::Result<()> {
    let bin = root.join("bin");
    fs::create_dir(&bin)?;
    for part in &PARTS {
        let program = bin.join(part.name);
        fs::rename(root.join(part.installed), &program)?;
        #[cfg(unix)]
        fs::set_permissions(&program, std::os::unix::fs::PermissionsExt::from_mode(0o755))?;
    }
    Ok(())
}

fn folder(cache: &Path) -> PathBuf {
    cache.join(format!("ffmpeg-7.0.2-{}", &PARTS[0].sha256[..12]))
}

fn on_path() -> Option<PathBuf> {
    find("ffmpeg").filter(|_| find("ffprobe").is_some())
}

/// Returns the FFmpeg of the cache, if both programs have the expected hashes. They are hashed once in a process.
fn in_cache(cache: &Path) -> Option<PathBuf> {
    static INTACT: OnceLock<PathBuf> = OnceLock::new();
    let folder = folder(cache);
    if INTACT.get() != Some(&folder) {
        if !folder.is_dir() || !is_intact(&folder, &PARTS) {
            return None;
        }
        let _ = INTACT.set(folder.clone());
    }
    Some(folder.join(PARTS[0].name))
}

fn is_intact(folder: &Path, parts: &[Part]) -> bool {
    let names = fs::read_dir(folder).map_or(0, Iterator::count);
    let is_part = |part: &Part| {
        let program = folder.join(part.name);
        let is_file = program.symlink_metadata().is_ok_and(|metadata| metadata.is_file());
        is_file && digest::of_file(&program).is_ok_and(|sha256| sha256 == part.sha256)
    };
    // Nothing else: the directory comes first on the engine's PATH.
    names == parts.len() && parts.iter().all(is_part)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_expected_files_are_used() {
        let parts = [Part {
            name: "ffmpeg",
            installed: "",
            // Of the text "1".
            sha256: "6b86b273ff34fce19d6b804eff5a3f5747ada4eaa22f1d49c01e52ddb7875b4b",
        }];
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path();
        let write = |name: &str, text: &str| fs::write(path.join(name), text).expect("written");
        assert!(!is_intact(path, &parts));
        write("ffmpeg", "1");
        assert!(is_intact(path, &parts));
        write("node", "2");
        assert!(!is_intact(path, &parts), "a program beside it");
        fs::remove_file(path.join("node")).expect("removed");
        write("ffmpeg", "2");
        assert!(!is_intact(path, &parts), "other contents");
    }
}
