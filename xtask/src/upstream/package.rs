//! Releases of the official package.

use std::fs;
use std::io::Read;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, bail, ensure};
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use flate2::read::GzDecoder;
use serde_json::Value;
use sha2::{Digest, Sha512};
use tar::Archive;

const PACKAGE: &str = "hyperframes";

/// A release, and the hash of its archive.
#[derive(Clone, Debug)]
pub(super) struct Release {
    pub(super) version: String,
    /// `sha512-` and the hash in Base64.
    pub(super) integrity: String,
}

impl Release {
    /// Returns the newest release.
    pub(super) fn newest() -> Result<Self> {
        Self::named("latest")
    }

    /// Returns the release with a version or a tag, as the registry describes it.
    pub(super) fn named(version: &str) -> Result<Self> {
        let mut npm = Command::new("npm");
        npm.args(["view", &format!("{PACKAGE}@{version}"), "version", "dist.integrity", "--json"]);
        let output = npm.output().context("cannot start npm")?;
        ensure!(output.status.success(), "npm does not know {PACKAGE}@{version}");
        let found = serde_json::from_slice::<Value>(&output.stdout)?;
        let member =
            |name: &str| found[name].as_str().map(str::to_owned).with_context(|| format!("no {name}"));
        Ok(Self { version: member("version")?, integrity: member("dist.integrity")? })
    }

    /// Loads the archive, and returns its scripts.
    ///
    /// # Errors
    /// Returns an error if the archive does not have the hash.
    pub(super) fn scripts(&self) -> Result<Vec<String>> {
        let folder = tempfile::tempdir()?;
        let archive = self.load(folder.path())?;
        let hash = format!("sha512-{}", BASE64_STANDARD.encode(Sha512::digest(&archive)));
        ensure!(
            hash == self.integrity,
            "{PACKAGE} {} has the hash {hash}, not {}",
            self.version,
            self.integrity
        );
        let mut scripts = Vec::new();
        let mut unpacked = Archive::new(GzDecoder::new(archive.as_slice()));
        for entry in unpacked.entries()? {
            let mut entry = entry?;
            let path = entry.path()?.to_string_lossy().into_owned();
            // Workers and pages have no part of the surface.
            if path.starts_with("package/dist/") && path.ends_with(".js") {
                let mut text = String::new();
                if entry.read_to_string(&mut text).is_ok() {
                    scripts.push(text);
                }
            }
        }
        Ok(scripts)
    }

    fn load(&self, folder: &Path) -> Result<Vec<u8>> {
        let mut npm = Command::new("npm");
        npm.args(["pack", "--silent", "--ignore-scripts", &format!("{PACKAGE}@{}", self.version)]);
        let output = npm.current_dir(folder).output().context("cannot start npm")?;
        ensure!(output.status.success(), "npm cannot load {PACKAGE} {}", self.version);
        for entry in fs::read_dir(folder)? {
            let path = entry?.path();
            if path.extension().is_some_and(|extension| extension == "tgz") {
                return Ok(fs::read(path)?);
            }
        }
        bail!("npm wrote no archive")
    }
}
