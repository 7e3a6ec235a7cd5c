use super::*;
use hyperframes_ci_core::api::{IdempotencyKey, Pages, Product, UploadRequest};
use std::io::Cursor;

fn transport(server: &mockito::Server) -> Transport {
    let key = crate::heygen::auth::find(&|name| (name == "HEYGEN_API_KEY").then(|| "topsecret".to_owned()))
        .expect("a key")
        .map(|found| found.credential);
    Transport::new(ApiBase::parse(&server.url()).expect("loopback"), key, tokens(), IDLE_TIMEOUT)
}

fn tokens() -> Provider {
    Provider::from_environment(&|_| None)
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
        .match_header("x-heygen-client-source", "hyperframes")
        .match_header("x-heygen-source", mockito::Matcher::Missing)
        .match_header("idempotency-key", "run-1")
        .match_header("content-type", "application/json")
        .match_body(r#"{"fps":24}"#)
        .with_body(r#"{"data":{"render_id":"r1"}}"#)
        .create();
    let body = serde_json::Map::from_iter([("fps".to_owned(), serde_json::json!(24))]);
    let answer = transport(&server)
        .send(&Product::Render.submit(&body, &key()), None, Deadline::NEVER, &mut |_| {})
        .expect("an answer");
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
        "application/zip",
    );
    let mut sent = 0;
    let mut archive = Cursor::new(b"the bytes".to_vec());
    let transport = transport(&server);
    // Twice, as a repeat after a cut would: the archive starts over.
    for _ in 0..2 {
        transport
            .send(&request, Some(&mut archive), Deadline::NEVER, &mut |bytes| sent = bytes)
            .expect("an answer");
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
    let answer = transport(&server)
        .send(&Request::render("r1"), None, Deadline::NEVER, &mut |_| {})
        .expect("an answer");
    let error = answer.check().expect_err("a redirect is no success");
    assert!(error.to_string().contains("redirects"), "{error}");
    leak.assert();
}

#[test]
fn a_redirect_of_a_get_is_followed_within_the_origin() {
    for status in [301, 302, 307, 308] {
        let mut server = mockito::Server::new();
        let absolute = format!("{}/v4/renders/r1", server.url());
        for location in ["/v4/renders/r1", &absolute] {
            let old = server.mock("GET", "/v3/hyperframes/renders/r1").with_status(status);
            let _old = old.with_header("location", location).create();
            let new = server.mock("GET", "/v4/renders/r1").match_header("x-api-key", "topsecret");
            let new = new.with_body("{}").expect(1).create();
            let request = Request::render("r1");
            let answer = transport(&server).send(&request, None, Deadline::NEVER, &mut |_| {});
            assert_eq!(answer.expect("an answer").status, 200, "{status} {location}");
            new.assert();
        }
    }
    // What pays is never sent twice.
    let mut server = mockito::Server::new();
    let moved = server.mock("POST", "/v3/hyperframes/renders").with_status(307).with_header("location", "/x");
    let moved = moved.expect(1).create();
    let request = Product::Render.submit(&serde_json::Map::new(), &key());
    let answer = transport(&server).send(&request, None, Deadline::NEVER, &mut |_| {}).expect("an answer");
    assert_eq!(answer.status, 307);
    moved.assert();
    let endless =
        server.mock("GET", mockito::Matcher::Any).with_status(302).with_header("location", "/again");
    let _endless = endless.create();
    let ended = transport(&server).send(&Request::account(), None, Deadline::NEVER, &mut |_| {});
    assert!(ended.expect_err("no end").contains("too many redirects"));
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
    let answer = transport(&server).open(&url, 5, None, Deadline::NEVER).expect("an answer");
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
    let upload = UploadRequest {
        filename: "p.zip".to_owned(),
        content_type: "application/zip",
        size_bytes: 3,
        checksum_sha256: "00".to_owned(),
    };
    let request = Request::proxy_upload(&upload, &key());
    transport(&server)
        .send(&request, Some(&mut Cursor::new(b"ZIP".to_vec())), Deadline::NEVER, &mut |_| {})
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
        let error = transport.open(url, 0, None, Deadline::NEVER).expect_err("no answer");
        assert!(!error.contains("topsecret"), "{error}");
    }
    let put = Request::put_archive("http://user:topsecret@127.0.0.1:1/x", &[], "application/zip");
    let error = transport.send(&put, Some(&mut Cursor::new("zip")), Deadline::NEVER, &mut |_| {});
    assert_eq!(error.expect_err("no answer"), "127.0.0.1:1: Connection refused (os error 111)");
}

#[test]
fn a_single_call_is_repeated_after_transient_errors_only() {
    let mut server = mockito::Server::new();
    let busy = server.mock("GET", "/v3/hyperframes/renders").with_status(503).expect(2).create();
    let error = transport(&server)
        .call(&Pages::of_renders(None, 1).request().expect("a page"), 1, 0)
        .expect_err("busy");
    assert!(matches!(error, CallError::Api(error) if error.status == 503));
    busy.assert();
    let refused = server.mock("GET", "/v3/hyperframes/renders/x").with_status(401).expect(1).create();
    transport(&server).call(&Request::render("x"), 5, 0).expect_err("refused");
    refused.assert();
}

#[test]
fn a_list_that_was_cut_is_asked_for_again() {
    let mut server = mockito::Server::new();
    let cut =
        server.mock("GET", "/v3/hyperframes/renders").with_body(r#"{"data": [{"ren"#).expect(2).create();
    let list = |server: &mockito::Server, retries| {
        transport(server).get::<hyperframes_ci_core::api::RenderList>(
            &Pages::of_renders(None, 1).request().expect("a page"),
            retries,
            0,
        )
    };
    let error = list(&server, 1).expect_err("cut");
    assert!(error.is_transient(), "{error}");
    cut.assert();
    let page =
        server.mock("GET", "/v3/hyperframes/renders").with_body("<html>login</html>").expect(1).create();
    let error = list(&server, 5).expect_err("a page");
    assert!(!error.is_transient(), "{error}");
    page.assert();
}

/// A sign-in in a store, an API that takes the token `new` only, and a token endpoint.
fn signed_in(server: &mut mockito::Server, folder: &std::path::Path, is_expired: bool) -> Transport {
    let expires = if is_expired { "2001-01-01T00:00:00Z" } else { "2999-01-01T00:00:00Z" };
    let stored =
        format!(r#"{{"oauth":{{"access_token":"old","refresh_token":"r","expires_at":"{expires}"}}}}"#);
    std::fs::write(folder.join("credentials"), stored).expect("written");
    let folder = folder.display().to_string();
    let url = format!("{}/token", server.url());
    let variable = move |name: &str| match name {
        "HEYGEN_CONFIG_DIR" => Some(folder.clone()),
        "HYPERFRAMES_OAUTH_TOKEN_URL" => Some(url.clone()),
        _ => None,
    };
    let found = crate::heygen::auth::find(&variable).expect("usable").expect("a sign-in");
    let base = ApiBase::parse(&server.url()).expect("loopback");
    let transport =
        Transport::new(base, Some(found.credential), Provider::from_environment(&variable), IDLE_TIMEOUT);
    server
        .mock("GET", "/v3/users/me")
        .match_header("authorization", "Bearer new")
        .match_header("x-heygen-source", "cli")
        .with_body("{}")
        .create();
    transport
}

#[test]
fn a_sign_in_that_is_refused_is_refreshed_once() {
    let (mut server, folder) = (mockito::Server::new(), tempfile::tempdir().expect("a folder"));
    let transport = signed_in(&mut server, folder.path(), false);
    let refused =
        server.mock("GET", "/v3/users/me").match_header("authorization", "Bearer old").with_status(401);
    let refused = refused.expect(1).create();
    let tokens = server.mock("POST", "/token").with_body(r#"{"access_token":"new"}"#).expect(1).create();
    for _ in 0..2 {
        let answer =
            transport.send(&Request::account(), None, Deadline::NEVER, &mut |_| {}).expect("an answer");
        assert_eq!(answer.status, 200);
    }
    refused.assert();
    tokens.assert();
}

#[test]
fn a_sign_in_that_has_expired_is_refreshed_first() {
    let (mut server, folder) = (mockito::Server::new(), tempfile::tempdir().expect("a folder"));
    let transport = signed_in(&mut server, folder.path(), true);
    let tokens = server.mock("POST", "/token").with_body(r#"{"access_token":"new"}"#).expect(1).create();
    assert_eq!(
        transport.send(&Request::account(), None, Deadline::NEVER, &mut |_| {}).expect("an answer").status,
        200
    );
    tokens.assert();
}

#[test]
fn a_token_that_is_refused_again_is_not_refreshed_again() {
    let (mut server, folder) = (mockito::Server::new(), tempfile::tempdir().expect("a folder"));
    let transport = signed_in(&mut server, folder.path(), false);
    let refused = server.mock("GET", "/v3/users/me").with_status(401).expect(2).create();
    let tokens = server.mock("POST", "/token").with_body(r#"{"access_token":"newer"}"#).expect(1).create();
    assert_eq!(
        transport.send(&Request::account(), None, Deadline::NEVER, &mut |_| {}).expect("an answer").status,
        401
    );
    refused.assert();
    tokens.assert();
    // And one that the server does not want to refresh is refused as it is.
    server.mock("POST", "/token").with_status(400).with_body(r#"{"error":"invalid_grant"}"#).create();
    assert_eq!(
        transport.send(&Request::account(), None, Deadline::NEVER, &mut |_| {}).expect("an answer").status,
        401
    );
}

#[test]
fn unescaped_characters_of_a_download_are_escaped_and_nothing_else() {
    let mut server = mockito::Server::new();
    let mock = server.mock("GET", "/my%20v%C3%ADdeo%20a.mp4?sig=a%2Bb%3D&x=+'~|").create();
    let url = format!("{}/my v\u{ed}deo%20a.mp4?sig=a%2Bb%3D&x=+'~|", server.url());
    let answer = transport(&server).open(&url, 0, None, Deadline::NEVER).expect("an answer");
    assert_eq!(answer.status().as_u16(), 200);
    mock.assert();
}
