//! Machines that have everything: neither a render of the action nor one in the Docker image starts an installer.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::action::local_render;
use crate::real::provisioned;
use crate::support::{clean, example, names, root};

/// Programs that install others.
const INSTALLERS: [&str; 8] = ["apt-get", "apt", "dpkg", "sudo", "npm", "npx", "python3", "curl"];

/// Installers that only leave a line when they are started.
struct Installers {
    folder: tempfile::TempDir,
}

impl Installers {
    fn new() -> Self {
        let installers = Self { folder: tempfile::tempdir().unwrap() };
        fs::set_permissions(installers.folder.path(), fs::Permissions::from_mode(0o777)).unwrap();
        for name in INSTALLERS {
            let path = installers.folder.path().join(name);
            let text = format!("#!/bin/sh\necho \"{name} $*\" >>'{}'\nexit 1\n", installers.log().display());
            fs::write(&path, text).unwrap();
            fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
        }
        installers
    }

    fn log(&self) -> PathBuf {
        self.folder.path().join("started.txt")
    }

    /// What was started.
    fn started(&self) -> String {
        fs::read_to_string(self.log()).unwrap_or_default()
    }

    /// A `PATH` on which the installers and the program come first.
    fn path(&self) -> String {
        let program = Path::new(env!("CARGO_BIN_EXE_hyperframes-ci")).parent().unwrap();
        let inherited = std::env::var("PATH").unwrap();
        format!("{}:{}:{inherited}", self.folder.path().display(), program.display())
    }
}

/// Those of Debian.
const APT: [&str; 4] = ["apt-get", "apt", "dpkg", "sudo"];

/// The cache of the machine, which has the engine.
fn machine_cache() -> PathBuf {
    let (_, script) = provisioned();
    let engine = script.ancestors().find(|path| path.join("package-lock.json").is_file());
    engine.unwrap().parent().unwrap().to_owned()
}

/// Fills a cache with the engine and Node of the machine, by hard links where that is possible.
fn fill(cache: &Path) {
    for name in names(&machine_cache()) {
        let from = machine_cache().join(&name);
        if (name.starts_with("engine-") || name.starts_with("node-")) && from.is_dir() {
            let copy = |how: &str| {
                Command::new("cp").arg(how).arg(&from).arg(cache).output().unwrap().status.success()
            };
            assert!(copy("-al") || copy("-R"), "{name}");
        }
    }
}

/// FFmpeg.
const FFMPEG: [&str; 2] = ["ffmpeg", "ffprobe"];

/// The programs of the machine without those of which `is_missing` is true, with `stubs` in place of those of their names.
fn without(is_missing: &dyn Fn(&str) -> bool, folder: &Path, stubs: &Installers, stubbed: &[&str]) -> String {
    fs::create_dir(folder).unwrap();
    for directory in std::env::split_paths(&std::env::var_os("PATH").unwrap()) {
        for name in names(&directory) {
            let link = folder.join(&name);
            if !is_missing(&name) && link.symlink_metadata().is_err() {
                std::os::unix::fs::symlink(directory.join(&name), link).unwrap();
            }
        }
    }
    for name in stubbed {
        let link = folder.join(name);
        let _ = fs::remove_file(&link);
        std::os::unix::fs::symlink(stubs.folder.path().join(name), link).unwrap();
    }
    folder.display().to_string()
}

/// As the runners of GitHub, which have a browser and no FFmpeg.
#[cfg(all(target_os = "linux", target_arch = "x86_64"))]
#[test]
fn a_machine_without_ffmpeg_has_it_in_the_cache_from_the_first_run_on() {
    let (installers, folder) = (Installers::new(), tempfile::tempdir().unwrap());
    let is_ffmpeg = |name: &str| FFMPEG.contains(&name);
    let cache = folder.path().join("cache");
    fs::create_dir(&cache).unwrap();
    fill(&cache);
    let cached = cache.display().to_string();
    let cold = without(&is_ffmpeg, &folder.path().join("cold"), &installers, &APT);
    let ran = local_render(&[("PATH", &cold), ("HYPERFRAMES_CI_CACHE", &cached)]);
    assert_eq!(ran.0, 0, "{}{}", installers.started(), ran.1);
    assert!(names(&cache).iter().any(|name| name.starts_with("ffmpeg-")), "{:?}", names(&cache));
    assert_eq!(installers.started(), "");
    let warm = without(&is_ffmpeg, &folder.path().join("warm"), &installers, &INSTALLERS);
    let ran = local_render(&[("PATH", &warm), ("HYPERFRAMES_CI_CACHE", &cached)]);
    assert_eq!((ran.0, installers.started()), (0, String::new()), "{}", ran.1);
    // Another program of that name is not started.
    let ffmpeg = names(&cache).into_iter().find(|name| name.starts_with("ffmpeg-")).unwrap();
    fs::write(cache.join(ffmpeg).join("ffprobe"), "#!/bin/sh\nexit 0\n").unwrap();
    let ran = local_render(&[("PATH", &warm), ("HYPERFRAMES_CI_CACHE", &cached)]);
    assert_ne!(ran.0, 0, "{}", ran.1);
    assert!(installers.started().contains("-m pip install"), "{}", installers.started());
}

