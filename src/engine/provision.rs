//! The parts that a local render needs: Node, the engine, a browser and FFmpeg. Each is found, or installed where
//! that needs nobody's consent: from npm into our cache, from Debian's packages as root or with passwordless sudo.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::process::{self, without_secrets};
use super::{EngineError, Progress};

/// The engine's version: what renders is the same everywhere, until a release of ours says otherwise.
pub(crate) const ENGINE_VERSION: &str = "0.8.170";

/// The engine runs on this major version of Node or a later one; source: its `engines` field.
const NODE_MAJOR: u32 = 22;

/// The major version that is installed where there is none; a long-term support release.
const INSTALLED_NODE_MAJOR: u32 = 24;

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

/// Finds or installs the parts.
///
/// # Errors
/// [`EngineError::Missing`] with every part that is missing and its remedy, or what an installer said.
pub(super) fn provision(progress: &mut dyn FnMut(Progress)) -> Result<Parts, EngineError> {
    let cache = crate::cache::folder().ok_or_else(|| {
        EngineError::Folder(std::io::Error::other("no home directory is known; set HYPERFRAMES_CI_CACHE"))
    })?;
    install_packages(progress)?;
    let browser = browser();
    let ffmpeg = find("ffmpeg").filter(|_| find("ffprobe").is_some());
    let npm = find("npm");
    let node = find("node").filter(|node| is_recent(node));
    let mut missing = Vec::new();
    let mut need = |there: bool, part: &str, remedy: &str| {
        if !there {
            missing.push((part.to_owned(), remedy.to_owned()));
        }
    };
    need(
        browser.is_some(),
        "Chrome or Chromium",
        "install one (Debian: apt install chromium), or set HYPERFRAMES_BROWSER_PATH",
    );
    need(ffmpeg.is_some(), "FFmpeg", "install it (Debian: apt install ffmpeg; macOS: brew install ffmpeg)");
    let installed = engine_script(&cache).is_file() && (node.is_some() || node_binary(&cache).is_file());
    need(
        installed || npm.is_some(),
        "npm",
        "install Node.js 22 or later (Debian: apt install npm; otherwise nodejs.org)",
    );
    let (Some(browser), Some(ffmpeg)) = (browser, ffmpeg) else { return Err(EngineError::Missing(missing)) };
    if !missing.is_empty() {
        return Err(EngineError::Missing(missing));
    }
    let npm = npm.unwrap_or_else(|| PathBuf::from("npm"));
    let engine = engine_script(&cache);
    if !engine.is_file() {
        progress(Progress::Provisioning(format!("the HyperFrames engine {ENGINE_VERSION}")));
        npm_install(&npm, &engine_folder(&cache), &format!("hyperframes@{ENGINE_VERSION}"))?;
    }
    let node = match node {
        Some(node) => node,
        None => {
            let node = node_binary(&cache);
            if !node.is_file() {
                progress(Progress::Provisioning(format!("Node.js {INSTALLED_NODE_MAJOR}")));
                let package = format!("{}@{INSTALLED_NODE_MAJOR}", node_package());
                npm_install(&npm, &node_folder(&cache), &package)?;
            }
            node
        }
    };
    let ffmpeg = ffmpeg.parent().map_or_else(PathBuf::new, Path::to_owned);
    Ok(Parts { node, engine, browser, ffmpeg })
}

fn engine_folder(cache: &Path) -> PathBuf {
    cache.join(format!("engine-{ENGINE_VERSION}"))
}

fn engine_script(cache: &Path) -> PathBuf {
    engine_folder(cache).join("node_modules/hyperframes/bin/hyperframes.mjs")
}

fn node_folder(cache: &Path) -> PathBuf {
    cache.join(format!("node-{INSTALLED_NODE_MAJOR}"))
}

fn node_package() -> String {
    let system = match std::env::consts::OS {
        "macos" => "darwin",
        "windows" => "win",
        other => other,
    };
    let machine = match std::env::consts::ARCH {
        "x86_64" => "x64",
        "aarch64" => "arm64",
        other => other,
    };
    format!("node-{system}-{machine}")
}

fn node_binary(cache: &Path) -> PathBuf {
    let name = if cfg!(windows) { "node.exe" } else { "node" };
    node_folder(cache).join("node_modules").join(node_package()).join("bin").join(name)
}

