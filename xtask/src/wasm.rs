//! The WebAssembly module.
//!
//! `rustup target add wasm32-unknown-unknown` comes first. Where that fails, Debian's `rustc-web`,
//! `rust-web-src` and `lld` build the standard library from source, which needs the unstable `build-std` and so
//! `RUSTC_BOOTSTRAP`.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;

use anyhow::{Context, Result, ensure};

use crate::provision::{cargo_tool, find, npm_tool, packages, root};
use crate::say;
use crate::suites::{cargo, succeed};

const TARGET: &str = "wasm32-unknown-unknown";

/// Debian's way to the target.
const DEBIAN: &[&str] = &["rustc-web", "rust-web-src", "lld"];

/// What the package may weigh, gzipped, in bytes.
pub(crate) const BUDGET: usize = 200 * 1024;

/// For size, with the features that the compiler uses and that Node 20 has, and no others: with all of them,
/// wasm-opt uses typed function references, which Node 20 does not load.
const OPTIMIZE: &[&str] = &[
    "-Oz",
    "--converge",
    "--strip-debug",
    "--strip-producers",
    "--enable-bulk-memory",
    "--enable-multivalue",
    "--enable-mutable-globals",
    "--enable-nontrapping-float-to-int",
    "--enable-reference-types",
    "--enable-sign-ext",
];

/// Builds, binds, shrinks and weighs the module into `folder`.
pub(crate) fn module(folder: &Path) -> Result<()> {
    packages(&["nodejs", "npm"])?;
    let module = build()?;
    let bindgen = bindgen()?;
    succeed(
        Command::new(bindgen)
            .args(["--target", "web", "--no-typescript", "--out-name", "wasm", "--out-dir"])
            .arg(folder)
            .arg(&module),
    )?;
    let bound = folder.join("wasm_bg.wasm");
    // Debian's binaryen is older than the instructions that wasm-bindgen writes.
    let optimizer = npm_tool("binaryen", "132.0.0", "bin/wasm-opt")?;
    succeed(Command::new("node").arg(optimizer).args(OPTIMIZE).arg(&bound).arg("-o").arg(&bound))?;
    let size = gzipped(&bound)?;
    say(&format!("wasm_bg.wasm: {} KB gzipped, of {} KB", size.div_ceil(1024), BUDGET / 1024));
    ensure!(size <= BUDGET, "the package is over its budget");
    Ok(())
}

/// Whether the toolchain has the target, or can fetch it; asked once.
fn has_target() -> bool {
    static ANSWER: OnceLock<bool> = OnceLock::new();
    *ANSWER.get_or_init(|| {
        let added = find("rustup").is_some()
            && Command::new("rustup")
                .args(["target", "add", TARGET])
                .stdout(Stdio::null())
                .stderr(Stdio::null())
                .status()
                .is_ok_and(|status| status.success());
        if !added {
            say(&format!("rustup cannot add {TARGET}: building it with {}", DEBIAN.join(", ")));
        }
        added
    })
}

fn build() -> Result<PathBuf> {
    let folder = root().join("target/wasm");
    let mut command = cargo(&["build", "--quiet", "--package", "hyperframes-ci-wasm"]);
    command.args(["--profile", "wasm", "--target", TARGET]).env("CARGO_TARGET_DIR", &folder);
    if !has_target() {
        packages(DEBIAN)?;
        command
            // Debian's compiler may be older than what a crate asks for; it has the edition, which is what counts.
            .args(["-Zbuild-std=std,panic_abort", "--ignore-rust-version"])
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
    let version = locked(&lock, "wasm-bindgen").context("Cargo.lock names no wasm-bindgen")?;
    cargo_tool("wasm-bindgen-cli", "wasm-bindgen", version)
}

/// The version of the package `name` in the text of a Cargo.lock.
fn locked<'a>(lock: &'a str, name: &str) -> Option<&'a str> {
    let mut lines = lock.lines().skip_while(|line| *line != format!("name = \"{name}\""));
    lines.nth(1)?.strip_prefix("version = \"")?.strip_suffix('"')
}

/// The size of a file after `gzip -9`, in bytes.
pub(crate) fn gzipped(path: &Path) -> Result<usize> {
    let output = Command::new("gzip").args(["-9", "-c"]).arg(path).output()?;
    ensure!(output.status.success(), "gzip failed");
    Ok(output.stdout.len())
}

#[cfg(test)]
mod tests {
    use super::locked;

    #[test]
    fn the_locked_version_is_that_of_the_package_itself() {
        let lock = "[[package]]\nname = \"a-cli\"\nversion = \"1.0.0\"\n\n[[package]]\nname = \"a\"\nversion = \"2.0.0\"\n";
        assert_eq!(locked(lock, "a"), Some("2.0.0"));
        assert_eq!(locked(lock, "b"), None);
    }
}
