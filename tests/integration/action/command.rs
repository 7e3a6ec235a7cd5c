//! Comments that ask for renders: the recipe of docs/recipes/commands.md.

use serde_json::{Value, json};

use super::runner::Run;
use super::stage::{Stage, commit, git};
use crate::support::{html, write};

/// Ada may write, Eve may read.
fn stage() -> Stage {
    let stage = Stage::new();
    let mut state = stage.github.state();
    state.users = vec![("ada", 3, "write"), ("grace", 4, "admin"), ("eve", 5, "read"), ("gone", 6, "none")];
    state.base_commit.clone_from(&stage.repository.base);
    drop(state);
    stage
}

fn comment(stage: &Stage, author: &str, id: u64, body: &str) -> Run {
    comment_with(stage, author, id, body, &[])
}

/// A run for a comment, which is of the default branch, with the pull request checked out.
fn comment_with(stage: &Stage, author: &str, id: u64, body: &str, inputs: &[(&str, &str)]) -> Run {
    let payload: Value = json!({ "action": "created", "issue": { "number": 7, "pull_request": {} },
        "repository": { "full_name": "o/r", "private": false, "default_branch": "main" },
        "comment": { "id": 900, "body": body, "user": { "login": author, "id": id } } });
    let mut runner = stage.runner("issue_comment", &payload);
    runner.set("GITHUB_SHA", &stage.repository.base);
    stage.run(&runner, &[&[("projects", "videos")], inputs].concat())
}

fn is_refused(stage: &Stage, run: &Run, reason: &str) {
    assert_eq!(run.code, 0, "anyone can comment, which is no failure: {}", run.log);
    assert!(run.log.contains(&format!("nothing was rendered: {reason}")), "{reason}: {}", run.log);
    assert!(run.summary.contains("Nothing was rendered: <code>"), "{}", run.summary);
    assert_eq!(stage.emulator.created(), (0, 0), "{reason}");
    let state = stage.github.state();
    assert!(state.comments.is_empty() && state.references.is_empty(), "{reason}");
    assert_eq!(state.reactions.last(), Some(&(900, "confused".to_owned())));
}

#[test]
fn a_comment_of_somebody_with_write_access_renders() {
    let stage = stage();
    stage.github.state().tips = vec![stage.repository.head.clone()];
    let run = comment(&stage, "ada", 3, "/render\r\nplease");
    assert_eq!((run.code, stage.emulator.created()), (0, (1, 1)), "{}", run.log);
    assert!(run.log.contains("event issue_comment in o/r, mode preview"), "{}", run.log);
    let state = stage.github.state();
    assert_eq!(state.reactions, [(900, "eyes".to_owned())]);
    assert!(state.comments[0].body.contains("1 rendered, 1 unchanged"), "{}", state.comments[0].body);
    let short = &stage.repository.head[..7];
    assert!(state.comments[0].body.contains(&format!("for {short}")), "{}", state.comments[0].body);
    drop(state);
    let run = comment(&stage, "grace", 4, &format!("/render {}", stage.repository.head.to_uppercase()));
    assert!(run.code == 0 && run.outputs["reused"] == "true", "{}", run.log);
}

#[test]
fn a_comment_of_anybody_else_renders_nothing() {
    let stage = stage();
    stage.github.state().tips = vec![stage.repository.head.clone()];
    for (author, id) in [("eve", 5), ("gone", 6), ("ada", 33)] {
        let run = comment(&stage, author, id, "/render");
        is_refused(&stage, &run, &format!("@{author} does not have write access"));
    }
    is_refused(&stage, &comment(&stage, "nobody", 8, "/render"), "the permission of the author");
    let hostile = "../../../user%2F?x=#";
    is_refused(&stage, &comment(&stage, hostile, 8, "/render"), "the permission of the author");
    // Whatever the mode is.
    for mode in ["render", "check", "preview", "plan", "release"] {
        let run = comment_with(&stage, "eve", 5, "/render", &[("mode", mode), ("release-tag", "v1")]);
        is_refused(&stage, &run, "@eve does not have write access");
    }
    // Other comments are not commands.
    let run = comment(&stage, "ada", 3, "would /render help?");
    assert_eq!((run.code, stage.emulator.created()), (0, (0, 0)), "{}", run.log);
    assert!(run.log.contains("mode check"), "{}", run.log);
    let requests = stage.github.count("GET", "/collaborators/");
    assert_eq!(requests, 10, "and cost no request");
}

#[test]
fn a_comment_renders_the_commit_that_was_reviewed_and_no_other() {
    let mut stage = stage();
    let closed = |stage: &Stage, is_closed: bool| stage.github.state().is_closed = is_closed;
    stage.github.state().tips = vec![stage.repository.head.clone()];
    closed(&stage, true);
    is_refused(&stage, &comment(&stage, "ada", 3, "/render"), "the pull request #7 is closed");
    closed(&stage, false);
    // The checkout is of another branch, or older than the pull request.
    git(stage.repository.path(), &["checkout", "--quiet", &stage.repository.base]);
    let run = comment(&stage, "ada", 3, "/render");
    is_refused(&stage, &run, &format!("the checkout is {}", stage.repository.base));
    git(stage.repository.path(), &["checkout", "--quiet", &stage.repository.head]);
    let reviewed = stage.repository.head.clone();
    is_refused(
        &stage,
        &comment(&stage, "ada", 3, &format!("/render {}", &reviewed[..12])),
        "a comment names a commit by all its digits",
    );
    // A fork, which pushes between the comment and the run.
    stage.github.state().head_repository = "stranger/r".to_owned();
    stage.github.state().tips.clear();
    is_refused(&stage, &comment(&stage, "ada", 3, "/render"), "the pull request is from a fork");
    write(stage.repository.path(), "videos/one/index.html", &html(1280, 720, "<i>evil</i>"));
    stage.repository.head = commit(stage.repository.path(), "evil");
    stage.github.state().head.clone_from(&stage.repository.head);
    let run = comment(&stage, "ada", 3, &format!("/render {reviewed}"));
    is_refused(
        &stage,
        &run,
        &format!("the pull request has another commit: /render {}", stage.repository.head),
    );
    // The commit of the fork that was reviewed is rendered in the cloud only, with the configuration of the base.
    let named = format!("/render {}", stage.repository.head);
    let run = comment_with(&stage, "ada", 3, &named, &[("renderer", "local"), ("api-key", "")]);
    assert_eq!((run.code, stage.emulator.created()), (0, (0, 0)), "{}", run.log);
    assert!(run.summary.contains("Nothing was rendered: this run has access to secrets"), "{}", run.summary);
    let run = comment_with(&stage, "ada", 3, &named, &[("renderer", "local")]);
    assert_eq!((run.code, stage.emulator.created()), (0, (1, 1)), "{}", run.log);
    assert_eq!(stage.github.count("GET", &format!("hyperframes-ci.toml?ref={}", stage.repository.base)), 2);
}
