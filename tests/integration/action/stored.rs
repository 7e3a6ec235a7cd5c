//! Generated media on the previews branch: uploaded by `mode: media`, and fetched before checks and renders.

use std::path::PathBuf;

use serde_json::json;
use sha2::{Digest, Sha256};

use super::runner::{Run, Runner};
use super::stage::{Stage, commit, git};
use crate::support::{KEY, html, write};

const ENTRY: &str = r#"
[[media]]
file = "videos/one/assets/voice.wav"
script = "script.txt"
voice = "<ID>"
words = "assets/transcript.json"
store = "branch"
"#;

const VOICE: &str = "videos/one/assets/voice.wav";

const BRANCH: &str = "hyperframes-previews";

const MEDIA: [(&str, &str); 2] = [("mode", "media"), ("max-cost", "0.10")];

/// A repository whose voice-over is not generated yet.
fn stage() -> Stage {
    stage_with("branch")
}

/// The same with another store.
fn stage_with(store: &str) -> Stage {
    let mut stage = Stage::new();
    let path = stage.repository.path().to_owned();
    let voices = stage.emulator.run(&path, &["media", "list", "voices", "--json"]).ok().json();
    let voice = voices["voices"][0]["voice_id"].as_str().unwrap().to_owned();
    write(&path, "hyperframes-ci.toml", &ENTRY.replace("<ID>", &voice).replace("branch", store));
    write(&path, ".gitignore", "*.wav\n");
    write(&path, "script.txt", "One line of the script.\n");
    let audio = "<audio id=\"voice\" src=\"assets/voice.wav\" data-start=\"0\" data-duration=\"0.5\" data-track-index=\"1\"></audio>";
    write(&path, "videos/one/index.html", &html(1280, 720, audio));
    push(&mut stage);
    stage
}

/// Commits, and tells GitHub.
fn push(stage: &mut Stage) {
    let head = commit(stage.repository.path(), "push");
    stage.repository.head.clone_from(&head);
    let mut state = stage.github.state();
    let tree = state.store(json!({}));
    state.objects.insert(head.clone(), json!({ "tree": tree, "parents": [] }));
    state.head.clone_from(&head);
    state.base_commit.clone_from(&head);
    drop(state);
    stage.repository.base = head;
}

/// A run after a push on a new runner, which has what is committed and no ledger.
fn pushed(stage: &Stage, inputs: &[(&str, &str)]) -> Run {
    forget(stage);
    stage.run(&stage.runner("push", &json!({ "repository": { "full_name": "o/r" } })), inputs)
}

fn forget(stage: &Stage) {
    git(stage.repository.path(), &["checkout", "--quiet", "--force", "."]);
    git(stage.repository.path(), &["clean", "--quiet", "--force", "-d", "-x"]);
}

fn pull_request(stage: &Stage, from: &str) -> Runner {
    stage.runner("pull_request", &stage.repository.pull_request("synchronize", from))
}

fn voice(stage: &Stage) -> PathBuf {
    stage.repository.path().join(VOICE)
}

fn spoken(stage: &Stage) -> u64 {
    stage.emulator.stats()["speeches_generated"].as_u64().unwrap()
}

/// Takes over what was proposed, as a merge does.
fn merge(stage: &mut Stage) {
    forget(stage);
    for (name, bytes) in stage.github.files("hyperframes-media") {
        let path = stage.repository.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, bytes).unwrap();
    }
    push(stage);
}

