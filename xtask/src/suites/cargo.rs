//! Suites that are commands of cargo.

use std::fs;
use std::process::Command;

use anyhow::Result;

use super::suite::Outcome;
use crate::command::{cargo, root, say, succeed};
use crate::provision::{self, Tool};

pub(super) fn fmt() -> Result<Outcome> {
    succeed(&mut cargo(&["fmt", "--all", "--check"]))?;
    Ok(Outcome::Passed)
}

/// Lints, with the core's boundary among them: `core/clippy.toml` holds what it must not touch.
pub(super) fn clippy() -> Result<Outcome> {
    succeed(&mut cargo(&["clippy", "--workspace", "--all-targets", "--quiet", "--", "-D", "warnings"]))?;
    Ok(Outcome::Passed)
}

/// Links in doc comments.
pub(super) fn rustdoc() -> Result<Outcome> {
    let mut command = cargo(&["doc", "--workspace", "--no-deps", "--document-private-items", "--quiet"]);
    // With the features of clippy, whose metadata of dependencies is used again: see `command::build`.
    command.args(["--lib", "--bins", "--examples"]);
    succeed(command.env("RUSTDOCFLAGS", "-D warnings"))?;
    Ok(Outcome::Passed)
}

/// Everything that needs nothing but Rust.
pub(super) fn core() -> Result<Outcome> {
    let test = |what: &[&str]| {
        // Always the whole workspace: a part of it asks for other features, and builds every dependency again.
        succeed(cargo(&["test", "--workspace", "--no-fail-fast", "--quiet"]).args(what))
    };
    let mut parts = vec!["--lib".to_owned(), "--bins".to_owned()];
    for entry in fs::read_dir(root().join("core/tests"))? {
        let path = entry?.path();
        let is_test = path.extension().is_some_and(|ending| ending == "rs") || path.join("main.rs").is_file();
        if let Some(name) = path.file_stem().filter(|_| is_test) {
            parts.extend(["--test".to_owned(), name.to_string_lossy().into_owned()]);
        }
    }
    test(&parts.iter().map(String::as_str).collect::<Vec<_>>())?;
    test(&["--doc"])?;
    Ok(Outcome::Passed)
}

/// The binary from end to end, with the real engine, a real browser and the official client.
pub(super) fn integration() -> Result<Outcome> {
    provision::packages(&["chromium", "ffmpeg", "nodejs", "npm"])?;
    let tables = root().join("target/tables");
    let _ = fs::remove_dir_all(&tables);
    let ended = succeed(&mut cargo(&["test", "--workspace", "--no-fail-fast", "--test", "integration"]));
    for table in ["kills.txt", "faults.txt"] {
        if let Ok(table) = fs::read_to_string(tables.join(table)) {
            say(&format!("\n{table}"));
        }
    }
    ended.map(|()| Outcome::Passed)
}

/// The help and the output of the main flows, as the snapshots have them.
pub(super) fn snapshots() -> Result<Outcome> {
    succeed(&mut cargo(&["test", "--workspace", "--no-fail-fast", "--quiet", "--test", "snapshots"]))?;
    Ok(Outcome::Passed)
}

/// Writes the snapshots as the program prints them.
///
/// # Errors
/// Returns an error if a test fails for another reason than its snapshot.
pub(crate) fn bless() -> Result<()> {
    let tests = ["test", "--workspace", "--quiet", "--bin", "hyperframes-ci", "--test", "snapshots"];
    succeed(cargo(&tests).env("SNAPSHOTS", "overwrite"))
}

/// Renders in an AWS account, with the official tooling and a stand-in of AWS.
pub(super) fn lambda() -> Result<Outcome> {
    const MOTO: Tool =
        Tool { package: "moto[s3,server,stepfunctions]", version: "5.2.5", program: "moto_server" };
    let moto = provision::python_tool(&MOTO)?;
    provision::packages(&["chromium", "ffmpeg", "nodejs", "npm"])?;
    let test =
        ["test", "--workspace", "--no-fail-fast", "--test", "integration", "lambda::", "--", "--ignored"];
    succeed(cargo(&test).env("HYPERFRAMES_CI_TEST_MOTO", moto))?;
    if let Ok(table) = fs::read_to_string(root().join("target/tables/lambda.txt")) {
        say(&format!("\n{table}"));
    }
    Ok(Outcome::Passed)
}

/// Renders a case of every rule that is an error, with the official engine.
pub(super) fn proof() -> Result<Outcome> {
    // Its licence does not allow copies in this repository.
    let gsap = provision::npm_tool("gsap", "3.13.0", "dist/gsap.min.js")?;
    provision::packages(&["chromium", "ffmpeg", "nodejs", "npm"])?;
    let test =
        ["test", "--workspace", "--no-fail-fast", "--test", "integration", "proof::", "--", "--ignored"];
    succeed(cargo(&test).env("HYPERFRAMES_CI_TEST_GSAP", gsap))?;
    if let Ok(table) = fs::read_to_string(root().join("target/tables/proof.txt")) {
        say(&format!("\n{table}"));
    }
    Ok(Outcome::Passed)
}

/// Licences, duplicates and sources always; advisories where their database can be fetched.
pub(super) fn deny() -> Result<Outcome> {
    let program = provision::cargo_tool("cargo-deny", "cargo-deny", "0.20.2")?;
    let check = |what: &[&str]| {
        let mut command = Command::new(&program);
        command.arg("--all-features").args(["--log-level", "error", "check"]).args(what).current_dir(root());
        command
    };
    succeed(&mut check(&["bans", "licenses", "sources"]))?;
    let fetched = Command::new(&program)
        .args(["--log-level", "error", "fetch", "db"])
        .current_dir(root())
        .output()
        .is_ok_and(|output| output.status.success());
    if !fetched {
        return Ok(Outcome::Partly(
            "the advisory database could not be fetched: advisories were not checked".to_owned(),
        ));
    }
    succeed(&mut check(&["advisories"]))?;
    Ok(Outcome::Passed)
}
