//! Bad input gets a clear error and the right exit code; nothing is left, nothing is uploaded.

use crate::support::{Emulator, KEY, html, names, project, run_in, write};

/// Arguments, exit code, code, and a part of the message.
type Case = (&'static [&'static str], i32, &'static str, &'static str);

const CASES: &[Case] = &[
    (&["render", "nowhere"], 2, "project_not_found", "directory not found: nowhere"),
    (&["render", "index.html"], 2, "project_not_found", "is a file"),
    (&["render", "empty"], 5, "preflight_failed", ""),
    (&["render", "-c", "missing.html"], 5, "preflight_failed", ""),
    (&["render", "-c", "drafts/a.html"], 5, "preflight_failed", ""),
    (&["render", "-c", "../other/index.html"], 5, "preflight_failed", ""),
    (&["render", "--variables", "{\"a\": }"], 2, "invalid_json", "the value:1:7"),
    (&["render", "--variables", "[1]"], 2, "invalid_json", "must be a JSON object, not an array"),
    (&["render", "--variables-file", "bad.json"], 2, "invalid_json", "bad.json:3:3"),
    (&["render", "--variables-file", "none.json"], 2, "input_unreadable", "cannot read none.json"),
    (&["render", "--variables", "{}", "--variables-file", "x"], 2, "usage", "cannot be used with"),
    (&["render", "--fps", "0"], 2, "usage", "whole number from 1 to 240"),
    (&["render", "--fps", "241"], 2, "usage", "whole number from 1 to 240"),
    (&["render", "--fps", "30abc"], 2, "usage", "whole number from 1 to 240"),
    (&["render", "--quality", "best"], 2, "usage", "draft, standard, high"),
    (&["render", "--format", "avi"], 2, "usage", "mp4, webm, mov"),
    (&["render", "--format", "gif"], 2, "usage", "the cloud renderer does not support format gif"),
    (&["render", "--resolution", "8k"], 2, "usage", "1080p, 4k"),
    (&["render", "--aspect-ratio", "4:5"], 2, "usage", "16:9, 9:16, 1:1"),
    (&["render", "--aspect-ratio", "1:1"], 5, "preflight_failed", ""),
    (&["render", "--resolution", "4k", "--format", "webm"], 2, "usage", "4k cannot be combined"),
    (&["render", "--resolution", "4k", "-d", "{\"format\": \"mov\"}"], 2, "usage", "4k cannot be combined"),
    (&["render", "-d", "{\"fps\": 0}"], 2, "usage", "fps: expected a whole number from 1 to 240"),
    (
        &["render", "-d", "{\"quality\": \"best\"}"],
        2,
        "usage",
        "--data: quality: unknown value \"best\", expected one of",
    ),
    (
        &["render", "-d", "{\"project\": {\"type\": \"url\", \"url\": \"https://x.example\"}}", "."],
        2,
        "usage",
        "the project is set both",
    ),
    (
        &["render", "-d", "{\"fps\": \"x\"}"],
        2,
        "usage",
        "expected a whole number from 1 to 240 or a fraction such as",
    ),
    (&["render", "--max-wait", "-1"], 2, "usage", "must be a number of 0.0001 or more"),
    (&["check", "--explain", "asset"], 2, "usage", "did you mean missing-asset?"),
    (&["check", "--deny", "zzzzzzzz"], 2, "usage", "docs/checks.md for the codes"),
    (&["render", "--idempotency-key", "a b"], 2, "usage", "1 to 255 characters"),
    (&["render", "--callback-url", "http://hooks.example"], 2, "usage", "https://"),
    (&["render", ".", "--asset-id", "a"], 2, "usage", "cannot be used with"),
    (&["render", "--asset-id", "a", "--url", "https://x.example/p.zip"], 2, "usage", "cannot be used with"),
    (&["render", "--asset-id", "a", "--dry-run"], 2, "usage", "--dry-run requires a project directory"),
    (&["render", "--url", "http://x.example/p.zip"], 2, "usage", "https://"),
    (&["render", "--poll-interval", "10abc"], 2, "usage", "must be a number of 1 or more"),
    (&["render", "-o", "empty"], 2, "output_not_writable", "is a directory"),
    (&["render", "-o", "index.html/v.mp4"], 2, "output_not_writable", "cannot write to"),
    (&["render", "--upload", "pigeon"], 2, "usage", "auto, direct, proxy, inline"),
    (
        &["render", "--renderer", "local", "--no-wait"],
        2,
        "usage",
        "the local renderer does not support --no-wait",
    ),
    (&["render", "--emulator", "--no-wait"], 2, "usage", "cannot be used with"),
    (&["list", "--limit", "101"], 2, "usage", "whole number from 1 to 100"),
    (&["delete", "hfr_1"], 2, "usage", "not running in an interactive terminal"),
    (&["get", "hfr_nothing"], 1, "hyperframes_render_not_found", "no render with this ID in this account"),
    (
        &["delete", "hfr_nothing", "--force"],
        1,
        "hyperframes_render_not_found",
        "no render with this ID in this account",
    ),
    (&["lunch"], 2, "usage", "unrecognized subcommand"),
];

