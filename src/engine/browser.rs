//! The browser of local renders: the best one that the machine has.
//!
//! chrome-headless-shell captures frames by a command of its own (`HeadlessExperimental.beginFrame`), which other browsers do not
//! have: the engine takes screenshots of them, which is slower. Caches of other programs are only read.

use std::cmp::Reverse;
use std::path::{Path, PathBuf};

use crate::system::deadline::Deadline;
use crate::system::programs::{self, find, is_in_checkout};
use crate::system::sandbox::version_line;

/// Names on `PATH` of chrome-headless-shell: that of the project, and that of Debian.
const SHELLS: &[&str] = &["chrome-headless-shell", "chromium-headless-shell"];

/// Names of the program in caches.
const CACHED: &[&str] =
    &["chrome-headless-shell", "headless_shell", "chrome-headless-shell.exe", "headless_shell.exe"];

/// Names and usual paths of other browsers that the engine can drive, best first.
const BROWSERS: &[&str] = &[
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

/// A browser.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Browser {
    pub(crate) path: PathBuf,
    pub(crate) source: BrowserSource,
}

/// Where a browser was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum BrowserSource {
    /// `HYPERFRAMES_BROWSER_PATH`.
    Variable,
    /// `PATH`, or the usual place.
    System,
    /// The cache of the official command line.
    HyperFrames,
    /// The cache of Playwright.
    Playwright,
    /// The cache of Puppeteer.
    Puppeteer,
    /// The cache of this program, which has it from npm.
    Package,
}

impl BrowserSource {
    /// Returns the description of the place.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Variable => "HYPERFRAMES_BROWSER_PATH",
            Self::System => "system",
            Self::HyperFrames => "HyperFrames cache",
            Self::Playwright => "Playwright cache",
            Self::Puppeteer => "Puppeteer cache",
            Self::Package => "installed from npm",
        }
    }
}

/// How the engine gets the frames of a page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum CaptureMode {
    /// The browser renders each frame on command.
    BeginFrame,
    /// The browser makes a screenshot of each frame.
    Screenshots,
}

impl CaptureMode {
    /// Returns the name in results.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::BeginFrame => "begin-frame",
            Self::Screenshots => "screenshots",
        }
    }
}

/// Where browsers may be.
struct Places<'a> {
    /// The path that the user has set.
    chosen: Option<PathBuf>,
    /// Finds a program by name or path.
    find: &'a dyn Fn(&str) -> Option<PathBuf>,
    /// Directories with one directory for each version of chrome-headless-shell, whose names start with this prefix.
    caches: Vec<(BrowserSource, PathBuf, &'static str)>,
    /// Returns the browser from npm, if it is installed.
    package: &'a dyn Fn() -> Option<PathBuf>,
    /// Whether a program in a cache starts.
    starts: &'a dyn Fn(&Path) -> bool,
}

impl Browser {
    /// Returns the chosen browser, or the best one of this machine.
    pub(crate) fn find() -> Option<Self> {
        let chosen = std::env::var_os("HYPERFRAMES_BROWSER_PATH").filter(|path| !path.is_empty());
        Places {
            chosen: chosen.map(PathBuf::from),
            find: &find,
            caches: caches(),
            package: &|| programs::packaged_browser(&programs::cache().ok()?),
            starts: &|program| version_line(program, "--version", Deadline::NEVER).is_some(),
        }
        .best()
    }

    /// Returns whether it is a chrome-headless-shell, by its name.
    pub(crate) fn is_headless_shell(&self) -> bool {
        let name = self.path.file_stem().unwrap_or_default().to_string_lossy();
        name.contains("headless-shell") || name.contains("headless_shell")
    }

    /// Returns how frames are captured: only Linux builds of chrome-headless-shell render on command.
    pub(crate) fn capture_mode(&self) -> CaptureMode {
        if self.is_headless_shell() && cfg!(target_os = "linux") {
            CaptureMode::BeginFrame
        } else {
            CaptureMode::Screenshots
        }
    }
}

