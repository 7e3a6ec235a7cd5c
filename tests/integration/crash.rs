//! Nothing paid is lost: a process that is killed or interrupted anywhere is gone on with by the next.

use std::fs;
use std::os::unix::process::ExitStatusExt;
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

use crate::support::{Emulator, Ran, names, project, show};

/// The steps of the flow, with the request of each.
const STEPS: [(&str, &str, &str); 7] = [
    ("list", "GET", "/v3/hyperframes/renders"),
    ("create_upload", "POST", "/v3/assets/direct-uploads"),
    ("put", "PUT", "/asst_"),
    ("complete", "POST", "/v3/assets/asst_"),
    ("submit", "POST", "/v3/hyperframes/renders"),
    ("poll", "GET", "/v3/hyperframes/renders/hfr_"),
    ("download", "GET", "/hfr_"),
];

fn start(emulator: &Emulator, folder: &std::path::Path, flags: &[&str]) -> Child {
    let mut command = emulator.command();
    command.args(["render", "-o", "v.mp4"]).args(flags).current_dir(folder);
    command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap()
}

/// Waits until the server holds the request of `step` in silence, with its work done or not.
fn wait_for(emulator: &Emulator, method: &str, path: &str) {
    let deadline = Instant::now() + Duration::from_secs(30);
    let is_held = |(verb, place, status): &(String, String, u64)| {
        verb == method && place.starts_with(path) && *status == 0
    };
    while !emulator.requests().iter().any(is_held) {
        assert!(Instant::now() < deadline, "{method} {path} never came");
        std::thread::sleep(Duration::from_millis(5));
    }
}

fn send(child: &Child, signal: Signal) {
    kill_process(Pid::from_raw(i32::try_from(child.id()).unwrap()).unwrap(), signal).unwrap();
}

