//! Suites that are commands of cargo.

use std::fs;
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::process::Command;
use std::thread;

use anyhow::{Result, ensure};

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
    let programs = ["busybox", "chromium", "ffmpeg", "nodejs", "npm", "openssl", "python3", "python3-pip"];
    provision::packages(&programs)?;
    // What tests/integration/action/oracle.rs reads.
    provision::npm_tool("@octokit/openapi", "23.0.2", "generated/api.github.com.json")?;
    provision::npm_tool("@octokit/webhooks-examples", "7.6.1", "api.github.com/index.json")?;
    // What tests/integration/action/worker.rs runs.
    provision::npm_tool("workerd", "1.20261117.1", "bin/workerd")?;
    let tables = root().join("target/tables");
    let _ = fs::remove_dir_all(&tables);
    let mut test = cargo(&["test", "--workspace", "--no-fail-fast", "--test", "integration"]);
    let ended = succeed(test.env("RUST_TEST_THREADS", threads().to_string()));
    for table in ["kills.txt", "faults.txt"] {
        if let Ok(table) = fs::read_to_string(tables.join(table)) {
            say(&format!("\n{table}"));
        }
    }
    ended.map(|()| Outcome::Passed)
}

/// Returns the number of tests that run at a time. Most of them wait for other programs, or for time to pass.
fn threads() -> usize {
    2 * thread::available_parallelism().map_or(1, NonZeroUsize::get)
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

/// Renders in an AWS account and in a Google Cloud project, with the official tooling and stand-ins of both.
pub(super) fn lambda() -> Result<Outcome> {
    const MOTO: Tool =
        Tool { package: "moto[s3,server,stepfunctions]", version: "5.2.5", program: "moto_server" };
    let moto = provision::python_tool(&MOTO)?;
    provision::packages(&["chromium", "ffmpeg", "nodejs", "npm"])?;
    let test = ["test", "--workspace", "--no-fail-fast", "--test", "integration", "--", "--ignored"];
    let tests = ["lambda::", "cloudrun::"];
    succeed(cargo(&[&test[..], &tests].concat()).env("HYPERFRAMES_CI_TEST_MOTO", moto))?;
    for table in ["lambda.txt", "cloudrun.txt"] {
        if let Ok(table) = fs::read_to_string(root().join("target/tables").join(table)) {
            say(&format!("\n{table}"));
        }
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

/// Compares edits of compositions, rendered with the official engine, with what they should be found to be.
pub(super) fn visual() -> Result<Outcome> {
    let gsap = provision::npm_tool("gsap", "3.13.0", "dist/gsap.min.js")?;
    provision::packages(&["chromium", "ffmpeg", "nodejs", "npm"])?;
    let test =
        ["test", "--workspace", "--no-fail-fast", "--test", "integration", "visual::", "--", "--ignored"];
    let passed = succeed(cargo(&test).env("HYPERFRAMES_CI_TEST_GSAP", gsap));
    if let Ok(table) = fs::read_to_string(root().join("target/tables/visual.txt")) {
        say(&format!("\n{table}"));
    }
    passed?;
    Ok(Outcome::Passed)
}

/// The database of advisories about crates. No package registry has a copy of it.
const ADVISORIES: &str = "https://github.com/RustSec/advisory-db";

/// The program that [`deny`] runs.
pub(super) fn cargo_deny() -> Result<PathBuf> {
    provision::cargo_tool("cargo-deny", "cargo-deny", "0.20.2")
}

/// Licences, duplicates and sources always; advisories where their database, or the copy that `HYPERFRAMES_CI_ADVISORIES`
/// names, can be fetched. On GitHub, it must be: the scheduled workflow runs this suite.
pub(super) fn deny() -> Result<Outcome> {
    let program = cargo_deny()?;
    let copy = std::env::var("HYPERFRAMES_CI_ADVISORIES").ok().filter(|copy| !copy.is_empty());
    let deny = |what: &[&str]| {
        let mut command = Command::new(&program);
        command.args(["--all-features", "--log-level", "error"]).args(what).current_dir(root());
        if let Some(copy) = &copy {
            command.env("GIT_CONFIG_COUNT", "1");
            command.env("GIT_CONFIG_KEY_0", format!("url.{copy}.insteadOf"));
            command.env("GIT_CONFIG_VALUE_0", ADVISORIES);
        }
        command
    };
    succeed(&mut deny(&["check", "bans", "licenses", "sources"]))?;
    let fetched = deny(&["fetch", "db"]).output()?;
    if fetched.status.success() {
        succeed(&mut deny(&["check", "advisories"]))?;
        return Ok(Outcome::Passed);
    }
    let must_fetch = copy.is_some() || std::env::var("GITHUB_ACTIONS").is_ok_and(|value| value == "true");
    ensure!(!must_fetch, "cannot fetch the advisories: {}", String::from_utf8_lossy(&fetched.stderr));
    Ok(Outcome::Partly(format!(
        "ADVISORIES WERE NOT CHECKED: {ADVISORIES} is out of reach here, and no registry has a copy; the workflow \
         scheduled.yml checks them every night (HYPERFRAMES_CI_ADVISORIES=<copy> uses a copy)"
    )))
}
