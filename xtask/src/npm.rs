//! The npm package: built, packed, installed into a fresh project and tested there.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;

use anyhow::{Context, Result, ensure};

use crate::provision::{self, cache, npm_tool, packages, root};
use crate::suite::Outcome;
use crate::suites::{cargo, succeed};
use crate::wasm;

/// The versions of Node that the package promises to run on.
pub(crate) const NODES: &[&str] = &["20.20.2", "22.23.3"];

/// Drives the browser.
const PUPPETEER: &str = "puppeteer-core@24.43.1";

/// What else the tests of the package need: a validator of SARIF with its schema, a compiler of types, a bundler.
const JUDGES: &[&str] = &["@microsoft/jest-sarif@1.0.0-beta.0", "typescript@5.9.3", "vite@7.3.8"];

/// What judges values officially; the version of the official command line that is followed here.
const OFFICIAL: &str = "0.8.64";

/// Builds the package; gives back its folder.
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
    ensure!(manifest.contains(&version), "wasm/npm/package.json does not say {version}");
    for license in ["LICENSE-APACHE", "LICENSE-MIT"] {
        fs::copy(root().join(license), folder.join(license))?;
    }
    Ok(folder)
}

/// Builds the page at `site/` with the package beside it; gives back its folder.
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

/// The page in a browser; screenshots go to `target/screenshots`.
pub(crate) fn test_site() -> Result<Outcome> {
    packages(&["chromium", "nodejs", "npm"])?;
    let site = site()?;
    let project = Project::new(&[PUPPETEER])?;
    let shots = root().join("target/screenshots");
    fs::create_dir_all(&shots)?;
    let node = node(NODES[NODES.len() - 1])?;
    let mut test = project.test(&node, "site.test.mjs");
    succeed(test.env("BROWSER", provision::browser()?).env("SITE", site).env("SCREENSHOTS", shots))?;
    Ok(Outcome::Passed)
}

/// Packs the package as it would be published, once; gives back the archive.
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

/// A project that has installed the package and nothing else of ours; goes when it is dropped.
pub(crate) struct Project {
    folder: PathBuf,
}

impl Project {
    /// Installs the packed package and `others` into an empty folder.
    pub(crate) fn new(others: &[&str]) -> Result<Self> {
        let archive = pack()?;
        let folder = std::env::temp_dir().join(format!("hyperframes-preflight-{}", std::process::id()));
        let _ = fs::remove_dir_all(&folder);
        fs::create_dir_all(&folder)?;
        let project = Self { folder };
        fs::write(project.folder.join("package.json"), "{ \"private\": true, \"type\": \"module\" }")?;
        let mut install = Command::new("npm");
        install.args(["install", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"]);
        succeed(install.arg(archive).args(others).current_dir(&project.folder).stdout(Stdio::null()))
            .with_context(|| provision::Missing::new(others, "npm cannot install it"))?;
        for entry in fs::read_dir(root().join("wasm/tests"))? {
            let entry = entry?;
            fs::copy(entry.path(), project.folder.join(entry.file_name()))?;
        }
        Ok(project)
    }

    /// `node --test` in the project.
    pub(crate) fn test(&self, node: &Path, script: &str) -> Command {
        let mut command = Command::new(node);
        command.args(["--test", "--test-reporter=spec", script]).current_dir(&self.folder);
        command.env("ROOT", root()).env("NATIVE", provision::binary("debug"));
        command
    }
}

impl Drop for Project {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.folder);
    }
}

/// The package in Node and in a browser; the same answers as the native binary and as the official validator.
pub(crate) fn test() -> Result<Outcome> {
    packages(&["chromium", "nodejs", "npm"])?;
    succeed(&mut cargo(&["build", "--workspace", "--quiet", "--bin", "hyperframes-ci"]))?;
    let project = Project::new(&[&[PUPPETEER], JUDGES].concat())?;
    let nodes = NODES.iter().map(|version| node(version)).collect::<Result<Vec<_>>>()?;
    for node in &nodes {
        succeed(&mut project.test(node, "api.test.mjs"))?;
    }
    let node = nodes.last().context("a version of Node")?;
    let mut types = Command::new(node);
    types
        .arg("node_modules/typescript/bin/tsc")
        .args(["--noEmit", "--strict", "--module", "nodenext", "--target", "es2022"]);
    succeed(types.arg("types.ts").current_dir(&project.folder))?;
    succeed(project.test(node, "official.test.mjs").env("OFFICIAL", official()?))?;
    succeed(&mut project.test(node, "differential.test.mjs"))?;
    succeed(project.test(node, "browser.test.mjs").env("BROWSER", provision::browser()?))?;
    Ok(Outcome::Passed)
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

/// A folder with the official packages that judge values. Each is taken by itself: what the rest of them depends on
/// plays no part, and is large.
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
