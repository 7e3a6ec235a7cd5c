//! The files of a release: archives, checksums, install scripts, npm packages, a Homebrew formula, winget manifests, bills
//! of materials, notes.

pub(crate) mod archive;
pub(crate) mod changelog;
pub(crate) mod checksums;
mod homebrew;
mod npm;
pub(crate) mod project;
pub(crate) mod sbom;
pub(crate) mod target;
#[cfg(test)]
mod truth;
pub(crate) mod winget;

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail, ensure};

use crate::command::{root, say, target as build_folder};
use checksums::Checksums;
use project::VERSION;
use target::{TARGETS, Target};

/// Runs `cargo xtask dist …`.
///
/// # Errors
/// Returns an error if a file of the release is missing or cannot be written.
pub(crate) fn run(arguments: &[&str]) -> Result<()> {
    let dist = root().join("dist");
    match arguments {
        ["archive", triple] => {
            let target =
                Target::find(triple).with_context(|| format!("not a target of releases: {triple}"))?;
            let program = build_folder().join(triple).join("release").join(target.program());
            for path in archive::write(target, &program, &dist)? {
                say(&path.display().to_string());
            }
        }
        ["channels"] => {
            for path in channels(&dist)? {
                say(&path.display().to_string());
            }
        }
        ["sbom"] => {
            for path in sbom::write(&dist)? {
                say(&path.display().to_string());
            }
        }
        ["changelog", version, date] => {
            let path = root().join("CHANGELOG.md");
            fs::write(&path, changelog::release(&fs::read_to_string(&path)?, version, date)?)?;
        }
        ["notes", version] => {
            say(&changelog::notes(&fs::read_to_string(root().join("CHANGELOG.md"))?, version)?);
        }
        _ => bail!("unknown arguments of dist; see cargo xtask"),
    }
    Ok(())
}

/// Writes everything that is made of the archives in `dist`: install scripts, formula, manifests, SHA256SUMS, npm packages.
///
/// # Errors
/// Returns an error if the archive of a platform is missing.
pub(crate) fn channels(dist: &Path) -> Result<Vec<PathBuf>> {
    let archives = TARGETS
        .iter()
        .flat_map(|target| std::iter::once(target.archive()).chain(target.zip()))
        .collect::<Vec<_>>();
    let checksums = Checksums::compute(dist, &archives)?;
    let mut texts = vec![
        (
            "install.sh".to_owned(),
            stamped("install.sh", "default_version=latest", &format!("default_version={VERSION}"))?,
        ),
        (
            "install.ps1".to_owned(),
            stamped(
                "install.ps1",
                "$defaultVersion = \"latest\"",
                &format!("$defaultVersion = \"{VERSION}\""),
            )?,
        ),
        ("hyperframes-ci.rb".to_owned(), homebrew::formula(VERSION, &checksums)?),
    ];
    texts.extend(winget::manifests(VERSION, &checksums)?);
    let mut names = archives;
    texts.extend(sbom::bills()?.into_iter().map(|(name, bill)| (name, format!("{bill:#}\n"))));
    for (name, text) in texts {
        fs::write(dist.join(&name), text).with_context(|| format!("cannot write {name}"))?;
        names.push(name);
    }
    fs::write(dist.join("SHA256SUMS"), Checksums::compute(dist, &names)?.to_string())?;
    names.push("SHA256SUMS".to_owned());
    let mut written = names.iter().map(|name| dist.join(name)).collect::<Vec<_>>();
    written.extend(npm::write(VERSION, dist)?);
    Ok(written)
}

/// Returns an install script that installs this version unless told otherwise.
fn stamped(name: &str, line: &str, replacement: &str) -> Result<String> {
    let text = fs::read_to_string(root().join("install").join(name))?;
    ensure!(text.matches(line).count() == 1, "install/{name} must contain {line} once");
    Ok(text.replace(line, replacement))
}
