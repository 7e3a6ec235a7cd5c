//! The WebAssembly build.
//!
//! `rustup target add wasm32-unknown-unknown` comes first. Where no target can be fetched, Debian's `rustc-web`,
//! `rust-web-src` and `lld` build the standard library from source, which needs the unstable `build-std` and so
//! `RUSTC_BOOTSTRAP`.

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail, ensure};

use crate::provision::{cargo_tool, find, npm_tool, packages, root};
use crate::say;
use crate::suite::Outcome;
use crate::suites::{cargo, succeed};

const TARGET: &str = "wasm32-unknown-unknown";

/// What the package may weigh, gzipped, in bytes.
const BUDGET: u64 = 200 * 1024;

/// For size, with the features that the compiler uses and that Node 20 has, and no others.
const OPTIMIZE: &[&str] = &[
    "-Oz",
    "--strip-debug",
    "--strip-producers",
    "--enable-bulk-memory",
    "--enable-mutable-globals",
    "--enable-multivalue",
    "--enable-nontrapping-float-to-int",
    "--enable-reference-types",
    "--enable-sign-ext",
];

/// Where the package is built.
fn package_folder() -> PathBuf {
    root().join("target/wasm/pkg")
}

/// Builds, binds, shrinks and weighs the package; gives back its folder.
pub(crate) fn package() -> Result<PathBuf> {
    let module = build()?;
    let bindgen = bindgen()?;
    let folder = package_folder();
    succeed(
        Command::new(bindgen)
            .args(["--target", "nodejs", "--out-name", "preflight", "--out-dir"])
            .arg(&folder)
            .arg(&module),
    )?;
    let bound = folder.join("preflight_bg.wasm");
    // Debian's binaryen is older than the instructions that wasm-bindgen writes.
    let optimizer = npm_tool("binaryen", "132.0.0", "bin/wasm-opt")?;
    succeed(Command::new("node").arg(optimizer).args(OPTIMIZE).arg(&bound).arg("-o").arg(&bound))?;
    let size = gzipped(&bound)?;
    say(&format!("{}: {:.1} KB gzipped, of {} KB", bound.display(), kilobytes(size), BUDGET / 1024));
    ensure!(size <= BUDGET, "the package is over its budget");
    Ok(folder)
}

/// The digest in WebAssembly equals the native one, over all examples.
pub(crate) fn test() -> Result<Outcome> {
    let needed: &[&str] =
        if has_target() { &["node"] } else { &["node", "rustc-web", "rust-web-src", "lld"] };
    // Debian's package of the program `node` is called nodejs; npm brings it.
    let needed = needed.iter().map(|name| if *name == "node" { "npm" } else { name }).collect::<Vec<_>>();
    if let Some(missing) = packages(&needed)? {
        return Ok(Outcome::Skipped(missing));
    }
    let folder = package()?;
    succeed(&mut cargo(&["build", "--quiet"]))?;
    let binary = root().join("target/debug/hyperframes-ci");
    for example in fs::read_dir(root().join("examples"))? {
        let example = example?.path();
        if !example.join("index.html").is_file() {
            continue;
        }
        compare(&binary, &folder, &example)?;
    }
    Ok(Outcome::Passed)
}

fn compare(binary: &Path, package: &Path, example: &Path) -> Result<()> {
    let native = Command::new(binary).args(["pack", "--list", "--json"]).arg(example).output()?;
    ensure!(native.status.success(), "pack failed: {}", String::from_utf8_lossy(&native.stderr));
    let mut node = Command::new("node")
        .arg(root().join("wasm/digest.mjs"))
        .arg(package.join("preflight.js"))
        .arg(example)
        .stdin(Stdio::piped())
        .spawn()?;
    node.stdin.take().context("a pipe")?.write_all(&native.stdout)?;
    ensure!(node.wait()?.success(), "the builds disagree about {}", example.display());
    Ok(())
}

/// Whether the toolchain has the target, or can fetch it.
fn has_target() -> bool {
    find("rustup").is_some()
        && Command::new("rustup")
            .args(["target", "add", TARGET])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status()
            .is_ok_and(|status| status.success())
}

fn build() -> Result<PathBuf> {
    let folder = root().join("target/wasm");
    let arguments =
        ["build", "--quiet", "--package", "hyperframes-ci-wasm", "--profile", "wasm", "--target", TARGET];
    let mut command = cargo(&arguments);
    command.env("CARGO_TARGET_DIR", &folder);
    if !has_target() {
        if let Some(missing) = packages(&["rustc-web", "rust-web-src", "lld"])? {
            bail!("the target {TARGET} cannot be fetched; {missing}");
        }
        command
            .args(["-Zbuild-std=std,panic_abort"])
            .env("RUSTC", "/usr/bin/rustc")
            .env("RUSTC_BOOTSTRAP", "1")
            .env("CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_LINKER", "wasm-ld");
    }
    succeed(&mut command)?;
    Ok(folder.join(TARGET).join("wasm/hyperframes_ci_wasm.wasm"))
}

/// `wasm-bindgen` at the version in Cargo.lock: the two must be the same.
fn bindgen() -> Result<PathBuf> {
    let lock = fs::read_to_string(root().join("Cargo.lock"))?;
    let version = lock
        .split("[[package]]")
        .find(|package| package.contains("name = \"wasm-bindgen\"\n"))
        .and_then(|package| {
            package.lines().find_map(|line| line.strip_prefix("version = \"")?.strip_suffix('"'))
        })
        .context("Cargo.lock names no wasm-bindgen")?;
    cargo_tool("wasm-bindgen-cli", "wasm-bindgen", version)
}

fn gzipped(path: &Path) -> Result<u64> {
    let output = Command::new("gzip").args(["-9", "-c"]).arg(path).output()?;
    ensure!(output.status.success(), "gzip failed");
    Ok(output.stdout.len() as u64)
}

#[expect(clippy::cast_precision_loss, reason = "a figure for people")]
fn kilobytes(bytes: u64) -> f64 {
    bytes as f64 / 1024.0
}
