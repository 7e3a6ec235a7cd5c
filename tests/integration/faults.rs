//! The flow under faults that the emulator plays.

use crate::support::{Emulator, names, project};

const RENDER: [&str; 4] = ["render", "--json", "-o", "v.mp4"];

#[test]
fn transient_faults_cost_nothing_twice() {
    for (step, fault) in [
        ("create_upload", r#"{"status": 503}"#),
        ("create_upload", r#""drop_after""#),
        ("put", r#"{"status": 500}"#),
        ("put", r#""drop_before""#),
        ("put", r#""drop_after""#),
        ("complete", r#"{"status": 409}"#),
        ("complete", r#""drop_after""#),
        ("submit", r#"{"status": 429, "retry_after": "0"}"#),
        ("submit", r#""drop_before""#),
        ("submit", r#""drop_after""#),
        ("submit", r#"{"truncate": 10}"#),
        ("poll", r#""drop_before""#),
        ("poll", r#""html""#),
        ("poll", r#"{"truncate": 20}"#),
        ("poll", r#"{"status": 502, "body": "<html>bad gateway</html>", "content_type": "text/html"}"#),
        ("download", r#""expire""#),
        ("download", r#""html""#),
        ("download", r#""drop_before""#),
        ("download", r#"{"truncate": 1000}"#),
        ("download", r#"{"delay_ms": 50}"#),
    ] {
        let emulator = Emulator::placeholder(&[]);
        emulator.script(&format!(r#"{{"rules": [{{"on": "{step}", "do": {fault}}}]}}"#));
        let folder = project();
        let ran = emulator.run(folder.path(), &RENDER);
        assert_eq!(ran.code, 0, "{step} {fault}: {ran:?}");
        assert_eq!(emulator.created(), (1, 1), "{step} {fault}");
        assert_eq!(names(folder.path()), [".git", "index.html", "v.mp4"], "{step} {fault}");
    }
}

#[test]
fn transient_faults_of_an_inline_submission_cost_nothing_twice() {
    for fault in [
        r#"{"status": 429, "retry_after": "0"}"#,
        r#"{"status": 503}"#,
        r#""drop_before""#,
        r#""drop_after""#,
        r#"{"truncate": 10}"#,
    ] {
        let emulator = Emulator::placeholder(&[]);
        emulator.script(&format!(r#"{{"rules": [{{"on": "submit", "do": {fault}}}]}}"#));
        let folder = project();
        let ran = emulator.run(folder.path(), &[&RENDER[..], &["--upload", "inline"]].concat());
        assert_eq!(ran.code, 0, "{fault}: {ran:?}");
        assert_eq!(emulator.created(), (0, 1), "{fault}");
        assert_eq!(names(folder.path()), [".git", "index.html", "v.mp4"], "{fault}");
    }
    // A refusal for good names the way that needs less of one request.
    for status in [400, 413] {
        let emulator = Emulator::placeholder(&[]);
        let rule = format!(r#"{{"rules": [{{"on": "submit", "do": {{"status": {status}}}}}]}}"#);
        emulator.script(&rule);
        let folder = project();
        let ran = emulator.run(folder.path(), &["render", "-o", "v.mp4", "--upload", "inline"]);
        assert_eq!(ran.code, 1, "{ran:?}");
        assert!(ran.stderr.contains("use --upload auto to upload it before the submission"), "{ran:?}");
        assert_eq!(emulator.created(), (0, 0));
    }
}

#[test]
fn permanent_faults_end_with_their_code_and_no_file() {
    for (step, status, exit, code) in [
        ("create_upload", 401, 3, "scripted_401"),
        ("create_upload", 413, 1, "scripted_413"),
        ("put", 403, 1, "upload_refused"),
        ("complete", 422, 1, "scripted_422"),
        ("submit", 402, 1, "scripted_402"),
        ("submit", 403, 3, "scripted_403"),
        ("poll", 401, 3, "scripted_401"),
        ("download", 400, 1, "download_failed"),
    ] {
        let emulator = Emulator::placeholder(&[]);
        emulator.script(&format!(
            r#"{{"rules": [{{"on": "{step}", "times": 99, "do": {{"status": {status}}}}}]}}"#
        ));
        let folder = project();
        let ran = emulator.run(folder.path(), &RENDER);
        assert_eq!((ran.code, ran.error()["code"].as_str()), (exit, Some(code)), "{step} {status}: {ran:?}");
        assert_eq!(names(folder.path()), [".git", "index.html"], "{step} {status}");
        let requests = emulator.stats()["requests"].as_array().unwrap().clone();
        let refused = requests.iter().filter(|request| request[2] == status).count();
        // At the storage 403 is what an expired URL gives: a fresh one is asked for, once.
        let expected = if (step, status) == ("put", 403) { 2 } else { 1 };
        assert_eq!(refused, expected, "{step} {status} is not repeated");
    }
}

#[test]
fn the_retries_are_as_many_as_the_user_allows() {
    let emulator = Emulator::placeholder(&[]);
    emulator.script(r#"{"rules": [{"on": "submit", "times": 99, "do": {"status": 503}}]}"#);
    let folder = project();
    let output =
        emulator.command().args(RENDER).env("HEYGEN_MAX_RETRIES", "1").current_dir(folder.path()).output();
    let ran = crate::support::Ran::from(output.unwrap());
    assert_eq!((ran.code, ran.error()["code"].as_str()), (1, Some("scripted_503")));
    let requests = emulator.stats()["requests"].as_array().unwrap().clone();
    assert_eq!(requests.iter().filter(|request| request[2] == 503).count(), 2);
}

#[test]
fn a_timeout_tells_how_to_go_on() {
    let emulator = Emulator::placeholder(&["--render-seconds", "4"]);
    let folder = project();
    let ran = emulator.run(folder.path(), &["render", "--json", "-o", "v.mp4", "--max-wait", "0.01"]);
    assert_eq!((ran.code, ran.error()["code"].as_str()), (4, Some("timeout")), "{ran:?}");
    let hint = ran.error()["hint"].as_str().unwrap().to_owned();
    let resume = hint.split('`').nth(1).unwrap().strip_prefix("hyperframes-ci ").unwrap();
    let id = ran.error()["render_id"].as_str().unwrap().to_owned();
    assert_eq!(ran.json()["render"]["render_id"], id.as_str(), "the last known state is on standard output");
    emulator.run(folder.path(), &resume.split(' ').collect::<Vec<_>>()).ok();
    assert!(folder.path().join(format!("renders/{id}.mp4")).is_file());
    assert_eq!(emulator.created(), (1, 1));
}

#[test]
fn a_target_that_fills_up_leaves_nothing() {
    // A folder that cannot be written is found out before anything is uploaded.
    let emulator = Emulator::placeholder(&[]);
    let folder = project();
    let ran = emulator.run(folder.path(), &["render", "--json", "-o", "/proc/nowhere/v.mp4"]);
    assert_eq!((ran.code, ran.error()["code"].as_str()), (2, Some("output_not_writable")), "{ran:?}");
    assert_eq!(emulator.created(), (0, 0));
}

#[test]
fn a_server_that_is_not_there_is_tried_and_named() {
    let folder = project();
    for (url, message) in [
        ("http://127.0.0.1:1", "127.0.0.1:1: Connection refused"),
        ("https://api.unknown.invalid", "api.unknown.invalid: failed to lookup address"),
    ] {
        let mut command = crate::support::command();
        command.args(["render", "-o", "v.mp4", "--no-reuse"]).current_dir(folder.path());
        command.env("HEYGEN_API_URL", url).env("HEYGEN_API_KEY", "k").env("HEYGEN_MAX_RETRIES", "2");
        let ran = crate::support::Ran::of(&mut command);
        assert_eq!(ran.code, 1, "{ran:?}");
        assert_eq!(ran.stderr.matches("retrying ").count(), 2, "{ran:?}");
        assert!(ran.stderr.contains("(attempt 3 of 3, 60 min left)"), "{ran:?}");
        assert!(ran.stderr.matches(message).count() == 3, "{ran:?}");
    }
}