#[test]
fn files_are_uploaded_once_and_fetched_by_their_digests() {
    let mut stage = stage();
    let run = pushed(&stage, &MEDIA);
    assert_eq!((run.code, spoken(&stage)), (0, 1), "{}", run.log);
    let made = std::fs::read(voice(&stage)).unwrap();
    let digest = Sha256::digest(&made).iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    let name = format!("media/{digest}.wav");
    let store = stage.github.files(BRANCH);
    assert!(
        store.len() == 1 && store[0] == (name.clone(), made.clone()),
        "{:?}",
        stage.github.branch(BRANCH)
    );
    let mut proposed = stage.github.branch("hyperframes-media");
    proposed.sort();
    assert_eq!(proposed, ["assets/transcript.json", "hyperframes-ci.lock"], "the store has the file");

    // Another runner, before the merge: it is not paid for again, and nothing is written again.
    let tip = stage.github.state().references[&format!("heads/{BRANCH}")].clone();
    let run = pushed(&stage, &MEDIA);
    assert_eq!((run.code, spoken(&stage)), (0, 1), "{}", run.log);
    assert_eq!(std::fs::read(voice(&stage)).unwrap(), made);
    assert_eq!(stage.github.state().references[&format!("heads/{BRANCH}")], tip);

    // And after it: a checkout does not have the file, a run does.
    merge(&mut stage);
    let run = pushed(&stage, &MEDIA);
    assert!(run.log.contains("1 media file current"), "{}", run.log);
    assert_eq!(spoken(&stage), 1);
    for (from, key) in [("o/r", KEY), ("someone/r", "")] {
        forget(&stage);
        let run = stage.run(&pull_request(&stage, from), &[("api-key", key), ("mode", "check")]);
        assert_eq!(run.code, 0, "{}", run.log);
        assert!(run.log.contains("fetched 1 media file"), "{}", run.log);
        assert!(!run.summary.contains("not current"), "{}", run.summary);
        assert_eq!(std::fs::read(voice(&stage)).unwrap(), made);
    }

    // Previews are published next to it, and deleted without it.
    write(stage.repository.path(), "videos/two/index.html", &html(720, 720, "<i>other</i>"));
    let head = commit(stage.repository.path(), "change a video");
    stage.repository.head.clone_from(&head);
    stage.github.state().head = head;
    let run = stage.run(&pull_request(&stage, "o/r"), &[("mode", "preview")]);
    assert_eq!(run.code, 0, "{}", run.log);
    let files = stage.github.branch(BRANCH);
    assert!(files.contains(&name) && files.iter().any(|file| file.starts_with("pr/7/")), "{files:?}");
    assert_eq!(stage.github.history(BRANCH), 1);
    stage.github.state().is_closed = true;
    let closed = stage.runner("pull_request", &stage.repository.pull_request("closed", "o/r"));
    assert_eq!(stage.run(&closed, &[]).code, 0);
    let files = stage.github.branch(BRANCH);
    assert!(files.contains(&name) && !files.iter().any(|file| file.starts_with("pr/")), "{files:?}");
}

#[test]
fn a_release_is_a_store_as_well() {
    let mut stage = stage_with("release");
    let run = pushed(&stage, &MEDIA);
    assert_eq!((run.code, spoken(&stage)), (0, 1), "{}", run.log);
    let made = std::fs::read(voice(&stage)).unwrap();
    let stored = |stage: &Stage| {
        let state = stage.github.state();
        assert_eq!((state.releases.len(), state.releases[0].tag.as_str()), (1, "hyperframes-media"));
        state.releases[0].assets.iter().map(|(_, _, bytes)| bytes.clone()).collect::<Vec<_>>()
    };
    assert!(stored(&stage) == std::slice::from_ref(&made));
    let mut proposed = stage.github.branch("hyperframes-media");
    proposed.sort();
    assert_eq!(proposed, ["assets/transcript.json", "hyperframes-ci.lock"], "the store has the file");
    let run = pushed(&stage, &MEDIA);
    assert_eq!((run.code, spoken(&stage)), (0, 1), "{}", run.log);
    assert!(stored(&stage) == std::slice::from_ref(&made));

    merge(&mut stage);
    for (from, key) in [("o/r", KEY), ("someone/r", "")] {
        forget(&stage);
        let run = stage.run(&pull_request(&stage, from), &[("api-key", key), ("mode", "check")]);
        assert_eq!(run.code, 0, "{}", run.log);
        assert!(run.log.contains("fetched 1 media file"), "{}", run.log);
        assert_eq!(std::fs::read(voice(&stage)).unwrap(), made);
    }
    // What is lost is a finding, and is never paid for again.
    stage.github.state().releases.clear();
    forget(&stage);
    let run = stage.run(&pull_request(&stage, "someone/r"), &[("api-key", ""), ("mode", "check")]);
    assert!(run.log.contains("the store does not have"), "{}", run.log);
    assert!(run.summary.contains("1 of 1 media file not current"), "{}", run.summary);
    let run = pushed(&stage, &MEDIA);
    assert_eq!((run.code, spoken(&stage)), (5, 1), "{}", run.log);
}

