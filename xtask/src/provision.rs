//! Finds or installs what the suites need: Debian's packages as root or with passwordless sudo, tools from
//! crates.io and PyPI into `HYPERFRAMES_CI_CACHE` (by default `~/.cache/hyperframes-ci`), which may be empty.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};

use crate::suites::{cargo, succeed};

/// The workspace.
pub(crate) fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("xtask lies in the workspace")
}

/// Where slow installations are kept between runs.
pub(crate) fn cache() -> Result<PathBuf> {
    let set = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    set("HYPERFRAMES_CI_CACHE")
        .or_else(|| Some(set("XDG_CACHE_HOME")?.join("hyperframes-ci")))
        .or_else(|| Some(set("HOME")?.join(".cache/hyperframes-ci")))
        .context("no home directory is known; set HYPERFRAMES_CI_CACHE")
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
fn apt() -> Option<Vec<&'static str>> {
    find("apt-get")?;
    let id = Command::new("id").arg("-u").output().ok()?;
    if String::from_utf8_lossy(&id.stdout).trim() == "0" {
        return Some(vec!["apt-get"]);
    }
    works("sudo", &["-n", "true"]).then(|| vec!["sudo", "-n", "apt-get"])
}

/// Makes sure that each of these programs, whose packages have the same names, is there; gives back what is
/// missing and cannot be installed.
pub(crate) fn packages(names: &[&str]) -> Result<Option<String>> {
    let there = |name: &&&str| match **name {
        "chromium" => ["chromium", "google-chrome", "chrome"].iter().any(|browser| find(browser).is_some()),
        // Packages that hold no program of their name.
        "rust-web-src" => works("dpkg", &["-s", "rust-web-src"]),
        "rustc-web" => works("dpkg", &["-s", "rustc-web"]),
        "lld" => find("wasm-ld").is_some(),
        "python3-venv" => works("python3", &["-c", "import ensurepip, venv"]),
        other => find(other).is_some(),
    };
    let absent = names.iter().filter(|name| !there(name)).copied().collect::<Vec<_>>();
    if absent.is_empty() {
        return Ok(None);
    }
    let Some(apt) = apt() else {
        return Ok(Some(format!(
            "install {} (there is no apt with root or passwordless sudo)",
            absent.join(", ")
        )));
    };
    let call = |arguments: &[&str]| {
        let mut command = Command::new(apt[0]);
        command.args(&apt[1..]).args(arguments).env("DEBIAN_FRONTEND", "noninteractive");
        succeed(command.stdout(Stdio::null()))
    };
    call(&["update", "-qq"])?;
    let mut arguments = vec!["install", "-y", "-qq", "--no-install-recommends"];
    arguments.extend(&absent);
    if absent.contains(&"chromium") {
        arguments.push("fonts-liberation");
    }
    call(&arguments)?;
    Ok(None)
}

/// The program `program` of the crate `name` at a fixed version, built once.
pub(crate) fn cargo_tool(name: &str, program: &str, version: &str) -> Result<PathBuf> {
    let folder = cache()?.join("tools").join(format!("{name}-{version}"));
    let program = folder.join("bin").join(program);
    if !program.is_file() {
        let install = |locked: &[&str]| {
            let mut command = cargo(&["install", "--quiet", "--version", version, name]);
            // The build must not take the workspace's directory, target or flags.
            command.args(locked).arg("--root").arg(&folder).current_dir(std::env::temp_dir());
            command.env_remove("CARGO_TARGET_DIR").env_remove("RUSTC");
            succeed(&mut command)
        };
        // A mirror may lack what a lock file names; newer versions of the same dependencies do as well.
        install(&["--locked"])
            .or_else(|_| install(&[]))
            .with_context(|| format!("{name} {version} cannot be installed"))?;
    }
    Ok(program)
}

/// A script of an npm package at a fixed version.
pub(crate) fn npm_tool(package: &str, version: &str, script: &str) -> Result<PathBuf> {
    let folder = cache()?.join("tools").join(format!("{package}-{version}"));
    let script = folder.join("node_modules").join(package).join(script);
    if !script.is_file() {
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
            .with_context(|| format!("{package} {version} cannot be installed"))?;
    }
    Ok(script)
}

/// A tool from PyPI.
pub(crate) struct Tool {
    pub(crate) package: &'static str,
    pub(crate) version: &'static str,
    pub(crate) program: &'static str,
}

/// A tool from PyPI at a fixed version, in an environment of its own.
pub(crate) fn python_tool(tool: &Tool) -> Result<PathBuf> {
    let folder = cache()?.join("tools").join(format!("{}-{}", tool.package, tool.version));
    let program = folder.join("bin").join(tool.program);
    if program.is_file() {
        return Ok(program);
    }
    if let Some(missing) = packages(&["python3", "python3-venv"])? {
        bail!("{missing}");
    }
    // An interrupted installation leaves no program, and the next one starts over.
    let _ = fs::remove_dir_all(&folder);
    succeed(Command::new("python3").args(["-m", "venv"]).arg(&folder))?;
    let wanted = format!("{}=={}", tool.package, tool.version);
    succeed(
        Command::new(folder.join("bin/python"))
            .args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check", &wanted])
            .stdout(Stdio::null()),
    )
    .with_context(|| format!("{wanted} cannot be installed"))?;
    Ok(program)
}
