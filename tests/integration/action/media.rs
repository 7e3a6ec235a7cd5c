//! Generated media in the action: pull requests are only checked, and the comment says what is out of date.

use serde_json::json;

use super::git_api::MOST_LISTED;
use super::stage::{Stage, commit, git};
use crate::support::write;

const ENTRIES: &str = r#"
[[media]]
file = "assets/voice.wav"
script = "script.txt"
voice = "<ID>"
words = "assets/transcript.json"
captions = "assets/captions.vtt"

[[media]]
file = "assets/intro.wav"
text = "Welcome."
voice = "<ID>"
"#;

/// A repository whose media was generated and committed by the emulator.
fn stage() -> Stage {
    let mut stage = Stage::new();
    let path = stage.repository.path().to_owned();
    let voices = stage.emulator.run(&path, &["media", "list", "voices", "--json"]).ok().json();
    let voice = voices["voices"][0]["voice_id"].as_str().unwrap().to_owned();
    write(&path, "hyperframes-ci.toml", &ENTRIES.replace("<ID>", &voice));
    write(&path, "script.txt", "HyperFrames turns a script into a video.\nEvery second is paid once.\n");
    stage.emulator.run(&path, &["media", "generate"]).ok();
    stage.emulator.run(&path, &["media", "check"]).ok();
    let base = commit(&path, "add a voice-over");
    stage.repository.head.clone_from(&base);
    stage.github.state().base_commit.clone_from(&base);
    stage.github.state().head = base;
    stage
}

#[test]
fn a_pull_request_that_changes_a_line_of_the_script_is_told_the_price_and_pays_nothing() {
    let mut stage = stage();
    let path = stage.repository.path().to_owned();
    let spoken = stage.emulator.stats()["speeches_generated"].clone();
    write(
        &path,
        "script.txt",
        "HyperFrames turns a script into a video.\nEvery second is paid for once, and kept.\n",
    );
    stage.repository.head = commit(&path, "change a line of the script");
    stage.github.state().head.clone_from(&stage.repository.head);
    stage.github.state().files = vec!["script.txt".to_owned()];
    // A fork has no key; the runner needs none.
    for (from, key) in [("o/r", crate::support::KEY), ("someone/r", "")] {
        let payload = stage.repository.pull_request("synchronize", from);
        let runner = stage.runner("pull_request", &payload);
        let run = stage.run(&runner, &[("api-key", key), ("mode", "preview")]);
        assert_eq!(run.code, 0, "{}", run.log);
        assert!(run.summary.contains("**1 of 2 media files not current**"), "{}", run.summary);
    }
    let comment = stage.github.state().comments.last().expect("a comment").body.clone();
    let line = "**1 of 2 media files not current** · generating 1 file takes about ";
    assert!(comment.contains(line), "{comment}");
    let row = comment.lines().find(|line| line.contains("voice")).expect("a row");
    assert!(row.contains("outdated: <code>the script or an option has changed"), "{row}");
    assert!(!comment.contains("intro"), "{comment}");
    assert_eq!(stage.emulator.stats()["speeches_generated"], spoken, "nothing is generated");
    let section = comment.split("**1 of 2").nth(1).and_then(|rest| rest.split("\n\n>").next()).unwrap();
    let page = std::fs::read_to_string(crate::support::root().join("docs/media.md")).unwrap();
    assert!(page.contains(section.trim_end()), "docs/media.md shows something else than {section}");

    // Without the change, nothing is said.
    git(&path, &["revert", "--no-edit", "HEAD"]);
    stage.github.state().head = git(&path, &["rev-parse", "HEAD"]);
    let mut payload = stage.repository.pull_request("synchronize", "o/r");
    payload["pull_request"]["head"]["sha"] = json!(git(&path, &["rev-parse", "HEAD"]));
    let run = stage.run(&stage.runner("pull_request", &payload), &[]);
    assert_eq!(run.code, 0, "{}", run.log);
    let comment = stage.github.state().comments.last().expect("a comment").body.clone();
    assert!(!comment.contains("not current"), "{comment}");
}

