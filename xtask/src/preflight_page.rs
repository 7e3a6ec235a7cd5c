//! The preflight page at `site/`: its modules as one script, with the checks.
//!
//! Browsers load neither modules nor workers from `file:`. So the page is one script, which has the worker as a text, and the
//! WebAssembly module also exists as a script.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use crate::command::{root, succeed};
use crate::npm::{ESBUILD, SMOL_TOML, pack};
use crate::provision::npm_tool;

/// Files that are copied as they are.
const STATIC: &[&str] = &["index.html", "style.css", "icon.svg"];

/// The policy of the preview that a person has allowed to reach public hosts by HTTPS. Apart from it, the page is that of the
/// preview without the network.
const NETWORK_POLICY: &str = "default-src https: data: blob: 'unsafe-inline' 'unsafe-eval'; \
    frame-src 'none'; \
    object-src 'none'; \
    worker-src blob:; \
    base-uri 'none'; \
    form-action 'none'";

/// Builds the page and returns its directory.
///
/// # Errors
/// Returns an error if the package cannot be built, or esbuild refuses a module.
pub(crate) fn build() -> Result<PathBuf> {
    let package = pack()?.parent().context("an archive in a folder")?.to_owned();
    let (source, folder) = (root().join("site"), root().join("target/site"));
    let _ = fs::remove_dir_all(&folder);
    fs::create_dir_all(&folder)?;
    for name in STATIC {
        fs::copy(source.join(name), folder.join(name))?;
    }
    let preview = fs::read_to_string(source.join("preview.html"))?;
    fs::write(folder.join("preview.html"), &preview)?;
    fs::write(folder.join("preview-network.html"), with_network(&preview)?)?;
    let module = fs::read(package.join("wasm_bg.wasm"))?;
    fs::write(folder.join("preflight.wasm"), &module)?;
    let script = format!("globalThis.preflightWasm = \"{}\";\n", STANDARD.encode(module));
    fs::write(folder.join("preflight-wasm.js"), script)?;

    let work = root().join("target/site-work");
    fs::create_dir_all(&work)?;
    let (name, version) = SMOL_TOML.split_once('@').context("a package with a version")?;
    let toml = npm_tool(name, version, "package.json")?;
    let toml = toml.parent().context("a package in a folder")?;
    let aliases = [("hyperframes-preflight", package.as_path()), ("smol-toml", toml)];
    let worker = work.join("worker.js");
    bundle(&source.join("worker.js"), &worker, &aliases)?;
    let text = work.join("worker-source.js");
    let json = serde_json::to_string(&fs::read_to_string(worker)?)?;
    fs::write(&text, format!("export const SOURCE = {json};\n"))?;
    bundle(&source.join("app.js"), &folder.join("app.js"), &[("worker-source", &text)])?;
    Ok(folder)
}

/// Returns the preview with [`NETWORK_POLICY`].
fn with_network(preview: &str) -> Result<String> {
    const START: &str = "<meta http-equiv=\"Content-Security-Policy\" content=\"";
    const DNS: &str = "  <meta http-equiv=\"x-dns-prefetch-control\" content=\"off\">\n";
    let (before, rest) = preview.split_once(START).context("preview.html has no policy")?;
    let (_, after) = rest.split_once('"').context("the policy of preview.html does not end")?;
    ensure!(after.contains(DNS), "preview.html does not turn off prefetching");
    Ok(format!("{before}{START}{NETWORK_POLICY}\"{}", after.replacen(DNS, "", 1)))
}

/// Joins a module and what it imports into one script.
fn bundle(from: &Path, to: &Path, aliases: &[(&str, &Path)]) -> Result<()> {
    let esbuild = npm_tool("esbuild", ESBUILD, "bin/esbuild")?;
    let mut command = Command::new("node");
    command.arg(esbuild).arg(from).args([
        "--bundle",
        "--format=iife",
        "--charset=utf8",
        "--minify-whitespace",
    ]);
    // The package names the module next to itself, which the page loads in its own way.
    command.args(["--log-level=warning", "--log-override:empty-import-meta=silent"]);
    command.args(aliases.iter().map(|(name, path)| format!("--alias:{name}={}", path.display())));
    succeed(command.arg(format!("--outfile={}", to.display())))
}
