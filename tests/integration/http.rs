//! Renders by an endpoint: the wires of the official templates for Cloudflare and Vercel, rebuilt from their public
//! behaviour, endpoints that misbehave, and the emulator as a render box.

use std::fs;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::Command;
use std::sync::{Arc, Mutex};

use serde_json::{Value, json};

use crate::support::{Emulator, KEY, Ran, command, html, names, project, write};

pub(crate) const CLIP: &[u8] = include_bytes!("../../src/emulator/clips/placeholder.mp4");
pub(crate) const TOKEN: &str = "endpoint-topsecret-0123456789";

/// What a server was sent.
#[derive(Clone, Debug)]
pub(crate) struct Seen {
    head: String,
    body: Vec<u8>,
}

impl Seen {
    fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap()
    }

    fn has_token(&self) -> bool {
        self.head.contains(TOKEN)
    }
}

/// A server whose answers are made of what it is sent, its own address and the number of earlier requests.
pub(crate) struct Server {
    pub(crate) url: String,
    seen: Arc<Mutex<Vec<Seen>>>,
}

impl Server {
    pub(crate) fn start(answer: impl Fn(&Seen, &str, usize) -> Vec<u8> + Send + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let seen = Arc::new(Mutex::new(Vec::new()));
        let (log, own) = (Arc::clone(&seen), url.clone());
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let mut stream = stream.unwrap();
                let request = read(&mut stream);
                let mut log = log.lock().unwrap();
                let answer = answer(&request, &own, log.len());
                log.push(request);
                drop(log);
                let _ = stream.write_all(&answer);
            }
        });
        Self { url, seen }
    }

    fn seen(&self) -> Vec<Seen> {
        self.seen.lock().unwrap().clone()
    }

    /// The first lines of the requests.
    pub(crate) fn lines(&self) -> Vec<String> {
        let line = |seen: Seen| seen.head.lines().next().unwrap().replace(" HTTP/1.1", "");
        self.seen().into_iter().map(line).collect()
    }
}

fn read(stream: &mut TcpStream) -> Seen {
    let mut head = Vec::new();
    let mut byte = [0];
    while !head.ends_with(b"\r\n\r\n") && stream.read(&mut byte).is_ok_and(|count| count > 0) {
        head.push(byte[0]);
    }
    let head = String::from_utf8(head).unwrap();
    let lower = head.to_ascii_lowercase();
    let length = lower
        .split("content-length: ")
        .nth(1)
        .map_or(0, |rest| rest.split("\r\n").next().unwrap().parse().unwrap());
    let mut body = Vec::new();
    stream.take(length).read_to_end(&mut body).unwrap();
    Seen { head, body }
}

/// A response.
pub(crate) fn http(status: &str, headers: &str, body: &[u8]) -> Vec<u8> {
    let head =
        format!("HTTP/1.1 {status}\r\ncontent-length: {}\r\nconnection: close\r\n{headers}\r\n", body.len());
    [head.as_bytes(), body].concat()
}

pub(crate) fn json_answer(status: &str, body: &Value) -> Vec<u8> {
    http(status, "content-type: application/json\r\n", body.to_string().as_bytes())
}

pub(crate) fn video() -> Vec<u8> {
    http("200 OK", "content-type: video/mp4\r\n", CLIP)
}

/// The container of the Cloudflare template.
fn container(seen: &Seen) -> Vec<u8> {
    if !seen.head.starts_with("POST /render ") {
        return http("404 Not Found", "", b"not found");
    }
    let body = seen.json();
    let is_file = |file: &Value| file["path"].is_string() && file["content"].is_string();
    match body["files"].as_array() {
        Some(files) if !files.is_empty() && files.iter().all(is_file) => video(),
        _ => json_answer("400 Bad Request", &json!({ "error": "no files" })),
    }
}