/// The program `name` on `PATH`, or `name` itself where it is a path.
fn find(name: &str) -> Option<PathBuf> {
    let direct = Path::new(name);
    if direct.is_absolute() {
        return direct.is_file().then(|| direct.to_owned());
    }
    let endings: &[&str] = if cfg!(windows) { &[".exe", ".cmd"] } else { &[""] };
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path)
        .flat_map(|folder| endings.iter().map(move |ending| folder.join(format!("{name}{ending}"))))
        .find(|program| program.is_file())
}

fn browser() -> Option<PathBuf> {
    let chosen = std::env::var_os("HYPERFRAMES_BROWSER_PATH").filter(|path| !path.is_empty());
    match chosen {
        Some(path) => Some(PathBuf::from(path)).filter(|path| path.is_file()),
        None => BROWSERS.iter().find_map(|name| find(name)),
    }
}

/// Whether this Node is recent enough: `v22.1.0` and later.
fn is_recent(node: &Path) -> bool {
    let Ok(output) = Command::new(node).arg("--version").output() else { return false };
    let text = String::from_utf8_lossy(&output.stdout);
    let major =
        text.trim().trim_start_matches('v').split('.').next().and_then(|major| major.parse::<u32>().ok());
    major.is_some_and(|major| major >= NODE_MAJOR)
}

/// Installs `package` into `folder`: beside it first, so that an interrupted installation leaves nothing that
/// looks whole. Of concurrent processes one installs, and the others wait for it.
fn npm_install(npm: &Path, folder: &Path, package: &str) -> Result<(), EngineError> {
    let parent = folder.parent().unwrap_or(folder);
    fs::create_dir_all(parent).map_err(EngineError::Folder)?;
    // The system lets go of the lock when the process ends, however it ends.
    let lock = fs::File::create(format!("{}.lock", folder.display())).map_err(EngineError::Folder)?;
    lock.lock().map_err(EngineError::Folder)?;
    if folder.is_dir() {
        return Ok(());
    }
    let temporary = tempfile::tempdir_in(parent).map_err(EngineError::Folder)?;
    let _guard = crate::interrupt::guard_path(temporary.path());
    let mut command = Command::new(npm);
    command
        .args([
            "install",
            "--ignore-scripts",
            "--no-audit",
            "--no-fund",
            "--no-package-lock",
            "--loglevel=error",
        ])
        .arg("--prefix")
        .arg(temporary.path())
        .arg(package)
        .current_dir(temporary.path());
    install(package, without_secrets(command))?;
    fs::rename(temporary.path(), folder).map_err(EngineError::Folder)
}

fn install(what: &str, command: Command) -> Result<(), EngineError> {
    let failed = |output: String| EngineError::Install { what: what.to_owned(), output };
    let ended = process::run(command, &mut |_| true).map_err(|error| failed(error.to_string()))?;
    if ended.status.success() { Ok(()) } else { Err(failed(ended.output.join("\n"))) }
}

/// Installs from Debian's packages what is not there, where that is possible without asking anybody.
fn install_packages(progress: &mut dyn FnMut(Progress)) -> Result<(), EngineError> {
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
    let Some(prefix) = package_manager().filter(|_| !packages.is_empty()) else { return Ok(()) };
    progress(Progress::Provisioning(packages.join(", ")));
    let apt = |arguments: &[&str]| {
        let (program, before) = prefix.split_first().expect("the prefix holds a program");
        let mut command = Command::new(program);
        command.args(before).args(arguments).env("DEBIAN_FRONTEND", "noninteractive");
        without_secrets(command)
    };
    install("the list of packages", apt(&["update", "-qq"]))?;
    let mut arguments = vec!["install", "-y", "-qq", "--no-install-recommends"];
    arguments.extend(&packages);
    install(&packages.join(", "), apt(&arguments))
}

/// How to call `apt-get` with the rights that it needs; `None` where that is not possible.
fn package_manager() -> Option<Vec<&'static str>> {
    #[cfg(unix)]
    {
        find("apt-get")?;
        if rustix::process::geteuid().is_root() {
            return Some(vec!["apt-get"]);
        }
        let passwordless =
            Command::new("sudo").args(["-n", "true"]).output().is_ok_and(|output| output.status.success());
        passwordless.then(|| vec!["sudo", "-n", "DEBIAN_FRONTEND=noninteractive", "apt-get"])
    }
    #[cfg(not(unix))]
    None
}
