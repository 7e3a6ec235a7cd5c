//! Installs the files of a release through every channel, from a server on loopback.

mod contents;
mod crates;
mod npm;
#[cfg(windows)]
mod powershell;
#[cfg(unix)]
mod release_script;
#[cfg(unix)]
mod script;
mod server;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use anyhow::{Context, Result, ensure};

use crate::command::{say, target as build_folder};
use crate::dist::archive::{self, Files};
use crate::dist::target::{TARGETS, Target};
use crate::dist::{VERSION, channels};

/// Makes the files of a release, with `program` for this platform and placeholders for the others, and installs them.
///
/// # Errors
/// Returns an error if a file of the release or an installation is not as expected.
pub(super) fn suite(program: &Path) -> Result<()> {
    let host = Target::host().context("releases have no program for this platform")?;
    let dist = build_folder().join("release-test/dist");
    let _ = fs::remove_dir_all(&dist);
    fs::create_dir_all(&dist)?;
    for target in TARGETS {
        if target.triple == host.triple {
            archive::write(target, program, &dist)?;
        } else {
            let files = Files::from([(target.program().to_owned(), b"placeholder".to_vec())]);
            fs::write(dist.join(target.archive()), archive::tar_gz(&files, target)?)?;
            if let Some(zip) = target.zip() {
                fs::write(dist.join(zip), archive::zip(&files, target)?)?;
            }
        }
    }
    channels(&dist)?;
    test(&dist)?;
    #[cfg(unix)]
    {
        release_script::test(&dist)?;
        say("action/release.sh: commit, tags and a second run");
    }
    crates::test()?;
    say("crates.io: both crates are complete");
    Ok(())
}

/// Installs the files in `dist`, those of a whole release, on this machine.
///
/// # Errors
/// Returns an error if an installation is not as expected.
pub(crate) fn test(dist: &Path) -> Result<()> {
    contents::test(dist)?;
    say("archives, formula and manifests: complete");
    #[cfg(windows)]
    {
        powershell::test(dist)?;
        say("install.ps1: installs, and refuses modified files");
    }
    #[cfg(unix)]
    {
        script::test(dist)?;
        say("install.sh: installs, and refuses modified files");
    }
    npm::test(dist)?;
    say("npm: npx, exit codes and signals");
    Ok(())
}

/// Returns an empty folder for the test `name`.
fn scratch(name: &str) -> Result<PathBuf> {
    let folder = std::env::temp_dir().join(format!("hyperframes-ci-{name}-{}", std::process::id()));
    let _ = fs::remove_dir_all(&folder);
    fs::create_dir_all(&folder)?;
    Ok(folder)
}

/// Returns what a program printed.
fn printed(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

/// Checks that `program` is this version.
fn expect_version(program: &Path) -> Result<()> {
    let output = Command::new(program).arg("--version").output()?;
    let text = printed(&output);
    ensure!(text.trim() == format!("hyperframes-ci {VERSION}"), "{}: {text}", program.display());
    Ok(())
}