#[test]
fn killed_at_every_step_the_next_run_brings_the_video() {
    let mut table =
        String::from("killed at       server had     | assets renders | uploads with a ledger, without\n");
    for (step, method, path) in STEPS {
        for (fault, had) in [("stall_before", "not done it"), ("stall_after", "done it")] {
            // A machine that keeps its ledger, and one that does not.
            table += &format!("{step:15} {had:14} |");
            for keeps_ledger in [true, false] {
                let emulator = Emulator::placeholder(&[]);
                emulator.script(&format!(r#"{{"rules": [{{"on": "{step}", "do": "{fault}"}}]}}"#));
                let folder = project();
                let mut child = start(&emulator, folder.path(), &[]);
                wait_for(&emulator, method, path);
                send(&child, Signal::KILL);
                assert_eq!(child.wait().unwrap().signal(), Some(9));
                assert!(!folder.path().join("v.mp4").exists(), "{step} {fault}");
                if !keeps_ledger {
                    fs::remove_file(emulator.ledger()).unwrap();
                }
                let ran = emulator.run(folder.path(), &["render", "-o", "v.mp4", "--json"]).ok().json();
                assert_eq!(&fs::read(folder.path().join("v.mp4")).unwrap()[4..8], b"ftyp");
                let stats = emulator.stats();
                let (assets, renders) = emulator.created();
                assert_eq!((assets, renders), (1, 1), "{step} {fault} {keeps_ledger}");
                let archive = stats["bytes_uploaded"].as_u64().unwrap();
                let size = emulator
                    .run(folder.path(), &["render", "--dry-run", "--json", "-o", "v.mp4"])
                    .ok()
                    .json();
                let size = size["archive"]["size_bytes"].as_u64().unwrap();
                let uploads = archive / size;
                // Without its ledger the next run knows nothing of an upload that nobody has rendered.
                let most = if keeps_ledger { 1 } else { 2 };
                assert!((1..=most).contains(&uploads), "{step} {fault} {keeps_ledger}: {archive} of {size}");
                table += &match keeps_ledger {
                    true => format!(" {assets:6} {renders:7} | {uploads:21}"),
                    false => format!(" {uploads:8}\n"),
                };
                let was_submitted =
                    matches!((step, fault), ("poll" | "download", _) | ("submit", "stall_after"));
                if was_submitted && !(step == "submit" && keeps_ledger && ran["reused"] == false) {
                    assert_eq!(ran["reused"], true, "{step} {fault} {keeps_ledger}");
                }
            }
        }
    }
    show("kills.txt", &table);
}

#[test]
fn killed_at_every_step_of_an_inline_submission_the_next_run_brings_the_video() {
    for (step, method, path) in
        STEPS.into_iter().filter(|(step, ..)| ["list", "submit", "poll", "download"].contains(step))
    {
        for (fault, keeps_ledger) in
            [("stall_before", true), ("stall_after", true), ("stall_before", false), ("stall_after", false)]
        {
            let emulator = Emulator::placeholder(&[]);
            emulator.script(&format!(r#"{{"rules": [{{"on": "{step}", "do": "{fault}"}}]}}"#));
            let folder = project();
            let mut child = start(&emulator, folder.path(), &["--upload", "inline"]);
            wait_for(&emulator, method, path);
            send(&child, Signal::KILL);
            assert_eq!(child.wait().unwrap().signal(), Some(9));
            if !keeps_ledger {
                let _ = fs::remove_file(emulator.ledger());
            }
            emulator.run(folder.path(), &["render", "-o", "v.mp4", "--upload", "inline"]).ok();
            assert_eq!(&fs::read(folder.path().join("v.mp4")).unwrap()[4..8], b"ftyp");
            assert_eq!(emulator.created(), (0, 1), "{step} {fault} {keeps_ledger}");
        }
    }
}

#[test]
fn killed_at_any_moment_the_video_arrives_in_the_end() {
    let emulator = Emulator::placeholder(&["--render-seconds", "0.05"]);
    let folder = project();
    let mut killed = 0;
    for round in 0..40 {
        let mut child = start(&emulator, folder.path(), &[]);
        std::thread::sleep(Duration::from_millis(round * 3));
        send(&child, Signal::KILL);
        killed += u32::from(child.wait().unwrap().signal() == Some(9));
        // The next generation of content begins when one is done.
        if folder.path().join("v.mp4").exists() {
            break;
        }
    }
    assert!(killed > 3, "{killed}");
    emulator.run(folder.path(), &["render", "-o", "v.mp4"]).ok();
    assert_eq!(emulator.created(), (1, 1));
}

#[test]
fn an_interruption_at_every_step_leaves_nothing_and_says_how_to_go_on() {
    for (step, method, path) in STEPS {
        for (signal, code) in [(Signal::INT, 130), (Signal::TERM, 143)] {
            let emulator = Emulator::placeholder(&[]);
            emulator.script(&format!(r#"{{"rules": [{{"on": "{step}", "do": "stall_after"}}]}}"#));
            let folder = project();
            let temporary = tempfile::tempdir().unwrap();
            let mut command = emulator.command();
            command.args(["render", "-o", "v.mp4"]).current_dir(folder.path());
            let child = command.env("TMPDIR", temporary.path()).stderr(Stdio::piped()).spawn().unwrap();
            wait_for(&emulator, method, path);
            send(&child, signal);
            let ran = Ran::from(child.wait_with_output().unwrap());
            assert_eq!(ran.code, code, "{step}: {ran:?}");
            assert_eq!(names(temporary.path()), Vec::<String>::new(), "{step}");
            assert_eq!(names(folder.path()), [".git", "index.html"], "{step}");
            let last = ran.stderr.lines().last().unwrap();
            let expected = match step {
                "list" | "create_upload" => "nothing was submitted",
                "put" | "complete" => "nothing was submitted; run the same command again to resume",
                "submit" => "run the same command again to resume it without a second charge",
                _ => "hyperframes-ci get hfr_",
            };
            assert!(last.contains(expected), "{step}: {last}");
            if let Some((_, command)) = last.split_once("download it with: hyperframes-ci ") {
                emulator.run(folder.path(), &command.split(' ').collect::<Vec<_>>()).ok();
            } else {
                emulator.run(folder.path(), &["render", "-o", "v.mp4"]).ok();
            }
            assert_eq!(emulator.created(), (1, 1), "{step}");
        }
    }
}

#[test]
fn an_interruption_says_what_is_known_about_the_render() {
    let emulator = Emulator::placeholder(&[]);
    emulator.script(r#"{"rules": [{"on": "poll", "do": "stall_before"}]}"#);
    let folder = project();
    let mut command = emulator.command();
    command.args(["get", "hfr_nothing", "--wait"]).current_dir(folder.path());
    let child = command.stderr(Stdio::piped()).spawn().unwrap();
    wait_for(&emulator, "GET", "/v3/hyperframes/renders/hfr_nothing");
    send(&child, Signal::INT);
    let ran = Ran::from(child.wait_with_output().unwrap());
    assert_eq!(ran.code, 130, "{ran:?}");
    let last = ran.stderr.lines().last().unwrap();
    assert_eq!(
        last,
        "the status of the render is unknown; wait for it with: hyperframes-ci get hfr_nothing --wait"
    );
}
