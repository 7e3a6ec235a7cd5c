//! External programs: found, installed if that needs no consent, and run as child processes without secrets.
//!
//! Packages of npm and PyPI are installed into the cache, packages of Debian as root or with passwordless sudo.

mod apt;
mod browser_package;
mod error;
mod ffmpeg;
mod ffmpeg_package;
mod find;
mod git;
mod installer;
mod lines;
mod lock;
mod node;
mod pinned_folder;
pub(crate) mod process;
mod stream;
mod work_dir;

use std::io;
use std::path::PathBuf;

pub(crate) use apt::install_packages;
pub(crate) use browser_package::{browser_folder, install_browser, packaged_browser};
pub(crate) use error::ProgramError;
pub(crate) use ffmpeg::{FFMPEG_REMEDY, Ffmpeg, FfmpegError, FfmpegInput};
pub(crate) use ffmpeg_package::{ffmpeg_folder, find_ffmpeg, install_ffmpeg};
pub(crate) use find::find;
pub(crate) use git::{GitNetwork, PLAIN_DIFF, git, is_plain_branch, own_git};
pub(crate) use lock::{Lock, is_in_checkout};
pub(crate) use node::{Node, NpmPackages, set_noninteractive};
pub(crate) use stream::ByteStream;
pub(crate) use work_dir::WorkDir;

/// Returns the directory of installed programs.
///
/// # Errors
/// Returns [`ProgramError::Folder`] if the home directory is unknown, and [`ProgramError::TrackedCache`] if a commit could
/// bring the contents of the directory.
pub(crate) fn cache() -> Result<PathBuf, ProgramError> {
    let folder = crate::system::cache::folder().ok_or_else(|| {
        ProgramError::Folder(io::Error::other("no home directory found; set HYPERFRAMES_CI_CACHE"))
    })?;
    if is_in_checkout(&folder) { Err(ProgramError::TrackedCache(folder)) } else { Ok(folder) }
}
