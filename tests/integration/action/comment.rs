//! The comment and the previews branch over the life of a pull request.

use serde_json::json;

use super::stage::{Stage, commit};
use crate::support::{html, write};

#[test]
fn jobs_share_one_comment_and_a_newer_push_marks_the_older_results() {
    let stage = Stage::new();
    write(stage.repository.path(), "videos/two/index.html", &html(720, 720, "<i>too</i>"));
    commit(stage.repository.path(), "both");
    let runs = std::thread::scope(|scope| {
        let jobs = ["videos/one", "videos/two"].map(|project| {
            let stage = &stage;
            scope.spawn(move || stage.run(&stage.pull_request(), &[("projects", project)]).code)
        });
        jobs.map(|job| job.join().unwrap())
    });
    assert_eq!(runs, [0, 0]);
    let comments = stage.github.state().comments.clone();
    let [comment] = comments.as_slice() else { panic!("{} comments", comments.len()) };
    assert!(
        comment.body.contains("videos&#47;one") && comment.body.contains("videos&#47;two"),
        "{}",
        comment.body
    );
    // A newer push: one job is done with it, the other is not.
    let newer = "b".repeat(40);
    stage.github.state().head.clone_from(&newer);
    let mut payload = stage.repository.pull_request("synchronize", "o/r");
    payload["pull_request"]["head"]["sha"] = newer.clone().into();
    stage.run(&stage.runner("pull_request", &payload), &[("projects", "videos/one")]);
    let body = stage.github.state().comments[0].body.clone();
    assert_eq!(body.matches("**Out of date:**").count(), 1, "{body}");
    // The older run ends late: it does not write over the newer one.
    stage.run(&stage.pull_request(), &[("projects", "videos/one")]);
    assert_eq!(stage.github.state().comments[0].body, body);
    assert_eq!(stage.github.history("hyperframes-previews"), 1, "clones do not grow");
}

#[test]
fn a_newer_push_marks_the_comment_as_soon_as_it_runs() {
    let stage = Stage::new();
    stage.run(&stage.pull_request(), &[("projects", "videos")]);
    let newer = "b".repeat(40);
    stage.github.state().head.clone_from(&newer);
    let mut payload = stage.repository.pull_request("synchronize", "o/r");
    payload["pull_request"]["head"]["sha"] = newer.into();
    // It fails before it has anything to say.
    let run = stage.run(&stage.runner("pull_request", &payload), &[("projects", "nowhere")]);
    assert_eq!(run.code, 2, "{}", run.log);
    assert!(stage.github.state().comments[0].body.contains("**Out of date:**"));
}

#[test]
fn a_comment_that_is_deleted_between_reading_and_writing_is_written_again() {
    let stage = Stage::new();
    stage.run(&stage.pull_request(), &[("projects", "videos")]);
    stage.github.state().deletes_comment_once = true;
    let run = stage.run(&stage.pull_request(), &[("projects", "videos")]);
    assert_eq!(run.code, 0, "{}", run.log);
    assert_eq!(stage.github.state().comments.len(), 1);
}

#[test]
fn busy_apis_and_other_writers_are_waited_for() {
    let stage = Stage::new();
    stage.run(&stage.pull_request(), &[("projects", "videos")]);
    {
        let mut state = stage.github.state();
        state.busy = (2, 429);
        state.conflicts = 2;
        state.references.clear();
        state.comments.clear();
    }
    let run = stage.run(&stage.pull_request(), &[("projects", "videos")]);
    assert_eq!(run.code, 0, "{}", run.log);
    assert_eq!(stage.github.state().comments.len(), 1);
    assert!(!stage.github.branch("hyperframes-previews").is_empty());
}

#[test]
fn lost_answers_lose_nothing_and_write_nothing_twice() {
    let lost = [
        ("POST", "/git/blobs"),
        ("POST", "/git/trees"),
        ("POST", "/git/commits"),
        ("POST", "updateRefs"),
        ("POST", "/comments"),
        ("POST", "headRefOid"),
    ];
    let stage = Stage::new();
    stage.github.state().lost = lost.to_vec();
    let run = stage.run(&stage.pull_request(), &[("projects", "videos")]);
    assert_eq!(run.code, 0, "{}", run.log);
    assert!(stage.github.state().lost.is_empty(), "every answer was lost");
    let state = stage.github.state();
    assert_eq!(state.comments.len(), 1);
    assert!(state.comments[0].body.contains("/raw/hyperframes-previews/pr/7/"), "{}", state.comments[0].body);
    drop(state);
    assert!(!stage.github.branch("hyperframes-previews").is_empty());
}

#[test]
fn a_refusal_is_told_in_the_words_of_the_service() {
    let stage = Stage::new();
    stage.github.state().has_ruleset = true;
    let run = stage.run(&stage.pull_request(), &[("projects", "videos")]);
    assert_eq!(run.code, 0, "{}", run.log);
    assert!(run.log.contains("Repository rule violations found"), "{}", run.log);
    assert_eq!(stage.github.mutations(), 1, "a refusal is not a race");
}