impl Places<'_> {
    fn best(&self) -> Option<Browser> {
        if let Some(path) = &self.chosen {
            let browser = Browser { path: path.clone(), source: BrowserSource::Variable };
            return Some(browser).filter(|browser| browser.path.is_file());
        }
        let on_system = |names: &[&str]| {
            let path = names.iter().find_map(|name| (self.find)(name))?;
            Some(Browser { path, source: BrowserSource::System })
        };
        let found = on_system(SHELLS).or_else(|| self.cached()).or_else(|| on_system(BROWSERS));
        // Last: where it is installed, there was no other browser.
        found.or_else(|| self.packaged())
    }

    fn packaged(&self) -> Option<Browser> {
        let path = (self.package)().filter(|path| (self.starts)(path))?;
        Some(Browser { path, source: BrowserSource::Package })
    }

    /// Returns the newest version in the first cache that has one which starts: libraries may be missing.
    fn cached(&self) -> Option<Browser> {
        self.caches.iter().find_map(|(source, folder, prefix)| {
            let mut versions = subfolders(folder);
            versions.retain(|version| name(version).starts_with(prefix));
            versions.sort_by_key(|version| Reverse(numbers(&name(version))));
            let program = |version: &PathBuf| {
                let inside = subfolders(version);
                let files = inside.iter().flat_map(|folder| CACHED.iter().map(move |file| folder.join(file)));
                files
                    .into_iter()
                    .find(|file| file.metadata().is_ok_and(|file| file.is_file() && file.len() > 0))
            };
            let path = versions.iter().filter_map(program).find(|path| (self.starts)(path))?;
            Some(Browser { path, source: *source })
        })
    }
}

/// Returns the caches of programs that install chrome-headless-shell. Nothing that came with a checkout is run.
fn caches() -> Vec<(BrowserSource, PathBuf, &'static str)> {
    let set = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    let home = std::env::home_dir();
    let below = |path: &str| home.as_ref().map(|home| home.join(path));
    let playwright = set("PLAYWRIGHT_BROWSERS_PATH").or_else(|| {
        if cfg!(windows) {
            set("LOCALAPPDATA").map(|local| local.join("ms-playwright"))
        } else if cfg!(target_os = "macos") {
            below("Library/Caches/ms-playwright")
        } else {
            set("XDG_CACHE_HOME")
                .map(|cache| cache.join("ms-playwright"))
                .or_else(|| below(".cache/ms-playwright"))
        }
    });
    let puppeteer = set("PUPPETEER_CACHE_DIR").or_else(|| below(".cache/puppeteer"));
    let shells = |folder: PathBuf| folder.join("chrome-headless-shell");
    let caches = [
        (BrowserSource::HyperFrames, below(".cache/hyperframes/chrome").map(shells), ""),
        (BrowserSource::Playwright, playwright, "chromium_headless_shell-"),
        (BrowserSource::Puppeteer, puppeteer.map(shells), ""),
    ];
    let caches = caches.into_iter().filter_map(|(source, folder, prefix)| Some((source, folder?, prefix)));
    caches
        .filter(|(_, folder, _)| folder.is_absolute() && folder.is_dir() && !is_in_checkout(folder))
        .collect()
}