/// The worker of the Cloudflare template, whose links are its own.
fn worker(seen: &Seen, own: &str) -> Vec<u8> {
    if seen.head.starts_with("GET /r/renders/1.mp4") {
        return video();
    }
    if !seen.head.starts_with("POST /api/render ") {
        return http("404 Not Found", "", b"not found");
    }
    let html = seen.json()["html"].as_str().unwrap_or_default().to_owned();
    if html.len() > 2 * 1024 * 1024 {
        return json_answer("413 Payload Too Large", &json!({ "error": "html exceeds 2097152 bytes" }));
    }
    let key = "renders/1.mp4";
    json_answer(
        "200 OK",
        &json!({ "url": format!("{own}/r/{key}"), "key": key, "source": "html", "durationMs": 4200 }),
    )
}

/// A command that renders at an endpoint.
fn render(url: &str, request: &str, flags: &[&str]) -> Command {
    let mut command = command();
    command.args([
        "render",
        "--renderer",
        "http",
        "--http-endpoint",
        url,
        "--http-request",
        request,
        "--json",
    ]);
    if !flags.contains(&"--batch") {
        command.args(["-o", "v.mp4"]);
    }
    command.args(["--poll-interval", "1"]).args(flags);
    command.env("HYPERFRAMES_CI_HTTP_TOKEN_127_0_0_1", TOKEN).env("HYPERFRAMES_CI_TIME_SCALE", "100");
    command
}

pub(crate) fn run(folder: &Path, url: &str, request: &str, flags: &[&str]) -> Ran {
    let ran = Ran::of(render(url, request, flags).current_dir(folder));
    assert!(!ran.stdout.contains(TOKEN) && !ran.stderr.contains(TOKEN), "{ran:?}");
    ran
}

/// Runs a render that fails; returns its code and its message.
pub(crate) fn failed(url: &str, request: &str) -> (i32, String, String) {
    let folder = project();
    let ran = run(folder.path(), url, request, &[]);
    let error = ran.error();
    assert_eq!(names(folder.path()), [".git", "index.html"], "nothing half-written is left");
    let text = |name: &str| error[name].as_str().unwrap_or_default().to_owned();
    (ran.code, text("code"), format!("{}\n{}", text("message"), text("hint")))
}

#[test]
fn the_container_of_the_cloudflare_template_gets_the_files() {
    let server = Server::start(|seen, _, _| container(seen));
    let folder = project();
    write(folder.path(), "a/b.css", "p {}");
    let result = run(folder.path(), &server.url, "files", &[]).ok().json();
    assert_eq!(fs::read(folder.path().join("v.mp4")).unwrap(), CLIP);
    assert_eq!((&result["render"]["renderer"], &result["video"]["codec"]), (&json!("http"), &json!("h264")));
    let seen = server.seen();
    assert_eq!(server.lines(), ["POST /render"]);
    assert!(seen[0].has_token(), "{}", seen[0].head);
    let body = seen[0].json();
    let paths = body["files"].as_array().unwrap().iter().map(|file| file["path"].as_str().unwrap());
    assert_eq!(paths.collect::<Vec<_>>(), ["a/b.css", "index.html"]);
    assert_eq!(body.as_object().unwrap().len(), 1, "nothing that the template does not know");
}

#[test]
fn the_worker_of_the_cloudflare_template_gets_the_html() {
    let server = Server::start(|seen, own, _| worker(seen, own));
    let folder = project();
    run(folder.path(), &server.url, "html", &[]).ok();
    assert_eq!(fs::read(folder.path().join("v.mp4")).unwrap(), CLIP);
    assert_eq!(server.lines(), ["POST /api/render", "GET /r/renders/1.mp4"]);
    assert_eq!(server.seen()[0].json(), json!({ "html": html(1280, 720, "") }));
    assert!(server.seen().iter().all(Seen::has_token), "a link to its own origin");
    // A project of several files does not fit, and nothing is sent.
    write(folder.path(), "a.css", "p {}");
    let ran = run(folder.path(), &server.url, "html", &[]);
    assert_eq!((ran.code, ran.error()["code"].as_str()), (2, Some("unsupported_option")), "{ran:?}");
    assert_eq!(server.seen().len(), 2);
}

