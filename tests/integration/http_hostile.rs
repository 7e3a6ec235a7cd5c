//! Endpoints that misbehave: they repeat the token, forget what they have accepted, or forget the types of their answers.

use std::fs;

use serde_json::json;

use crate::http::{CLIP, Seen, Server, TOKEN, failed, http, json_answer, run, video};
use crate::support::{Ran, command, project};

/// What a server makes of a request, of its own address and of the number of earlier requests.
type Answer = fn(&Seen, &str, usize) -> Vec<u8>;

#[test]
fn a_token_is_shown_nowhere_whatever_repeats_it() {
    let answers: [(Answer, &str); 4] = [
        // A redirect, a link, a reason, and a status.
        (|_, _, _| http("302 Found", &format!("location: /{TOKEN}\r\n"), b""), "redirects to"),
        (
            |_, own, nth| match nth {
                0 => json_answer("200 OK", &json!({ "url": format!("{own}/{TOKEN}.mp4") })),
                _ => http("404 Not Found", "", b""),
            },
            "the video is still at",
        ),
        (|_, _, _| json_answer("200 OK", &json!({ "status": "failed", "error": TOKEN })), "failed to render"),
        (
            |_, _, nth| match nth {
                0 => http("202 Accepted", "location: /jobs/1\r\n", b""),
                1 => json_answer("200 OK", &json!({ "status": TOKEN.to_ascii_uppercase() })),
                2 => json_answer("200 OK", &json!({ "status": TOKEN })),
                _ => json_answer("200 OK", &json!({ "status": "failed" })),
            },
            "no reason",
        ),
    ];
    for (answer, part) in answers {
        let server = Server::start(answer);
        let (_, _, message) = failed(&server.url, "files");
        assert!(message.contains(part), "{message}");
    }
}

#[test]
fn a_token_with_capitals_is_hidden_in_a_status() {
    let token = "Endpoint-TopSecret-0123456789";
    let server = Server::start(move |_, _, nth| match nth {
        0 => http("202 Accepted", "location: /jobs/1\r\n", b""),
        1 => json_answer("200 OK", &json!({ "status": token })),
        _ => video(),
    });
    let folder = project();
    let mut command = command();
    command.args(["render", "--renderer", "http", "--http-endpoint", &server.url, "-o", "v.mp4"]);
    command.env("HYPERFRAMES_CI_HTTP_TOKEN_127_0_0_1", token).current_dir(folder.path());
    let ran = Ran::from(command.output().unwrap()).ok();
    let shown = format!("{}{}", ran.stdout, ran.stderr).to_ascii_lowercase();
    assert!(shown.contains("***"), "{shown}");
    assert!(!shown.contains(&token.to_ascii_lowercase()), "{shown}");
}

#[test]
fn what_was_accepted_may_have_been_rendered() {
    let server = Server::start(|_, _, nth| match nth {
        0 => http("202 Accepted", "location: jobs/1\r\nretry-after: 86400\r\n", b""),
        _ => json_answer("404 Not Found", &json!({ "error": "no such job" })),
    });
    let (code, name, message) = failed(&server.url, "files");
    assert_eq!((code, name.as_str()), (1, "endpoint_failed"));
    assert!(message.contains("HTTP 404: no such job") && message.contains("may have rendered"), "{message}");
    // A relative link, and a pause of a day, which is a minute at most and shortened here.
    assert_eq!(server.lines()[1], "GET /jobs/1");
}

#[test]
fn an_endpoint_that_refuses_until_the_end_has_not_begun() {
    let server = Server::start(|_, _, _| http("429 Too Many Requests", "retry-after: 9999\r\n", b""));
    let ran = run(project().path(), &server.url, "files", &["--max-wait", "0.005"]);
    let message = ran.error()["message"].as_str().unwrap().to_owned();
    assert_eq!(ran.code, 4, "{ran:?}");
    assert!(message.contains("responded with HTTP 429") && !message.contains("may still be"), "{message}");
}

#[test]
fn json_is_recognised_without_its_type() {
    let server = Server::start(|_, own, nth| match nth {
        0 => http("200 OK", "", json!({ "url": format!("{own}/v.mp4") }).to_string().as_bytes()),
        _ => http("200 OK", "", CLIP),
    });
    let folder = project();
    run(folder.path(), &server.url, "files", &[]).ok();
    assert_eq!(fs::read(folder.path().join("v.mp4")).unwrap(), CLIP);
    // A video without its type.
    let server = Server::start(|_, _, _| http("200 OK", "", CLIP));
    run(folder.path(), &server.url, "files", &[]).ok();
    // A type of JSON that names what is in it.
    let server = Server::start(|_, _, _| {
        http(
            "200 OK",
            "content-type: application/problem+json\r\n",
            b"{\"status\": \"failed\", \"error\": \"no font\"}",
        )
    });
    let (_, name, message) = failed(&server.url, "files");
    assert!(name == "render_failed" && message.contains("no font"), "{message}");
}
