//! Tests that compare what the repository says about versions and tags with Cargo.toml.

use std::fs;
use std::path::Path;
use std::process::Command;

use super::project::VERSION;
use crate::command::{cargo, root};

/// Text files of the repository, by path.
fn texts() -> Vec<(String, String)> {
    let output = Command::new("git").args(["ls-files", "-z"]).current_dir(root()).output().expect("git");
    assert!(output.status.success(), "git ls-files failed");
    let paths = String::from_utf8(output.stdout).expect("paths");
    let read = |path: &str| Some((path.to_owned(), fs::read_to_string(root().join(path)).ok()?));
    paths.split('\0').filter(|path| !path.is_empty()).filter_map(read).collect()
}

/// Returns what is wrong with the references to the action in `text`: a tag that releases do not make, or a commit without
/// its tag.
fn wrong_references(text: &str) -> Vec<&str> {
    let major = format!("v{}", VERSION.split('.').next().unwrap_or_default());
    let tags = [major, format!("v{VERSION}")];
    let is_tag = |text: &str| tags.iter().any(|tag| text == tag);
    let mut wrong = Vec::new();
    for line in text.lines() {
        for (at, name) in line.match_indices("hyperframes-ci/hyperframes-ci@") {
            let rest = &line[at + name.len()..];
            let end =
                rest.find(|c: char| !c.is_ascii_alphanumeric() && c != '.' && c != '-').unwrap_or(rest.len());
            let (reference, rest) = rest.split_at(end);
            let is_commit = reference.len() == 40 && reference.bytes().all(|byte| byte.is_ascii_hexdigit());
            let comment = rest.trim_start().strip_prefix('#').unwrap_or_default().split_whitespace().next();
            let is_right =
                is_tag(reference.trim_end_matches('.')) || (is_commit && comment.is_some_and(is_tag));
            // Placeholders such as <commit> are not references.
            if !is_right && !rest.starts_with(['<', '$', '{']) {
                wrong.push(line.trim());
            }
        }
    }
    wrong
}

#[test]
fn references_to_the_action_use_tags_that_releases_make() {
    let commit = "a".repeat(40);
    for right in ["v0", "v0.1.0", &format!("{commit} # v0.1.0"), "<commit>", "${{ x }}"] {
        let text = format!("uses: hyperframes-ci/hyperframes-ci@{right}");
        assert!(wrong_references(&text).is_empty() || VERSION != "0.1.0", "{right}");
    }
    for wrong in ["v1", "v9.9.9", "main", &commit, &format!("{commit} # v9")] {
        let text = format!("- uses: hyperframes-ci/hyperframes-ci@{wrong}");
        assert_eq!(wrong_references(&text).len(), 1, "{wrong}");
    }
    // Sources make references from the version.
    let is_text = |path: &str| Path::new(path).extension().is_none_or(|ending| ending != "rs");
    for (path, text) in texts().iter().filter(|(path, _)| is_text(path)) {
        let wrong = wrong_references(text);
        assert!(wrong.is_empty(), "{path}: not a tag of version {VERSION}: {wrong:?}");
    }
}

#[test]
fn packages_and_hooks_have_the_version_of_the_workspace() {
    let texts = texts();
    let expect = |path: &str, line: &str| {
        let text = &texts.iter().find(|(known, _)| known == path).expect("a file").1;
        assert!(text.contains(line), "{path} must contain {line}");
    };
    for path in ["package.json", "wasm/npm/package.json", "install/npm/package.json"] {
        expect(path, &format!("\"version\": \"{VERSION}\""));
    }
    expect(".pre-commit-hooks.yaml", &format!("\"hyperframes-preflight@{VERSION}\""));
    expect("Cargo.toml", &format!("hyperframes-ci-core = {{ path = \"core\", version = \"{VERSION}\","));
    // Hooks in documents name the tag of the version.
    for (path, text) in texts.iter().filter(|(path, _)| path.starts_with("docs/") || path == "README.md") {
        let mut lines = text.lines();
        while let Some(line) = lines.next() {
            if line.trim_end().ends_with("repo: https://github.com/hyperframes-ci/hyperframes-ci") {
                let next = lines.next().unwrap_or_default().trim();
                assert!(next.starts_with("rev: ") && next.contains(&format!("v{VERSION}")), "{path}: {next}");
            }
        }
    }
}

#[test]
fn dependencies_build_with_the_minimum_rust_version() {
    let output = cargo(&["metadata", "--format-version", "1", "--locked"]).output().expect("cargo");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let metadata = serde_json::from_slice::<serde_json::Value>(&output.stdout).expect("JSON");
    let numbers =
        |text: &str| text.split('.').map(|part| part.parse::<u32>().expect("a number")).collect::<Vec<_>>();
    let minimum = numbers(env!("CARGO_PKG_RUST_VERSION"));
    for package in metadata["packages"].as_array().expect("packages") {
        if let Some(version) = package["rust_version"].as_str() {
            let needed = numbers(version);
            assert!(needed[..2] <= minimum[..2], "{} needs Rust {version}", package["name"]);
        }
    }
}
