//! Installs the files of a release through every channel, from a server on loopback.

mod contents;
mod crates;
mod npm;
#[cfg(windows)]
mod powershell;
#[cfg(unix)]
mod release_script;
mod sandbox;
#[cfg(unix)]
mod script;
mod server;

use std::fs;
use std::path::Path;

use anyhow::Result;

use crate::command::{say, target as build_folder};
use crate::dist::archive::{self, Files};
use crate::dist::channels;
use crate::dist::target::{TARGETS, Target};

/// Makes the files of a release, with `program` for this platform and placeholders for the others, and installs them.
///
/// # Errors
/// Returns an error if a file of the release or an installation is not as expected.
pub(super) fn suite(program: &Path) -> Result<()> {
    let host = Target::host()?;
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
