//! Webhooks: what the emulator signs is what `webhook` verifies, and what is received is handled once.

use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde_json::{Value, json};

use crate::support::{Emulator, KEY, Ran, command, listener, names, project, write};

/// The signature of a body by OpenSSL, which shares nothing with the program.
pub(crate) fn signature(secret: &str, body: &[u8]) -> String {
    let mut child = Command::new("openssl")
        .args(["dgst", "-sha256", "-hmac", secret, "-hex"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(body).unwrap();
    let output = child.wait_with_output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    text.trim().rsplit(' ').next().unwrap().to_owned()
}

fn now() -> String {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs().to_string()
}

/// A call of the API: status and body.
fn call(emulator: &Emulator, method: &str, path: &str, body: Option<&Value>, key: &str) -> (u16, Value) {
    let agent = ureq::Agent::config_builder().http_status_as_error(false).build().new_agent();
    let request = ureq::http::Request::builder()
        .method(method)
        .uri(format!("{}{path}", emulator.url))
        .header("x-api-key", KEY)
        .header("idempotency-key", key);
    let text = body.map(Value::to_string).unwrap_or_default();
    let mut answer = agent.run(request.body(text).unwrap()).unwrap();
    let text = answer.body_mut().read_to_string().unwrap();
    (answer.status().as_u16(), serde_json::from_str(&text).unwrap())
}

/// Registers an endpoint, and returns its secret.
pub(crate) fn register(emulator: &Emulator, url: &str, events: &Value) -> String {
    let body = json!({ "url": url, "events": events });
    let (status, answer) = call(emulator, "POST", "/v3/webhooks/endpoints", Some(&body), "register");
    assert_eq!(status, 200, "{answer}");
    answer["data"]["secret"].as_str().unwrap().to_owned()
}

/// `webhook listen`, which ends with the test.
struct Listen {
    child: Child,
    lines: std::io::Lines<BufReader<ChildStdout>>,
}

impl Listen {
    fn start(folder: &Path, secret: &str, port: u16, arguments: &[&str]) -> Self {
        let mut child = command()
            .args(["webhook", "listen", "--json", "--port", &port.to_string()])
            .args(arguments)
            .current_dir(folder)
            .env("HEYGEN_WEBHOOK_SECRET", secret)
            .env("HEYGEN_API_KEY", KEY)
            .env("NPM_TOKEN", "npm_topsecret")
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        Self { child, lines }
    }

    fn line(&mut self) -> Value {
        let line = self.lines.next().expect("a line").unwrap();
        let value = serde_json::from_str(&line).unwrap();
        assert_eq!(crate::contract::mistake("webhook-listen", &value), None);
        value
    }
}

impl Drop for Listen {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Sends a webhook, and returns the status of the response.
fn send(url: &str, secret: &str, body: &str) -> u16 {
    let agent = ureq::Agent::config_builder().http_status_as_error(false).build().new_agent();
    let request = agent.post(url).header("heygen-timestamp", now());
    let request = request.header("heygen-signature", signature(secret, body.as_bytes()));
    request.send(body).unwrap().status().as_u16()
}

/// The lines that `webhook listen` prints for these webhooks, of which it handles one.
pub(crate) fn lines_of_listen(folder: &Path, webhooks: &[(&str, &Value)]) -> Vec<Value> {
    let script = ["--exec", "sh", "--", "-c", "cat > /dev/null"];
    let mut listen = Listen::start(folder, "whsec_test", 0, &script);
    let mut lines = vec![listen.line()];
    let url = lines[0]["url"].as_str().unwrap().to_owned();
    for (secret, body) in webhooks {
        send(&url, secret, &body.to_string());
        lines.push(listen.line());
    }
    lines
}

#[test]
fn a_render_is_announced_and_its_webhook_is_handled_by_a_command_without_secrets() {
    let emulator = Emulator::placeholder(&[]);
    let folder = project();
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let url = format!("http://127.0.0.1:{port}/hook");
    let secret = register(&emulator, &url, &Value::Null);
    let script = r#"cat > body.json; env > env.txt; printf '%s' "$1" > argument.txt"#;
    let flags = ["--count", "1", "--exec", "sh", "--", "-c", script, "sh", "a b; touch evil $(touch evil)"];
    let mut listen = Listen::start(folder.path(), &secret, port, &flags);
    assert_eq!(listen.line()["url"], format!("http://127.0.0.1:{port}"));
    let render = ["render", "--no-wait", "--callback-id", "job 7"];
    let render = emulator.run(folder.path(), &render).ok();
    drop(render);
    let line = listen.line();
    assert_eq!((&line["state"], &line["exit_code"]), (&"handled".into(), &0.into()), "{line}");
    let event = &line["event"];
    assert_eq!((&event["end"], &event["callback_id"]), (&"success".into(), &"job 7".into()), "{line}");
    assert!(event["url"].as_str().unwrap().ends_with("?[redacted]"), "{line}");
    assert!(listen.child.wait().unwrap().success(), "it ends after one event");
    let read = |name: &str| std::fs::read_to_string(folder.path().join(name)).unwrap();
    let body: Value = serde_json::from_str(&read("body.json")).unwrap();
    assert_eq!(body["event_data"]["render_id"], event["resource_id"]);
    let environment = read("env.txt");
    for secret in [secret.as_str(), KEY, "npm_topsecret"] {
        assert!(!environment.contains(secret), "{environment}");
    }
    assert!(environment.contains("HEYGEN_EVENT_TYPE=hyperframes_video.success"), "{environment}");
    assert!(environment.contains("HEYGEN_CALLBACK_ID=job 7"), "{environment}");
    assert_eq!(read("argument.txt"), "a b; touch evil $(touch evil)");
    assert!(!names(folder.path()).contains(&"evil".to_owned()), "no shell has read the arguments");
    let stats = emulator.stats();
    assert_eq!((&stats["webhooks_delivered"], &stats["webhook_attempts"]), (&1.into(), &1.into()));
}

#[test]
fn a_webhook_whose_command_fails_is_delivered_again_and_handled_once() {
    let emulator = Emulator::placeholder(&[]);
    let folder = project();
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let secret =
        register(&emulator, &format!("http://127.0.0.1:{port}"), &json!(["hyperframes_video.success"]));
    let script = "test -e second || { touch second; exit 3; }";
    let flags = ["--seen", "seen.jsonl", "--exec", "sh", "--", "-c", script];
    let mut listen = Listen::start(folder.path(), &secret, port, &flags);
    let url = listen.line()["url"].as_str().unwrap().to_owned();
    emulator.run(folder.path(), &["render", "--no-wait"]).ok();
    let first = listen.line();
    assert_eq!((&first["state"], &first["exit_code"]), (&"failed".into(), &3.into()), "{first}");
    assert_eq!(listen.line()["state"], "handled");
    let (_, events) = call(&emulator, "GET", "/v3/webhooks/events", None, "-");
    // The order of members counts: the body is signed as it is.
    let body = events["data"][0].to_string();
    assert_eq!(send(&url, &secret, &body), 200, "acknowledged");
    assert_eq!(listen.line()["code"], "webhook_repeated");
    assert_eq!(send(&url, "whsec_other", &body), 403);
    assert_eq!(listen.line()["code"], "webhook_not_authentic");
    assert_eq!(send(&url, &secret, "[]"), 400);
    assert_eq!(listen.line()["code"], "invalid_webhook");
    let get = ureq::Agent::config_builder().http_status_as_error(false).build().new_agent().get(&url).call();
    assert_eq!(get.unwrap().status().as_u16(), 405);
    assert_eq!(emulator.stats()["webhook_attempts"], 2);
}

#[test]
fn endpoints_are_registered_once_listed_without_secrets_and_deleted() {
    let emulator = Emulator::placeholder(&[]);
    let (url, seen) = listener(|_, _| "HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n".to_owned());
    let endpoints = "/v3/webhooks/endpoints";
    let secret = register(&emulator, &url, &json!(["hyperframes_video.fail"]));
    assert!(secret.starts_with("whsec_"));
    assert_eq!(register(&emulator, &url, &Value::Null), secret, "a repeated request creates nothing");
    let (_, list) = call(&emulator, "GET", endpoints, None, "-");
    assert_eq!(list["data"].as_array().unwrap().len(), 1);
    assert_eq!(list["data"][0]["events"], json!(["hyperframes_video.fail"]));
    assert!(!list.to_string().contains("whsec_"));
    for body in [json!({ "url": "http://example.com" }), json!({}), json!({ "url": url, "events": [1] })] {
        assert_eq!(call(&emulator, "POST", endpoints, Some(&body), "other").0, 400, "{body}");
    }
    let id = list["data"][0]["endpoint_id"].as_str().unwrap();
    let rotated = call(&emulator, "POST", &format!("{endpoints}/{id}/rotate-secret"), None, "r").1;
    let rotated = rotated["data"]["secret"].as_str().unwrap();
    assert!(rotated.starts_with("whsec_") && rotated != secret);

    let folder = project();
    emulator.run(folder.path(), &["render", "-o", "a.mp4"]).ok();
    emulator.script(r#"{"rules": [{"on": "render", "do": {"fail": "no fonts"}}]}"#);
    assert_eq!(emulator.run(folder.path(), &["render", "--no-reuse", "-o", "b.mp4"]).code, 1);
    let received = || seen.lock().unwrap().clone();
    let deadline = std::time::Instant::now() + Duration::from_secs(20);
    while received().is_empty() && std::time::Instant::now() < deadline {
        std::thread::sleep(Duration::from_millis(20));
    }
    let received = received();
    assert_eq!(received.len(), 1, "only failures are wanted: {received:?}");
    let (head, body) = received[0].split_once("\r\n\r\n").unwrap();
    let head = head.to_ascii_lowercase();
    assert!(head.contains(&format!("heygen-signature: {}", signature(rotated, body.as_bytes()))), "{head}");
    assert!(body.contains("no fonts"));

    let (_, page) = call(&emulator, "GET", "/v3/webhooks/events?limit=1", None, "-");
    assert_eq!(
        (&page["data"][0]["event_type"], &page["has_more"]),
        (&"hyperframes_video.fail".into(), &true.into())
    );
    let next = format!("/v3/webhooks/events?limit=1&token={}", page["next_token"].as_str().unwrap());
    let (_, page) = call(&emulator, "GET", &next, None, "-");
    assert_eq!(
        (&page["data"][0]["event_type"], &page["has_more"]),
        (&"hyperframes_video.success".into(), &false.into())
    );
    let (_, page) = call(&emulator, "GET", "/v3/webhooks/events?event_type=avatar_video.fail", None, "-");
    assert_eq!(page["data"], json!([]));
    assert_eq!(call(&emulator, "GET", "/v3/webhooks/events?token=x", None, "-").0, 400);
    assert_eq!(call(&emulator, "DELETE", &format!("{endpoints}/{id}"), None, "-").0, 200);
    assert_eq!(call(&emulator, "DELETE", &format!("{endpoints}/{id}"), None, "-").0, 404);
    assert_eq!(call(&emulator, "GET", endpoints, None, "-").1["data"], json!([]));
}

#[test]
fn the_end_of_a_clip_is_an_event_with_its_callback_and_lost_if_nothing_accepts_it() {
    let emulator = Emulator::placeholder(&[]);
    let (refusing, attempts) = listener(|_, _| "HTTP/1.1 503 X\r\nconnection: close\r\n\r\n".to_owned());
    let (callback, seen) = listener(|_, _| "HTTP/1.1 204 X\r\nconnection: close\r\n\r\n".to_owned());
    register(&emulator, &refusing, &json!(["avatar_video.success"]));
    let first = |path: &str, usable: &dyn Fn(&Value) -> bool| {
        let (_, list) = call(&emulator, "GET", path, None, "-");
        list["data"].as_array().unwrap().iter().find(|item| usable(item)).unwrap().clone()
    };
    let voice = first("/v3/voices?engine=starfish", &|voice| voice["type"] == "public");
    let look = first("/v3/avatars/looks", &|look| look["supported_api_engines"] != json!([]));
    let mut body = json!({
        "type": "avatar", "avatar_id": look["id"], "script": "Hello.", "voice_id": voice["voice_id"],
        "callback_id": "clip 1", "callback_url": callback,
    });
    let (status, clip) = call(&emulator, "POST", "/v3/videos", Some(&body), "clip");
    assert_eq!(status, 200, "{clip}");
    let deadline = std::time::Instant::now() + Duration::from_secs(20);
    while emulator.stats()["webhooks_lost"] == 0 && std::time::Instant::now() < deadline {
        std::thread::sleep(Duration::from_millis(50));
    }
    let stats = emulator.stats();
    let counts = ["webhooks_lost", "webhooks_delivered", "webhook_attempts"].map(|name| stats[name].as_u64());
    assert_eq!(counts, [Some(1), Some(1), Some(5)], "four attempts at the endpoint, one at the callback");
    let attempts = attempts.lock().unwrap();
    let ids = attempts.iter().map(|text| text.split("\r\n\r\n").nth(1).unwrap()).collect::<Vec<_>>();
    assert!(ids.len() == 4 && ids.iter().all(|body| *body == ids[0]), "the same event each time: {ids:?}");
    let seen = seen.lock().unwrap();
    let (head, event) = seen[0].split_once("\r\n\r\n").unwrap();
    assert!(!head.to_ascii_lowercase().contains("heygen-signature"), "calls of one job are not signed");
    let event: Value = serde_json::from_str(event).unwrap();
    assert_eq!(
        (&event["event_type"], &event["event_data"]["callback_id"]),
        (&"avatar_video.success".into(), &"clip 1".into())
    );
    assert_eq!(event["event_data"]["video_id"], clip["data"]["video_id"]);
    body["callback_url"] = "http://example.com".into();
    assert_eq!(call(&emulator, "POST", "/v3/videos", Some(&body), "other").0, 400);
}

/// Runs `webhook verify` on a body.
fn verify(folder: &Path, body: &str, secret: &str, flags: &[&str]) -> Ran {
    write(folder, "body.json", body);
    let mut command = command();
    command.stdin(std::fs::File::open(folder.join("body.json")).unwrap()).current_dir(folder);
    command.env("HEYGEN_WEBHOOK_SECRET", secret).args(["webhook", "verify", "--json"]).args(flags);
    Ran::of(&mut command)
}

#[test]
fn a_webhook_is_verified_by_every_secret_and_once_only() {
    let folder = tempfile::tempdir().unwrap();
    let body =
        r#"{"event_type":"avatar_video.success","event_data":{"video_id":"v","url":"https://x/v?sig=1"}}"#;
    let (signature, time) = (signature("whsec_old", body.as_bytes()), now());
    let headers = ["--signature", &signature, "--timestamp", &time, "--event-id", "evt_9"];
    let ran = verify(folder.path(), body, "whsec_new whsec_old", &headers).ok().json();
    assert_eq!((&ran["event_id"], &ran["resource_id"]), (&"evt_9".into(), &"v".into()));
    assert_eq!(ran["url"], "https://x/v?[redacted]");
    let shown = [&headers[..], &["--show-urls"]].concat();
    assert_eq!(verify(folder.path(), body, "whsec_old", &shown).ok().json()["url"], "https://x/v?sig=1");
    let seen = [&headers[..], &["--seen", "state/seen.jsonl"]].concat();
    verify(folder.path(), body, "whsec_old", &seen).ok();
    let repeated = verify(folder.path(), body, "whsec_old", &seen);
    assert_eq!((repeated.code, repeated.error()["code"].as_str()), (8, Some("webhook_repeated")));
    // The ID is not signed: a captured body does not pass under another one.
    let other = [
        "--signature",
        &signature,
        "--timestamp",
        &time,
        "--event-id",
        "evt_10",
        "--seen",
        "state/seen.jsonl",
    ];
    assert_eq!(verify(folder.path(), body, "whsec_old", &other).code, 8);
    for (secret, headers, code, name) in [
        ("whsec_new", &headers[..], 3, "webhook_not_authentic"),
        ("whsec_old", &headers[2..], 3, "webhook_not_authentic"),
        ("whsec_old", &headers[..2], 3, "webhook_not_authentic"),
        ("whsec_old", &["--signature", &signature, "--timestamp", "1"], 3, "webhook_expired"),
        (" ", &headers[..], 2, "no_webhook_secret"),
    ] {
        let ran = verify(folder.path(), body, secret, headers);
        assert_eq!((ran.code, ran.error()["code"].as_str()), (code, Some(name)), "{ran:?}");
    }
}
