//! The winget manifests of a release, by version 1.10 of the schemas of microsoft/winget-cli.

use anyhow::{Context, Result};

use super::checksums::Checksums;
use super::project::{DESCRIPTION, REPOSITORY, url};
use super::target::TARGETS;

/// Identifier of the package.
pub(crate) const IDENTIFIER: &str = "HyperframesCI.HyperframesCI";

const SCHEMA_VERSION: &str = "1.10.0";

/// Returns the manifests as file names and contents.
///
/// # Errors
/// Returns an error if the checksum of the Windows archive is missing.
pub(crate) fn manifests(version: &str, checksums: &Checksums) -> Result<Vec<(String, String)>> {
    let target = TARGETS.iter().find(|target| target.is_windows()).context("no target for Windows")?;
    let zip = target.zip().context("the target for Windows has no zip")?;
    let sha256 = checksums.find(&zip)?.to_uppercase();
    let manifest = |kind: &str, suffix: &str, body: &str| {
        let schema = kind.to_lowercase();
        let text = format!(
            "# yaml-language-server: $schema=https://aka.ms/winget-manifest.{schema}.{SCHEMA_VERSION}.schema.json\n\n\
             PackageIdentifier: {IDENTIFIER}\nPackageVersion: \"{version}\"\n{body}ManifestType: {kind}\n\
             ManifestVersion: {SCHEMA_VERSION}\n"
        );
        (format!("{IDENTIFIER}{suffix}.yaml"), text)
    };
    let installer = format!(
        "InstallerType: zip\nNestedInstallerType: portable\nNestedInstallerFiles:\n  - RelativeFilePath: {}\n    \
         PortableCommandAlias: hyperframes-ci\nCommands:\n  - hyperframes-ci\nInstallers:\n  - Architecture: x64\n    \
         InstallerUrl: {}\n    InstallerSha256: {sha256}\n",
        target.program(),
        url(version, &zip)
    );
    let locale = format!(
        "PackageLocale: en-US\nPublisher: hyperframes-ci contributors\nPublisherUrl: {REPOSITORY}\n\
         PublisherSupportUrl: {REPOSITORY}/issues\nPackageName: hyperframes-ci\nPackageUrl: {REPOSITORY}\n\
         License: MIT OR Apache-2.0\nLicenseUrl: {REPOSITORY}/blob/v{version}/LICENSE-MIT\n\
         ShortDescription: {DESCRIPTION}\nMoniker: hyperframes-ci\nTags:\n  - ci\n  - cli\n  - hyperframes\n  - video\n\
         ReleaseNotesUrl: {REPOSITORY}/releases/tag/v{version}\n"
    );
    Ok(vec![
        manifest("version", "", "DefaultLocale: en-US\n"),
        manifest("installer", ".installer", &installer),
        manifest("defaultLocale", ".locale.en-US", &locale),
    ])
}
