//! The cloud flow against the emulator with placeholder clips.

use crate::support::{Emulator, html, names, project, write};

#[test]
fn a_project_goes_in_and_a_video_comes_out() {
    let emulator = Emulator::placeholder(&["--complete-conflicts", "1", "--render-seconds", "1"]);
    let folder = project();
    let ran = emulator
        .run(folder.path(), &["render", "--json", "-o", "out/v.mp4", "--title", "T", "--fps", "24"])
        .ok();
    assert!(ran.stderr.is_empty(), "nothing but JSON: {}", ran.stderr);
    let result = ran.json();
    assert_eq!(result["render"]["status"], "completed");
    assert_eq!(result["render"]["title"], "T");
    assert_eq!(result["render"]["fps"], 24);
    assert_eq!(result["render"]["aspect_ratio"], "16:9", "detected from the composition");
    assert_eq!(result["output_path"], "out/v.mp4");
    let video = std::fs::read(folder.path().join("out/v.mp4")).unwrap();
    assert_eq!(&video[4..8], b"ftyp");
    assert_eq!(result["bytes_written"].as_u64().unwrap(), video.len() as u64);
    assert_eq!(names(&folder.path().join("out")), ["v.mp4"], "no temporary file is left");
    assert_eq!(emulator.created(), (1, 1));
    assert!(!ran.stdout.contains("Signature="), "presigned queries are not published: {}", ran.stdout);
}

#[test]
fn the_default_output_is_named_by_the_render() {
    let emulator = Emulator::placeholder(&[]);
    let folder = project();
    for (format, name) in [("webm", "webm"), ("mov", "mov"), ("mp4", "mp4")] {
        let ran = emulator.run(folder.path(), &["render", ".", "--json", "--format", format]).ok().json();
        let id = ran["render"]["render_id"].as_str().unwrap().to_owned();
        assert!(folder.path().join(format!("renders/{id}.{name}")).is_file());
    }
    // What was rendered is no part of the next archive.
    let ran = emulator.run(folder.path(), &["pack", "--json", "--list"]).ok().json();
    assert_eq!(ran["archive"]["file_count"], 1);
}

#[test]
fn no_wait_submits_and_get_brings_the_video_later() {
    let emulator = Emulator::placeholder(&[]);
    let folder = project();
    let ran = emulator.run(folder.path(), &["render", "--no-wait", "--json"]).ok().json();
    assert_eq!(ran["render"]["status"], "queued");
    let id = ran["render"]["render_id"].as_str().unwrap();
    assert!(!folder.path().join("renders").exists());
    emulator.run(folder.path(), &["get", id, "-o", "later.mp4"]).ok();
    assert!(folder.path().join("later.mp4").is_file());
}

#[test]
fn an_uploaded_archive_is_rendered_again_without_uploading() {
    let emulator = Emulator::placeholder(&[]);
    let folder = project();
    let first = emulator.run(folder.path(), &["render", "--json", "-o", "a.mp4"]).ok().json();
    let asset = first["asset_id"].as_str().unwrap();
    let elsewhere = tempfile::tempdir().unwrap();
    emulator
        .run(elsewhere.path(), &["render", "--asset-id", asset, "--variables", "{\"any\": 1}", "-o", "b.mp4"])
        .ok();
    assert!(elsewhere.path().join("b.mp4").is_file());
    assert_eq!(emulator.created(), (1, 2));
}

#[test]
fn without_direct_uploads_the_archive_goes_through_the_api() {
    let emulator = Emulator::placeholder(&["--no-direct-uploads"]);
    let folder = project();
    emulator.run(folder.path(), &["render", "-o", "v.mp4"]).ok();
    assert_eq!(emulator.created(), (1, 1));
    // What is uploaded already takes no route.
    write(folder.path(), "more.css", "b { color: red }");
    let refused = emulator.run(folder.path(), &["render", "-o", "v.mp4", "--upload", "direct", "--json"]);
    assert_eq!(refused.code, 1, "{refused:?}");
    emulator.run(folder.path(), &["render", "-o", "w.mp4", "--upload", "proxy"]).ok();
    assert_eq!(emulator.created(), (2, 2));
}

