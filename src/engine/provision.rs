//! The parts that a local render needs: Node, the engine, a browser and FFmpeg. Each is found, or installed where
//! that needs nobody's consent.

use std::path::{Path, PathBuf};

use crate::system::programs;
use crate::system::programs::{Modules, Node, ProgramError, find};

/// The engine's version: what renders is the same everywhere, until a release of ours says otherwise.
pub(crate) const ENGINE_VERSION: &str = "0.8.170";

/// Names and usual places of browsers that the engine can drive, best first.
const BROWSERS: &[&str] = &[
    "chrome-headless-shell",
    "chromium",
    "chromium-browser",
    "google-chrome",
    "google-chrome-stable",
    "chrome",
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
    "/Applications/Chromium.app/Contents/MacOS/Chromium",
    "C:\\Program Files\\Google\\Chrome\\Application\\chrome.exe",
    "C:\\Program Files (x86)\\Microsoft\\Edge\\Application\\msedge.exe",
];

/// The parts, all of them there.
#[derive(Clone, Debug)]
pub(super) struct Parts {
    pub(super) node: PathBuf,
    /// The engine's script.
    pub(super) engine: PathBuf,
    pub(super) browser: PathBuf,
    /// A folder for the front of `PATH`, where FFmpeg is found.
    pub(super) ffmpeg: PathBuf,
}

/// Finds or installs the parts; `announce` hears what is being installed.
///
/// # Errors
/// [`ProgramError::Missing`] with every part that is missing and its remedy, or what an installer said.
pub(super) fn provision(announce: &mut dyn FnMut(&str)) -> Result<Parts, ProgramError> {
    let cache = programs::cache()?;
    programs::install_packages(&packages(), announce)?;
    let modules = Modules::new(
        format!("the HyperFrames engine {ENGINE_VERSION}"),
        cache.join(format!("engine-{ENGINE_VERSION}")),
        &[("hyperframes", ENGINE_VERSION)],
        &[],
    );
    let node = Node::look(&cache);
    let browser = browser().ok_or((
        "Chrome or Chromium",
        "install one (Debian: apt install chromium), or set HYPERFRAMES_BROWSER_PATH",
    ));
    let ffmpeg = find("ffmpeg")
        .filter(|_| find("ffprobe").is_some())
        .ok_or(("FFmpeg", "install it (Debian: apt install ffmpeg; macOS: brew install ffmpeg)"));
    let parts = [browser.as_ref().err(), ffmpeg.as_ref().err()];
    let parts = parts.into_iter().flatten().map(|(part, remedy)| ((*part).to_owned(), (*remedy).to_owned()));
    let missing = parts.chain(node.missing_for(&modules)).collect::<Vec<_>>();
    let (Ok(browser), Ok(ffmpeg), true) = (browser, ffmpeg, missing.is_empty()) else {
        return Err(ProgramError::Missing(missing));
    };
    let node = node.ready(&modules, announce)?;
    let ffmpeg = ffmpeg.parent().map_or_else(PathBuf::new, Path::to_owned);
    Ok(Parts { node, engine: modules.file("hyperframes/bin/hyperframes.mjs"), browser, ffmpeg })
}

fn browser() -> Option<PathBuf> {
    let chosen = std::env::var_os("HYPERFRAMES_BROWSER_PATH").filter(|path| !path.is_empty());
    match chosen {
        Some(path) => Some(PathBuf::from(path)).filter(|path| path.is_file()),
        None => BROWSERS.iter().find_map(|name| find(name)),
    }
}

/// Debian's packages for what is not there.
fn packages() -> Vec<&'static str> {
    let mut packages = Vec::new();
    if browser().is_none() {
        // Fonts, or every text is boxes.
        packages.extend(["chromium", "fonts-liberation"]);
    }
    if find("ffmpeg").is_none() || find("ffprobe").is_none() {
        packages.push("ffmpeg");
    }
    if find("npm").is_none() {
        packages.push("npm");
    }
    packages
}
