//! The crates as they are published: packed by cargo, unpacked and checked outside of the workspace.

use std::fs;
use std::process::Command;

use anyhow::{Context, Result, ensure};

use crate::command::{cargo, root, succeed, target};
use crate::dist::project::VERSION;

const CRATES: &[&str] = &["hyperframes-ci-core", "hyperframes-ci"];

pub(super) fn test() -> Result<()> {
    offline_first(|| {
        let mut package = cargo(&["package", "--quiet", "--no-verify", "--allow-dirty"]);
        for name in CRATES {
            package.args(["--package", name]);
        }
        package
    })?;
    let folder = target().join("release-test/crates");
    let _ = fs::remove_dir_all(&folder);
    fs::create_dir_all(&folder)?;
    let mut members = Vec::new();
    for name in CRATES {
        let archive = target().join(format!("package/{name}-{VERSION}.crate"));
        let files = crate::dist::archive::read(&archive)?;
        for required in ["README.md", "LICENSE-MIT", "LICENSE-APACHE", "Cargo.toml"] {
            ensure!(files.contains_key(&format!("{name}-{VERSION}/{required}")), "{name} lacks {required}");
        }
        for (path, bytes) in &files {
            let path = folder.join(path);
            fs::create_dir_all(path.parent().context("a folder")?)?;
            fs::write(path, bytes)?;
        }
        members.push(format!("\"{name}-{VERSION}\""));
        metadata(name, &String::from_utf8_lossy(&files[&format!("{name}-{VERSION}/Cargo.toml")]))?;
    }
    // The same profile and features as the workspace's, so that clippy's metadata of dependencies is used again. What the
    // crates need by themselves is tested by the build of the program.
    for (name, source) in [("xtask", "main.rs"), ("wasm", "lib.rs")] {
        let sources = folder.join(name).join("src");
        fs::create_dir_all(&sources)?;
        fs::copy(root().join(name).join("Cargo.toml"), folder.join(name).join("Cargo.toml"))?;
        fs::write(sources.join(source), if source == "main.rs" { "fn main() {}" } else { "" })?;
        members.push(format!("\"{name}\""));
    }
    let core = format!("{}-{VERSION}", CRATES[0]);
    let workspace = fs::read_to_string(root().join("Cargo.toml"))?;
    let inherited =
        workspace.split_once("[workspace.package]").and_then(|(_, rest)| rest.split_once("\n[package]"));
    let (inherited, _) = inherited.context("Cargo.toml has no [workspace.package] before [package]")?;
    let inherited = inherited.replace("path = \"core\"", &format!("path = \"{core}\""));
    let manifest = format!(
        "[workspace]\nmembers = [{}]\nresolver = \"3\"\n\n[workspace.package]{inherited}\n[patch.crates-io]\nhyperframes-ci-core = {{ path = \"{core}\" }}\n\n\
         [profile.dev.package.\"*\"]\nopt-level = 2\ndebug = false\n",
        members.join(", ")
    );
    fs::write(folder.join("Cargo.toml"), manifest)?;
    fs::copy(root().join("Cargo.lock"), folder.join("Cargo.lock"))?;
    offline_first(|| {
        let mut check = cargo(&["check", "--quiet", "--workspace", "--lib", "--bins", "--examples"]);
        check.current_dir(&folder).env("CARGO_TARGET_DIR", target());
        check
    })
}

/// Runs a command of cargo without the network, and with it if that fails: crates of other platforms may not have been
/// downloaded.
fn offline_first(command: impl Fn() -> Command) -> Result<()> {
    let offline = command().arg("--offline").output()?;
    if offline.status.success() { Ok(()) } else { succeed(&mut command()) }
}

/// What crates.io requires or limits.
fn metadata(name: &str, manifest: &str) -> Result<()> {
    for key in ["description", "license", "repository", "readme", "rust-version", "keywords", "categories"] {
        ensure!(manifest.lines().any(|line| line.starts_with(&format!("{key} = "))), "{name} has no {key}");
    }
    for (key, limit) in [("keywords", 5), ("categories", 5)] {
        let list = manifest.split(&format!("\n{key} = [")).nth(1).and_then(|rest| rest.split(']').next());
        let count = list.map_or(0, |list| list.split(',').filter(|item| !item.trim().is_empty()).count());
        ensure!((1..=limit).contains(&count), "{name} has {count} {key}");
    }
    Ok(())
}
