//! What the user allows a render to cost, and what the video must be.

use std::fs;

use crate::support::{Emulator, KEY, Ran, command, project};

const CLIP: &[u8] = include_bytes!("../../src/emulator/clips/placeholder.mp4");

#[test]
fn a_limit_is_kept_before_anything_is_uploaded() {
    let emulator = Emulator::placeholder(&[]);
    let folder = project();
    let refused = |flags: &[&str]| {
        let ran = emulator.run(folder.path(), &[&["render", "--json", "-o", "v.mp4"], flags].concat());
        assert_eq!(ran.code, 6, "{ran:?}");
        assert!(ran.error()["hint"].as_str().unwrap().contains("nothing was submitted"), "{ran:?}");
        ran.error()["code"].as_str().unwrap().to_owned()
    };
    assert_eq!(refused(&["--max-renders", "0"]), "max_renders");
    assert_eq!(refused(&["--max-seconds", "0.9"]), "max_seconds", "it is one second long");
    assert_eq!(
        refused(&["--max-seconds", "1.4", "--resolution", "4k"]),
        "max_seconds",
        "4k counts 1.5 times"
    );
    assert_eq!(refused(&["--min-balance", "100.01"]), "min_balance", "the emulator's account has 100");
    assert_eq!(
        refused(&["--asset-id", "a", "--max-seconds", "100"]),
        "max_seconds",
        "its length is not known"
    );
    emulator.script(
        r#"{"rules": [{"on": "me", "do": {"status": 200, "content_type": "application/json",
            "body": "{\"data\":{\"billing_type\":\"wallet\",\"wallet\":null}}"}}]}"#,
    );
    assert_eq!(refused(&["--min-balance", "1"]), "min_balance", "what is not said is not enough");
    assert_eq!(emulator.created(), (0, 0));
    assert_eq!(emulator.stats()["bytes_uploaded"], 0);
    let allowed =
        ["render", "-o", "v.mp4", "--max-renders", "1", "--max-seconds", "1", "--min-balance", "100"];
    emulator.run(folder.path(), &allowed).ok();
    // What is paid for already costs nothing.
    emulator.run(folder.path(), &["render", "-o", "v.mp4", "--max-renders", "0"]).ok();
    assert_eq!(emulator.created(), (1, 1));
}

#[test]
fn a_batch_that_the_balance_does_not_allow_claims_no_submission() {
    let emulator = Emulator::placeholder(&[]);
    let folder = project();
    let rows = (0..20).map(|number| format!("{{\"title\": \"{number}\"}}\n")).collect::<String>();
    fs::write(folder.path().join("rows.jsonl"), rows).unwrap();
    let batch = ["render", "--json", "--batch", "rows.jsonl", "-o", "renders/{title}.{ext}"];
    let ran = emulator.run(folder.path(), &[&batch[..], &["--min-balance", "100.01"]].concat());
    assert_eq!((ran.code, ran.error()["code"].as_str()), (6, Some("min_balance")), "{ran:?}");
    let asked = emulator.requests().into_iter().filter(|(_, path, _)| path == "/v3/users/me").count();
    assert_eq!((asked, emulator.created()), (1, (0, 0)));
    let manifest = fs::read_to_string(folder.path().join("renders/rows.manifest.jsonl")).unwrap();
    assert_eq!(manifest, "");
    // What it left does not keep the rows from being rendered later.
    emulator.run(folder.path(), &[&batch[..], &["--min-balance", "100"]].concat()).ok();
    assert_eq!(emulator.created(), (1, 20));
}

/// An API whose render is complete and whose video is the built-in clip: 160x90, 10 frames per second, 1 s.
fn api() -> mockito::ServerGuard {
    let mut server = mockito::Server::new();
    let video = format!("{}/video?sig=1", server.url());
    let detail = format!(
        r#"{{"data":{{"render_id":"r1","status":"completed","format":"mp4","video_url":"{video}"}}}}"#
    );
    server
        .mock("GET", "/v3/hyperframes/renders?limit=100")
        .with_body(r#"{"data":[],"has_more":false}"#)
        .create();
    server.mock("POST", "/v3/hyperframes/renders").with_body(r#"{"data":{"render_id":"r1"}}"#).create();
    server.mock("GET", "/v3/hyperframes/renders/r1").with_body(detail).create();
    server.mock("GET", "/video?sig=1").with_body(CLIP).create();
    server
}

fn render(server: &mockito::ServerGuard, folder: &std::path::Path, flags: &[&str]) -> Ran {
    let mut command = command();
    command.env("HEYGEN_API_URL", server.url()).env("HEYGEN_API_KEY", KEY);
    // Not the ledger of another test: mocks are asked for the same project under changing ports.
    command.env("HYPERFRAMES_CI_LEDGER", folder.join(".ledger"));
    command.args(["render", "--asset-id", "a1", "-o", "v.mp4"]).args(flags).current_dir(folder);
    Ran::of(&mut command)
}

#[test]
fn the_figures_of_the_video_are_told() {
    let (server, folder) = (api(), project());
    let result = render(&server, folder.path(), &["--json", "--verify"]).ok().json();
    assert_eq!(
        result["video"],
        serde_json::json!({"container": "mp4", "codec": "h264", "width": 160, "height": 90, "fps": 10.0,
            "duration": 1.0, "alpha": false, "audio": null})
    );
    assert_eq!(result["mismatches"], serde_json::json!([]));
    let log = render(&server, folder.path(), &[]).ok().stderr;
    assert!(log.contains("v.mp4 (4.7 KB, h264 160x90 10 fps 1 s)"), "{log}");
}

#[test]
fn a_video_that_is_not_as_asked_for_is_a_warning_or_an_error() {
    let (server, folder) = (api(), project());
    let asked = ["--fps", "24", "--format", "webm", "--aspect-ratio", "1:1"];
    let warned = render(&server, folder.path(), &asked).ok().stderr;
    for mismatch in ["container is mp4 instead of webm", "which is not 1:1", "10 fps instead of 24 fps"] {
        assert!(warned.contains(mismatch), "{warned}");
    }
    fs::remove_file(folder.path().join("v.mp4")).unwrap();
    let refused = render(&server, folder.path(), &[&asked[..], &["--verify", "--json"]].concat());
    assert_eq!((refused.code, refused.error()["code"].as_str()), (1, Some("output_mismatch")), "{refused:?}");
    assert_eq!(refused.json()["mismatches"].as_array().unwrap().len(), 3);
    assert!(folder.path().join("v.mp4").is_file(), "it is paid for, and kept");
}