#[test]
fn every_case_is_refused_before_anything_is_uploaded() {
    let emulator = Emulator::placeholder(&[]);
    let folder = project();
    write(folder.path(), "drafts/a.html", &html(1280, 720, ""));
    write(folder.path(), ".hyperframesignore", "drafts/\n");
    write(folder.path(), "bad.json", "{\n  \"a\": 1\n  \"b\": 2\n}");
    std::fs::create_dir(folder.path().join("empty")).unwrap();
    let before = names(folder.path());
    for (arguments, exit, code, message) in CASES {
        let ran = emulator.run(folder.path(), &[arguments, &["--json"][..]].concat());
        assert_eq!(ran.code, *exit, "{arguments:?}: {ran:?}");
        assert!(ran.stdout.is_empty(), "{arguments:?}: {ran:?}");
        let error = ran.error();
        assert_eq!(error["code"], *code, "{arguments:?}: {ran:?}");
        assert!(error["message"].as_str().unwrap().contains(message), "{arguments:?}: {ran:?}");
        // For people: the same exit code, and no JSON.
        let told = emulator.run(folder.path(), arguments);
        assert_eq!(told.code, *exit, "{arguments:?}");
        assert!(told.stderr.contains("error"), "{arguments:?}: {told:?}");
        assert_eq!(names(folder.path()), before, "{arguments:?} left something");
    }
    assert_eq!(emulator.created(), (0, 0));
    assert_eq!(emulator.stats()["bytes_uploaded"], 0);
}

#[test]
fn an_ignored_composition_names_the_rule() {
    let folder = project();
    write(folder.path(), "drafts/a.html", &html(1280, 720, ""));
    write(folder.path(), ".hyperframesignore", "# old\ndrafts/\n");
    let ran = run_in(folder.path(), &["render", "--dry-run", "-c", "drafts/a.html", "--json"]);
    let found = ran.error()["diagnostics"][0].clone();
    assert_eq!(found["code"], "composition-ignored");
    assert!(
        found["message"].as_str().unwrap().contains("line 2 of .hyperframesignore (`drafts/`)"),
        "{found}"
    );
}

#[cfg(unix)]
#[test]
fn a_file_that_cannot_be_read_is_named() {
    use std::os::unix::fs::PermissionsExt;
    let folder = project();
    write(folder.path(), "locked.bin", "x");
    let path = folder.path().join("locked.bin");
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o000)).unwrap();
    let ran = run_in(folder.path(), &["pack", "--json"]);
    // Root reads everything; the message is checked where the system refuses.
    if std::fs::read(&path).is_err() {
        assert_eq!((ran.code, ran.error()["code"].as_str()), (1, Some("file_unreadable")));
        assert!(ran.error()["message"].as_str().unwrap().contains("locked.bin"));
    } else {
        ran.ok();
    }
}

#[test]
fn credentials_that_cannot_be_used_are_refused_without_repeating_them() {
    let emulator = Emulator::placeholder(&[]);
    let folder = project();
    let with = |key: &str| {
        let mut command = emulator.command();
        let output =
            command.args(["list", "--json"]).env("HEYGEN_API_KEY", key).current_dir(folder.path()).output();
        crate::support::Ran::from(output.unwrap())
    };
    let broken = with(&format!("{KEY}\nx: y"));
    assert_eq!((broken.code, broken.error()["code"].as_str()), (3, Some("invalid_credential")));
    let wrong = with("sk_wrong");
    assert_eq!((wrong.code, wrong.error()["code"].as_str()), (3, Some("authentication_failed")));
    assert!(wrong.error()["request_id"].as_str().is_some_and(|id| id.starts_with("req_")), "{wrong:?}");
    let none = with("");
    assert_eq!((none.code, none.error()["code"].as_str()), (3, Some("not_authenticated")));
    for ran in [broken, wrong] {
        assert!(!ran.stderr.contains(KEY) && !ran.stderr.contains("sk_wrong"), "{ran:?}");
    }
}

