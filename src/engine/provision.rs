//! The programs that a local render needs: Node, the engine, a browser and FFmpeg. Each is found, or installed if that
//! needs no consent.

use std::path::{Path, PathBuf};

use super::browser::Browser;
use crate::system::deadline::Deadline;
use crate::system::programs::{self, FFMPEG_REMEDY, Lock, Node, NpmPackages, ProgramError};
use crate::system::sandbox::ContainedPrograms;

/// Version of the engine: pinned, so that renders are the same on every machine.
pub(crate) const ENGINE_VERSION: &str = "0.8.170";

/// Module of the pinned engine that renders without its command line.
const PRODUCER: &str = "hyperframes/dist/producer-23NJEJRO.js";

/// The engine with all its dependencies.
pub(crate) static LOCK: Lock = Lock {
    manifest: include_str!("lock/package.json"),
    lock: include_str!("lock/package-lock.json"),
    contents: include_str!("lock/contents.json"),
};

/// Paths of the programs.
#[derive(Clone, Debug)]
pub(super) struct Programs {
    pub(super) node: PathBuf,
    /// Script of the engine.
    pub(super) engine: PathBuf,
    /// Module of the engine that renders without its command line.
    pub(super) producer: PathBuf,
    /// Directory of the engine and its packages.
    pub(super) packages: PathBuf,
    pub(super) browser: Browser,
    pub(super) ffmpeg: PathBuf,
}

impl Programs {
    /// Returns the programs that run inside of the layers.
    pub(super) fn contained(&self) -> ContainedPrograms {
        contained(&self.node, &self.browser.path, &self.ffmpeg, &self.packages)
    }
}

/// Returns the programs that run inside of the layers, with the directory of the engine.
pub(super) fn contained(node: &Path, browser: &Path, ffmpeg: &Path, packages: &Path) -> ContainedPrograms {
    ContainedPrograms {
        node: node.to_owned(),
        browser: browser.to_owned(),
        ffmpeg: ffmpeg.to_owned(),
        packages: packages.to_owned(),
    }
}

/// Finds or installs the programs; `on_install` is called with the name of everything that is installed.
///
/// # Errors
/// Returns [`ProgramError::Missing`] with every program that is missing and its remedy, or the error of an installer.
pub(super) fn provision(
    deadline: Deadline,
    on_install: &mut dyn FnMut(&str),
) -> Result<Programs, ProgramError> {
    let cache = programs::cache()?;
    let packages = packages(&cache);
    // What the cache has needs no npm.
    let found = Node::find(&cache);
    let needs_npm = found.missing_for(&packages).is_some();
    // After other errors: Debian has it as well.
    if let Err(error @ ProgramError::TimedOut { .. }) = programs::install_ffmpeg(&cache, deadline, on_install)
    {
        return Err(error);
    }
    let browser = find_browser(&cache, deadline, on_install)?;
    let missing = debian_packages(&cache, browser.is_some(), needs_npm);
    programs::install_packages(&missing, deadline, on_install)?;
    let node = if missing.is_empty() { found } else { Node::find(&cache) };
    // npm may be there now.
    let browser = match browser {
        Some(browser) => Some(browser),
        None => find_browser(&cache, deadline, on_install)?,
    };
    let browser = browser.ok_or((
        "Chrome or Chromium",
        "install it (Debian: apt install chromium), or set HYPERFRAMES_BROWSER_PATH",
    ));
    let ffmpeg = programs::find_ffmpeg(&cache).ok_or(FFMPEG_REMEDY);
    let missing = [browser.as_ref().err(), ffmpeg.as_ref().err()];
    let missing =
        missing.into_iter().flatten().map(|(name, remedy)| ((*name).to_owned(), (*remedy).to_owned()));
    let missing = missing.chain(node.missing_for(&packages)).collect::<Vec<_>>();
    let (Ok(browser), Ok(ffmpeg), true) = (browser, ffmpeg, missing.is_empty()) else {
        return Err(ProgramError::Missing(missing));
    };
    let node = node.install(&packages, deadline, on_install)?;
    let (engine, producer) = (engine(&packages), packages.file(PRODUCER));
    Ok(Programs { node, engine, producer, packages: packages.folder().to_owned(), browser, ffmpeg })
}

/// Finds a browser, or installs one from npm. Debian has one as well, so only a deadline is an error.
fn find_browser(
    cache: &Path,
    deadline: Deadline,
    on_install: &mut dyn FnMut(&str),
) -> Result<Option<Browser>, ProgramError> {
    if let Some(browser) = Browser::find() {
        return Ok(Some(browser));
    }
    match programs::install_browser(cache, deadline, on_install) {
        Err(error @ ProgramError::TimedOut { .. }) => Err(error),
        _ => Ok(Browser::find()),
    }
}

/// Returns the engine as a package of npm.
pub(super) fn packages(cache: &Path) -> NpmPackages {
    let name = format!("the HyperFrames engine {ENGINE_VERSION}");
    NpmPackages::locked(name, cache.join(format!("engine-{ENGINE_VERSION}-{}", LOCK.id())), &LOCK)
}

/// Returns the path of the engine's script.
pub(super) fn engine(packages: &NpmPackages) -> PathBuf {
    packages.file("hyperframes/bin/hyperframes.mjs")
}

/// Returns the Debian packages of the programs that are missing.
fn debian_packages(cache: &Path, has_browser: bool, needs_npm: bool) -> Vec<&'static str> {
    let mut packages = Vec::new();
    if !has_browser {
        // Without fonts, all text renders as boxes.
        packages.extend(["chromium", "fonts-liberation"]);
    }
    if programs::find_ffmpeg(cache).is_none() {
        packages.push("ffmpeg");
    }
    if needs_npm {
        packages.push("npm");
    }
    packages
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lock_file_fixes_every_package_of_the_pinned_version() {
        assert_eq!(LOCK.problems(), Vec::<String>::new());
        assert!(
            LOCK.manifest.contains(&format!("\"hyperframes\": \"{ENGINE_VERSION}\"")),
            "{}",
            LOCK.manifest
        );
    }
}
