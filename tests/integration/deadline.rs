//! `--max-wait` is a promise: whatever does not answer, the command ends in time and says how to resume.

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use serde_json::json;

use crate::support::{Emulator, KEY, Ran, command, project, write};

const VIDEO: &[u8] = include_bytes!("../../src/emulator/clips/placeholder.mp4");

/// What the tests give a command, in minutes and as a duration.
const MINUTES: &str = "0.05";
const LIMIT: Duration = Duration::from_secs(3);

/// What a command may take beyond its limit: two seconds, and its own work on a busy machine.
const TOLERANCE: Duration = Duration::from_secs(4);

/// An API whose answers to the requests of one step, or of none, come at one byte a second.
fn slow_api(step: &'static str) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let base = url.clone();
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let base = base.clone();
            std::thread::spawn(move || serve(&stream, &base, step));
        }
    });
    url
}

fn serve(stream: &TcpStream, base: &str, slow: &str) {
    let mut reader = BufReader::new(stream);
    loop {
        let (mut line, mut length) = (String::new(), 0);
        if reader.read_line(&mut line).unwrap_or_default() == 0 {
            return;
        }
        loop {
            let mut header = String::new();
            reader.read_line(&mut header).unwrap();
            if header.trim().is_empty() {
                break;
            }
            if let Some(value) = header.to_ascii_lowercase().strip_prefix("content-length:") {
                length = value.trim().parse::<u64>().unwrap();
            }
        }
        if slow == "upload" && line.starts_with("PUT") {
            // The storage takes a byte a second.
            let mut byte = [0];
            while reader.read(&mut byte).is_ok_and(|count| count > 0) {
                std::thread::sleep(Duration::from_secs(1));
            }
            return;
        }
        std::io::copy(&mut (&mut reader).take(length), &mut std::io::sink()).unwrap();
        let (step, body) = answer(&line, base);
        let mut stream = stream;
        let head = format!("HTTP/1.1 200 OK\r\netag: \"1\"\r\ncontent-length: {}\r\n\r\n", body.len());
        let mut sent = stream.write_all(head.as_bytes());
        if step == slow {
            for byte in body {
                sent = sent.and_then(|()| stream.write_all(&[byte]));
                std::thread::sleep(Duration::from_secs(1));
                if sent.is_err() {
                    return;
                }
            }
        } else if sent.and_then(|()| stream.write_all(&body)).is_err() {
            return;
        }
    }
}

/// The step of a request, and the answer.
fn answer(line: &str, base: &str) -> (&'static str, Vec<u8>) {
    let mut words = line.split(' ');
    let (method, path) = (words.next().unwrap(), words.next().unwrap());
    let data = |value: serde_json::Value| json!({ "data": value }).to_string().into_bytes();
    let renders = "/v3/hyperframes/renders";
    match (method, path.split('?').next().unwrap()) {
        ("POST", "/v3/assets/direct-uploads") => (
            "create",
            data(json!({ "asset_id": "a1", "upload_url": format!("{base}/put"), "upload_headers": {},
                "expires_in_seconds": 900, "max_bytes": 1_000_000_000, "status": "pending_upload" })),
        ),
        ("PUT", _) => ("put", Vec::new()),
        ("POST", path) if path.ends_with("/complete") => ("complete", data(json!({ "asset_id": "a1" }))),
        ("POST", path) if path == renders => ("submit", data(json!({ "render_id": "r1" }))),
        ("GET", path) if path == renders => {
            ("list", json!({ "data": [], "has_more": false }).to_string().into_bytes())
        }
        ("GET", "/video") => ("download", VIDEO.to_vec()),
        _ => {
            let url = format!("{base}/video");
            let render =
                json!({ "render_id": "r1", "status": "completed", "format": "mp4", "video_url": url });
            ("poll", data(render))
        }
    }
}

/// Runs a command in `folder`, which must end in time with exit code 4.
fn timed_out(command: &mut Command, folder: &Path, case: &str) -> Ran {
    let began = Instant::now();
    let ran = Ran::of(command.current_dir(folder));
    assert!(began.elapsed() < LIMIT + TOLERANCE, "{case}: {:?}, {ran:?}", began.elapsed());
    assert_eq!((ran.code, ran.error()["code"].as_str()), (4, Some("timeout")), "{case}: {ran:?}");
    ran
}

