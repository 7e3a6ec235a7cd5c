//! The WebAssembly module.
//!
//! The standard library is built with it: for size, and without texts for panics that nobody reads, it takes 16 KB less,
//! gzipped, than the one that comes with the target. That is `build-std`, which is unstable, and so needs
//! `RUSTC_BOOTSTRAP`. Its source is rustup's `rust-src`; where rustup cannot add it, Debian's `rustc-web`,
//! `rust-web-src` and `lld` build the module.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};

use crate::command::{cargo, root, say, succeed};
use crate::provision::{cargo_tool, npm_tool, packages, rustup};
use crate::release::gzipped;
use crate::wasm_order;

const TARGET: &str = "wasm32-unknown-unknown";

/// What `build-std` needs where rustup has no source.
const DEBIAN: &[&str] = &["rustc-web", "rust-web-src", "lld"];

/// The largest size of the module, gzipped, in bytes.
pub(crate) const BUDGET: usize = 450_000;

/// A panic is a trap without a text, no path of this machine is in the module, functions of a few instructions are part
/// of others, which the compiler's measure of size does not see as a gain, and SHA-256 is a loop.
const RUSTFLAGS: &str = "-Zunstable-options -Cpanic=immediate-abort -Zlocation-detail=none \
    -Cllvm-args=-inline-threshold=5 \
    --cfg sha2_backend=\"soft\" --cfg sha2_backend_soft=\"compact\"";

/// For size.
const OPTIMIZE: &[&str] = &[
    // Less is shared between functions than with -Oz, which makes the module larger, but its gzipped form smaller.
    "-Os",
    // Blocks and locals as the optimizer writes them, not as the compiler does: 2 KB less.
    "--flatten",
    "--rereloop",
    "-Os",
    "--converge",
    // Small functions repeat each other more than large ones: 30 KB less, gzipped.
    "--one-caller-inline-max-function-size=15",
];

/// In the order of [`wasm_order`], which makes it 22 KB smaller, gzipped. Names are removed after it.
const ARRANGE: &[&str] = &["--reorder-functions-by-name", "--strip-debug", "--strip-producers"];

/// What the compiler uses and Node 20 has, and no others: with all of them, wasm-opt uses typed function references, which
/// Node 20 does not load.
const FEATURES: &[&str] = &[
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
            .args([
                "--target",
                "web",
                "--omit-default-module-path",
                "--no-typescript",
                "--out-name",
                "wasm",
                "--out-dir",
            ])
            .arg(folder)
            .arg(&module),
    )?;
    let bound = folder.join("wasm_bg.wasm");
    // Debian's binaryen is older than the instructions that wasm-bindgen writes.
    let optimizer = npm_tool("binaryen", "132.0.0", "bin/wasm-opt")?;
    let optimize = |options: &[&str]| {
        let mut command = Command::new("node");
        command.arg(&optimizer).args(options).args(FEATURES).arg(&bound).arg("-o").arg(&bound);
        succeed(&mut command)
    };
    // The order needs the functions as they are in the end, and their names have to be kept until then.
    optimize(&[&["--debuginfo"], OPTIMIZE].concat())?;
    fs::write(&bound, wasm_order::renamed(&fs::read(&bound)?)?)?;
    optimize(ARRANGE)?;
    let size = gzipped(&bound)?;
    say(&format!("wasm_bg.wasm: {size} bytes gzipped, limit {BUDGET}"));
    ensure!(size <= BUDGET, "the module exceeds its size limit");
    Ok(())
}

fn build() -> Result<PathBuf> {
    let folder = root().join("target/wasm");
    let mut command = cargo(&["build", "--quiet", "--package", "hyperframes-ci-wasm"]);
    command
        .args(["--profile", "wasm", "--target", TARGET])
        .args(["-Zbuild-std=std,panic_abort", "-Zbuild-std-features=optimize_for_size"])
        .env("CARGO_TARGET_DIR", &folder)
        .env("RUSTFLAGS", RUSTFLAGS)
        .env("RUSTC_BOOTSTRAP", "1");
    if !rustup(&["component", "add", "rust-src"]) {
        say(&format!("rustup cannot add rust-src: building with {}", DEBIAN.join(", ")));
        packages(DEBIAN)?;
        command
            // Debian's compiler may be older than what a crate asks for; it has the edition, which is what counts.
            .arg("--ignore-rust-version")
            .env("RUSTC", "/usr/bin/rustc")
            .env("CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_LINKER", "wasm-ld");
    }
    succeed(&mut command)?;
    Ok(folder.join(TARGET).join("wasm/hyperframes_ci_wasm.wasm"))
}

/// `wasm-bindgen` at the version in Cargo.lock: the two must be the same.
fn bindgen() -> Result<PathBuf> {
    let lock = fs::read_to_string(root().join("Cargo.lock"))?;
    let version = locked(&lock, "wasm-bindgen").context("Cargo.lock does not contain wasm-bindgen")?;
    cargo_tool("wasm-bindgen-cli", "wasm-bindgen", version)
}

/// The version of the package `name` in the text of a Cargo.lock.
fn locked<'a>(lock: &'a str, name: &str) -> Option<&'a str> {
    let mut lines = lock.lines().skip_while(|line| *line != format!("name = \"{name}\""));
    lines.nth(1)?.strip_prefix("version = \"")?.strip_suffix('"')
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
