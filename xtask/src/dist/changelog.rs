//! CHANGELOG.md, in the form of Keep a Changelog: releases it and reads release notes from it.

use anyhow::{Context, Result, bail, ensure};

use super::project::REPOSITORY;

const UNRELEASED: &str = "## [Unreleased]";

/// Returns the changelog with the unreleased changes as the section of `version`, released on `date` (`YYYY-MM-DD`). A changelog
/// that has this section already stays the same.
///
/// # Errors
/// Returns an error if there are no unreleased changes, or `date` is not a date.
pub(crate) fn release(text: &str, version: &str, date: &str) -> Result<String> {
    if section(text, version).is_some() {
        return Ok(text.to_owned());
    }
    let is_date = date.len() == 10
        && date
            .bytes()
            .enumerate()
            .all(|(index, byte)| if index == 4 || index == 7 { byte == b'-' } else { byte.is_ascii_digit() });
    ensure!(is_date, "not a date in the form YYYY-MM-DD: {date}");
    let changes = section(text, "Unreleased").context("CHANGELOG.md has no section [Unreleased]")?;
    ensure!(!changes.is_empty(), "CHANGELOG.md has no unreleased changes");
    let released = text.replacen(UNRELEASED, &format!("{UNRELEASED}\n\n## [{version}] - {date}"), 1);
    let links = format!(
        "[Unreleased]: {REPOSITORY}/compare/v{version}...HEAD\n[{version}]: {REPOSITORY}/releases/tag/v{version}"
    );
    let Some(link) = released.lines().find(|line| line.starts_with("[Unreleased]: ")) else {
        bail!("CHANGELOG.md has no link for [Unreleased]");
    };
    Ok(released.replacen(link, &links, 1))
}

/// Returns the release notes of `version`: its section of the changelog, and how to verify the files of the release.
///
/// # Errors
/// Returns an error if the changelog has no such section.
pub(crate) fn notes(text: &str, version: &str) -> Result<String> {
    let changes =
        section(text, version).with_context(|| format!("CHANGELOG.md has no section [{version}]"))?;
    Ok(format!(
        "{changes}\n\n## Installation\n\n```sh\ncurl -fsSL {REPOSITORY}/releases/download/v{version}/install.sh | sh\n```\n\n\
         ## Verification\n\nEach file has a build provenance attestation, and `SHA256SUMS` lists their checksums:\n\n\
         ```sh\ngh attestation verify hyperframes-ci-x86_64-unknown-linux-musl.tar.gz --repo {}\n```\n",
        REPOSITORY.trim_start_matches("https://github.com/")
    ))
}

/// Returns the text below the heading of `name`, without the links at the end.
fn section<'a>(text: &'a str, name: &str) -> Option<&'a str> {
    let heading = format!("\n## [{name}]");
    let start = text.find(&heading)? + heading.len();
    let start = start + text[start..].find('\n')?;
    let rest = &text[start..];
    let end =
        rest.find("\n## [").into_iter().chain(rest.find("\n[Unreleased]: ")).min().unwrap_or(rest.len());
    Some(rest[..end].trim())
}

#[cfg(test)]
mod tests {
    use super::{notes, release};

    const TEXT: &str =
        "# Changelog\n\n## [Unreleased]\n\n### Added\n\n- One.\n\n[Unreleased]: https://example.com\n";

    #[test]
    fn unreleased_changes_become_a_dated_section_once() {
        let released = release(TEXT, "0.1.0", "2026-11-26").expect("a changelog");
        assert_eq!(
            released,
            "# Changelog\n\n## [Unreleased]\n\n## [0.1.0] - 2026-11-26\n\n### Added\n\n- One.\n\n\
             [Unreleased]: https://github.com/hyperframes-ci/hyperframes-ci/compare/v0.1.0...HEAD\n\
             [0.1.0]: https://github.com/hyperframes-ci/hyperframes-ci/releases/tag/v0.1.0\n"
        );
        assert_eq!(release(&released, "0.1.0", "2026-11-27").expect("a changelog"), released);
        let error = release(&released, "0.2.0", "2026-11-27").expect_err("nothing to release");
        assert_eq!(error.to_string(), "CHANGELOG.md has no unreleased changes");
        assert!(release(TEXT, "0.1.0", "today").is_err());
    }

    #[test]
    fn notes_are_the_section_of_the_version() {
        let released = release(TEXT, "0.1.0", "2026-11-26").expect("a changelog");
        let notes = notes(&released, "0.1.0").expect("notes");
        assert!(notes.starts_with("### Added\n\n- One.\n\n## Installation\n"), "{notes}");
        assert!(!notes.contains("[Unreleased]"), "{notes}");
        assert!(super::notes(&released, "0.2.0").is_err());
    }

    #[test]
    fn the_changelog_can_be_released() {
        let text = std::fs::read_to_string(crate::command::root().join("CHANGELOG.md")).expect("a changelog");
        let version = env!("CARGO_PKG_VERSION");
        let released = release(&text, version, "2026-11-26").expect("a changelog");
        assert!(!notes(&released, version).expect("notes").is_empty());
    }
}