fn render(api: &str, ledger: &Path) -> Command {
    let mut command = command();
    command.args(["render", "--json", "--max-wait", MINUTES]);
    command.env("HEYGEN_API_URL", api).env("HEYGEN_API_KEY", KEY).env("HYPERFRAMES_CI_LEDGER", ledger);
    command
}

#[test]
fn an_answer_at_a_byte_a_second_ends_in_time() {
    std::thread::scope(|scope| {
        for step in ["list", "create", "upload", "complete", "submit", "poll", "download"] {
            scope.spawn(move || {
                let folder = project();
                let api = slow_api(step);
                let ran = timed_out(
                    render(&api, &folder.path().join("l.jsonl")).args(["-o", "v.mp4"]),
                    folder.path(),
                    step,
                );
                let hint = ran.error()["hint"].as_str().unwrap().to_owned();
                let resume = match step {
                    "poll" | "download" => "hyperframes-ci get r1 --wait",
                    _ => "run the same command again",
                };
                assert!(hint.contains(resume), "{step}: {ran:?}");
                assert!(!folder.path().join("v.mp4").exists());
            });
        }
    });
}

#[test]
fn a_render_that_is_waited_for_ends_in_time() {
    for step in ["poll", "download"] {
        let (folder, api) = (project(), slow_api(step));
        let mut command = command();
        command.args(["get", "r1", "--wait", "--json", "--max-wait", MINUTES]);
        command.env("HEYGEN_API_URL", &api).env("HEYGEN_API_KEY", KEY);
        timed_out(&mut command, folder.path(), step);
    }
}

#[test]
fn rows_of_a_batch_end_in_time() {
    for (step, code) in [("list", "timeout"), ("submit", "timeout"), ("download", "batch_failed")] {
        let (folder, api) = (project(), slow_api(step));
        write(folder.path(), "rows.jsonl", "{\"title\":\"a\"}\n");
        let mut command = render(&api, &folder.path().join("l.jsonl"));
        command.args(["--batch", "rows.jsonl", "-o", "renders/{title}.{ext}"]);
        let began = Instant::now();
        let ran = Ran::of(command.current_dir(folder.path()));
        assert!(began.elapsed() < LIMIT + TOLERANCE, "{step}: {:?}, {ran:?}", began.elapsed());
        assert_eq!((ran.code, ran.error()["code"].as_str()), (4, Some(code)), "{step}: {ran:?}");
    }
}

