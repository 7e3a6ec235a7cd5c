//! Generated media in the action: pull requests are only checked, and the comment says what is out of date.

use serde_json::json;

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