#[test]
fn a_base_url_that_would_leak_the_key_is_refused() {
    let folder = project();
    for url in ["http://api.heygen.com", "ftp://x", "nonsense"] {
        let mut command = crate::support::command();
        command.env("HEYGEN_API_KEY", KEY).env("HEYGEN_API_URL", url).args(["list", "--json"]);
        let ran = crate::support::Ran::of(command.current_dir(folder.path()));
        assert_eq!((ran.code, ran.error()["code"].as_str()), (2, Some("invalid_api_url")), "{url}");
    }
}

#[test]
fn a_file_that_grows_while_it_is_packed_is_noticed() {
    let folder = project();
    let path = folder.path().join("growing.log");
    // Large enough that packing takes longer than the writer's pause.
    std::fs::write(&path, vec![b'x'; 24 * 1024 * 1024]).unwrap();
    let stop = std::sync::atomic::AtomicBool::new(false);
    let ran = std::thread::scope(|scope| {
        scope.spawn(|| {
            use std::io::Write;
            let mut file = std::fs::File::options().append(true).open(&path).unwrap();
            while !stop.load(std::sync::atomic::Ordering::SeqCst) {
                file.write_all(b"more").unwrap();
                std::thread::sleep(std::time::Duration::from_millis(1));
            }
        });
        let ran = run_in(folder.path(), &["pack", "--json", "-o", "p.zip"]);
        stop.store(true, std::sync::atomic::Ordering::SeqCst);
        ran
    });
    assert_eq!((ran.code, ran.error()["code"].as_str()), (1, Some("file_changed")), "{ran:?}");
    assert!(ran.error()["message"].as_str().unwrap().contains("growing.log"));
    assert!(!folder.path().join("p.zip").exists());
}

#[test]
fn a_timeout_about_an_unknown_render_does_not_call_it_running() {
    let emulator = Emulator::placeholder(&[]);
    let folder = project();
    let mut command = emulator.command();
    command.args(["get", "hfr_nothing", "--wait", "--max-wait", "0.01", "--json"]);
    command.current_dir(folder.path()).env("HYPERFRAMES_CI_GONE_GRACE", "30");
    let ran = crate::support::Ran::of(&mut command);
    let error = ran.error();
    assert_eq!((ran.code, error["code"].as_str()), (4, Some("timeout")), "{ran:?}");
    let expected = "timed out after 1 s; the API does not know a render with this ID";
    assert!(error["message"].as_str().unwrap().starts_with(expected), "{error}");
    assert_eq!(error["hint"], "run `hyperframes-ci list` to list the renders of this account");
}

#[test]
fn help_names_only_what_the_command_has() {
    let help = |folder: &std::path::Path, arguments: &[&str]| {
        let hint = run_in(folder, &[arguments, &["--json"]].concat()).error()["hint"].clone();
        hint.as_str().unwrap_or_default().to_owned()
    };
    let folder = project();
    let missing = help(folder.path(), &["list"]);
    assert!(missing.contains("`hyperframes-ci render --renderer local` requires no account"), "{missing}");
    let data = help(folder.path(), &["render", "--data", "{bad"]);
    assert!(data.contains("the body of a render request"), "{data}");
    let wait = help(folder.path(), &["render", "--renderer", "local", "--no-wait"]);
    assert!(wait.contains("--renderer cloud") && !wait.contains("HEYGEN_API_KEY"), "{wait}");
}

#[test]
fn a_file_in_place_of_a_project_is_not_searched_for_a_configuration() {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), "index.html", &html(1280, 720, ""));
    let error = run_in(folder.path(), &["render", "index.html", "--dry-run", "--json"]).error();
    assert_eq!(error["code"], "project_not_found");
    assert!(error["message"].as_str().unwrap().contains("is a file"), "{error}");
}

#[test]
fn rows_are_described_in_whole_sentences() {
    let folder = project();
    for (rows, expected) in [
        ("", "e.csv:1: the file has no header"),
        ("a,b\nx\n", "e.csv:2: the row has 1 field, but the header has 2"),
    ] {
        write(folder.path(), "e.csv", rows);
        let error = run_in(folder.path(), &["render", "--batch", "e.csv", "--dry-run", "--json"]).error();
        assert!(error["message"].as_str().unwrap().contains(expected), "{error}");
    }
}