#[test]
fn a_closed_pull_request_leaves_nothing_behind() {
    let stage = Stage::new();
    stage.run(&stage.pull_request(), &[("projects", "videos")]);
    assert!(!stage.github.branch("hyperframes-previews").is_empty());
    stage.github.state().is_closed = true;
    let runner = stage.runner("pull_request", &stage.repository.pull_request("closed", "o/r"));
    for _ in 0..2 {
        let run = stage.run(&runner, &[]);
        assert_eq!(run.code, 0, "{}", run.log);
        assert!(stage.github.branch("hyperframes-previews").is_empty());
        let comments = stage.github.state().comments.clone();
        assert_eq!(comments.len(), 1);
        assert!(
            comments[0].body.contains("deleted when the pull request was closed")
                && !comments[0].body.contains("/raw/"),
            "{}",
            comments[0].body
        );
    }
    assert_eq!(stage.emulator.created(), (1, 1));
    // It is opened again.
    stage.github.state().is_closed = false;
    let run = stage.run(&stage.pull_request(), &[("projects", "videos")]);
    assert_eq!(run.code, 0, "{}", run.log);
    let body = stage.github.state().comments[0].body.clone();
    assert!(body.contains("/raw/") && !body.contains("deleted"), "{body}");
}

/// A mistake in `preview-branch` would replace the history of a branch of somebody.
#[test]
fn a_branch_that_is_not_one_of_previews_is_not_touched() {
    for files in [&["README.md"][..], &["index.html", "guide/index.html"], &["pr/7/a.png", "src/main.rs"]] {
        let stage = Stage::new();
        let tip = {
            let mut state = stage.github.state();
            let blob = state.store(json!({ "content": "", "encoding": "utf-8" }));
            let tree =
                files.iter().map(|file| ((*file).to_owned(), json!(blob))).collect::<serde_json::Map<_, _>>();
            let tree = state.store(tree.into());
            let tip = state.store(json!({ "tree": tree, "parents": [], "n": "Initial commit" }));
            state.references.insert("heads/gh-pages".to_owned(), tip.clone());
            tip
        };
        let branch = ("preview-branch", "gh-pages");
        let run = stage.run(&stage.pull_request(), &[("projects", "videos"), branch]);
        assert_eq!(run.code, 0, "{}", run.log);
        assert!(run.log.contains("the branch gh-pages has other files than previews"), "{}", run.log);
        assert!(run.log.contains("updated the comment"), "{}", run.log);
        stage.github.state().is_closed = true;
        let closed = stage.runner("pull_request", &stage.repository.pull_request("closed", "o/r"));
        assert_eq!(stage.run(&closed, &[branch]).code, 0);
        assert_eq!(stage.github.state().references["heads/gh-pages"], tip, "{files:?}");
    }
}

#[test]
fn a_cleanup_says_what_it_has_done_and_what_it_may_not() {
    let stage = Stage::new();
    stage.run(&stage.pull_request(), &[("projects", "videos")]);
    stage.github.state().is_closed = true;
    stage.github.state().may_comment = false;
    let runner = stage.runner("pull_request", &stage.repository.pull_request("closed", "o/r"));
    let run = stage.run(&runner, &[]);
    assert_eq!(run.code, 0, "{}", run.log);
    assert!(run.log.contains("deleted the previews of #7"), "{}", run.log);
    assert!(run.log.contains("cannot update the comment: "), "{}", run.log);
    assert!(!run.log.contains("cannot delete"), "{}", run.log);
}

#[test]
fn a_pull_request_that_is_closed_during_the_run_is_cleaned_up_by_it() {
    let stage = Stage::new();
    stage.github.state().is_closed = true;
    let run = stage.run(&stage.pull_request(), &[("projects", "videos")]);
    assert_eq!(run.code, 0, "{}", run.log);
    assert!(run.summary.contains("closed during the run"), "{}", run.summary);
    assert!(stage.github.branch("hyperframes-previews").is_empty());
    assert!(stage.github.state().comments.iter().all(|comment| !comment.body.contains("/raw/")));
}

#[test]
fn the_previews_of_all_closed_pull_requests_are_deleted_on_a_schedule() {
    let stage = Stage::new();
    stage.run(&stage.pull_request(), &[("projects", "videos")]);
    let clean_up = || stage.run(&stage.runner("schedule", &json!({})), &[("mode", "cleanup")]);
    let run = clean_up();
    assert_eq!(run.code, 0, "{}", run.log);
    assert!(run.log.contains("no previews to delete"), "{}", run.log);
    assert!(!stage.github.branch("hyperframes-previews").is_empty(), "it is open");
    stage.github.state().is_closed = true;
    let run = clean_up();
    assert!(run.log.contains("deleted the previews of #7"), "{}", run.log);
    assert!(stage.github.branch("hyperframes-previews").is_empty());
}
