//! One pull request from its first push to its approval; `docs/recipes/approval.md` shows what happens. `BLESS=1` writes that
//! page's blocks, which the test otherwise expects to be true.

use std::fs;

use regex::Regex;
use serde_json::json;

use super::review::{change_base, publish_base};
use super::runner::Run;
use super::stage::{Stage, commit};
use crate::support::{html, root, write};

const PAGE: &str = "docs/recipes/approval.md";

/// The inputs of the workflow on the page.
const INPUTS: [(&str, &str); 3] =
    [("projects", "videos"), ("fail-on-diff", "changed"), ("approval-label", "videos approved")];

/// Returns what people see of a run: its exit code, its error, and the comment without the marks of the program.
fn seen(stage: &Stage, run: &Run) -> String {
    let error = run.log.lines().filter(|line| line.starts_with("error: "));
    let error = error.map(|line| format!("{line}\n")).collect::<String>();
    let marks = Regex::new("(?s)<!--.*?-->\n?").unwrap();
    let body = stage.github.state().comments[0].body.clone();
    let body = marks.replace_all(&body, "");
    format!("exit code {}\n{error}\n{}\n", run.code, body.trim())
}

/// Returns a text without what differs between runs and between versions of FFmpeg.
fn lasting(text: &str) -> String {
    let [settings, hashes, levels, sizes] = [
        "Note: <code>settings differ[^\n]*\n\n",
        r"(?-u:\b)[0-9a-f]{7,}(?-u:\b)",
        r"[0-9]+(\.|&#46;)[0-9]+ levels",
        r"\([0-9.]+ [KM]B\)",
    ]
    .map(|pattern| Regex::new(pattern).unwrap());
    let text = settings.replace_all(text, "");
    let text = hashes.replace_all(&text, "0a1b2c3");
    let text = sizes.replace_all(&text, "(8 KB)");
    levels.replace_all(&text, "93.6 levels").into_owned()
}

#[test]
fn a_pull_request_is_shown_approved_and_shown_again() {
    let mut stage = Stage::new();
    publish_base(&stage);
    change_base(&stage);
    stage.github.state().users = vec![("kim", 1, "write")];
    let mut blocks = Vec::new();

    // The first push changes a video.
    stage.github.state().pushed = Some("2026-11-27T10:00:00Z".to_owned());
    let run =
        stage.run(&stage.runner("pull_request", &stage.repository.pull_request("opened", "o/r")), &INPUTS);
    assert_eq!(run.code, 7, "{}", run.log);
    blocks.push(seen(&stage, &run));
    assert!(blocks[0].contains("**changed**") && blocks[0].contains("not approved"), "{}", blocks[0]);

    // A member looks at it, and sets the label.
    stage.github.state().labels =
        vec![("videos approved".to_owned(), "2026-11-27T10:05:00Z".to_owned(), "kim".to_owned())];
    let labeled = stage.repository.pull_request("labeled", "o/r");
    let run = stage.run(&stage.runner("pull_request", &labeled), &INPUTS);
    assert_eq!(run.code, 0, "{}", run.log);
    blocks.push(seen(&stage, &run));
    assert!(blocks[1].contains("**changed**") && blocks[1].contains("Approved for"), "{}", blocks[1]);

    // Another push is not what was approved.
    let path = stage.repository.path().to_owned();
    write(&path, "videos/one/index.html", &html(1280, 720, "<i>changed again</i>"));
    stage.repository.head = commit(&path, "another push");
    stage.github.state().head.clone_from(&stage.repository.head);
    stage.github.state().pushed = Some("2026-11-27T11:00:00Z".to_owned());
    let run = stage.run(&stage.pull_request(), &INPUTS);
    assert_eq!(run.code, 7, "{}", run.log);
    blocks.push(seen(&stage, &run));
    assert!(blocks[2].contains("the label was not set for the newest commit"), "{}", blocks[2]);

    let path = root().join(PAGE);
    let page = fs::read_to_string(&path).unwrap();
    let mut parts = page.split("```text\n");
    let mut written = parts.next().unwrap().to_owned();
    for block in &blocks {
        let (_, rest) = parts.next().expect("a block").split_once("```\n").unwrap();
        written += &format!("```text\n{}```\n{rest}", lasting(block));
    }
    assert!(parts.next().is_none());
    if std::env::var_os("BLESS").is_some() {
        fs::write(&path, &written).unwrap();
        return;
    }
    assert_eq!(page.replace("\r\n", "\n"), written, "BLESS=1 writes {PAGE}");
}

#[test]
fn where_pictures_are_not_shown_the_comment_says_what_changed() {
    let stage = Stage::new();
    publish_base(&stage);
    change_base(&stage);
    let range = Regex::new(
        r"\n- 0\.30–1\.00 s: 7 frames differ by up to [0-9.]+ levels in the [a-z ]+ \([0-9]+x[0-9]+ pixels\)\n",
    )
    .unwrap();
    let files = "[the files of the run](https://github.example/o/r/actions/runs/77/attempts/1#artifacts)";
    let comment = |is_private: bool| {
        let mut payload = stage.repository.pull_request("synchronize", "o/r");
        payload["repository"]["private"] = json!(is_private);
        let run = stage.run(&stage.runner("pull_request", &payload), &[("projects", "videos")]);
        assert_eq!(run.code, 0, "{}", run.log);
        stage.github.state().comments[0].body.clone()
    };
    // For everybody, the picture is described.
    let body = comment(false);
    assert!(body.contains("<img src=") && body.contains("base left&#44; head right&#59; 0&#46;30"), "{body}");
    assert!(!range.is_match(&body) && !body.contains(files), "{body}");
    // Mails and apps do not show pictures of private repositories.
    let body = comment(true);
    assert!(body.contains("<img src=") && range.is_match(&body) && body.contains(files), "{body}");
    // Without the permission to publish, there are none.
    stage.github.state().may_write = false;
    let body = comment(false);
    assert!(!body.contains("<img src=") && range.is_match(&body) && body.contains(files), "{body}");
}
