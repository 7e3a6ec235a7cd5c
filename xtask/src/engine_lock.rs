//! `cargo xtask engine-lock`: the lock files of the engine, of Node and of the tooling for Lambda and Cloud Run, and the contents of their packages.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use crate::command::{cargo, root, say, succeed, target};

/// Folders with `package.json`, `package-lock.json` and `contents.json`.
const SETS: [&str; 4] = [
    "src/engine/lock",
    "src/system/programs/node_lock",
    "src/renderers/lambda/lock",
    "src/renderers/cloudrun/lock",
];

/// Arguments of every npm command.
const QUIET: [&str; 4] = ["--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"];

/// Updates the lock files, or only those in `folder`: the newest dependencies that the engine allows, and the newest Node of its major version.
///
/// # Errors
/// Returns an error if the registry does not answer, or an archive does not have its hash.
pub(crate) fn update(folder: Option<&str>) -> Result<()> {
    for set in SETS.into_iter().filter(|set| folder.is_none_or(|folder| *set == folder)) {
        let folder = root().join(set);
        if set.ends_with("node_lock") {
            update_versions(&folder.join("package.json"))?;
        }
        let work = target().join("engine-lock");
        let _ = fs::remove_dir_all(&work);
        fs::create_dir_all(&work)?;
        resolve(&folder, &work)?;
        let installed = install_all(&folder, &work)?;
        succeed(
            cargo(&["test", "--quiet", "--bin", "hyperframes-ci"])
                .args(["programs::lock::tests::contents_are_written", "--", "--ignored"])
                .env("LOCK_FILE", folder.join("package-lock.json"))
                .env("LOCK_INSTALLED", installed)
                .env("LOCK_CONTENTS", folder.join("contents.json")),
        )?;
        say(&format!("{set}: updated"));
    }
    Ok(())
}

/// Sets every version in a `package.json` to the newest of its major version.
fn update_versions(path: &Path) -> Result<()> {
    let mut text = fs::read_to_string(path)?;
    let manifest = serde_json::from_str::<Value>(&text)?;
    for (name, version) in manifest["optionalDependencies"].as_object().into_iter().flatten() {
        let version = version.as_str().context("a version")?;
        let major = version.split('.').next().unwrap_or_default();
        let output =
            Command::new("npm").args(["view", &format!("{name}@{major}"), "version", "--json"]).output()?;
        ensure!(output.status.success(), "npm does not know {name}@{major}");
        let versions = serde_json::from_slice::<Value>(&output.stdout)?;
        let newest = versions.as_array().and_then(|all| all.last()).unwrap_or(&versions);
        let newest = newest.as_str().context("a version")?;
        text = text.replace(&format!("\"{name}\": \"{version}\""), &format!("\"{name}\": \"{newest}\""));
    }
    Ok(fs::write(path, text)?)
}

/// Writes the lock file, without the addresses of a registry.
fn resolve(folder: &Path, work: &Path) -> Result<()> {
    fs::copy(folder.join("package.json"), work.join("package.json"))?;
    let mut npm = Command::new("npm");
    npm.args(["install", "--package-lock-only", "--omit-lockfile-registry-resolved"]);
    succeed(npm.args(QUIET).current_dir(work))?;
    // npm names the package after the folder.
    let text = fs::read_to_string(work.join("package-lock.json"))?;
    let lines = text.split_inclusive('\n').filter(|line| !line.starts_with("  \"name\":"));
    Ok(fs::write(folder.join("package-lock.json"), lines.collect::<String>())?)
}

/// Installs the packages of all systems and processors; returns the folder.
fn install_all(folder: &Path, work: &Path) -> Result<PathBuf> {
    let text = fs::read_to_string(folder.join("package-lock.json"))?;
    let mut lock = serde_json::from_str::<Value>(&text)?;
    let packages = lock["packages"].as_object_mut().context("packages")?;
    for package in packages.values_mut().filter_map(Value::as_object_mut) {
        for limit in ["os", "cpu", "libc", "optional"] {
            package.remove(limit);
        }
    }
    let all = work.join("all");
    fs::create_dir_all(&all)?;
    fs::copy(folder.join("package.json"), all.join("package.json"))?;
    fs::write(all.join("package-lock.json"), lock.to_string())?;
    let mut npm = Command::new("npm");
    succeed(npm.args(["ci", "--force", "--no-bin-links"]).args(QUIET).current_dir(&all))?;
    Ok(all)
}
