//! Replaces what differs from run to run by placeholders.

use std::path::Path;

use regex::Regex;

/// Patterns and their placeholders, in the order in which they are replaced.
const PATTERNS: &[(&str, &str)] = &[
    (r"http://127\.0\.0\.1:\d+", "[API]"),
    (r"127\.0\.0\.1:\d+", "[ADDRESS]"),
    (r"\bhfr_[0-9A-Za-z]+", "[RENDER]"),
    (r"\b(asst|req)_[0-9a-f]{8,}", "[ID]"),
    (r"\bhfci_[0-9a-f]{64}\b", "[KEY]"),
    (r"\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b", "[ID]"),
    (r"\b\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d(\.\d+)?)?(Z| UTC)?", "[DATE]"),
    (r"\[ *\d+s\]", "[TIME]"),
    (r"\b[0-9a-f]{64}\b", "[DIGEST]"),
    (r"\b[0-9a-f]{8}…", "[DIGEST]…"),
    (r#"("created_at"|"completed_at"|"expires_at"): \d+(\.\d+)?"#, "$1: [DATE]"),
    (r#"("[a-z_]*(ms|elapsed|seconds_elapsed)"): \d+(\.\d+)?"#, "$1: [TIME]"),
];

/// Replaces what differs from run to run; `folder` is the repository of the run and `home` its home.
pub(crate) fn redact(text: &str, folder: &Path, home: &Path) -> String {
    // Progress and states that are seen on the way depend on the speed of the machine.
    let transient = Regex::new(r"^ *\[ *\d+s\] ").unwrap();
    let is_kept = |line: &&str| !transient.is_match(line) || line.contains("100%");
    let mut text = text.split_inclusive('\n').filter(is_kept).collect::<String>();
    for (path, name) in [(folder, "[REPOSITORY]"), (home, "[HOME]")] {
        let resolved = path.canonicalize().unwrap();
        for path in [resolved.as_path(), path] {
            text = text.replace(&path.display().to_string(), name);
        }
    }
    for (pattern, placeholder) in PATTERNS {
        text = Regex::new(pattern).unwrap().replace_all(&text, *placeholder).into_owned();
    }
    text.replace(env!("CARGO_PKG_VERSION"), "[VERSION]")
}

#[test]
fn ids_times_and_paths_are_replaced() {
    let folder = tempfile::tempdir().unwrap();
    let home = tempfile::tempdir().unwrap();
    let text = format!(
        "{}/a.mp4 hfr_abc123 at 2026-11-26T21:10:12Z from http://127.0.0.1:4711/v3\n  [   3s] queued\n  [   4s] packing 100%",
        folder.path().display()
    );
    assert_eq!(
        redact(&text, folder.path(), home.path()),
        "[REPOSITORY]/a.mp4 [RENDER] at [DATE] from [API]/v3\n  [TIME] packing 100%"
    );
}
