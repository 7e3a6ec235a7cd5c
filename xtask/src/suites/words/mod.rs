//! Words: texts that users read have no phrase of the list, and help fits 100 columns.

mod phrases;
mod rust;

use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Result, ensure};

use super::suite::Outcome;
use crate::command::{root, say};
use phrases::Hit;

/// Folders with texts, and the extensions of their files.
const FOLDERS: &[(&str, &[&str])] = &[
    ("src", &["rs"]),
    ("core/src", &["rs"]),
    ("wasm/src", &["rs"]),
    ("wasm/npm", &["js", "ts", "json", "md"]),
    ("docs", &["md", "json"]),
    ("site", &["js", "html"]),
    ("action", &["sh"]),
    ("templates", &["yml"]),
    ("tests/snapshots", &["txt"]),
];

/// Files with texts outside of these folders.
const FILES: &[&str] = &[
    "README.md",
    "ARCHITECTURE.md",
    "CHANGELOG.md",
    "CONTRIBUTING.md",
    "SECURITY.md",
    "action.yml",
    "examples/README.md",
    "install/README.md",
    "install/npm/README.md",
    ".pre-commit-hooks.yaml",
];

/// Folders whose doc comments are texts for users: help, and descriptions of the published schemas.
const PUBLISHED_COMMENTS: &[&str] = &["src/cli", "src/app/outcome"];

/// The help of the commands, as the snapshots have it.
const HELP: &str = "tests/snapshots/help";

/// Most columns of a line of help.
const COLUMNS: usize = 100;

/// The suite.
pub(super) fn test() -> Result<Outcome> {
    ensure!(print()?, "the phrases above; CONTRIBUTING.md, Style, has the rules");
    Ok(Outcome::Passed)
}

/// Prints the phrases with their places; returns whether there are none.
///
/// # Errors
/// Returns an error if a file cannot be read or parsed.
pub(crate) fn print() -> Result<bool> {
    let mut report = String::new();
    let (mut count, mut files) = (0, 0);
    for path in paths()? {
        let name = path.strip_prefix(root())?.to_string_lossy().replace('\\', "/");
        let hits = hits(&name, &fs::read_to_string(&path)?)?;
        if hits.is_empty() {
            continue;
        }
        (count, files) = (count + hits.len(), files + 1);
        writeln!(report, "{name}")?;
        for hit in hits {
            writeln!(report, "  {:>5}  {:18} {}", hit.line, hit.phrase, hit.excerpt)?;
        }
    }
    say(&format!("{report}{count} phrases in {files} files"));
    Ok(count == 0)
}

/// Returns the files with texts, sorted.
fn paths() -> Result<Vec<PathBuf>> {
    let mut paths = FILES.iter().map(|file| root().join(file)).collect::<Vec<_>>();
    for (folder, extensions) in FOLDERS {
        collect(&root().join(folder), extensions, &mut paths)?;
    }
    paths.retain(|path| path.is_file());
    paths.sort();
    Ok(paths)
}

fn collect(folder: &Path, extensions: &[&str], paths: &mut Vec<PathBuf>) -> Result<()> {
    let Ok(entries) = fs::read_dir(folder) else { return Ok(()) };
    for entry in entries {
        let path = entry?.path();
        let extension = path.extension().and_then(|extension| extension.to_str()).unwrap_or_default();
        if path.is_dir() && !path.ends_with("node_modules") {
            collect(&path, extensions, paths)?;
        } else if extensions.contains(&extension) {
            paths.push(path);
        }
    }
    Ok(())
}

/// Returns what is wrong with the texts of a file.
fn hits(name: &str, contents: &str) -> Result<Vec<Hit>> {
    if name.ends_with(".rs") {
        let has_comments = PUBLISHED_COMMENTS.iter().any(|folder| name.starts_with(folder));
        return rust::hits(name, contents, has_comments);
    }
    let mut hits = phrases::find(contents, 1);
    if name.starts_with(HELP) {
        hits.extend(help(contents));
        hits.sort_by_key(|hit| hit.line);
    }
    Ok(hits)
}

/// Returns the lines of help that are too long, or whose description is a noun clause.
fn help(text: &str) -> Vec<Hit> {
    let mut hits = Vec::new();
    for (index, line) in text.lines().enumerate() {
        let hit = |phrase: &'static str| Hit::new(index + 1, phrase, line);
        if line.chars().count() > COLUMNS {
            hits.push(hit("over 100 columns"));
        }
        let description = line.trim_start().rsplit("  ").next().unwrap_or_default();
        let first = description.split(' ').next().unwrap_or_default();
        hits.extend(
            ["What", "Whether", "Where", "That", "Who"]
                .iter()
                .find(|word| **word == first)
                .map(|word| hit(word)),
        );
    }
    hits
}

#[cfg(test)]
mod tests {
    use super::*;

    fn phrases(name: &str, text: &str) -> Vec<(usize, &'static str)> {
        hits(name, text).expect("valid").iter().map(|hit| (hit.line, hit.phrase)).collect()
    }

    #[test]
    fn old_phrases_are_found_in_every_kind_of_text() {
        assert_eq!(
            phrases("README.md", "The file\nis no\nJSON, and the render\nlives on."),
            [(2, "is no"), (4, "lives on")]
        );
        assert_eq!(phrases("action.yml", "description: \"Where nobody  is\""), [(1, "nobody")]);
        assert_eq!(phrases("docs/a.md", "It is no longer used. Besides, it tells\u{2019}."), [(1, "tells")]);
        assert_eq!(phrases("docs/a.md", "This no is. Analysis no. is, no."), []);
    }

    #[test]
    fn string_literals_of_sources_are_texts_and_those_of_tests_are_not() {
        let source = "
            /// It lives on.
            fn message(path: &str) -> String {
                // It lives on.
                format!(\"{path} is no \\
                         file\")
            }
            #[cfg(test)]
            mod tests { const TEXT: &str = \"lives on\"; }
            const TEXT: &str = \"lives on\";";
        assert_eq!(phrases("src/app/a.rs", source), [(5, "is no"), (10, "lives on")]);
        assert_eq!(phrases("src/cli/a.rs", source)[0], (2, "lives on"));
        assert_eq!(phrases("src/app/tests.rs", "const TEXT: &str = \"lives on\";"), []);
    }

    #[test]
    fn long_lines_and_noun_clauses_of_help_are_found() {
        let help = format!("  -o  Whether it runs\n  -p  Output file\n{}\n", "x".repeat(101));
        assert_eq!(phrases("tests/snapshots/help/a.txt", &help), [(1, "Whether"), (3, "over 100 columns")]);
        assert_eq!(phrases("tests/snapshots/flows/a.txt", &help), []);
    }
}