#[test]
fn a_list_that_is_limited_for_longer_ends_in_time() {
    let emulator = Emulator::placeholder(&[]);
    emulator
        .script(r#"{"rules": [{"on": "list", "times": 999, "do": {"status": 429, "retry_after": "60"}}]}"#);
    for flags in [&["--batch", "rows.jsonl", "-o", "renders/{title}.{ext}"][..], &["-o", "v.mp4"]] {
        let folder = project();
        write(folder.path(), "rows.jsonl", "{\"title\":\"a\"}\n");
        let mut command = render(&emulator.url, &folder.path().join("l.jsonl"));
        let ran = timed_out(command.args(flags), folder.path(), flags[0]);
        let hint = ran.error()["hint"].as_str().unwrap().to_owned();
        assert!(hint.contains("run the same command again"), "{ran:?}");
        assert!(!emulator.requests().iter().any(|(method, _, _)| method == "POST"), "{ran:?}");
    }
}

#[test]
fn a_ledger_that_another_process_keeps_locked_is_waited_for_in_time() {
    let folder = project();
    let path = folder.path().join("ledger.jsonl");
    let held = fs::File::create(&path).unwrap();
    held.lock().unwrap();
    let mut command = render(&slow_api("none"), &folder.path().join("unused"));
    let ran = timed_out_with(command.arg("--ledger").arg(&path), folder.path());
    assert!(ran.error()["hint"].as_str().unwrap().contains("run the same command again"), "{ran:?}");
    drop(held);
    let api = slow_api("none");
    let mut command = render(&api, &folder.path().join("unused"));
    Ran::of(command.arg("--ledger").arg(&path).current_dir(folder.path())).ok();
}

/// As [`timed_out`], with any error code.
fn timed_out_with(command: &mut Command, folder: &Path) -> Ran {
    let began = Instant::now();
    let ran = Ran::of(command.current_dir(folder));
    assert!(began.elapsed() < LIMIT + TOLERANCE, "{:?}, {ran:?}", began.elapsed());
    assert_eq!(ran.code, 4, "{ran:?}");
    ran
}

#[test]
fn a_named_pipe_is_no_file() {
    let folder = project();
    let pipe = folder.path().join("pipe");
    assert!(Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    let api = slow_api("none");
    write(folder.path(), "rows.jsonl", "{\"title\":\"a\"}\n");
    let batch = ["--batch", "rows.jsonl", "-o", "renders/{title}.{ext}", "--manifest", "pipe"];
    for arguments in [&["--ledger", "pipe"][..], &batch] {
        let began = Instant::now();
        let ran =
            Ran::of(render(&api, &folder.path().join("l.jsonl")).args(arguments).current_dir(folder.path()));
        assert!(began.elapsed() < LIMIT + TOLERANCE, "{arguments:?}: {ran:?}");
        assert!(ran.code == 2 && ran.error()["message"].as_str().unwrap().contains("FIFO"), "{ran:?}");
    }
    // As .hyperframesignore, and as the file of credentials.
    let ignore = folder.path().join(".hyperframesignore");
    fs::rename(&pipe, &ignore).unwrap();
    assert_ne!(Ran::of(command().arg("check").current_dir(folder.path())).code, 0);
    fs::rename(&ignore, folder.path().join("credentials")).unwrap();
    let mut command = command();
    command.args(["auth", "status"]).env("HEYGEN_CONFIG_DIR", folder.path());
    assert_ne!(Ran::of(command.current_dir(folder.path())).code, 0);
}

#[test]
fn values_may_come_from_a_pipe() {
    let folder = project();
    let mut shell = Command::new("bash");
    crate::support::clean(&mut shell);
    let script = format!(
        "{} render --dry-run --variables-file <(sleep 0.3; echo '{{\"title\":\"x\"}}')",
        env!("CARGO_BIN_EXE_hyperframes-ci")
    );
    Ran::from(shell.args(["-c", &script]).current_dir(folder.path()).output().unwrap()).ok();
}

#[test]
fn an_engine_that_hangs_is_ended_in_time() {
    let (folder, cache, programs) = (project(), tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    // A Node that says that it is recent, and then renders forever.
    let script = "#!/bin/sh\n[ \"$1\" = --version ] && echo v24.9.0 && exit\nsleep 60\n";
    for name in ["node", "npm", "ffmpeg", "ffprobe", "chromium"] {
        let path = programs.path().join(name);
        fs::write(&path, script).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    }
    // Only an engine with the contents of the lock file is run, so this case needs one that is installed.
    let shared = std::env::var_os("HYPERFRAMES_CI_CACHE").map(PathBuf::from);
    let shared = shared
        .unwrap_or_else(|| PathBuf::from(std::env::var_os("HOME").unwrap()).join(".cache/hyperframes-ci"));
    let is_installed = || {
        crate::support::names(&shared).iter().any(|name| {
            name.starts_with("engine-0.8.170-") && shared.join(name).join("node_modules").is_dir()
        })
    };
    if !is_installed() {
        let mut first = command();
        first.args(["render", "--renderer", "local", "--quality", "draft", "-o", "first.mp4"]);
        Ran::of(first.current_dir(folder.path())).ok();
        assert!(is_installed());
    }
    let path = std::env::join_paths(
        std::iter::once(programs.path().to_owned())
            .chain(std::env::split_paths(&std::env::var_os("PATH").unwrap())),
    );
    let mut command = command();
    command.args(["render", "--renderer", "local", "-o", "v.mp4", "--json", "--max-wait", MINUTES]);
    command.env("HYPERFRAMES_CI_CACHE", cache.path()).env("PATH", path.unwrap());
    command.env("HYPERFRAMES_BROWSER_PATH", programs.path().join("chromium"));
    timed_out(&mut command, folder.path(), "npm");
    command.env("HYPERFRAMES_CI_CACHE", shared);
    timed_out(&mut command, folder.path(), "the engine");
}
