//! The npm package, installed into a fresh project and tested there, and the page at `site/` in a browser.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result};

use super::suite::Outcome;
use crate::command::{binary, build, root, succeed};
use crate::npm::{NODES, SMOL_TOML, node, official, pack};
use crate::preflight_page;
use crate::provision::{self, packages};

/// Drives the browser.
pub(super) const PUPPETEER: &str = "puppeteer-core@24.43.1";

/// Finds barriers for people on the page.
const AXE: &str = "axe-core@4.14.1";

/// What else the tests of the package need: a validator of SARIF with its schema, and a compiler of types.
const JUDGES: &[&str] = &["@microsoft/jest-sarif@1.0.0-beta.0", "typescript@5.9.3"];

/// The page in a browser; screenshots go to `target/screenshots`.
pub(super) fn test_site() -> Result<Outcome> {
    packages(&["chromium", "nodejs", "npm"])?;
    build()?;
    let site = preflight_page::build()?;
    let project = Project::new(&[PUPPETEER, AXE])?;
    let shots = root().join("target/screenshots");
    fs::create_dir_all(&shots)?;
    let node = node(NODES[NODES.len() - 1])?;
    let browser = provision::browser()?;
    for script in ["site.test.mjs", "site-input.test.mjs", "site-preview.test.mjs", "site-access.test.mjs"] {
        let mut test = project.test(&node, script);
        succeed(test.env("BROWSER", &browser).env("SITE", &site).env("SCREENSHOTS", &shots))?;
    }
    Ok(Outcome::Passed)
}

/// The report of `diff` in a browser; screenshots go to `target/screenshots`.
pub(super) fn test_report() -> Result<Outcome> {
    packages(&["chromium", "ffmpeg", "nodejs", "npm"])?;
    build()?;
    let project = Project::install("hyperframes-report", &[PUPPETEER, AXE])?;
    let script = "report.test.mjs";
    fs::copy(root().join("tests/visual").join(script), project.folder.join(script))?;
    let shots = root().join("target/screenshots");
    fs::create_dir_all(&shots)?;
    let mut test = project.test(&node(NODES[NODES.len() - 1])?, script);
    succeed(test.env("BROWSER", provision::browser()?).env("SCREENSHOTS", shots))?;
    Ok(Outcome::Passed)
}

/// Unpacks the package into a folder with its dependency. The programs that it also depends on are not published before
/// their release, so that npm cannot install it.
pub(super) fn unpack(archive: &Path, folder: &Path) -> Result<()> {
    let package = folder.join("node_modules/hyperframes-preflight");
    let _ = fs::remove_dir_all(&package);
    fs::create_dir_all(&package)?;
    succeed(Command::new("tar").arg("-xzf").arg(archive).args(["--strip-components=1", "-C"]).arg(package))
}

/// A project with packages from npm and nothing of ours but what is tested; goes when it is dropped.
struct Project {
    folder: PathBuf,
}

impl Project {
    /// Installs the packed package and `others` into an empty folder.
    fn new(others: &[&str]) -> Result<Self> {
        let archive = pack()?;
        let project = Self::install("hyperframes-preflight", &[others, &[SMOL_TOML]].concat())?;
        unpack(&archive, &project.folder)?;
        for entry in fs::read_dir(root().join("wasm/tests"))? {
            let entry = entry?;
            fs::copy(entry.path(), project.folder.join(entry.file_name()))?;
        }
        Ok(project)
    }

    /// Installs packages into an empty folder.
    fn install(name: &str, packages: &[&str]) -> Result<Self> {
        let folder = std::env::temp_dir().join(format!("{name}-{}", std::process::id()));
        let _ = fs::remove_dir_all(&folder);
        fs::create_dir_all(&folder)?;
        let project = Self { folder };
        fs::write(project.folder.join("package.json"), "{ \"private\": true, \"type\": \"module\" }")?;
        let mut install = Command::new("npm");
        install.args(["install", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"]);
        install.args(packages).current_dir(&project.folder);
        succeed(install.stdout(Stdio::null()))
            .with_context(|| provision::Missing::new(packages, "npm cannot install it"))?;
        Ok(project)
    }

    /// `node --test` in the project.
    fn test(&self, node: &Path, script: &str) -> Command {
        let mut command = Command::new(node);
        command.args(["--test", "--test-reporter=spec", script]).current_dir(&self.folder);
        command.env("ROOT", root()).env("NATIVE", binary("debug"));
        command
    }
}

impl Drop for Project {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.folder);
    }
}

/// The package in Node and in a browser; the same answers as the native binary and as the official validator.
pub(super) fn test() -> Result<Outcome> {
    packages(&["chromium", "nodejs", "npm"])?;
    build()?;
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
    succeed(&mut project.test(node, "command.test.mjs"))?;
    succeed(project.test(node, "browser.test.mjs").env("BROWSER", provision::browser()?))?;
    Ok(Outcome::Passed)
}
