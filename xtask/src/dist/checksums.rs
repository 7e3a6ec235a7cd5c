//! SHA256SUMS of a release.

use std::fmt::Write;
use std::fs;
use std::path::Path;

use anyhow::{Context, Result};
use sha2::{Digest, Sha256};

/// SHA-256 checksums, sorted by file name.
#[derive(Debug)]
pub(crate) struct Checksums(Vec<(String, String)>);

impl Checksums {
    /// Computes the checksums of the files `names` in the folder `dist`.
    ///
    /// # Errors
    /// Returns an error if a file cannot be read.
    pub(crate) fn compute(dist: &Path, names: &[String]) -> Result<Self> {
        let mut lines = Vec::new();
        for name in names {
            let bytes = fs::read(dist.join(name)).with_context(|| format!("cannot read {name}"))?;
            lines.push((name.clone(), hex(&Sha256::digest(bytes))));
        }
        lines.sort();
        Ok(Self(lines))
    }

    /// Returns the checksum of `name` in lowercase hexadecimal digits.
    ///
    /// # Errors
    /// Returns an error if there is none.
    pub(crate) fn find(&self, name: &str) -> Result<&str> {
        let found = self.0.iter().find(|(other, _)| other == name);
        found.map(|(_, sum)| sum.as_str()).with_context(|| format!("no checksum of {name}"))
    }
}

impl std::fmt::Display for Checksums {
    /// Writes the form that `sha256sum --check` reads.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.iter().try_for_each(|(name, sum)| writeln!(f, "{sum}  {name}"))
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}