#[test]
fn a_store_without_the_file_or_with_another_one_is_a_finding_and_costs_nothing() {
    let mut stage = stage();
    assert_eq!(pushed(&stage, &MEDIA).code, 0);
    merge(&mut stage);
    let (path, sha) = {
        let state = stage.github.state();
        let tip = &state.references[&format!("heads/{BRANCH}")];
        let tree = state.objects[tip]["tree"].as_str().unwrap();
        let (path, sha) = state.objects[tree].as_object().unwrap().iter().next().unwrap();
        (path.clone(), sha.as_str().unwrap().to_owned())
    };
    let bytes = stage.github.files(BRANCH).remove(0).1;
    let check = |stage: &Stage, message: &str| {
        forget(stage);
        let runner = pull_request(stage, "someone/r");
        let run = stage.run(&runner, &[("api-key", ""), ("mode", "check")]);
        assert!(run.log.contains(message), "{}", run.log);
        let report = std::fs::read_to_string(&run.outputs["report-path"]).unwrap();
        let report = serde_json::from_str::<serde_json::Value>(&report).unwrap();
        let found = &report["media"]["media"][0];
        assert_eq!(
            (&found["code"], &found["help"]),
            (&"media-missing".into(), &"run `hyperframes-ci media fetch`".into())
        );
        assert!(run.summary.contains("1 of 1 media file not current"), "{}", run.summary);
        assert!(!voice(stage).exists());
        // It is paid for: it is not generated again.
        let run = pushed(stage, &MEDIA);
        assert_eq!((run.code, spoken(stage)), (5, 1), "{}", run.log);
    };
    for damaged in [b"other".to_vec(), [&bytes[..bytes.len() - 1], b"x"].concat()] {
        let blob =
            json!({ "content": super::server::base64(&damaged).replace('\n', ""), "encoding": "base64" });
        stage.github.state().objects.insert(sha.clone(), blob);
        check(&stage, "the file in the store");
    }
    stage.github.state().references.remove(&format!("heads/{BRANCH}"));
    check(&stage, &format!("the store does not have {}", path.trim_start_matches("media/")));

    // Of a pull request that changes nothing about it, but a composition that needs it, it is a finding like others.
    forget(&stage);
    let page = "videos/one/index.html";
    let text = std::fs::read_to_string(stage.repository.path().join(page)).unwrap();
    write(stage.repository.path(), page, &text.replace("<audio", "<i>new</i><audio"));
    stage.repository.head = commit(stage.repository.path(), "change the video");
    stage.github.state().head.clone_from(&stage.repository.head);
    stage.github.state().files = vec![page.to_owned()];
    let run = stage.run(&pull_request(&stage, "someone/r"), &[("api-key", ""), ("mode", "check")]);
    assert_eq!(run.code, 5, "{}", run.log);
    let annotation = "::error file=hyperframes-ci.toml,line=2,";
    let found = run.log.lines().find(|line| line.starts_with(annotation)).expect("an annotation");
    assert!(found.contains("media-missing") && found.contains("was not fetched from its store"), "{found}");
    assert!(run.summary.contains("media&#45;missing"), "{}", run.summary);
}

