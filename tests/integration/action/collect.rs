//! Renders that are submitted without waiting, and collected later.

use std::path::Path;

use serde_json::json;

use super::stage::Stage;
use crate::support::{Emulator, names, project};

/// Submits a render into `ledger`; returns its ID.
fn submit(emulator: &Emulator, folder: &Path, ledger: &Path, flags: &[&str]) -> String {
    let mut command = emulator.command();
    command.current_dir(folder).env("HYPERFRAMES_CI_LEDGER", ledger);
    command.args(["render", "--json", "--no-wait", "--no-reuse"]).args(flags);
    let ran = crate::support::Ran::of(&mut command).ok();
    ran.json()["render"]["render_id"].as_str().unwrap().to_owned()
}

#[test]
fn the_command_collects_each_render_once_and_leaves_what_is_running() {
    let emulator = Emulator::placeholder(&[]);
    let folder = project();
    let ledger = emulator.ledger();
    let first = submit(&emulator, folder.path(), &ledger, &["--callback-id", "job 1"]);
    let collect = |code: i32, ids: &[&str]| {
        let ran = emulator.run(folder.path(), &[&["collect", "--json"], ids].concat());
        assert_eq!(ran.code, code, "{ran:?}");
        ran.json()
    };
    let outcome = collect(0, &[]);
    assert_eq!((&outcome["collected"], &outcome["running"]), (&1.into(), &0.into()), "{outcome}");
    assert_eq!(outcome["renders"][0]["callback_id"], "job 1");
    assert_eq!(names(&folder.path().join("renders")), [format!("{first}.mp4")]);
    assert_eq!(collect(0, &[])["renders"], json!([]), "it is collected");
    assert_eq!(collect(0, &[&first])["collected"], 1, "unless it is named");

    emulator.script(r#"{"rules": [{"on": "render", "do": {"fail": "no fonts"}}]}"#);
    let failed = submit(&emulator, folder.path(), &ledger, &[]);
    let webm = submit(&emulator, folder.path(), &ledger, &["--format", "webm"]);
    let outcome = collect(1, &[]);
    assert_eq!((&outcome["collected"], &outcome["failed"]), (&1.into(), &1.into()), "{outcome}");
    assert_eq!(outcome["renders"][0]["message"], "no fonts");
    assert!(names(&folder.path().join("renders")).contains(&format!("{webm}.webm")));
    assert_eq!(collect(0, &[])["renders"], json!([]), "a failure is reported once");
    drop(failed);

    let deleted = submit(&emulator, folder.path(), &ledger, &[]);
    emulator.run(folder.path(), &["delete", "--force", &deleted]).ok();
    assert_eq!(collect(1, &[])["renders"][0]["code"], "render_deleted");
    assert_eq!(collect(0, &[])["renders"], json!([]));
    assert_eq!(emulator.created().1, 4, "nothing is submitted again");

    let slow = Emulator::placeholder(&["--render-seconds", "600"]);
    submit(&slow, folder.path(), &slow.ledger(), &[]);
    let outcome = slow.run(folder.path(), &["collect", "--json"]).ok().json();
    assert_eq!((&outcome["running"], &outcome["renders"][0]["state"]), (&1.into(), &"running".into()));
}

#[test]
fn the_action_collects_what_the_ledger_or_an_event_names() {
    let stage = Stage::new();
    let payload = json!({ "action": "hyperframes-video", "client_payload": {} });
    let runner = stage.runner("repository_dispatch", &payload);
    let ledger = runner.temporary().join("hyperframes-ci-ledger/ledger.jsonl");
    let folder = stage.repository.path().join("videos/one");
    let first = submit(&stage.emulator, &folder, &ledger, &["--title", "<b>Launch"]);
    let run = stage.run(&runner, &[("mode", "collect")]);
    assert_eq!(run.code, 0, "{}", run.log);
    assert_eq!((run.outputs["count"].as_str(), run.outputs["render-id"].as_str()), ("1", first.as_str()));
    assert!(Path::new(&run.outputs["video-path"]).is_file(), "{:?}", run.outputs);
    assert!(run.summary.contains("collected") && !run.summary.contains("<b>"), "{}", run.summary);
    let uploaded = run.used.iter().any(|(name, _)| name == "actions/upload-artifact");
    assert!(uploaded && run.outputs["artifact-name"].starts_with("hyperframes-"), "{:?}", run.used);

    let run = stage.run(&runner, &[("mode", "collect")]);
    assert_eq!((run.code, run.outputs["count"].as_str()), (0, "0"), "{}", run.log);
    assert!(run.summary.contains("Nothing to collect"), "{}", run.summary);
    let run = stage.run(&runner, &[("mode", "collect"), ("render-ids", &first)]);
    assert_eq!((run.code, run.outputs["count"].as_str()), (0, "1"), "{}", run.log);
    let unknown = "../../$(touch evil)";
    let run = stage.run(&runner, &[("mode", "collect"), ("render-ids", unknown), ("fail-on", "never")]);
    assert_eq!((run.code, run.outputs["count"].as_str()), (0, "0"), "{}", run.log);
    let run = stage.run(&runner, &[("mode", "collect"), ("render-ids", &first), ("api-key", "")]);
    assert_eq!(run.code, 3, "{}", run.log);
}
