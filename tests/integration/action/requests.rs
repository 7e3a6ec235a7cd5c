//! How many requests each flow sends to GitHub.

use serde_json::json;

use super::runner::Runner;
use super::stage::{Stage, commit};
use crate::support::{html, write};

/// Requests of a flow at most.
const FIRST: usize = 10;
const REPEAT: usize = 8;
/// Another push marks the results of the one before in the comment first, since renders take minutes.
const PUSH: usize = FIRST + 1;

#[test]
fn flows_send_few_requests() {
    let mut stage = Stage::new();
    stage.github.state().may_check = true;
    let mut table = "| flow | requests | which |\n|---|---|---|\n".to_owned();
    let mut count = |name: &str, stage: &Stage, runner: &Runner, inputs: &[(&str, &str)]| {
        stage.github.state().requests.clear();
        let run = stage.run(runner, inputs);
        assert_eq!(run.code, 0, "{name}: {}", run.log);
        let state = stage.github.state();
        let listed = state.requests.iter().map(|(method, target, body)| {
            let path = target.split('?').next().unwrap_or_default();
            let path = path.trim_start_matches("/repos/o/r");
            let path = path.split('/').map(|part| if part.len() == 40 { ":sha" } else { part });
            let mut text = format!("{method} {}", path.collect::<Vec<_>>().join("/"));
            if let Some(query) = body["query"].as_str() {
                text = if query.starts_with("mutation") { "mutation updateRefs" } else { "query" }.to_owned();
            }
            text
        });
        let listed = listed.collect::<Vec<_>>();
        table.push_str(&format!("| {name} | {} | {} |\n", listed.len(), listed.join(", ")));
        listed.len()
    };
    let videos = [("projects", "videos")];
    assert!(count("preview of one composition", &stage, &stage.pull_request(), &videos) <= FIRST);
    assert!(count("repeat", &stage, &stage.pull_request(), &videos) <= REPEAT);
    let path = stage.repository.path().to_owned();
    write(&path, "videos/one/index.html", &html(1280, 720, "<i>changed again</i>"));
    stage.repository.head = commit(&path, "another push");
    stage.github.state().head.clone_from(&stage.repository.head);
    assert!(count("another push", &stage, &stage.pull_request(), &videos) <= PUSH);
    let push = stage.runner("push", &json!({}));
    let inputs = [("projects", "videos/one"), ("mode", "preview")];
    count("preview of the base", &stage, &push, &inputs);
    stage.github.state().is_closed = true;
    let closed = stage.runner("pull_request", &stage.repository.pull_request("closed", "o/r"));
    count("cleanup", &stage, &closed, &[]);
    count("cleanup, repeated", &stage, &closed, &[]);
    crate::support::show("action-requests.md", &table);
}
