//! The npm package in bundlers, test runners and runtimes, each the real one.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result};
use serde_json::json;

use super::npm::{PUPPETEER, unpack};
use super::suite::Outcome;
use crate::command::{root, succeed};
use crate::npm::{SMOL_TOML, node, pack};
use crate::provision::{self, Missing, cache, packages};

/// The tools, which share one installation.
const TOOLS: &[&str] = &[
    "@rollup/plugin-node-resolve@16.0.3",
    "bun@1.4.5",
    "deno@2.9.6",
    "esbuild@0.28.2",
    "jest@30.5.2",
    "next@16.4.6",
    "parcel@2.16.4",
    "react@19.3.1",
    "react-dom@19.3.1",
    "rollup@4.68.8",
    "typescript@5.9.3",
    "vite@8.3.8",
    "vitest@5.1.1",
    "webpack@5.113.0",
    "workerd@1.20261117.1",
    PUPPETEER,
    SMOL_TOML,
];

/// The versions of Node that the package supports as a library.
const NODES: &[&str] = &["18.20.8", "20.20.2", "22.23.3", "24.21.0"];

/// The suite.
pub(super) fn test() -> Result<Outcome> {
    packages(&["chromium", "nodejs", "npm"])?;
    let archive = pack()?;
    let folder = install()?;
    unpack(&archive, &folder)?;
    for name in ["bundlers.test.mjs", "serve.mjs"] {
        fs::copy(root().join("wasm/tests").join(name), folder.join(name))?;
    }
    let nodes = NODES.iter().map(|version| node(version)).collect::<Result<Vec<_>>>()?;
    let mut test = Command::new(nodes.last().context("a version of Node")?);
    test.args(["--test", "--test-reporter=spec", "bundlers.test.mjs"]).current_dir(&folder);
    test.env("BROWSER", provision::browser()?).env("NODES", json!(nodes).to_string());
    succeed(test.env("PROGRAMS", json!(programs(&folder)?).to_string()))?;
    let _ = fs::remove_dir_all(folder.join("cases"));
    Ok(Outcome::Passed)
}

/// Installs the tools once, and returns their folder.
fn install() -> Result<PathBuf> {
    let folder = cache()?.join("tools/bundlers");
    let manifest = json!({ "private": true, "description": TOOLS.join(" ") }).to_string();
    let done = folder.join("done");
    if fs::read_to_string(&done).is_ok_and(|found| found == manifest) {
        return Ok(folder);
    }
    let _ = fs::remove_dir_all(&folder);
    fs::create_dir_all(&folder)?;
    fs::write(folder.join("package.json"), &manifest)?;
    let mut npm = Command::new("npm");
    npm.args(["install", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"]).args(TOOLS);
    succeed(npm.current_dir(&folder).stdout(Stdio::null()))
        .with_context(|| Missing::new(TOOLS, "npm cannot install them"))?;
    fs::write(done, manifest)?;
    Ok(folder)
}

/// Returns the programs that packages would link with scripts, which are not run.
fn programs(folder: &Path) -> Result<serde_json::Map<String, serde_json::Value>> {
    let modules = folder.join("node_modules");
    let (arm, mac) = (std::env::consts::ARCH == "aarch64", std::env::consts::OS == "macos");
    let machine = if arm { "arm64" } else { "x64" };
    let system = if mac { "darwin" } else { "linux" };
    let deno = if mac {
        format!("@deno/darwin-{machine}/deno")
    } else {
        format!("@deno/linux-{machine}-glibc/deno")
    };
    let bun = if arm {
        format!("@oven/bun-{system}-aarch64/bin/bun")
    } else {
        format!("@oven/bun-{system}-x64/bin/bun")
    };
    let workerd = format!("@cloudflare/workerd-{system}-{}/bin/workerd", if arm { "arm64" } else { "64" });
    let mut found = serde_json::Map::new();
    for (name, path) in [("deno", deno), ("bun", bun), ("workerd", workerd)] {
        let program = modules.join(path);
        if !program.is_file() {
            return Err(Missing::new(&[name], "npm has installed no program for this machine").into());
        }
        found.insert(name.to_owned(), json!(program));
    }
    Ok(found)
}
