//! The program as releases have it: static on Linux, with every optimisation. The action downloads it on every run.

use std::env::consts::{ARCH, OS};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use anyhow::{Result, ensure};

use crate::command::{binary, cargo, succeed, target};
use crate::provision::{packages, rustup};

/// What the program may weigh, gzipped, in bytes.
pub(crate) const BUDGET: usize = 6_000_000;

/// What was built.
pub(crate) struct Program {
    pub(crate) path: PathBuf,
    /// Why it is not static.
    pub(crate) lacking: Option<String>,
}

/// Builds the program once; where the target of static programs cannot be had, as this machine has it.
pub(crate) fn program() -> Result<&'static Program> {
    static PROGRAM: OnceLock<Program> = OnceLock::new();
    if let Some(program) = PROGRAM.get() {
        return Ok(program);
    }
    let triple = format!("{ARCH}-unknown-linux-musl");
    let lacking = if OS != "linux" {
        Some(format!("the program is not static on {OS}"))
    } else if !rustup(&["target", "add", &triple]) {
        Some(format!("the program is not static: rustup cannot add {triple}"))
    } else {
        packages(&["musl-tools"]).err().map(|error| format!("the program is not static: {error}"))
    };
    let mut command = cargo(&["build", "--release", "--locked", "--quiet", "--bin", "hyperframes-ci"]);
    let path = if lacking.is_none() {
        command.args(["--target", &triple]);
        target().join(&triple).join("release/hyperframes-ci")
    } else {
        binary("release")
    };
    succeed(&mut command)?;
    Ok(PROGRAM.get_or_init(|| Program { path, lacking }))
}

/// The size of a file after `gzip -9`, in bytes.
pub(crate) fn gzipped(path: &Path) -> Result<usize> {
    let output = Command::new("gzip").args(["-9", "-c"]).arg(path).output()?;
    ensure!(output.status.success(), "gzip failed");
    Ok(output.stdout.len())
}
