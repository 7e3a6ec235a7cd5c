//! The npm packages, from a registry on loopback.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use sha2::{Digest, Sha512};

use super::sandbox::{printed, scratch};
use super::server::{Reply, Routes, Server};
use crate::command::root;
use crate::dist::archive::read;
use crate::dist::project::VERSION;
use crate::dist::target::Target;
use crate::provision::packages;

pub(super) fn test(dist: &Path) -> Result<()> {
    packages(&["nodejs", "npm"])?;
    let host = Target::host()?;
    let registry = Server::start(|url| routes(&dist.join("npm"), url))?;
    let folder = scratch("npm")?;
    fs::write(folder.join("package.json"), "{ \"private\": true }")?;
    let tool = |name: &str| {
        let mut command = Command::new(if cfg!(windows) { format!("{name}.cmd") } else { name.to_owned() });
        command
            .env("npm_config_registry", registry.url())
            .env("npm_config_cache", folder.join("cache"))
            .env("npm_config_audit", "false")
            .env("npm_config_fund", "false")
            .env("npm_config_update_notifier", "false")
            .env("NO_PROXY", "127.0.0.1")
            .current_dir(&folder);
        command
    };
    let output = tool("npm").args(["install", "hyperframes-ci"]).output().context("cannot run npm")?;
    ensure!(output.status.success(), "npm install: {}", printed(&output));
    let scope = folder.join("node_modules/@hyperframes-ci");
    let installed = fs::read_dir(&scope)?.flatten().map(|entry| entry.file_name()).collect::<Vec<_>>();
    ensure!(installed == [host.npm], "npm installed {installed:?} on {}", host.npm);

    let output = tool("npx").args(["hyperframes-ci", "--version"]).output()?;
    ensure!(printed(&output).trim() == format!("hyperframes-ci {VERSION}"), "npx: {}", printed(&output));
    let example = root().join("examples/launch-card");
    // The example is outside the working directory, which a CI job is confined to.
    let output = tool("npx")
        .args(["hyperframes-ci", "check"])
        .arg(&example)
        .env("HYPERFRAMES_CI_PATHS", &example)
        .output()?;
    ensure!(output.status.success(), "npx hyperframes-ci check: {}", printed(&output));

    let launcher = folder.join("node_modules/hyperframes-ci/bin/hyperframes-ci.js");
    let run = |arguments: &[&str]| Command::new("node").args(arguments).current_dir(&folder).output();
    let script = launcher.to_str().context("a path")?;
    let output = run(&[script, "check", "missing"])?;
    ensure!(output.status.code() == Some(2), "the exit code is not the program's: {}", printed(&output));
    if cfg!(unix) {
        signal(script, &folder)?;
    }

    fs::write(folder.join("sunos.js"), "Object.defineProperty(process, 'platform', { value: 'sunos' })")?;
    let output = run(&["--require", "./sunos.js", script])?;
    let text = printed(&output);
    ensure!(
        output.status.code() == Some(1) && text.starts_with("error: no prebuilt program for sunos-"),
        "{text}"
    );
    fs::remove_dir_all(&scope)?;
    let output = run(&[script])?;
    let text = printed(&output);
    let message = format!("error: the package @hyperframes-ci/{} is not installed\n", host.npm);
    ensure!(
        output.status.code() == Some(1) && text.starts_with(&message) && text.contains("  help: "),
        "{text}"
    );
    fs::remove_dir_all(folder)?;
    Ok(())
}

/// The documents of a registry with the packages in `folder`, and their archives.
fn routes(folder: &Path, url: &str) -> Result<Routes> {
    let mut routes = Routes::new();
    for entry in fs::read_dir(folder).context("dist contains no npm packages")? {
        let path = entry?.path();
        let bytes = fs::read(&path)?;
        let files = read(&path)?;
        let manifest = files
            .get("package/package.json")
            .with_context(|| format!("{} has no manifest", path.display()))?;
        let mut manifest = serde_json::from_slice::<Value>(manifest)?;
        let name = manifest["name"].as_str().context("a package has no name")?.to_owned();
        let file = path.file_name().context("a name")?.to_string_lossy().into_owned();
        let integrity = format!("sha512-{}", STANDARD.encode(Sha512::digest(&bytes)));
        manifest["dist"] = json!({ "tarball": format!("{url}/-/{file}"), "integrity": integrity });
        let document =
            json!({ "name": name, "dist-tags": { "latest": VERSION }, "versions": { VERSION: manifest } });
        routes.insert(format!("/{name}"), Reply::Whole(document.to_string().into_bytes()));
        routes.insert(format!("/-/{file}"), Reply::Whole(bytes));
    }
    Ok(routes)
}

/// SIGTERM to the launcher ends the program, and the exit code is the program's.
fn signal(script: &str, folder: &Path) -> Result<()> {
    let log = folder.join("emulator.log");
    let mut command = Command::new("node");
    command.args([script, "emulator", "--placeholder"]).current_dir(folder).stdin(Stdio::null());
    let mut child = command.stdout(Stdio::null()).stderr(fs::File::create(&log)?).spawn()?;
    let deadline = Instant::now() + Duration::from_secs(60);
    let mut has_started = false;
    while !has_started && Instant::now() < deadline {
        std::thread::sleep(Duration::from_millis(20));
        has_started = fs::read_to_string(&log)?.contains("http://127.0.0.1:");
    }
    let id = child.id().to_string();
    ensure!(Command::new("kill").args(["-TERM", &id]).status()?.success(), "kill failed");
    let status = child.wait()?;
    let log = fs::read_to_string(log)?;
    ensure!(has_started, "the emulator did not start: {log}");
    ensure!(status.code() == Some(143), "the launcher ended with {status} on SIGTERM: {log}");
    Ok(())
}