fn name(path: &Path) -> String {
    path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

/// Returns the numbers in the name of a version, such as `linux-131.0.6778.204` or `chromium_headless_shell-1148`.
fn numbers(name: &str) -> Vec<u64> {
    let version = name.rsplit('-').next().unwrap_or(name);
    version.split('.').map(|number| number.parse().unwrap_or(0)).collect()
}

fn subfolders(folder: &Path) -> Vec<PathBuf> {
    let entries = folder.read_dir().into_iter().flatten().flatten();
    let mut folders = entries.map(|entry| entry.path()).filter(|path| path.is_dir()).collect::<Vec<_>>();
    folders.sort();
    folders
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Caches with chrome-headless-shell, and a `PATH`.
    struct Machine {
        folder: tempfile::TempDir,
        on_path: Vec<&'static str>,
        broken: &'static str,
        has_package: bool,
    }

    impl Machine {
        fn new(on_path: &[&'static str]) -> Self {
            let folder = tempfile::tempdir().expect("a folder");
            Self { folder, on_path: on_path.to_vec(), broken: "none", has_package: false }
        }

        fn install(&self, path: &str) {
            let path = self.folder.path().join(path);
            std::fs::create_dir_all(path.parent().expect("a folder")).expect("created");
            std::fs::write(path, "program").expect("written");
        }

        fn best(&self, chosen: Option<&str>) -> Option<(String, BrowserSource)> {
            let cache = |name: &str| self.folder.path().join(name);
            let places = Places {
                chosen: chosen.map(|path| self.folder.path().join(path)),
                find: &|name| self.on_path.contains(&name).then(|| self.folder.path().join(name)),
                caches: vec![
                    (BrowserSource::Playwright, cache("playwright"), "chromium_headless_shell-"),
                    (BrowserSource::Puppeteer, cache("puppeteer"), ""),
                ],
                package: &|| {
                    self.has_package.then(|| self.folder.path().join("package/chrome-headless-shell"))
                },
                starts: &|path| !path.to_string_lossy().contains(self.broken),
            };
            let browser = places.best()?;
            let path = browser.path.strip_prefix(self.folder.path()).expect("below").to_string_lossy();
            Some((path.replace('\\', "/"), browser.source))
        }
    }

    #[test]
    fn headless_shells_come_before_other_browsers() {
        let mut machine = Machine::new(&["chromium", "google-chrome"]);
        let system = |name: &str| Some((name.to_owned(), BrowserSource::System));
        assert_eq!(machine.best(None), system("chromium"));
        let old = "puppeteer/linux-9.0.1.2/chrome-headless-shell-linux64/chrome-headless-shell";
        let new = "puppeteer/linux-131.0.6778.204/chrome-headless-shell-linux64/chrome-headless-shell";
        machine.install(old);
        machine.install(new);
        assert_eq!(machine.best(None), Some((new.to_owned(), BrowserSource::Puppeteer)));
        let playwright = "playwright/chromium_headless_shell-1148/chrome-linux/headless_shell";
        machine.install(playwright);
        // Playwright's own browser is no headless shell.
        machine.install("playwright/chromium-9999/chrome-linux/chrome");
        assert_eq!(machine.best(None), Some((playwright.to_owned(), BrowserSource::Playwright)));
        machine.on_path.push("chromium-headless-shell");
        assert_eq!(machine.best(None), system("chromium-headless-shell"));
        machine.on_path.push("chrome-headless-shell");
        assert_eq!(machine.best(None), system("chrome-headless-shell"));
        machine.install("mine");
        assert_eq!(machine.best(Some("mine")), Some(("mine".to_owned(), BrowserSource::Variable)));
        assert_eq!(machine.best(Some("missing")), None, "another one is not used silently");
    }

    #[test]
    fn a_cached_program_that_does_not_start_is_skipped() {
        let mut machine = Machine::new(&["chromium"]);
        let broken = "puppeteer/linux-131.0.0.1/chrome-headless-shell-linux64/chrome-headless-shell";
        let older = "puppeteer/linux-130.0.0.1/chrome-headless-shell-linux64/chrome-headless-shell";
        machine.install(broken);
        machine.install(older);
        machine.broken = "linux-131";
        assert_eq!(machine.best(None), Some((older.to_owned(), BrowserSource::Puppeteer)));
        machine.broken = "puppeteer";
        assert_eq!(machine.best(None), Some(("chromium".to_owned(), BrowserSource::System)));
    }

    #[test]
    fn the_package_is_used_where_there_is_no_other_browser() {
        let mut machine = Machine::new(&[]);
        machine.has_package = true;
        let package = ("package/chrome-headless-shell".to_owned(), BrowserSource::Package);
        assert_eq!(machine.best(None), Some(package));
        machine.broken = "package";
        assert_eq!(machine.best(None), None, "libraries of the system are missing");
        let machine = Machine { has_package: true, ..Machine::new(&["chromium"]) };
        assert_eq!(machine.best(None), Some(("chromium".to_owned(), BrowserSource::System)));
    }

    #[test]
    fn only_headless_shells_render_on_command() {
        for (path, is_shell) in [
            ("/usr/bin/chrome-headless-shell", true),
            ("/usr/bin/chromium-headless-shell", true),
            ("/c/chromium_headless_shell-1148/chrome-linux/headless_shell", true),
            ("/usr/bin/chromium", false),
            ("/c/chrome-headless-shell/linux-1/chrome", false),
        ] {
            let browser = Browser { path: PathBuf::from(path), source: BrowserSource::System };
            assert_eq!(browser.is_headless_shell(), is_shell, "{path}");
            let is_fast = browser.capture_mode() == CaptureMode::BeginFrame;
            assert_eq!(is_fast, is_shell && cfg!(target_os = "linux"), "{path}");
        }
    }
}
