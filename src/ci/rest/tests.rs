//! Tests of the client, against servers on loopback.

use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;

use serde_json::json;

use super::*;

/// Answers the requests of one test in turn; an answer of nothing closes the connection. Returns the URL and the requests,
/// as method and path.
fn serve(answers: Vec<&'static str>) -> (String, Arc<Mutex<Vec<String>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let url = format!("http://{}", listener.local_addr().expect("an address"));
    let seen = Arc::new(Mutex::new(Vec::new()));
    let (log, own) = (Arc::clone(&seen), url.clone());
    std::thread::spawn(move || {
        for (answer, stream) in answers.into_iter().zip(listener.incoming().flatten()) {
            let line = request(&stream, Duration::ZERO);
            log.lock().expect("a lock").push(line);
            let _ = (&stream).write_all(answer.replace("{url}", &own).as_bytes());
        }
    });
    (url, seen)
}

/// Reads a request, with a pause after every 64 KiB of its body, and returns its method and path.
fn request(stream: &TcpStream, pause: Duration) -> String {
    let mut reader = BufReader::new(stream);
    let mut line = String::new();
    reader.read_line(&mut line).expect("a request");
    let mut length = 0;
    loop {
        let mut header = String::new();
        if reader.read_line(&mut header).unwrap_or(0) < 3 {
            break;
        }
        if let Some(value) = header.to_ascii_lowercase().strip_prefix("content-length: ") {
            length = value.trim().parse::<usize>().expect("a length");
        }
    }
    let mut buffer = vec![0; 64 * 1024];
    while length > 0 {
        let part = length.min(buffer.len());
        reader.read_exact(&mut buffer[..part]).expect("a body");
        length -= part;
        std::thread::sleep(pause);
    }
    line.rsplit_once(" HTTP").map(|(line, _)| line.to_owned()).unwrap_or_default()
}

fn seen(requests: &Mutex<Vec<String>>) -> Vec<String> {
    requests.lock().expect("a lock").clone()
}

const DONE: &str = "HTTP/1.1 200 X\r\ncontent-length: 11\r\nconnection: close\r\n\r\n{\"done\":42}";

fn rest(base: &str) -> Rest {
    Rest::new(base, None, ("authorization", "Bearer "), &[]).expect("a safe origin")
}

#[test]
fn the_token_stays_with_its_service() {
    let public = rest("https://api.github.example");
    assert!(public.is_own("https://api.github.example/repos"));
    assert!(public.is_own("https://uploads.github.example/repos/1/assets?name=a"));
    for external in [
        "https://evil.example/",
        "https://api.github.example.evil.example/",
        "http://api.github.example/",
        "https://uploads.evil.example/",
        "https://api.github.example@evil.example/",
    ] {
        assert!(!public.is_own(external), "{external}");
    }
    // An Enterprise server has all of it below one host.
    let own = rest("https://ghe.example/api/v3");
    assert!(own.is_own("https://ghe.example/api/uploads/repos/o/r/releases/1/assets?name=a"));
    assert!(!own.is_own("https://api.github.example/repos"));
    assert!(Rest::new("http://api.github.example", None, ("a", "b"), &[]).is_err());
}

#[test]
fn a_service_that_does_not_respond_is_named() {
    // Bound and closed again, so that nothing listens there.
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let host = listener.local_addr().expect("an address").to_string();
    drop(listener);
    let error = rest(&format!("http://{host}")).call("POST", "/x", &Body::None).expect_err("no response");
    let message = error.to_string();
    assert!(message.starts_with(&format!("no response from {host}: ")), "{message}");
    assert!(!message.contains("io: "), "{message}");
}

#[test]
fn pages_are_found() {
    let header = "<https://a.example/?page=1>; rel=\"prev\", <https://a.example/?page=3>; rel=\"next\"";
    assert_eq!(next_link(header).as_deref(), Some("https://a.example/?page=3"));
    assert_eq!(next_link("<https://a.example/?page=1>; rel=\"last\""), None);
}

