use super::*;
use hyperframes_ci_core::IdempotencyKey;
use std::io::Cursor;

fn transport(server: &mockito::Server) -> Transport {
    let key = crate::credentials::find(&|name| (name == "HEYGEN_API_KEY").then(|| "topsecret".to_owned()))
        .expect("a key")
        .map(|found| found.credential);
    Transport::new(ApiBase::parse(&server.url()).expect("loopback"), key, SILENCE)
}

fn key() -> IdempotencyKey {
    "run-1".parse().expect("a key")
}

#[test]
fn the_api_gets_the_credential_and_the_idempotency_key() {
    let mut server = mockito::Server::new();
    let call = server
        .mock("POST", "/v3/hyperframes/renders")
        .match_header("x-api-key", "topsecret")
        .match_header("idempotency-key", "run-1")
        .match_header("content-type", "application/json")
        .match_body(r#"{"fps":24}"#)
        .with_body(r#"{"data":{"render_id":"r1"}}"#)
        .create();
    let body = serde_json::Map::from_iter([("fps".to_owned(), serde_json::json!(24))]);
    let answer =
        transport(&server).send(&Request::submit(&body, &key()), None, &mut |_| {}).expect("an answer");
    assert_eq!(answer.status, 200);
    call.assert();
}

#[test]
fn the_storage_gets_the_signed_headers_and_nothing_of_ours() {
    let mut server = mockito::Server::new();
    let call = server
        .mock("PUT", "/bucket/key?sig=1")
        .match_request(|request| {
            let mut names =
                request.headers().iter().map(|(name, _)| name.as_str().to_owned()).collect::<Vec<_>>();
            names.sort();
            names == ["content-length", "content-type", "host", "x-amz-meta-a"]
                && request.header("content-length") == ["9"]
        })
        .match_body("the bytes")
        .create();
    let request = Request::put_archive(
        &format!("{}/bucket/key?sig=1", server.url()),
        &[("x-amz-meta-a".to_owned(), "1".to_owned())],
    );
    let mut sent = 0;
    let mut archive = Cursor::new(b"the bytes".to_vec());
    let transport = transport(&server);
    // Twice, as a repeat after a cut would: the archive starts over.
    for _ in 0..2 {
        transport.send(&request, Some(&mut archive), &mut |bytes| sent = bytes).expect("an answer");
    }
    assert_eq!(sent, 9);
    call.expect(2).assert();
}

#[test]
fn the_credential_does_not_follow_a_redirect() {
    let mut server = mockito::Server::new();
    let mut elsewhere = mockito::Server::new();
    let leak = elsewhere.mock("GET", mockito::Matcher::Any).expect(0).create();
    server
        .mock("GET", "/v3/hyperframes/renders/r1")
        .with_status(302)
        .with_header("location", &format!("{}/steal", elsewhere.url()))
        .create();
    let answer = transport(&server).send(&Request::render("r1"), None, &mut |_| {}).expect("an answer");
    let error = answer.check().expect_err("a redirect is no success");
    assert!(error.to_string().contains("redirects"), "{error}");
    leak.assert();
}

#[test]
fn a_download_carries_no_credential() {
    let mut server = mockito::Server::new();
    let call = server
        .mock("GET", "/v.mp4?sig=1")
        .match_header("x-api-key", mockito::Matcher::Missing)
        .match_header("authorization", mockito::Matcher::Missing)
        .match_header("range", "bytes=5-")
        .with_status(206)
        .create();
    let url = format!("{}/v.mp4?sig=1", server.url());
    let answer = transport(&server).open(&url, 5, None).expect("an answer");
    assert_eq!(answer.status(), 206);
    call.assert();
}

#[test]
fn the_multipart_body_has_an_exact_length() {
    let mut server = mockito::Server::new();
    let call = server
        .mock("POST", "/v3/assets")
        .match_request(|request| {
            let body = request.body().expect("a body");
            request.header("content-length")[0].to_str().expect("text") == body.len().to_string()
                && String::from_utf8_lossy(body).contains("\r\n\r\nZIP\r\n--")
        })
        .with_body(r#"{"data":{"asset_id":"a"}}"#)
        .create();
    let request = Request::proxy_upload("p.zip", "00", &key());
    transport(&server)
        .send(&request, Some(&mut Cursor::new(b"ZIP".to_vec())), &mut |_| {})
        .expect("an answer");
    call.assert();
}

#[test]
fn errors_name_no_secret() {
    let server = mockito::Server::new();
    let transport = transport(&server);
    for url in [
        "http://127.0.0.1:1/v.mp4?sig=topsecret",
        "http://no.such.host.invalid/?sig=topsecret",
        "::sig=topsecret",
    ] {
        let error = transport.open(url, 0, None).expect_err("no answer");
        assert!(!error.contains("topsecret"), "{error}");
    }
}

#[test]
fn a_single_call_is_repeated_after_transient_errors_only() {
    let mut server = mockito::Server::new();
    let busy = server.mock("GET", "/v3/hyperframes/renders").with_status(503).expect(2).create();
    let error = transport(&server).call(&Request::renders(None, None), 1, 0).expect_err("busy");
    assert!(matches!(error, CallError::Api(error) if error.status == 503));
    busy.assert();
    let refused = server.mock("GET", "/v3/hyperframes/renders/x").with_status(401).expect(1).create();
    transport(&server).call(&Request::render("x"), 5, 0).expect_err("refused");
    refused.assert();
}

#[test]
fn plain_http_is_for_loopback_only() {
    for usable in ["https://api.heygen.com", "http://127.0.0.1:80/", "http://localhost:8", "http://[::1]:9"] {
        assert!(ApiBase::parse(usable).is_ok(), "{usable}");
    }
    for bad in [
        "http://api.heygen.com",
        "http://127.0.0.1.evil.example",
        "ftp://x",
        "api.heygen.com",
        "",
        "https://u:p@x",
        "https://x/?a=b",
    ] {
        assert!(ApiBase::parse(bad).is_err(), "{bad}");
    }
    assert_eq!(ApiBase::parse("https://x.example//").expect("usable").to_string(), "https://x.example");
}