#[test]
fn the_vercel_template_gets_nothing_and_answers_with_a_link_elsewhere() {
    let storage = Server::start(|_, _, _| video());
    let link = format!("{}/blob/v.mp4?signature=topsecret", storage.url);
    let server = Server::start(move |_, _, _| json_answer("200 OK", &json!({ "url": link })));
    let folder = project();
    run(folder.path(), &server.url, "empty", &[]).ok();
    assert_eq!(server.lines(), ["POST /api/render"]);
    assert_eq!(server.seen()[0].body, b"");
    assert!(server.seen()[0].has_token());
    assert_eq!(storage.lines(), ["GET /blob/v.mp4?signature=topsecret"]);
    assert!(!storage.seen()[0].has_token() && !storage.seen()[0].head.contains("authorization"));
}

#[test]
fn a_redirect_does_not_take_the_token_along() {
    let storage = Server::start(|_, _, _| video());
    let target = format!("{}/v.mp4", storage.url);
    let server = Server::start(move |seen, _, _| match seen.head.split(' ').nth(1).unwrap() {
        "/render" => http("307 Temporary Redirect", "location: /moved\r\n", b""),
        "/moved" => http("303 See Other", "location: /r/1\r\n", b""),
        _ => http("302 Found", &format!("location: {target}\r\n"), b""),
    });
    run(project().path(), &server.url, "files", &[]).ok();
    assert_eq!(server.lines(), ["POST /render", "POST /moved", "GET /r/1"]);
    assert!(!storage.seen()[0].has_token(), "{:?}", storage.seen());
    // The request itself goes to no other origin.
    let elsewhere = Server::start(|_, _, _| video());
    let moved = format!("location: {}/render\r\n", elsewhere.url);
    let server = Server::start(move |_, _, _| http("307 Temporary Redirect", &moved, b""));
    let (code, name, message) = failed(&server.url, "files");
    assert_eq!((code, name.as_str()), (1, "endpoint_failed"));
    assert!(message.contains(&format!("redirects to {}/render (HTTP 307)", elsewhere.url)), "{message}");
    assert!(elsewhere.seen().is_empty());
}

#[test]
fn a_request_is_repeated_only_if_nothing_was_rendered() {
    // Refused, and then accepted.
    let server = Server::start(|seen, _, nth| match nth {
        0 => http("429 Too Many Requests", "retry-after: 0\r\n", b"slow down"),
        1 => http("503 Service Unavailable", "retry-after: 0\r\n", b""),
        _ => container(seen),
    });
    run(project().path(), &server.url, "files", &[]).ok();
    assert_eq!(server.seen().len(), 3);
    // An error of the container behind the worker, which may have rendered.
    let error = json!({ "error": "render failed (500): no space left on device" });
    let server = Server::start(move |_, _, _| json_answer("502 Bad Gateway", &error));
    let (code, name, message) = failed(&server.url, "html");
    assert_eq!((code, name.as_str()), (1, "endpoint_failed"));
    assert!(message.contains("HTTP 502: render failed (500): no space left on device"), "{message}");
    assert!(message.contains("was not asked again"), "{message}");
    assert_eq!(server.seen().len(), 1);
    // No answer at all.
    let server = Server::start(|_, _, _| Vec::new());
    let (code, name, _) = failed(&server.url, "files");
    assert_eq!((code, name.as_str(), server.seen().len()), (1, "endpoint_failed", 1));
}

#[test]
fn what_is_no_video_is_never_saved() {
    let page = |status: &'static str| {
        Server::start(move |_, _, _| {
            http(status, "content-type: text/html\r\n", b"<html>please sign in</html>")
        })
    };
    let (_, name, message) = failed(&page("200 OK").url, "files");
    assert!(name == "endpoint_failed" && message.contains("a web page instead of a video"), "{message}");
    let (_, _, message) = failed(&page("403 Forbidden").url, "files");
    assert!(message.contains("HTTP 403: a web page"), "{message}");
    let typed = Server::start(|_, _, _| http("200 OK", "content-type: video/mp4\r\n", b"<html>sorry</html>"));
    let (_, name, message) = failed(&typed.url, "files");
    assert!(name == "download_failed" && message.contains("HTML page"), "{message}");
    let cut = Server::start(|_, _, _| {
        let whole = video();
        whole[..whole.len() - 100].to_vec()
    });
    let (_, name, message) = failed(&cut.url, "files");
    assert!(name == "download_failed" && message.contains("cannot download the video"), "{message}");
    assert_eq!(cut.seen().len(), 1, "it is not rendered again");
    for answer in [json!({}), json!([]), json!({ "url": "file:///etc/passwd" }), json!({ "url": 5 })] {
        let server = Server::start(move |_, _, _| json_answer("200 OK", &answer));
        assert_eq!(failed(&server.url, "files").1, "endpoint_failed");
    }
}

