//! The key goes to the API and nowhere else.

use crate::support::{Emulator, KEY, Ran, command, listener, project};

fn http(status: &str, headers: &str, body: &str) -> String {
    format!("HTTP/1.1 {status}\r\ncontent-length: {}\r\nconnection: close\r\n{headers}\r\n{body}", body.len())
}

#[test]
fn the_key_is_in_no_output_and_no_file() {
    let emulator = Emulator::placeholder(&[]);
    let folder = project();
    let render = |flags: &[&str]| emulator.run(folder.path(), &[&["render", "-o", "v.mp4"], flags].concat());
    for ran in [
        render(&[]),
        render(&["--json"]),
        emulator.run(folder.path(), &["get", KEY]),
        emulator.run(folder.path(), &["list"]),
    ] {
        // `get KEY` names the key as a render id: even then only the API hears it, and its answer is shown.
        assert!(!ran.stdout.contains(KEY) && !ran.stderr.contains(KEY), "{ran:?}");
    }
    for entry in std::fs::read_dir(folder.path()).unwrap() {
        let path = entry.unwrap().path();
        if path.is_file() {
            let bytes = std::fs::read(&path).unwrap();
            assert!(!bytes.windows(KEY.len()).any(|window| window == KEY.as_bytes()), "{}", path.display());
        }
    }
}

#[test]
fn neither_storage_nor_redirects_get_the_key() {
    let (storage, at_storage) = listener(|head, _| {
        if head.starts_with("PUT") {
            http("200 OK", "", "")
        } else {
            http("200 OK", "content-type: video/mp4\r\n", "\0\0\0\u{10}ftypmp42\0\0\0\0\0\0\0\u{8}moov")
        }
    });
    let (elsewhere, at_elsewhere) = listener(|_, _| http("200 OK", "", "{}"));
    let (api, at_api) = listener(move |head, _| {
        let json = |body: String| http("200 OK", "content-type: application/json\r\n", &body);
        if head.contains("/direct-uploads") {
            json(format!(
                r#"{{"data":{{"asset_id":"a","upload_url":"{storage}/up?sig=1","upload_headers":{{}}}}}}"#
            ))
        } else if head.contains("/complete") {
            json(r#"{"data":{"asset_id":"a"}}"#.to_owned())
        } else if head.starts_with("POST /v3/hyperframes/renders") {
            json(r#"{"data":{"render_id":"r1"}}"#.to_owned())
        } else if head.contains("/renders/redirect") {
            http("307 Temporary Redirect", &format!("location: {elsewhere}/steal\r\n"), "")
        } else {
            json(format!(
                r#"{{"data":{{"render_id":"r1","status":"completed","format":"mp4","video_url":"{storage}/v?sig=1"}}}}"#
            ))
        }
    });
    let folder = project();
    let run = |arguments: &[&str]| {
        let mut command = command();
        command
            .env("HEYGEN_API_URL", &api)
            .env("HEYGEN_API_KEY", KEY)
            .args(arguments)
            .current_dir(folder.path());
        Ran::of(&mut command)
    };
    run(&["render", "-o", "v.mp4"]).ok();
    let redirected = run(&["get", "redirect", "--json"]);
    assert_eq!(redirected.code, 1, "{redirected:?}");
    assert!(redirected.error()["message"].as_str().unwrap().contains("redirects"), "{redirected:?}");
    assert!(at_api.lock().unwrap().iter().all(|head| head.contains(KEY)), "the API gets it with every call");
    let at_storage = at_storage.lock().unwrap();
    assert_eq!(at_storage.len(), 2, "one upload and one download");
    for head in at_storage.iter() {
        let lower = head.to_ascii_lowercase();
        assert!(
            !lower.contains("x-api-key") && !lower.contains("authorization") && !head.contains(KEY),
            "{head}"
        );
    }
    assert!(at_elsewhere.lock().unwrap().is_empty(), "the redirect is not followed");
}

#[test]
fn hostile_text_from_the_server_commands_nothing() {
    let (api, _) = listener(|_, _| {
        let body = "{\"error\":{\"code\":\"x\",\"message\":\"a\\n::set-output name=x::y\\r\\u001b[2J\"}}";
        http("400 Bad Request", "", body)
    });
    let folder = project();
    let mut command = command();
    command
        .env("HEYGEN_API_URL", &api)
        .env("HEYGEN_API_KEY", KEY)
        .args(["get", "r1"])
        .current_dir(folder.path());
    let ran = Ran::of(&mut command);
    assert!(ran.stderr.lines().all(|line| !line.trim_start().starts_with("::")), "{ran:?}");
    assert!(!ran.stderr.contains('\u{1b}') && !ran.stderr.contains('\r'), "{ran:?}");
}

#[test]
fn a_key_that_the_server_echoes_is_masked() {
    let (api, _) = listener(|_, _| {
        let body = format!(r#"{{"error":{{"code":"bad","message":"x-api-key: {KEY} was sent"}}}}"#);
        http("400 Bad Request", &format!("x-request-id: {KEY}\r\n"), &body)
    });
    let folder = project();
    for flags in [&["get", "r1"][..], &["get", "r1", "--json"], &["list", "--json"], &["render"]] {
        let mut command = command();
        command.env("HEYGEN_API_URL", &api).env("HEYGEN_API_KEY", KEY).args(flags);
        let ran = Ran::of(command.current_dir(folder.path()));
        assert!(ran.stderr.contains("x-api-key: *** was sent"), "{ran:?}");
        assert!(!ran.stdout.contains(KEY) && !ran.stderr.contains(KEY), "{ran:?}");
    }
}
