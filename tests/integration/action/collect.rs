//! Renders that are submitted without waiting: collected by the action, and announced by the Worker of the recipe.

use std::net::TcpListener;
use std::path::Path;
use std::process::Command;
use std::sync::{Arc, Mutex};

use serde_json::{Value, json};

use super::oracle;
use super::server;
use super::stage::Stage;
use crate::support::{Emulator, clean, listener, names, project, root, write};

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

/// The Worker of the recipe.
fn worker() -> String {
    let page = std::fs::read_to_string(root().join("docs/recipes/webhooks.md")).unwrap();
    let block = page.split("```js\n").nth(1).and_then(|rest| rest.split("```").next());
    block.expect("a block of JavaScript").to_owned()
}

const DRIVER: &str = r#"
import { readFileSync } from "node:fs";
import worker from "./worker.mjs";
const { env, headers } = JSON.parse(readFileSync("case.json", "utf8"));
const body = readFileSync("body.json");
const request = new Request("https://hook.example/", { method: "POST", headers, body });
console.log((await worker.fetch(request, env)).status);
"#;

#[test]
fn the_worker_of_the_recipe_accepts_what_the_emulator_signs_and_nothing_else() {
    let emulator = Emulator::placeholder(&[]);
    let (hook, received) = listener(|_, _| "HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n".to_owned());
    let secret = crate::webhook::register(&emulator, &hook, &Value::Null);
    let folder = project();
    emulator.run(folder.path(), &["render", "-o", "a.mp4", "--callback-id", "job"]).ok();
    let deadline = std::time::Instant::now() + std::time::Duration::from_secs(20);
    while received.lock().unwrap().is_empty() && std::time::Instant::now() < deadline {
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
    let event = received.lock().unwrap()[0].clone();
    let (head, body) = event.split_once("\r\n\r\n").unwrap();
    let header = |name: &str| {
        let mut lines = head.lines().filter_map(|line| line.split_once(": "));
        lines.find(|(known, _)| known.eq_ignore_ascii_case(name)).unwrap().1.to_owned()
    };
    let (signature, time) = (header("heygen-signature"), header("heygen-timestamp"));

    let github = TcpListener::bind("127.0.0.1:0").unwrap();
    let api = format!("http://{}", github.local_addr().unwrap());
    let requests = Arc::new(Mutex::new(Vec::new()));
    let log = Arc::clone(&requests);
    server::serve(github, move |request| {
        assert_eq!(request.header("authorization"), Some("Bearer ghs_1"));
        log.lock().unwrap().push((request.method.clone(), request.target.clone(), request.json()));
        if request.target.contains("/o/broken/") {
            server::refuse(500, "no")
        } else {
            server::plain(204, Value::Null)
        }
    });
    write(folder.path(), "worker.mjs", &worker());
    write(folder.path(), "driver.mjs", DRIVER);
    let status = |secret: &str, repository: &str, body: &str, headers: Value| {
        let env = json!({
            "HEYGEN_WEBHOOK_SECRET": secret, "GITHUB_TOKEN": "ghs_1", "GITHUB_API_URL": api, "REPOSITORY": repository,
        });
        write(folder.path(), "case.json", &json!({ "env": env, "headers": headers }).to_string());
        write(folder.path(), "body.json", body);
        let mut command = Command::new("node");
        clean(&mut command);
        let output = command.arg("driver.mjs").current_dir(folder.path()).output().unwrap();
        let text = String::from_utf8(output.stdout).unwrap();
        text.trim().parse::<u16>().unwrap_or_else(|_| panic!("{}", String::from_utf8_lossy(&output.stderr)))
    };
    let signed = |signature: &str| json!({ "heygen-signature": signature, "heygen-timestamp": time });
    let good = signed(&signature);
    let late = json!({ "heygen-signature": signature, "heygen-timestamp": "1" });
    let none = json!({ "heygen-signature": signature });
    for (case, secret, body, headers) in [
        ("another secret", "whsec_other", body, &good),
        ("another body", &secret, &body.replace("job", "jab"), &good),
        ("no signature", &secret, body, &json!({ "heygen-timestamp": time })),
        ("half a signature", &secret, body, &signed(&signature[..32])),
        ("an old time", &secret, body, &late),
        ("no time", &secret, body, &none),
    ] {
        assert_eq!(status(secret, "o/r", body, headers.clone()), 403, "{case}");
    }
    assert!(requests.lock().unwrap().is_empty(), "nothing is started before an event is verified");
    assert_eq!(status(&secret, "o/r", body, good.clone()), 200);
    assert_eq!(status(&secret, "o/broken", body, good), 502, "so that the event is delivered again");
    let other = r#"{"event_type":"avatar_video.success","event_data":{"video_id":"v"}}"#;
    let headers = signed(&crate::webhook::signature(&secret, other.as_bytes()));
    assert_eq!(status(&secret, "o/r", other, headers), 200);
    let requests = requests.lock().unwrap();
    assert_eq!(requests.len(), 2, "{requests:?}");
    let event: Value = serde_json::from_str(body).unwrap();
    let payload = json!({ "render_id": event["event_data"]["render_id"], "callback_id": "job" });
    let expected = json!({ "event_type": "hyperframes-video", "client_payload": payload });
    assert_eq!(requests[0], ("POST".to_owned(), "/repos/o/r/dispatches".to_owned(), expected));
    oracle::check(&requests);
}