#[test]
fn a_download_that_is_cut_goes_on_where_it_stopped() {
    let server = Server::start(|seen, own, nth| match nth {
        0 => json_answer("200 OK", &json!({ "url": format!("{own}/v.mp4?sig=1") })),
        1 => {
            let whole = http("200 OK", "content-type: video/mp4\r\netag: \"1\"\r\n", CLIP);
            whole[..whole.len() - 500].to_vec()
        }
        _ => {
            assert!(seen.head.to_ascii_lowercase().contains("range: bytes="), "{}", seen.head);
            let start = CLIP.len() - 500;
            let range =
                format!("content-range: bytes {start}-{}/{}\r\netag: \"1\"\r\n", CLIP.len() - 1, CLIP.len());
            http("206 Partial Content", &range, &CLIP[start..])
        }
    });
    let folder = project();
    run(folder.path(), &server.url, "files", &[]).ok();
    assert_eq!(fs::read(folder.path().join("v.mp4")).unwrap(), CLIP);
    // One that stays away is named, without its signature.
    let server = Server::start(|_, own, nth| match nth {
        0 => json_answer("200 OK", &json!({ "url": format!("{own}/v.mp4?sig=topsecret") })),
        _ => http("404 Not Found", "", b""),
    });
    let (_, name, message) = failed(&server.url, "files");
    assert!(name == "download_failed" && message.contains(&format!("{}/v.mp4", server.url)), "{message}");
    assert!(!message.contains("topsecret"), "{message}");
}

#[test]
fn an_endpoint_may_answer_before_the_video_is_rendered() {
    let poll = |last: Value| {
        Server::start(move |_, _, nth| match nth {
            0 => http("202 Accepted", "location: /jobs/1\r\nretry-after: 0\r\n", b""),
            1 => json_answer("202 Accepted", &json!({ "status": "queued" })),
            2 => http("503 Service Unavailable", "", b""),
            3 => json_answer("200 OK", &json!({ "status": "rendering" })),
            4 => json_answer("200 OK", &last),
            _ => video(),
        })
    };
    let server = poll(json!({ "status": "completed", "url": "/videos/1" }));
    run(project().path(), &server.url, "files", &[]).ok();
    assert_eq!(
        server.lines()[1..],
        ["GET /jobs/1", "GET /jobs/1", "GET /jobs/1", "GET /jobs/1", "GET /videos/1"]
    );
    let server = poll(json!({ "status": "failed", "error": { "message": "no such font" } }));
    let (code, name, message) = failed(&server.url, "files");
    assert_eq!((code, name.as_str()), (1, "render_failed"));
    assert!(message.contains("no such font"), "{message}");
    // The time limit ends it.
    let server = Server::start(|_, _, _| json_answer("202 Accepted", &json!({ "status_url": "/jobs/1" })));
    let ran = run(project().path(), &server.url, "files", &["--max-wait", "0.02"]);
    assert_eq!((ran.code, ran.error()["code"].as_str()), (4, Some("timeout")), "{ran:?}");
}

#[test]
fn a_token_that_is_rejected_is_not_shown() {
    let server = Server::start(|seen, _, _| {
        let echo = json!({ "error": format!("bad token in {}", seen.head) });
        json_answer("401 Unauthorized", &echo)
    });
    let (code, name, message) = failed(&server.url, "files");
    assert_eq!((code, name.as_str()), (3, "not_authenticated"));
    assert!(
        message.contains("Bearer ***") && message.contains("HYPERFRAMES_CI_HTTP_TOKEN_127_0_0_1"),
        "{message}"
    );
}