/// As a machine without root and without a browser.
#[cfg(all(target_os = "linux", target_arch = "x86_64"))]
#[test]
fn a_machine_without_a_browser_has_one_in_the_cache_from_the_first_run_on() {
    let (installers, folder) = (Installers::new(), tempfile::tempdir().unwrap());
    let is_browser = |name: &str| {
        ["chrom", "headless", "google-chrome"].iter().any(|part| name.contains(part)) && !name.contains('.')
    };
    let cache = folder.path().join("cache");
    fs::create_dir(&cache).unwrap();
    fill(&cache);
    let (cached, home) = (cache.display().to_string(), folder.path().display().to_string());
    let run = |path: &str| {
        // Other caches may have a browser.
        local_render(&[
            ("PATH", path),
            ("HYPERFRAMES_CI_CACHE", &cached),
            ("HOME", &home),
            ("PLAYWRIGHT_BROWSERS_PATH", "/nonexistent"),
            ("PUPPETEER_CACHE_DIR", "/nonexistent"),
        ])
    };
    let cold = without(&is_browser, &folder.path().join("cold"), &installers, &APT);
    let ran = run(&cold);
    assert_eq!(ran.0, 0, "{}{}", installers.started(), ran.1);
    let browser = names(&cache).into_iter().find(|name| name.starts_with("browser-"));
    let browser = cache.join(browser.unwrap_or_else(|| panic!("{:?}\n{}", names(&cache), ran.1)));
    assert_eq!(installers.started(), "");
    let warm = without(&is_browser, &folder.path().join("warm"), &installers, &INSTALLERS);
    let ran = run(&warm);
    assert_eq!((ran.0, installers.started()), (0, String::new()), "{}", ran.1);
    // Libraries and fonts are those of the package, where the machine has none.
    let mut shell = Command::new(browser.join("chrome-headless-shell"));
    let printed = shell.arg("--version").env_clear().output().unwrap();
    assert!(String::from_utf8_lossy(&printed.stdout).starts_with("Chromium 148."), "{printed:?}");
    crate::engine_processes::check_rows_with(&browser.join("chrome-headless-shell"));
    // Other contents are not started.
    fs::write(browser.join("chrome-headless-shell"), "#!/bin/sh\nexit 0\n").unwrap();
    let ran = run(&warm);
    assert_ne!(ran.0, 0, "{}", ran.1);
    assert!(installers.started().contains("npm pack"), "{}", installers.started());
}

#[test]
fn a_warm_run_of_the_action_starts_no_installer() {
    let installers = Installers::new();
    let ran = local_render(&[("PATH", &installers.path())]);
    assert_eq!(ran.0, 0, "{}", ran.1);
    assert_eq!(installers.started(), "");
    // A cold one does, which the test would notice.
    let cold = tempfile::tempdir().unwrap();
    let cache = cold.path().display().to_string();
    let ran = local_render(&[("PATH", &installers.path()), ("HYPERFRAMES_CI_CACHE", &cache)]);
    assert_ne!(ran.0, 0, "{}", ran.1);
    assert!(installers.started().contains("npm ci"), "{}", installers.started());
}