#[test]
fn an_inline_archive_takes_one_request_and_is_the_render_of_an_uploaded_one() {
    let emulator = Emulator::placeholder(&[]);
    let folder = project();
    let inline = ["render", "-o", "v.mp4", "--upload", "inline", "--json"];
    let first = emulator.run(folder.path(), &inline).ok().json();
    assert_eq!(first["asset_id"], serde_json::Value::Null);
    assert_eq!(std::fs::read(folder.path().join("v.mp4")).unwrap()[4..8], *b"ftyp");
    let requests = emulator.requests();
    let lines = requests.iter().map(|(method, path, _)| format!("{method} {path}")).collect::<Vec<_>>();
    let id = first["render"]["render_id"].as_str().unwrap();
    let (list, poll, video) =
        ("/v3/hyperframes/renders", format!("/v3/hyperframes/renders/{id}"), format!("/{id}.mp4"));
    assert_eq!(lines.first().unwrap(), &format!("GET {list}"));
    assert_eq!(lines.iter().filter(|line| line.starts_with("POST")).count(), 1, "{lines:?}");
    assert_eq!(lines[1], format!("POST {list}"));
    assert!(lines[2..].iter().all(|line| *line == format!("GET {poll}") || *line == format!("GET {video}")));
    // With an upload, without a ledger, and the other way round: the same render.
    std::fs::remove_file(emulator.ledger()).unwrap();
    let second = emulator.run(folder.path(), &["render", "-o", "v.mp4", "--json"]).ok().json();
    assert_eq!((&second["reused"], &second["key"]), (&true.into(), &first["key"]));
    assert_eq!(emulator.created(), (0, 1));
    write(folder.path(), "more.css", "b { color: red }");
    emulator.run(folder.path(), &["render", "-o", "v.mp4"]).ok();
    emulator.run(folder.path(), &inline).ok();
    assert_eq!(emulator.created(), (1, 2));
}

#[test]
fn an_archive_that_is_too_large_to_be_inline_is_refused_before_any_request() {
    let emulator = Emulator::placeholder(&[]);
    let folder = project();
    let mut state = 1_u64;
    let noise = std::iter::repeat_with(|| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        (state >> 56) as u8
    });
    let noise = noise.take(1_100_000).collect::<Vec<_>>();
    std::fs::write(folder.path().join("noise.bin"), noise).unwrap();
    write(folder.path(), "rows.jsonl", "{}\n");
    for flags in [
        &["-o", "v.mp4"][..],
        &["--batch", "rows.jsonl", "-o", "out/{index}.{ext}"],
        &["--dry-run", "--renderer", "cloud"],
    ] {
        let flags = [&["render", "--upload", "inline", "--json"], flags].concat();
        let ran = emulator.run(folder.path(), &flags);
        assert_eq!((ran.code, ran.error()["code"].as_str()), (5, Some("archive_too_large")), "{ran:?}");
        let hint = ran.error()["hint"].as_str().unwrap().to_owned();
        assert!(hint.contains("--upload auto"), "{hint}");
    }
    assert!(emulator.requests().is_empty(), "{:?}", emulator.requests());
    // Without a renderer, a dry run cannot know that; it says so.
    let ran =
        emulator.run(folder.path(), &["render", "--upload", "inline", "--dry-run", "--json"]).ok().json();
    let archive = &ran["archive"];
    assert_eq!(
        (&archive["upload_limit_bytes"], &archive["exceeds_upload_limit"]),
        (&1_048_576.into(), &true.into())
    );
    let ran = emulator.run(folder.path(), &["render", "--upload", "inline", "--dry-run"]).ok();
    assert!(ran.stderr.contains("the archive exceeds the upload limit of 1.0 MB"), "{ran:?}");
}