#[test]
fn what_an_endpoint_cannot_do_is_refused_before_anything_is_sent() {
    let server = Server::start(|seen, _, _| container(seen));
    let folder = project();
    for flags in [
        &["--fps", "25"][..],
        &["--format", "webm"],
        &["--variables", "{\"title\":\"A\"}"],
        &["--format", "gif"],
    ] {
        let ran = run(folder.path(), &server.url, "files", flags);
        assert_eq!(ran.code, 2, "{flags:?}: {ran:?}");
    }
    for url in ["http://render.example/render", "render.example"] {
        let ran = run(folder.path(), url, "files", &[]);
        assert_eq!((ran.code, ran.error()["code"].as_str()), (2, Some("invalid_endpoint")), "{ran:?}");
    }
    let ran = run(folder.path(), &server.url, "files", &["--max-renders", "0"]);
    assert_eq!(ran.code, 6, "{ran:?}");
    assert!(server.seen().is_empty());
}

#[test]
fn an_emulator_renders_for_other_machines() {
    let emulator = Emulator::placeholder(&[]);
    let folder = project();
    let with_key = |flags: &[&str]| {
        let mut command = render(&emulator.url, "emulator", flags);
        Ran::of(command.env("HYPERFRAMES_CI_HTTP_TOKEN_127_0_0_1", KEY).current_dir(folder.path()))
    };
    let flags = ["--format", "webm", "--fps", "24", "--variables", "{\"title\":\"A\"}"];
    let result = with_key(&flags).ok().json();
    assert_eq!(result["video"]["container"], "webm", "{result}");
    assert_eq!(emulator.stats()["renders_submitted"], 1);
    // The answer is lost: the request is repeated with its key, and rendered once.
    emulator.script(
        r#"{"rules": [{"on": "submit", "do": "drop_after"}, {"on": "poll", "do": {"status": 503}}]}"#,
    );
    with_key(&["--variables", "{\"title\":\"B\"}"]).ok();
    assert_eq!(emulator.stats()["renders_submitted"], 2);
    // The same command fetches the video that exists, and a failed render is repeated.
    with_key(&["--variables", "{\"title\":\"B\"}"]).ok();
    assert_eq!(emulator.stats()["renders_submitted"], 2);
    emulator.script(r#"{"rules": [{"on": "render", "do": {"fail": "out of memory"}}]}"#);
    let ran = with_key(&["--variables", "{\"title\":\"C\"}"]);
    assert_eq!(ran.error()["code"], "render_failed", "{ran:?}");
    assert!(ran.error()["message"].as_str().unwrap().contains("out of memory"), "{ran:?}");
    with_key(&["--variables", "{\"title\":\"C\"}"]).ok();
    assert_eq!(emulator.stats()["renders_submitted"], 4);
    // Without the key, nothing is rendered.
    let ran = run(folder.path(), &emulator.url, "emulator", &[]);
    assert_eq!((ran.code, ran.error()["code"].as_str()), (3, Some("not_authenticated")), "{ran:?}");
    assert_eq!(emulator.stats()["renders_submitted"], 4);
}

#[test]
fn a_batch_goes_to_an_emulator() {
    let emulator = Emulator::placeholder(&[]);
    let folder = project();
    write(folder.path(), "rows.csv", "title\nAda\nGrace\nEdith\n");
    emulator.script(r#"{"rules": [{"on": "render", "after": 1, "do": {"fail": "out of memory"}}]}"#);
    let batch = || {
        let mut command = render(&emulator.url, "emulator", &["--batch", "rows.csv"]);
        command.args(["-o", "out/{title}.{ext}"]).env("HYPERFRAMES_CI_HTTP_TOKEN_127_0_0_1", KEY);
        Ran::from(command.current_dir(folder.path()).output().unwrap())
    };
    let ran = batch();
    assert_eq!(ran.code, 1, "{ran:?}");
    assert_eq!(names(&folder.path().join("out")), ["Ada.mp4", "Edith.mp4"], "one failed row fails no other");
}