/// A push of a changed script, whose commit GitHub knows.
fn push(stage: &mut Stage, script: &str) -> super::runner::Runner {
    let path = stage.repository.path().to_owned();
    write(&path, "script.txt", script);
    let head = commit(&path, "change the script");
    let mut state = stage.github.state();
    // The repository has more files than one list.
    let blob = state.store(json!({ "content": "x", "encoding": "utf-8" }));
    let others = (0..=MOST_LISTED).map(|number| (format!("aside/{number}.txt"), blob.clone().into()));
    let tree = others.collect::<serde_json::Map<_, _>>();
    let tree = state.store(tree.into());
    state.objects.insert(head, json!({ "tree": tree, "parents": [] }));
    drop(state);
    stage.runner("push", &json!({ "repository": { "full_name": "o/r" } }))
}

/// Takes back what a run has written to the workspace, as a new runner starts without it.
fn clean(stage: &Stage) {
    git(stage.repository.path(), &["checkout", "--quiet", "--force", "."]);
    git(stage.repository.path(), &["clean", "--quiet", "--force", "-d"]);
}

const MEDIA: [(&str, &str); 2] = [("mode", "media"), ("max-cost", "0.10")];

#[test]
fn a_push_generates_within_its_budget_and_proposes_the_files_once() {
    let mut stage = stage();
    let path = stage.repository.path().to_owned();
    let runner = push(&mut stage, "One new line of the script.\n");
    let spoken = |stage: &Stage| stage.emulator.stats()["speeches_generated"].as_u64().unwrap();
    let before = spoken(&stage);
    for (inputs, code, message) in [
        (&MEDIA[..1], 2, "mode media requires the input max-cost"),
        (&[("mode", "media"), ("max-cost", "x")], 2, "max-cost"),
        (&[("mode", "media"), ("max-cost", "0.00001")], 6, "0.00001"),
    ] {
        let run = stage.run(&runner, inputs);
        assert_eq!(run.code, code, "{}", run.log);
        assert!(run.log.contains(message), "{}", run.log);
    }
    assert_eq!(spoken(&stage), before, "nothing is requested beyond the budget");

    let run = stage.run(&runner, &MEDIA);
    assert_eq!(run.code, 0, "{}", run.log);
    assert_eq!(run.outputs["pull-request-url"], "https://github.example/o/r/pull/8");
    assert!(run.summary.contains("Generated 1 media file"), "{}", run.summary);
    assert_eq!(spoken(&stage), before + 1);
    let lock = std::fs::read_to_string(path.join("hyperframes-ci.lock")).unwrap();
    let mut files = stage.github.branch("hyperframes-media");
    files.retain(|file| !file.starts_with("aside/"));
    files.sort();
    let expected =
        ["assets/captions.vtt", "assets/transcript.json", "assets/voice.wav", "hyperframes-ci.lock"];
    assert_eq!(files, expected, "only what was made for the changed entry");
    let proposals = stage.github.state().proposals.clone();
    assert_eq!((&proposals[0]["base"], &proposals[0]["head"]), (&"main".into(), &"hyperframes-media".into()));

    // Another runner, without a ledger: the branch has the files, so nothing is paid for again.
    clean(&stage);
    let other = stage.runner("workflow_dispatch", &json!({ "repository": { "full_name": "o/r" } }));
    let run = stage.run(&other, &MEDIA);
    assert_eq!(run.code, 0, "{}", run.log);
    assert_eq!(spoken(&stage), before + 1, "{}", run.log);
    assert_eq!(std::fs::read_to_string(path.join("hyperframes-ci.lock")).unwrap(), lock);
    stage.emulator.run(&path, &["media", "check"]).ok();
    assert_eq!(stage.github.state().proposals.len(), 1, "the pull request is open already");

    // Merged: there is nothing to do, and no request to HeyGen.
    let merged = commit(&path, "merge the media");
    let requests = stage.emulator.requests().len();
    let run = stage.run(&stage.runner("push", &json!({ "after": merged })), &MEDIA);
    assert_eq!(run.code, 0, "{}", run.log);
    assert!(run.log.contains("2 media files current"), "{}", run.log);
    assert_eq!(stage.emulator.requests().len(), requests);
    let mut own = stage.runner("push", &json!({}));
    own.set("GITHUB_REF", "refs/heads/hyperframes-media");
    assert!(stage.run(&own, &MEDIA).log.contains("this is the branch of generated media"));
}