#[test]
fn every_request_is_repeated_after_faults() {
    const BUSY: &str = "HTTP/1.1 502 X\r\ncontent-length: 0\r\nconnection: close\r\n\r\n";
    const CUT: &str = "HTTP/1.1 200 X\r\ncontent-length: 11\r\nconnection: close\r\n\r\n{";
    const LIMITED: &str =
        "HTTP/1.1 403 X\r\nretry-after: 0\r\ncontent-length: 0\r\nconnection: close\r\n\r\n";
    for method in ["GET", "POST"] {
        for fault in [BUSY, CUT, LIMITED, ""] {
            let (url, requests) = serve(vec![fault, DONE]);
            let response = rest(&url).call(method, "/x", &Body::None).expect("a response");
            assert_eq!((response.status, &response.json), (200, &json!({ "done": 42 })), "{method} {fault}");
            assert_eq!(seen(&requests), [format!("{method} /x"), format!("{method} /x")]);
        }
    }
}

#[test]
fn a_rate_limit_that_lasts_too_long_is_an_error_of_its_own() {
    let (url, requests) = serve(vec![
        "HTTP/1.1 403 X\r\nretry-after: 3000\r\ncontent-length: 0\r\nconnection: close\r\n\r\n",
        DONE,
    ]);
    let response = rest(&url).call("GET", "/x", &Body::None).expect("a response");
    let error = response.ok("the list").expect_err("a limit");
    assert!(matches!(&error, ProviderError::RateLimited(_, pause) if pause.as_secs() == 3000), "{error:?}");
    assert_eq!(seen(&requests).len(), 1);
}

#[test]
fn a_renamed_repository_is_followed_within_the_service() {
    let moved = "HTTP/1.1 301 X\r\nlocation: {url}/repositories/1/x\r\ncontent-length: 0\r\nconnection: close\r\n\r\n";
    for method in ["GET", "POST", "PATCH"] {
        let (url, requests) = serve(vec![moved, DONE]);
        let response = rest(&url).call(method, "/repos/o/r/x", &Body::None).expect("a response");
        assert_eq!(response.status, 200);
        assert_eq!(
            seen(&requests),
            [format!("{method} /repos/o/r/x"), format!("{method} /repositories/1/x")]
        );
    }
    let away = "HTTP/1.1 302 X\r\nlocation: https://evil.example/x\r\ncontent-length: 0\r\nconnection: close\r\n\r\n";
    let (url, _requests) = serve(vec![away]);
    assert_eq!(rest(&url).call("HEAD", "/x", &Body::None).expect("a response").status, 302);
    let (url, requests) = serve(vec![moved; 9]);
    assert_eq!(rest(&url).call("GET", "/x", &Body::None).expect("a response").status, 301);
    assert_eq!(seen(&requests).len(), 1 + MAX_REDIRECTS);
}

#[test]
fn downloads_are_repeated_after_faults_and_follow_a_renamed_repository() {
    const BUSY: &str = "HTTP/1.1 502 X\r\ncontent-length: 0\r\nconnection: close\r\n\r\n";
    const CUT: &str = "HTTP/1.1 200 X\r\ncontent-length: 11\r\nconnection: close\r\n\r\n{";
    const LIMITED: &str =
        "HTTP/1.1 403 X\r\nretry-after: 0\r\ncontent-length: 0\r\nconnection: close\r\n\r\n";
    const MOVED: &str =
        "HTTP/1.1 301 X\r\nlocation: {url}/y\r\ncontent-length: 0\r\nconnection: close\r\n\r\n";
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("video.mp4");
    for (first, second) in
        [(BUSY, "GET /x"), (CUT, "GET /x"), (LIMITED, "GET /x"), ("", "GET /x"), (MOVED, "GET /y")]
    {
        let (url, requests) = serve(vec![first, DONE]);
        rest(&url).download("/x", &file).expect("a file");
        assert_eq!(std::fs::read_to_string(&file).expect("text"), "{\"done\":42}", "{first}");
        assert_eq!(seen(&requests), ["GET /x", second], "{first}");
    }
    for last in [
        "HTTP/1.1 404 X\r\ncontent-length: 0\r\nconnection: close\r\n\r\n",
        "HTTP/1.1 302 X\r\nlocation: http://evil.example/x\r\ncontent-length: 0\r\nconnection: close\r\n\r\n",
    ] {
        let (url, requests) = serve(vec![last, DONE]);
        let error = rest(&url).download("/x", &file).expect_err("no file").to_string();
        assert!(error.starts_with("the download failed: "), "{error}");
        assert_eq!(seen(&requests).len(), 1, "{last}");
    }
}

