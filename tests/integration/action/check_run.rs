//! Check runs.

use serde_json::json;

use super::stage::{Stage, commit};
use crate::support::{html, write};

/// A pull request that breaks a page in this many places.
fn broken(places: usize) -> Stage {
    let mut stage = Stage::new();
    let images = "<img src=\"missing.png\">\n".repeat(places);
    let page = html(1280, 720, &format!("<i>changed</i>{images}"));
    write(stage.repository.path(), "videos/one/index.html", &page);
    stage.repository.head = commit(stage.repository.path(), "broken");
    stage.github.state().head.clone_from(&stage.repository.head);
    stage.github.state().may_check = true;
    stage
}

#[test]
fn all_findings_are_annotated_in_batches_beyond_what_a_job_shows() {
    let stage = broken(120);
    let run = stage.run(&stage.pull_request(), &[("projects", "videos")]);
    assert_eq!(run.code, 5, "{}", run.log);
    assert!(!run.log.contains("::error file="), "once is enough: {}", run.log);
    let state = stage.github.state();
    let [check] = state.checks.as_slice() else { panic!("one check run") };
    assert_eq!(check["output"]["annotations"].as_array().unwrap().len(), 120);
    let requests = state.requests.iter().filter(|(_, target, _)| target.contains("check-runs"));
    assert_eq!(requests.count(), 3);
    assert_eq!((&check["conclusion"], &check["status"]), (&json!("failure"), &json!("completed")));
    assert_eq!(check["name"], "HyperFrames (videos preview)");
    assert_eq!(check["output"]["title"], "120 errors");
    assert!(check["output"]["summary"].as_str().unwrap().contains("not rendered: 120 errors"));
    assert!(check["details_url"].as_str().unwrap().starts_with("https://github.example/o/r/pull/7#"));
    let first = &check["output"]["annotations"][0];
    assert_eq!(
        (&first["path"], &first["annotation_level"], &first["title"]),
        (&json!("videos/one/index.html"), &json!("failure"), &json!("missing-asset"))
    );
    assert!(first["start_line"].is_u64() && first["start_column"].is_u64(), "{first}");
}

#[test]
fn the_conclusion_is_that_of_the_step() {
    for (inputs, conclusion, title) in [
        (&[("fail-on", "never")][..], "neutral", "1 error"),
        (&[("allow", "missing-asset")], "success", "no findings"),
        (&[("warn", "missing-asset")], "neutral", "1 warning"),
        (&[("warn", "missing-asset"), ("fail-on", "warning")], "failure", "1 warning"),
        (&[("mode", "check")], "failure", "1 error"),
        (&[("mode", "plan")], "failure", "1 error"),
    ] {
        let stage = broken(1);
        let run = stage.run(&stage.pull_request(), &[&[("projects", "videos")], inputs].concat());
        let checks = stage.github.state().checks.clone();
        let check = checks.first().unwrap_or_else(|| panic!("{inputs:?}: {}", run.log));
        assert_eq!((&check["conclusion"], &check["output"]["title"]), (&json!(conclusion), &json!(title)));
        assert_eq!(run.code == 0, conclusion != "failure", "{inputs:?}: {}", run.log);
    }
    let stage = broken(0);
    let rules = json!({ "rules": [{ "on": "render", "times": 9, "do": { "fail": "no" } }] });
    stage.emulator.script(&rules.to_string());
    stage.run(&stage.pull_request(), &[("projects", "videos")]);
    assert_eq!(stage.github.state().checks[0]["output"]["title"], "1 failed render");
}

#[test]
fn a_token_that_may_not_create_one_is_no_failure() {
    let stage = broken(0);
    stage.github.state().may_check = false;
    let run = stage.run(&stage.pull_request(), &[("projects", "videos")]);
    assert_eq!(run.code, 0, "{}", run.log);
    assert!(run.log.contains("no check run, which needs `checks: write`"), "{}", run.log);
    assert!(!run.log.contains("::error") && !run.log.contains("::warning"), "{}", run.log);
    // Those who want none, the jobs of a plan, forks and pushes do not ask.
    let count = || stage.github.count("POST", "/check-runs");
    let before = count();
    let videos = ("projects", "videos");
    stage.run(&stage.pull_request(), &[videos, ("check-run", "false")]);
    stage.run(&stage.pull_request(), &[videos, ("targets", "[\"videos/one/index.html\"]")]);
    stage.run(&stage.runner("push", &json!({})), &[videos]);
    let fork = stage.runner("pull_request", &stage.repository.pull_request("opened", "stranger/r"));
    stage.run(&fork, &[videos, ("mode", "check"), ("api-key", "")]);
    assert_eq!(count(), before);
}

#[test]
fn a_failure_without_a_reason_is_diagnosed_on_the_runner() {
    for (reason, is_diagnosed) in [("", true), ("no fonts", false)] {
        let stage = broken(0);
        let page = stage.repository.path().join("videos/one/index.html");
        let short = std::fs::read_to_string(&page).unwrap().replace("duration=\"1\"", "duration=\"0.2\"");
        std::fs::write(&page, short).unwrap();
        let rules = json!({ "rules": [{ "on": "render", "times": 9, "do": { "fail": reason } }] });
        stage.emulator.script(&rules.to_string());
        let run = stage.run(&stage.pull_request(), &[("projects", "videos"), ("fail-on", "never")]);
        let body = stage.github.state().comments[0].body.clone();
        for text in [&body, &run.summary] {
            let diagnosis = "the same project renders on this machine";
            assert_eq!(text.contains(diagnosis), is_diagnosed, "{reason}: {text}\n{}", run.log);
        }
        assert_eq!(stage.emulator.created().1, 1, "rendered in the cloud once");
    }
}