/// The steps of the Dockerfile, with the engine that the machine has.
#[test]
fn the_steps_of_the_image_lead_to_renders_of_any_user_without_an_installer() {
    let (installers, folder) = (Installers::new(), tempfile::tempdir().unwrap());
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).unwrap();
    let cache = folder.path().join("opt");
    fs::create_dir(&cache).unwrap();
    fill(&cache);
    let step = |command: &mut Command| {
        command.env_clear().env("PATH", installers.path()).current_dir(folder.path());
        let ran = command.output().unwrap();
        assert!(ran.status.success(), "{command:?}: {ran:?}");
    };
    let script = root().join("docker/engine.sh");
    step(Command::new("sh").arg(script).arg(&cache).arg(example("launch-card")));
    let left = names(&cache);
    assert!(left.iter().all(|name| !name.ends_with(".lock") && !name.contains("ledger")), "{left:?}");
    // As in the image, the user owns the directory of the output and nothing else.
    let work = folder.path().join("work");
    fs::create_dir(&work).unwrap();
    fs::set_permissions(&work, fs::Permissions::from_mode(0o777)).unwrap();
    assert!(Command::new("cp").arg("-R").arg(example("launch-card")).arg(&work).status().unwrap().success());
    let program = folder.path().join("hyperframes-ci");
    fs::copy(env!("CARGO_BIN_EXE_hyperframes-ci"), &program).unwrap();
    let is_root =
        String::from_utf8(Command::new("id").arg("-u").output().unwrap().stdout).unwrap().trim() == "0";
    let mut command = if is_root {
        let mut command = Command::new("setpriv");
        command.args(["--reuid=65534", "--regid=65534", "--clear-groups"]).arg(&program);
        command
    } else {
        Command::new(&program)
    };
    clean(&mut command);
    command.args(["render", "launch-card", "--renderer=local", "--quality=draft", "--output=video.mp4"]);
    command.env("PATH", installers.path()).env("HOME", "/nonexistent");
    command.env("HYPERFRAMES_CI_CACHE", &cache).env("HYPERFRAMES_CI_LEDGER", work.join("ledger.jsonl"));
    let ran = command.current_dir(&work).output().unwrap();
    assert!(ran.status.success(), "{}", String::from_utf8_lossy(&ran.stderr));
    assert!(fs::read(work.join("video.mp4")).unwrap()[4..].starts_with(b"ftyp"));
    assert_eq!(installers.started(), "");
}

/// What Docker reads: not run as root, no newest tags, and only files that exist.
#[test]
fn the_dockerfile_names_what_exists_and_ends_without_root() {
    let text = fs::read_to_string(root().join("Dockerfile")).unwrap().replace("\\\n", "");
    let lines = text.lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
    let lines = lines.map(|line| line.split_once(' ').unwrap()).collect::<Vec<_>>();
    let stages = lines
        .iter()
        .filter(|(word, _)| *word == "FROM")
        .map(|(_, rest)| rest.split(' ').next_back().unwrap());
    let stages = stages.collect::<Vec<_>>();
    let images =
        lines.iter().filter(|(word, _)| *word == "ARG").map(|(_, rest)| rest.split_once('=').unwrap());
    for (name, image) in images {
        let (_, tag) = image.split_once(':').unwrap_or_else(|| panic!("{name} has no tag"));
        assert!(tag != "latest" && tag.contains(|one: char| one.is_ascii_digit()), "{image}");
    }
    for (_, rest) in lines.iter().filter(|(word, _)| *word == "COPY") {
        let words = rest.split(' ').collect::<Vec<_>>();
        match words[0].strip_prefix("--from=") {
            Some(stage) => assert!(stages.contains(&stage), "{rest}"),
            None => assert!(root().join(words[0]).exists(), "{rest}"),
        }
    }
    let last = lines.iter().rposition(|(word, _)| *word == "FROM").unwrap();
    let user = lines[last..].iter().rfind(|(word, _)| *word == "USER").unwrap().1;
    assert!(!["root", "0"].contains(&user), "{user}");
    let after = lines.iter().rposition(|(word, _)| *word == "USER").unwrap();
    assert!(lines[after..].iter().all(|(word, _)| !["RUN", "COPY", "ADD"].contains(word)));
    // The oldest Rust that the code supports, and a Node that the engine supports.
    let rust = fs::read_to_string(root().join("Cargo.toml")).unwrap();
    let oldest = rust.split_once("rust-version = \"").unwrap().1.split('"').next().unwrap();
    assert!(text.contains(&format!("ARG RUST=rust:{oldest}")), "{oldest}");
    assert!(text.contains("ARG BASE=node:24"));
}

/// Every package of the image is one of Debian.
#[cfg(target_os = "linux")]
#[test]
fn the_packages_of_the_image_exist() {
    let listed = Command::new("sh").arg(root().join("docker/packages.sh")).arg("--list").output().unwrap();
    let listed = String::from_utf8(listed.stdout).unwrap();
    assert!(listed.lines().any(|name| name == "ffmpeg") && listed.lines().count() > 5, "{listed}");
    let mut apt = Command::new("apt-cache");
    let Ok(known) = apt.args(["show", "--no-all-versions"]).args(listed.lines()).output() else {
        assert!(std::env::var("CI").as_deref() != Ok("true"), "apt-cache is missing");
        return;
    };
    let known = String::from_utf8(known.stdout).unwrap();
    for name in listed.lines() {
        assert!(known.lines().any(|line| line == format!("Package: {name}")), "{name}");
    }
}
