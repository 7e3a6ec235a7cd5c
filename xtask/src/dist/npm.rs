//! The npm package `hyperframes-ci`, and the packages with the program of one platform each that it depends on.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};
use serde_json::{Map, Value, json};

use super::archive;
use super::target::{TARGETS, Target};
use crate::command::{root, target as build_folder};

/// Packs all packages to `<dist>/npm`; the programs come from the archives in `dist`.
///
/// # Errors
/// Returns an error if an archive is missing or invalid, or npm fails.
pub(crate) fn write(version: &str, dist: &Path) -> Result<Vec<PathBuf>> {
    let into = dist.join("npm");
    let _ = fs::remove_dir_all(&into);
    fs::create_dir_all(&into)?;
    let stage = build_folder().join("npm-channels");
    let _ = fs::remove_dir_all(&stage);
    let text = fs::read_to_string(root().join("install/npm/package.json"))?;
    let mut main = serde_json::from_str::<Map<String, Value>>(&text)
        .context("install/npm/package.json is not valid JSON")?;
    ensure!(main["version"] == version, "install/npm/package.json must have the version {version}");
    let mut folders = Vec::new();
    let mut optional = Map::new();
    for target in TARGETS {
        let folder = stage.join(target.npm);
        let manifest = platform_manifest(&main, target);
        stage_package(&folder, &manifest, &platform_readme(target))?;
        let mut files = archive::read(&dist.join(target.archive()))?;
        let program = files
            .remove(target.program())
            .with_context(|| format!("{} does not contain {}", target.archive(), target.program()))?;
        let path = folder.join("bin").join(target.program());
        fs::create_dir_all(folder.join("bin"))?;
        fs::write(&path, program)?;
        make_executable(&path)?;
        optional.insert(target.npm_package(), json!(version));
        folders.push(folder);
    }
    main.insert("optionalDependencies".to_owned(), Value::Object(optional));
    let folder = stage.join("hyperframes-ci");
    stage_package(&folder, &main, &fs::read_to_string(root().join("install/npm/README.md"))?)?;
    let launcher = folder.join("bin/hyperframes-ci.js");
    fs::create_dir_all(folder.join("bin"))?;
    fs::copy(root().join("install/npm/bin/hyperframes-ci.js"), &launcher)?;
    make_executable(&launcher)?;
    folders.push(folder);
    let mut pack = Command::new(if cfg!(windows) { "npm.cmd" } else { "npm" });
    pack.args(["pack", "--silent", "--pack-destination"]).arg(&into).args(&folders);
    let output = pack.output().context("cannot run npm")?;
    ensure!(output.status.success(), "npm pack failed: {}", String::from_utf8_lossy(&output.stderr));
    let names = String::from_utf8(output.stdout)?;
    Ok(names.lines().map(|name| into.join(name.trim())).collect())
}

fn platform_manifest(main: &Map<String, Value>, target: &Target) -> Map<String, Value> {
    let mut manifest = main.clone();
    for key in ["bin", "keywords", "engines"] {
        manifest.shift_remove(key);
    }
    manifest.insert("name".to_owned(), json!(target.npm_package()));
    manifest
        .insert("description".to_owned(), json!(format!("The program of hyperframes-ci for {}", target.npm)));
    manifest.insert("os".to_owned(), json!([target.os]));
    manifest.insert("cpu".to_owned(), json!(target.cpu));
    // Yarn would run the program from inside its archive.
    manifest.insert("preferUnplugged".to_owned(), json!(true));
    manifest
}

fn platform_readme(target: &Target) -> String {
    format!(
        "# {}\n\nThe program of [hyperframes-ci](https://www.npmjs.com/package/hyperframes-ci) for {}. Install `hyperframes-ci`, \
         which depends on this package.\n",
        target.npm_package(),
        target.npm
    )
}

fn stage_package(folder: &Path, manifest: &Map<String, Value>, readme: &str) -> Result<()> {
    fs::create_dir_all(folder)?;
    fs::write(folder.join("package.json"), serde_json::to_string_pretty(manifest)? + "\n")?;
    fs::write(folder.join("README.md"), readme)?;
    for license in ["LICENSE-APACHE", "LICENSE-MIT"] {
        fs::copy(root().join(license), folder.join(license))?;
    }
    Ok(())
}

#[cfg(unix)]
fn make_executable(path: &Path) -> Result<()> {
    use std::os::unix::fs::PermissionsExt;
    Ok(fs::set_permissions(path, fs::Permissions::from_mode(0o755))?)
}

#[cfg(not(unix))]
fn make_executable(_path: &Path) -> Result<()> {
    Ok(())
}