#[test]
fn the_base_body_is_overridden_by_flags() {
    let emulator = Emulator::placeholder(&[]);
    let folder = project();
    write(
        folder.path(),
        "body.json",
        r#"{"fps": 50, "title": "base", "quality": "high", "future_option": 1}"#,
    );
    let ran = emulator
        .run(folder.path(), &["render", "-d", "body.json", "--fps", "25", "--json", "-o", "v.mp4"])
        .ok()
        .json();
    assert_eq!(ran["render"]["fps"], 25);
    assert_eq!(ran["render"]["title"], "base");
    assert_eq!(ran["render"]["quality"], "high");
}

#[test]
fn variables_are_checked_against_the_chosen_composition() {
    let emulator = Emulator::placeholder(&[]);
    let folder = project();
    let other = html(720, 720, "").replace("title", "headline");
    write(folder.path(), "compositions/other.html", &other);
    let render = |arguments: &[&str]| {
        let common =
            ["render", "--json", "-o", "v.mp4", "--strict-variables", "--variables", r#"{"headline": "x"}"#];
        emulator.run(folder.path(), &[&common, arguments].concat())
    };
    let refused = render(&[]);
    assert_eq!((refused.code, refused.error()["code"].as_str()), (5, Some("preflight_failed")));
    assert_eq!(refused.error()["diagnostics"][0]["code"], "undeclared-variable");
    assert_eq!(emulator.created(), (0, 0), "nothing was uploaded");
    let ran = render(&["--composition", "./compositions/other.html"]).ok().json();
    assert_eq!(ran["render"]["composition"], "compositions/other.html");
    assert_eq!(ran["render"]["aspect_ratio"], "1:1");
}

#[test]
fn without_strictness_a_mismatch_is_a_warning() {
    let emulator = Emulator::placeholder(&[]);
    let folder = project();
    let ran = emulator.run(folder.path(), &["render", "-o", "v.mp4", "--variables", r#"{"titel": 1}"#]).ok();
    assert!(ran.stderr.contains("warning[undeclared-variable]"), "{}", ran.stderr);
    assert!(ran.stderr.contains("did you mean \"title\"?"), "{}", ran.stderr);
}

#[test]
fn a_dry_run_needs_no_credential_and_uploads_nothing() {
    let folder = project();
    let ran =
        crate::support::run_in(folder.path(), &["render", "--dry-run", "--json", "--fps", "24"]).ok().json();
    assert_eq!(ran["archive"]["file_count"], 1);
    assert_eq!(ran["archive"]["exceeds_upload_limit"], false);
    assert_eq!(ran["archive"]["digest"].as_str().unwrap().len(), 64);
    assert_eq!(ran["request"]["aspect_ratio"], "16:9");
}

#[test]
fn an_unsupported_ratio_is_told_and_left_out() {
    let emulator = Emulator::placeholder(&[]);
    let folder = project();
    write(folder.path(), "index.html", &html(1080, 1350, ""));
    let ran = emulator.run(folder.path(), &["render", "--json", "-o", "v.mp4"]).ok().json();
    assert!(ran["render"]["aspect_ratio"].is_null());
    assert_eq!(ran["diagnostics"][0]["code"], "aspect-ratio-unsupported");
}

#[test]
fn a_log_has_one_line_for_each_change() {
    let emulator = Emulator::placeholder(&["--render-seconds", "2"]);
    let folder = project();
    let log = emulator.run(folder.path(), &["render", "-o", "v.mp4"]).ok().stderr;
    assert!(!log.contains('\r') && !log.contains('\u{1b}'), "{log:?}");
    let changes =
        log.lines().filter(|line| line.contains("s] ")).map(|line| line.split("] ").nth(1).unwrap());
    let changes = changes.collect::<Vec<_>>();
    let mut distinct = changes.clone();
    distinct.dedup();
    assert_eq!(changes, distinct, "{log}");
    assert!(changes.contains(&"rendering"), "{log}");
}