#[test]
fn a_token_that_may_not_write_leaves_the_file_in_the_patch() {
    let stage = stage();
    stage.github.state().may_write = false;
    let runner = stage.runner("push", &json!({ "repository": { "full_name": "o/r" } }));
    let run = stage.run(&runner, &MEDIA);
    assert_eq!(run.code, 0, "{}", run.log);
    let uploaded = run.used.iter().find(|(name, _)| name == "actions/upload-artifact").expect("an artifact");
    let made = std::fs::read(voice(&stage)).unwrap();
    let patch = uploaded.1["path"].clone();
    forget(&stage);
    git(stage.repository.path(), &["apply", &patch]);
    assert_eq!(std::fs::read(voice(&stage)).unwrap(), made);
    assert!(stage.github.state().references.is_empty());
}

/// A folder `media` is common: only one that has nothing but a store is written.
#[test]
fn a_branch_of_others_with_a_folder_of_that_name_is_kept() {
    let stage = stage();
    let theirs = {
        let mut state = stage.github.state();
        let blob = state.store(json!({ "content": "x", "encoding": "utf-8" }));
        let tree = state.store(json!({ "README.md": blob, "media/logo.png": blob }));
        let theirs = state.store(json!({ "tree": tree, "parents": [], "n": "previews of our products" }));
        state.references.insert(format!("heads/{BRANCH}"), theirs.clone());
        theirs
    };
    let run = pushed(&stage, &MEDIA);
    assert_eq!(run.code, 1, "{}", run.log);
    assert!(run.log.contains("has other files than previews"), "{}", run.log);
    assert_eq!(stage.github.state().references[&format!("heads/{BRANCH}")], theirs);
    assert!(run.outputs["artifact-name"].starts_with("hyperframes-"), "the patch has what was paid for");
}

/// Other jobs write the branch at the same time, and answers are lost.
#[test]
fn uploads_survive_conflicts_and_lost_answers() {
    for linear in [false, true] {
        let stage = stage();
        let previews = {
            let mut state = stage.github.state();
            state.has_no_update_refs = linear;
            let blob = state.store(json!({ "content": "{}", "encoding": "utf-8" }));
            let tree = state.store(json!({ "pr/9/sections.json": blob }));
            let tip = state.store(json!({ "tree": tree, "parents": [], "n": "previews for pr/9" }));
            state.references.insert(format!("heads/{BRANCH}"), tip);
            state.conflicts = 3;
            state.lost = vec![("POST", "/git/blobs"), ("POST", "updateRefs"), ("PATCH", BRANCH)];
            "pr/9/sections.json".to_owned()
        };
        let run = pushed(&stage, &MEDIA);
        assert_eq!(run.code, 0, "{}", run.log);
        let files = stage.github.branch(BRANCH);
        assert!(files.len() == 2 && files.contains(&previews), "{files:?}");
        assert_eq!(stage.github.state().conflicts, 0);
    }
}

#[test]
fn entries_with_the_same_contents_have_one_file() {
    let mut stage = stage();
    let path = stage.repository.path().to_owned();
    let config = std::fs::read_to_string(path.join("hyperframes-ci.toml")).unwrap();
    let other = config.replace("voice.wav", "again.wav").replace("transcript", "again");
    write(&path, "hyperframes-ci.toml", &format!("{config}{other}"));
    push(&mut stage);
    let run = pushed(&stage, &MEDIA);
    assert_eq!(run.code, 0, "{}", run.log);
    let [one, again] =
        [VOICE, "videos/one/assets/again.wav"].map(|name| std::fs::read(path.join(name)).unwrap());
    let expected = if one == again { 1 } else { 2 };
    assert_eq!(stage.github.branch(BRANCH).len(), expected);
    merge(&mut stage);
    let run = pushed(&stage, &MEDIA);
    assert!(run.log.contains("2 media files current"), "{}", run.log);
}