/// GitHub tells some limits by the message only, and the URLs of its storage expire.
#[test]
fn a_download_waits_for_limits_without_headers_and_asks_for_another_url_of_the_storage() {
    const LIMITED: &str = "HTTP/1.1 403 X\r\ncontent-length: 60\r\nconnection: close\r\n\r\n{\"message\":\"You have exceeded a secondary rate limit. Wait\"}";
    const STORED: &str =
        "HTTP/1.1 302 X\r\nlocation: {url}/storage\r\ncontent-length: 0\r\nconnection: close\r\n\r\n";
    const EXPIRED: &str = "HTTP/1.1 403 X\r\ncontent-length: 0\r\nconnection: close\r\n\r\n";
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("video.mp4");
    let (url, requests) = serve(vec![STORED, EXPIRED, STORED, DONE]);
    rest(&url).download("/x", &file).expect("a file");
    assert_eq!(seen(&requests), ["GET /x", "GET /storage", "GET /x", "GET /storage"]);
    let (url, _requests) = serve(vec![LIMITED]);
    let client = rest(&url);
    client.pace().may_wait(Duration::from_secs(20 * 60));
    let error = client.download("/x", &file).expect_err("a limit");
    assert!(matches!(error, ProviderError::RateLimited(..)), "{error:?}");
    // A refusal of the service itself is none of them.
    let (url, requests) = serve(vec![EXPIRED, DONE]);
    let error = rest(&url).download("/x", &file).expect_err("refused");
    assert!(matches!(error, ProviderError::Forbidden(_)), "{error:?}");
    assert_eq!(seen(&requests), ["GET /x"]);
}

#[test]
fn a_slow_upload_is_waited_for_and_a_silent_server_is_not() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("video.mp4");
    // Longer than the buffers of the sockets, so that the upload takes longer than the timeout.
    std::fs::write(&file, vec![7; 24 * 1024 * 1024]).expect("written");
    let idle = Duration::from_millis(1500);
    let client = |url: &str| Rest::with_idle_timeout(url, None, ("a", ""), &[], idle).expect("an origin");
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let url = format!("http://{}", listener.local_addr().expect("an address"));
    let answer = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().expect("a connection");
        request(&stream, Duration::from_millis(8));
        stream.write_all(DONE.as_bytes()).expect("sent");
    });
    let began = Instant::now();
    let sent = client(&url).send("POST", &format!("{url}/a"), &Body::File(&file, "video/mp4"));
    assert_eq!(sent.map(|response| response.status), Ok(200));
    assert!(began.elapsed() > idle, "{:?}", began.elapsed());
    answer.join().expect("an end");
    // The connection is accepted by the system, and nobody answers.
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let url = format!("http://{}", listener.local_addr().expect("an address"));
    let sent = client(&url).send("POST", &format!("{url}/a"), &Body::File(&file, "video/mp4"));
    let message = sent.expect_err("no response");
    assert!(message.starts_with(&format!("uploading {}: no response from ", file.display())), "{message}");
    drop(listener);
}

#[test]
fn messages_of_services_are_shown_with_their_details() {
    let message = |json: Value| {
        let response = Response { status: 422, json, next: None, location: None, limit: None };
        (response.message(), response.is_already_there())
    };
    for (json, text, is_there) in [
        (json!({ "message": "Repository rule violations found" }), "Repository rule violations found", false),
        (
            json!({ "message": "Validation Failed", "errors": [
                { "resource": "ReleaseAsset", "code": "already_exists", "field": "name" }] }),
            "Validation Failed; name: already_exists",
            true,
        ),
        (
            json!({ "message": "Invalid", "errors": [{ "message": "too long" }, "b"] }),
            "Invalid; too long; b",
            false,
        ),
        (
            json!({ "message": { "name": ["has already been taken"] } }),
            r#"{"name":["has already been taken"]}"#,
            true,
        ),
        (json!({ "error": "not allowed" }), "not allowed", false),
        (json!(null), "", false),
        (json!([1]), "", false),
    ] {
        assert_eq!(message(json), (text.to_owned(), is_there));
    }
}
