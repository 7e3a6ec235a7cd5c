//! Mode `media`, killed at every step and run again on a runner with another checkout: the ledger is all that is left.

use serde_json::json;
use sha2::{Digest, Sha256};

use super::runner::Runner;
use super::stage::{Stage, commit, git};
use crate::support::{KEY, html, show, write};

const ENTRIES: &str = r#"
[[media]]
file = "assets/voice.wav"
script = "script.txt"
voice = "emulator-ada"
words = "assets/transcript.json"

[[media]]
file = "assets/clip.mp4"
avatar = "emulator-iris-street"
audio = "assets/voice.wav"
captions = "assets/clip.vtt"
store = "release"
"#;

/// Steps of the speech, which comes first, and what the next run says about it.
const SPEECH: [(&str, &str); 8] = [
    ("submitted", "unconfirmed"),
    ("received", "unconfirmed"),
    ("answered", "proposed"),
    ("digested", "proposed"),
    ("audio", "proposed"),
    ("written", "proposed"),
    ("recorded", "proposed"),
    ("generated", "proposed"),
];

/// Steps of the clip, and of what follows.
const CLIP: [&str; 14] = [
    "uploaded",
    "made",
    "staged",
    "answered",
    "digested",
    "audio",
    "written",
    "recorded",
    "generated",
    "released",
    "stored",
    "committed",
    "branch",
    "proposed",
];

/// A repository without the clip, and with the speech if it `has_speech`.
fn stage(has_speech: bool) -> Stage {
    let stage = Stage::new();
    let path = stage.repository.path().to_owned();
    write(&path, "hyperframes-ci.toml", ENTRIES);
    write(&path, ".gitignore", "*.mp4\n");
    write(&path, "script.txt", "One line of the script.\n");
    write(&path, "videos/one/index.html", &html(1280, 720, ""));
    if has_speech {
        stage.emulator.run(&path, &["media", "generate", "--entry", "assets/voice.wav"]).ok();
    }
    let head = commit(&path, "declare media");
    let mut state = stage.github.state();
    let tree = state.store(json!({}));
    state.objects.insert(head, json!({ "tree": tree, "parents": [] }));
    drop(state);
    stage
}

/// Runs the action on the same runner, which keeps the ledger, with a new checkout.
fn run(stage: &Stage, runner: &mut Runner, abort_at: &str) -> super::runner::Run {
    run_with(stage, runner, abort_at, &[])
}

/// Runs the action as [`run`] does, with more inputs.
fn run_with(stage: &Stage, runner: &mut Runner, abort_at: &str, more: &[(&str, &str)]) -> super::runner::Run {
    git(stage.repository.path(), &["clean", "--quiet", "--force", "-d", "-x"]);
    git(stage.repository.path(), &["checkout", "--quiet", "--force", "."]);
    let ledger = runner.temporary().join("ledger.jsonl").display().to_string();
    runner.set("HYPERFRAMES_CI_LEDGER", &ledger);
    runner.set("HYPERFRAMES_CI_ABORT_AT", abort_at);
    runner.set("HEYGEN_API_KEY", KEY);
    let inputs = [("mode", "media"), ("max-cost", "3"), ("token", "ghs_supersecret_token")];
    let run = runner.run_program(&[&inputs[..], more].concat());
    super::oracle::check(&stage.github.state().requests);
    run
}

/// Speeches, assets and clips that were paid for or uploaded.
fn counts(stage: &Stage) -> [u64; 3] {
    let stats = stage.emulator.stats();
    ["speeches_generated", "assets_created", "videos_submitted"].map(|name| stats[name].as_u64().unwrap())
}

fn sha256(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Checks that the branch, the pull request and the release have everything, and nothing twice.
fn assert_handed_over(stage: &Stage, has_speech: bool, case: &str) {
    let mut files = stage.github.files("hyperframes-media");
    files.sort();
    let names = files.iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>();
    let speech = ["assets/transcript.json", "assets/voice.wav"];
    let expected =
        [&["assets/clip.vtt"][..], if has_speech { &[] } else { &speech }, &["hyperframes-ci.lock"]];
    assert_eq!(names, expected.concat(), "{case}");
    assert_eq!(stage.github.history("hyperframes-media"), 2, "{case}: one commit on that of the run");
    assert_eq!(stage.github.state().proposals.len(), 1, "{case}");
    let lock = String::from_utf8(files.last().unwrap().1.clone()).unwrap();
    for (name, bytes) in files.iter().filter(|(name, _)| name != "hyperframes-ci.lock") {
        assert!(lock.contains(&sha256(bytes)), "{case}: {name}");
    }
    let state = stage.github.state();
    assert_eq!(state.releases.len(), 1, "{case}");
    let [(_, name, clip)] = state.releases[0].assets.as_slice() else { panic!("{case}: one file") };
    assert_eq!(*name, format!("{}.mp4", sha256(clip)), "{case}");
    assert!(lock.contains(&sha256(clip)), "{case}");
}

#[test]
fn a_run_that_is_killed_at_any_step_loses_nothing_and_pays_once() {
    let mut table = String::from("killed            | next run    | speeches | clips | assets\n");
    for (step, next) in SPEECH {
        let stage = stage(false);
        let mut runner = stage.runner("push", &json!({ "repository": { "full_name": "o/r" } }));
        let killed = run(&stage, &mut runner, step);
        assert_eq!(killed.code, -1, "{step}: {}", killed.log);
        let again = run(&stage, &mut runner, "");
        if next == "unconfirmed" {
            // The speech may have been billed, which nobody can find out: a person decides.
            assert_eq!(again.code, 1, "{step}: {}", again.log);
            assert!(again.log.contains("it may have been billed"), "{step}: {}", again.log);
            let before = counts(&stage)[0];
            assert!(before <= 1, "{step}");
            let repeat = [("repeat-unconfirmed", "true")];
            let repeated = run_with(&stage, &mut runner, "", &repeat);
            assert_eq!((repeated.code, counts(&stage)), (0, [before + 1, 1, 1]), "{step}: {}", repeated.log);
            assert_handed_over(&stage, false, step);
        } else {
            assert_eq!((again.code, counts(&stage)), (0, [1, 1, 1]), "{step}: {}", again.log);
            assert_handed_over(&stage, false, step);
        }
        let [speeches, assets, clips] = counts(&stage);
        table += &format!("{step:17} | {next:11} | {speeches:8} | {clips:5} | {assets}\n");
    }
    for step in CLIP {
        let stage = stage(true);
        let mut runner = stage.runner("push", &json!({ "repository": { "full_name": "o/r" } }));
        let killed = run(&stage, &mut runner, step);
        assert_eq!(killed.code, -1, "{step}: {}", killed.log);
        let again = run(&stage, &mut runner, "");
        assert_eq!((again.code, counts(&stage)), (0, [1, 1, 1]), "{step}: {}", again.log);
        assert_handed_over(&stage, true, step);
        // A third run finds everything on the branch.
        let third = run(&stage, &mut runner, "");
        assert_eq!((third.code, counts(&stage)), (0, [1, 1, 1]), "{step}: {}", third.log);
        assert_handed_over(&stage, true, step);
        // No URL that opens without a credential stays beside the ledger.
        let mut kept = crate::support::names(&runner.temporary().join("ledger.media"));
        // A temporary file is deleted by a later run.
        kept.retain(|name| !name.ends_with(".part"));
        assert_eq!(kept, ["lock"], "{step}");
        table += &format!("{step:17} | proposed    |        1 |     1 | 1\n");
    }
    show("mode: media, killed", &table);
}
