//! What the archives, the formula and the manifests contain.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, ensure};
use serde_yaml_ng::Value;

use super::sandbox::{printed, scratch};
use crate::dist::archive::{COMPLETIONS, read};
use crate::dist::project::{VERSION, url};
use crate::dist::target::{TARGETS, Target};
use crate::dist::winget::IDENTIFIER;
use crate::provision::find;

pub(super) fn test(dist: &Path) -> Result<()> {
    archive(dist)?;
    let sums = checksums(dist)?;
    formula(dist, &sums)?;
    manifests(dist, &sums)
}

/// The archive of this platform.
fn archive(dist: &Path) -> Result<()> {
    let host = Target::host()?;
    let files = read(&dist.join(host.archive()))?;
    for name in [host.program(), "LICENSE-APACHE", "LICENSE-MIT", "README.md"] {
        ensure!(files.get(name).is_some_and(|bytes| !bytes.is_empty()), "{} lacks {name}", host.archive());
    }
    for (shell, name) in COMPLETIONS {
        let script = files.get(*name).with_context(|| format!("no completions for {shell}"))?;
        ensure!(
            String::from_utf8_lossy(script).contains("hyperframes-ci"),
            "{name} is not for hyperframes-ci"
        );
    }
    let pages = files.keys().filter_map(|name| name.strip_prefix("man/man1/")).collect::<Vec<_>>();
    for page in ["hyperframes-ci.1", "hyperframes-ci-render.1", "hyperframes-ci-auth-login.1"] {
        ensure!(pages.contains(&page), "no manual page {page} among {pages:?}");
    }
    ensure!(!pages.contains(&"hyperframes-ci-man.1"), "a hidden command has a manual page");
    // The program man of other systems has no such options, and minimal images have a placeholder for it.
    let has_man = cfg!(target_os = "linux")
        && Command::new("man")
            .arg("--version")
            .output()
            .is_ok_and(|output| printed(&output).contains("man 2"));
    if has_man {
        let folder = scratch("man")?;
        for page in pages {
            let path = folder.join(page);
            fs::write(&path, &files[&format!("man/man1/{page}")])?;
            let output = Command::new("man")
                .args(["--warnings", "-l"])
                .arg(&path)
                .env("MANPAGER", "cat")
                .env("LC_ALL", "C.UTF-8")
                .output()?;
            let text = String::from_utf8_lossy(&output.stdout).into_owned();
            ensure!(output.status.success() && output.stderr.is_empty(), "man {page}: {}", printed(&output));
            ensure!(text.contains("NAME") && text.contains("SYNOPSIS"), "man {page}: {text}");
        }
        let _ = fs::remove_dir_all(folder);
    }
    Ok(())
}

/// Reads SHA256SUMS, which `sha256sum` accepts.
fn checksums(dist: &Path) -> Result<BTreeMap<String, String>> {
    let text = fs::read_to_string(dist.join("SHA256SUMS"))?;
    if cfg!(target_os = "linux") && find("sha256sum").is_some() {
        let mut check = Command::new("sha256sum");
        let output = check.args(["--check", "--strict", "SHA256SUMS"]).current_dir(dist).output()?;
        ensure!(output.status.success(), "sha256sum: {}", printed(&output));
    }
    let lines = text.lines().filter_map(|line| line.split_once("  "));
    Ok(lines.map(|(sum, name)| (name.to_owned(), sum.to_owned())).collect())
}

/// The formula has the checksum of each archive it names, and is valid Ruby.
fn formula(dist: &Path, sums: &BTreeMap<String, String>) -> Result<()> {
    let path = dist.join("hyperframes-ci.rb");
    let text = fs::read_to_string(&path)?;
    let set = |key: &str| {
        let lines = text.lines().filter_map(|line| line.trim().strip_prefix(key)?.strip_prefix(" \""));
        lines.map(|value| value.trim_end_matches('"').to_owned()).collect::<Vec<_>>()
    };
    let (urls, found) = (set("url"), set("sha256"));
    let expected =
        TARGETS.iter().filter(|target| !target.is_windows()).map(Target::archive).collect::<Vec<_>>();
    ensure!(urls.len() == expected.len() && found.len() == expected.len(), "{text}");
    for archive in expected {
        let at = urls.iter().position(|found| *found == url(VERSION, &archive));
        let at = at.with_context(|| format!("the formula does not name {archive}"))?;
        ensure!(found[at] == sums[&archive], "the formula has another checksum for {archive}");
    }
    ensure!(set("desc").iter().all(|text| text.len() <= 80), "the description of the formula is too long");
    let opened =
        text.lines().filter(|line| line.ends_with(" do") || line.trim().starts_with("def ")).count() + 1;
    let closed = text.lines().filter(|line| line.trim() == "end").count();
    ensure!(opened == closed, "{opened} blocks of the formula open, {closed} end");
    if find("ruby").is_some() {
        let output = Command::new("ruby").arg("-c").arg(&path).output()?;
        ensure!(output.status.success(), "ruby: {}", printed(&output));
    }
    Ok(())
}

/// The manifests have the keys that the schemas require, and the checksum of the archive.
fn manifests(dist: &Path, sums: &BTreeMap<String, String>) -> Result<()> {
    let load = |suffix: &str| -> Result<Value> {
        let name = format!("{IDENTIFIER}{suffix}.yaml");
        let text = fs::read_to_string(dist.join(&name))?;
        serde_yaml_ng::from_str(&text).with_context(|| format!("{name} is not valid YAML"))
    };
    let (version, installer, locale) = (load("")?, load(".installer")?, load(".locale.en-US")?);
    let common = ["PackageIdentifier", "PackageVersion", "ManifestType", "ManifestVersion"];
    let required: [(&Value, &[&str]); 3] = [
        (&version, &["DefaultLocale"]),
        (&installer, &["InstallerType", "Installers"]),
        (&locale, &["PackageLocale", "Publisher", "PackageName", "License", "ShortDescription"]),
    ];
    for (manifest, keys) in required {
        for key in common.iter().chain(keys) {
            ensure!(!manifest[*key].is_null(), "{key} is missing in {manifest:?}");
        }
        ensure!(
            manifest["PackageVersion"] == VERSION,
            "the version must be the string {VERSION}: {manifest:?}"
        );
        ensure!(manifest["PackageIdentifier"] == IDENTIFIER, "another identifier in {manifest:?}");
    }
    let types = [(&version, "version"), (&installer, "installer"), (&locale, "defaultLocale")];
    ensure!(
        types.iter().all(|(manifest, kind)| manifest["ManifestType"] == **kind),
        "wrong types of manifests"
    );
    ensure!(version["DefaultLocale"] == locale["PackageLocale"], "the default locale has no manifest");
    let windows = TARGETS.iter().find(|target| target.is_windows()).context("a target for Windows")?;
    let zip = windows.zip().context("a zip for Windows")?;
    let entry = &installer["Installers"][0];
    ensure!(entry["InstallerUrl"] == url(VERSION, &zip).as_str(), "another URL in {installer:?}");
    ensure!(
        entry["InstallerSha256"] == sums[&zip].to_uppercase().as_str(),
        "another checksum in {installer:?}"
    );
    ensure!(
        installer["NestedInstallerFiles"][0]["RelativeFilePath"] == windows.program(),
        "another file in {installer:?}"
    );
    Ok(())
}