#[test]
fn a_token_that_may_not_write_gets_a_patch_that_git_applies() {
    let mut stage = stage();
    let path = stage.repository.path().to_owned();
    let runner = push(&mut stage, "A line for the patch.\n");
    stage.github.state().may_write = false;
    let run = stage.run(&runner, &MEDIA);
    assert_eq!(run.code, 0, "{}", run.log);
    assert_eq!(run.outputs["pull-request-url"], "");
    let uploaded = run.used.iter().find(|(name, _)| name == "actions/upload-artifact").expect("an artifact");
    let patch = uploaded.1["path"].clone();
    assert!(patch.ends_with("/media.patch"), "{patch}");
    let made = std::fs::read(path.join("assets/voice.wav")).unwrap();
    clean(&stage);
    assert_ne!(std::fs::read(path.join("assets/voice.wav")).unwrap(), made);
    git(&path, &["apply", &patch]);
    assert_eq!(std::fs::read(path.join("assets/voice.wav")).unwrap(), made);
    stage.emulator.run(&path, &["media", "check"]).ok();
}

#[test]
fn a_branch_of_others_is_kept_and_a_refused_pull_request_is_a_link() {
    let mut stage = stage();
    let runner = push(&mut stage, "A line for a branch of others.\n");
    let theirs = {
        let mut state = stage.github.state();
        let tree = state.store(json!({}));
        let theirs = state.store(json!({ "tree": tree, "parents": [], "n": "our work" }));
        state.references.insert("heads/hyperframes-media".to_owned(), theirs.clone());
        theirs
    };
    let run = stage.run(&runner, &MEDIA);
    assert_eq!(run.code, 1, "{}", run.log);
    assert!(run.log.contains("has other commits than those of hyperframes-ci"), "{}", run.log);
    assert_eq!(stage.github.state().references["heads/hyperframes-media"], theirs);
    assert!(run.outputs["artifact-name"].starts_with("hyperframes-"), "the patch has what was paid for");

    clean(&stage);
    let runner = push(&mut stage, "A line for a link.\n");
    stage.github.state().may_propose = false;
    let run = stage.run(&runner, &[&MEDIA[..], &[("media-branch", "media")]].concat());
    assert_eq!(run.code, 0, "{}", run.log);
    let link = "https://github.example/o/r/compare/main...media?expand=1";
    assert_eq!(run.outputs["pull-request-url"], link);
    assert!(stage.github.state().references.contains_key("heads/media"));
}

#[test]
fn a_pull_request_generates_nothing_in_mode_media() {
    let stage = stage();
    let spoken = stage.emulator.stats()["speeches_generated"].clone();
    write(stage.repository.path(), "script.txt", "A line that nobody has reviewed.\n");
    for (from, key) in [("o/r", crate::support::KEY), ("someone/r", "")] {
        let payload = stage.repository.pull_request("synchronize", from);
        let inputs = [&MEDIA[..], &[("api-key", key)]].concat();
        let run = stage.run(&stage.runner("pull_request", &payload), &inputs);
        assert_eq!(run.code, 0, "{}", run.log);
        assert!(run.summary.contains("1 of 2 media files not current"), "{}", run.summary);
    }
    assert_eq!(stage.emulator.stats()["speeches_generated"], spoken);
    assert!(stage.github.state().references.is_empty());
}
