//! `check --fix`: what it corrects, and what it leaves as it is.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use hyperframes_ci_core::findings::Rule;
use serde_json::Value;

use crate::check::fixtures;
use crate::mistakes::{Project, Random};
use crate::support::{html, run_in, write};

/// Number of generated projects.
const GENERATED: u64 = 300;

/// Returns the findings that have a correction.
fn fixable(outcome: &Value) -> Vec<&Value> {
    outcome["diagnostics"].as_array().unwrap().iter().filter(|found| found.get("fix").is_some()).collect()
}

fn files(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let mut found = BTreeMap::new();
    for path in entries {
        if path.is_dir() {
            found.extend(files(&path));
        } else {
            found.insert(path.to_string_lossy().into_owned(), std::fs::read(&path).unwrap());
        }
    }
    found
}

#[test]
fn the_fixtures_of_fixable_rules_are_corrected() {
    let is_fixable = |code: &str| code.parse::<Rule>().unwrap().is_fixable();
    let mut corrected = Vec::new();
    for fixture in fixtures() {
        let folder = tempfile::tempdir().unwrap();
        fixture.unpack(folder.path());
        let project = fixture.project().unwrap_or(".");
        let before = run_in(folder.path(), &["check", project, "--json"]).json();
        let codes = fixable(&before);
        let codes = codes.iter().map(|found| found["code"].as_str().unwrap().to_owned()).collect::<Vec<_>>();
        assert!(codes.iter().all(|code| is_fixable(code)), "{codes:?}");
        assert_eq!(
            is_fixable(fixture.code()),
            codes.iter().any(|code| code == fixture.code()),
            "{}",
            fixture.code()
        );
        corrected.extend(codes);
        let after = run_in(folder.path(), &["check", project, "--fix", "--json"]).json();
        assert_eq!(fixable(&after), Vec::<&Value>::new(), "{}", fixture.code());
        let again = run_in(folder.path(), &["check", project, "--fix", "--json"]).json();
        assert!(again.get("fixed").is_none(), "{}: {again:#}", fixture.code());
    }
    let missing = Rule::ALL
        .iter()
        .filter(|rule| rule.is_fixable() && !corrected.iter().any(|code| code == rule.code()));
    assert_eq!(missing.collect::<Vec<_>>(), Vec::<&Rule>::new());
}

#[test]
fn generated_mistakes_are_corrected_once_and_nothing_else_changes() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir(folder.path().join(".git")).unwrap();
    let mut names = Vec::new();
    for seed in 0..GENERATED {
        let mut random = Random(0x51_7c_c1_b7_27_22_0a_95 ^ (seed + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15));
        let mut project = Project::valid(&mut random);
        (0..2).for_each(|_| project.break_it(&mut random));
        let name = format!("{seed:04}");
        let directory = folder.path().join(&name);
        project.write(&mut random, &directory);
        if seed.is_multiple_of(2) {
            let path = directory.join("index.html");
            let text = std::fs::read_to_string(&path).unwrap().replace('\n', "\r\n");
            std::fs::write(path, format!("\u{feff}{text}")).unwrap();
        }
        names.push(name);
    }
    let run = |flags: &[&str]| {
        let names = names.iter().map(String::as_str);
        let arguments = ["check", "--json"].into_iter().chain(flags.iter().copied()).chain(names);
        run_in(folder.path(), &arguments.collect::<Vec<_>>()).json()
    };
    let original = files(folder.path());
    let planned = run(&["--fix", "--dry-run"]);
    assert_eq!(files(folder.path()), original, "a dry run changes nothing");
    let count = fixable(&planned).len();
    assert!(count > 30, "{count}");
    // The mark of a rendered page is a finding of its own.
    let unmarked = fixable(&planned).into_iter().filter(|found| found["code"] == "byte-order-mark");
    let unmarked = unmarked.map(|found| folder.path().join(found["path"].as_str().unwrap()));
    let unmarked = unmarked.map(|path| path.to_string_lossy().into_owned()).collect::<BTreeSet<_>>();
    assert!(!unmarked.is_empty());
    let after = run(&["--fix"]);
    assert_eq!(after["fixed"], planned["fixed"]);
    assert_eq!(fixable(&after), Vec::<&Value>::new());
    let fixed = files(folder.path());
    for (path, text) in &fixed {
        let (text, before) = (String::from_utf8_lossy(text), String::from_utf8_lossy(&original[path]));
        assert_eq!(text.matches('\n').count(), before.matches('\n').count(), "{path}");
        assert_eq!(text.matches("\r\n").count(), before.matches("\r\n").count(), "{path}");
        let has_mark = before.starts_with('\u{feff}') && !unmarked.contains(path);
        assert_eq!(text.starts_with('\u{feff}'), has_mark, "{path}");
    }
    let again = run(&["--fix"]);
    assert!(again.get("fixed").is_none());
    assert_eq!(files(folder.path()), fixed, "a second run changes nothing");
}

#[test]
fn a_diff_is_shown_and_other_files_stay() {
    let folder = tempfile::tempdir().unwrap();
    let page = html(1280, 720, "<video src=\"v.mp4\" muted data-start=\"0\" data-duration=\"1\" />\r\n");
    write(folder.path(), "index.html", &page);
    write(folder.path(), "v.mp4", "x");
    std::fs::write(folder.path().join("other.html"), b"<video src=\"\xe4.mp4\" />").unwrap();
    let planned = run_in(folder.path(), &["check", "--fix", "--dry-run"]);
    assert!(planned.stdout.starts_with("--- a/index.html\n+++ b/index.html\n@@ "), "{planned:?}");
    assert!(planned.stdout.contains("data-duration=\"1\"></video>\r\n"), "{planned:?}");
    assert!(planned.stderr.contains("would correct 1 finding in 1 file"), "{planned:?}");
    assert_eq!(planned.code, 5);
    assert_eq!(std::fs::read_to_string(folder.path().join("index.html")).unwrap(), page);
    let ran = run_in(folder.path(), &["check", "--fix"]);
    assert!(ran.stderr.contains("corrected 1 finding in 1 file"), "{ran:?}");
    assert_eq!(
        std::fs::read_to_string(folder.path().join("index.html")).unwrap(),
        page.replace("\"1\" />", "\"1\"></video>")
    );
    assert_eq!(std::fs::read(folder.path().join("other.html")).unwrap(), b"<video src=\"\xe4.mp4\" />");
    // A finding that the user allows is not corrected.
    write(folder.path(), "index.html", &page);
    let ran = run_in(folder.path(), &["check", "--fix", "--allow", "self-closing-media"]);
    assert!(ran.stderr.contains("nothing to correct"), "{ran:?}");
}
