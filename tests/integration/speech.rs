//! `media generate` against the emulator: never twice, never lost, nothing paid on bad input.

use std::fs;
use std::path::Path;

use serde_json::Value;

use crate::generation::{generate, statuses};
use crate::support::{Emulator, KEY, Ran, names, run_in, show, write};

/// A repository with two entries; the first has words and captions.
fn repository() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let one = "[[media]]\nfile = \"assets/one.wav\"\nscript = \"one.txt\"\nvoice = \"emulator-ada\"\n\
               words = \"assets/one.json\"\ncaptions = \"assets/one.vtt\"\n\n";
    let two = "[[media]]\nfile = \"assets/two.wav\"\ntext = \"Good-bye.\"\nvoice = \"emulator-bruno\"\n";
    write(folder.path(), "hyperframes-ci.toml", &format!("{one}{two}"));
    write(folder.path(), "one.txt", "Hello, world. This is the launch.\n");
    folder
}

/// The number of speeches that the emulator has billed.
fn billed(emulator: &Emulator) -> u64 {
    emulator.stats()["speeches_generated"].as_u64().unwrap()
}

fn fault(emulator: &Emulator, on: &str, times: u32, fault: &str) {
    emulator.script(&format!(r#"{{"rules": [{{"on": "{on}", "times": {times}, "do": {fault}}}]}}"#));
}

fn assert_current(folder: &Path) {
    let ran = run_in(folder, &["media", "check"]);
    assert_eq!(ran.code, 0, "{ran:?}");
}

#[test]
fn speech_is_generated_once_and_again_for_the_script_that_changed() {
    let (emulator, folder) = (Emulator::placeholder(&[]), repository());
    let folder = folder.path();
    let ran = generate(&emulator, folder, &["--dry-run"]).ok();
    assert_eq!((statuses(&ran), billed(&emulator)), (vec!["planned".into(), "planned".into()], 0));
    let ran = generate(&emulator, folder, &[]).ok();
    assert_eq!(statuses(&ran), ["generated", "generated"]);
    let cost = emulator.stats()["cost_usd"].as_f64().unwrap();
    assert!((ran.json()["usd"].as_f64().unwrap() - cost).abs() < 1e-9, "{ran:?}");
    assert_current(folder);
    assert_eq!(names(&folder.join("assets")), ["one.json", "one.vtt", "one.wav", "two.wav"]);
    let words: Value =
        serde_json::from_str(&fs::read_to_string(folder.join("assets/one.json")).unwrap()).unwrap();
    let texts = words.as_array().unwrap().iter().map(|word| word["text"].as_str().unwrap());
    assert_eq!(texts.collect::<Vec<_>>().join(" "), "Hello, world. This is the launch.");
    assert!(fs::read_to_string(folder.join("assets/one.vtt")).unwrap().contains("--> "));
    assert!(fs::read(folder.join("assets/one.wav")).unwrap().starts_with(b"RIFF"));
    let lock = fs::read_to_string(folder.join("hyperframes-ci.lock")).unwrap();
    assert!(!lock.contains("http") && lock.contains("cost-usd") && lock.contains("request-id"), "{lock}");

    // A second run costs nothing, and needs neither a key nor the API.
    let ran = run_in(folder, &["media", "generate", "--json"]).ok();
    assert_eq!((statuses(&ran), billed(&emulator)), (vec!["current".into(), "current".into()], 2));
    assert!(ran.stdout.contains("\"usd\": 0.0") || ran.stdout.contains("\"usd\":0.0"), "{ran:?}");

    write(folder, "one.txt", "Hello, moon. This is the launch.\n");
    let ran = generate(&emulator, folder, &[]).ok();
    assert_eq!((statuses(&ran), billed(&emulator)), (vec!["generated".into(), "current".into()], 3));
    assert_current(folder);
    // Nothing stays beside the ledger, and the key is in no file.
    let kept = names(&emulator.ledger().with_extension("media"));
    assert_eq!(kept, ["lock"]);
    let ledger = fs::read_to_string(emulator.ledger()).unwrap();
    assert!(!ledger.contains(KEY) && !ledger.contains("Signature"), "{ledger}");
}

#[test]
fn a_process_that_is_killed_at_any_step_pays_once() {
    let mut table = String::from("killed            | next run              | billed\n");
    for (step, next, total) in [
        ("submitted", "unconfirmed", 1),
        ("received", "unconfirmed", 2),
        ("answered", "recovered", 1),
        ("digested", "recovered", 1),
        ("audio", "recovered", 1),
        ("written", "recovered", 1),
        ("recorded", "current", 1),
    ] {
        let (emulator, folder) = (Emulator::placeholder(&[]), repository());
        let folder = folder.path();
        let one = ["--entry", "assets/one.wav"];
        let mut command = emulator.command();
        command.args(["media", "generate"]).args(one).current_dir(folder);
        let killed = command.env("HYPERFRAMES_CI_ABORT_AT", step).output().unwrap();
        assert_eq!(killed.status.code(), None, "{step}: {killed:?}");
        if step == "audio" {
            // By then, the URL may have expired: the audio is there.
            fault(&emulator, "download", 9, "\"expire\"");
        }
        let ran = generate(&emulator, folder, &one);
        assert_eq!(statuses(&ran), [next], "{step}: {ran:?}");
        if next == "unconfirmed" {
            assert_eq!(ran.code, 1, "{ran:?}");
            assert!(ran.error()["hint"].as_str().unwrap().contains("--repeat-unconfirmed"), "{ran:?}");
            generate(&emulator, folder, &[&one[..], &["--repeat-unconfirmed"]].concat()).ok();
        }
        let ran = generate(&emulator, folder, &one).ok();
        assert_eq!((statuses(&ran), billed(&emulator)), (vec!["current".into()], total), "{step}");
        let mut leftovers = names(&folder.join("assets"));
        // A temporary file is deleted by a later run.
        leftovers.retain(|name| !name.ends_with(".part"));
        assert_eq!(leftovers, ["one.json", "one.vtt", "one.wav"], "{step}");
        table += &format!("{step:17} | {next:21} | {total}\n");
    }
    show("media generate, killed", &table);
}

#[test]
fn what_was_surely_not_taken_is_repeated_and_what_is_in_doubt_is_not() {
    let mut table = String::from("fault                       | exit | status      | billed\n");
    for (name, on, times, fault_of, code, status, total) in [
        ("429 twice", "speech", 2, r#"{"status": 429, "retry_after": "0"}"#, 0, "generated", 1),
        ("429 always", "speech", 99, r#"{"status": 429}"#, 1, "failed", 0),
        (
            "409 in progress",
            "speech",
            1,
            r#"{"status": 409, "code": "request_in_progress"}"#,
            0,
            "generated",
            1,
        ),
        ("500", "speech", 1, r#"{"status": 500}"#, 1, "unconfirmed", 0),
        ("503", "speech", 1, r#"{"status": 503}"#, 1, "unconfirmed", 0),
        ("closed before", "speech", 1, "\"drop_before\"", 1, "unconfirmed", 0),
        ("answer lost", "speech", 1, "\"drop_after\"", 1, "unconfirmed", 1),
        ("answer cut", "speech", 1, r#"{"truncate": 40}"#, 1, "unconfirmed", 1),
        ("HTML instead of an answer", "speech", 1, "\"html\"", 1, "unconfirmed", 0),
        ("401", "speech", 1, r#"{"status": 401}"#, 3, "failed", 0),
        ("402", "speech", 1, r#"{"status": 402, "code": "insufficient_credit"}"#, 1, "failed", 0),
        ("403", "speech", 1, r#"{"status": 403, "code": "forbidden"}"#, 3, "failed", 0),
        ("422", "speech", 1, r#"{"status": 422, "code": "validation_error"}"#, 1, "failed", 0),
        ("download 503 twice", "download", 2, r#"{"status": 503}"#, 0, "generated", 1),
        ("download cut", "download", 1, r#"{"truncate": 100}"#, 0, "generated", 1),
        ("HTML instead of audio once", "download", 1, "\"html\"", 0, "generated", 1),
        ("HTML instead of audio", "download", 99, "\"html\"", 1, "not-saved", 1),
        ("URL expired", "download", 99, "\"expire\"", 1, "not-saved", 1),
        ("unknown host of audio", "speech", 1, "\"bad_host\"", 1, "not-saved", 1),
    ] {
        let (emulator, folder) = (Emulator::placeholder(&[]), repository());
        let folder = folder.path();
        let two = ["--entry", "assets/two.wav"];
        fault(&emulator, on, times, fault_of);
        let ran = generate(&emulator, folder, &two);
        assert_eq!((ran.code, statuses(&ran)), (code, vec![status.to_owned()]), "{name}: {ran:?}");
        assert_eq!(billed(&emulator), total, "{name}");
        assert_eq!(names(&folder.join("assets")).is_empty(), code != 0, "{name}");
        assert_eq!(folder.join("hyperframes-ci.lock").exists(), code == 0, "{name}");
        // Without the fault, and without another flag: only what is not billed is requested.
        emulator.script(r#"{"rules": []}"#);
        let ran = generate(&emulator, folder, &two);
        match status {
            "unconfirmed" => {
                assert_eq!(
                    (statuses(&ran), billed(&emulator)),
                    (vec!["unconfirmed".into()], total),
                    "{name}"
                );
                let ran = generate(&emulator, folder, &[&two[..], &["--repeat-unconfirmed"]].concat()).ok();
                assert_eq!(statuses(&ran), ["generated"], "{name}");
                assert_eq!(billed(&emulator), total + 1, "{name}");
            }
            "failed" => assert_eq!((ran.code, billed(&emulator)), (0, 1), "{name}: {ran:?}"),
            "not-saved" if name == "URL expired" => {
                let flags = [&two[..], &["--repeat-unconfirmed"]].concat();
                assert_eq!((statuses(&ran), billed(&emulator)), (vec!["recovered".into()], 1), "{name}");
                write(
                    folder,
                    "hyperframes-ci.toml",
                    "[[media]]\nfile = \"assets/two.wav\"\ntext = \"Hi\"\nvoice = \"emulator-ada\"\n",
                );
                fault(&emulator, on, 1, fault_of);
                assert_eq!(statuses(&generate(&emulator, folder, &two)), ["not-saved"], "{name}");
                assert_eq!(statuses(&generate(&emulator, folder, &flags)), ["generated"], "{name}");
                assert_eq!(billed(&emulator), 3, "{name}");
            }
            "not-saved" if on == "download" => {
                assert_eq!((statuses(&ran), billed(&emulator)), (vec!["recovered".into()], 1), "{name}");
            }
            _ => assert_eq!(billed(&emulator), total, "{name}"),
        }
        table += &format!("{name:27} | {code:4} | {status:11} | {total}\n");
    }
    show("media generate, faults", &table);
}

#[test]
fn a_connection_that_is_refused_is_tried_again_and_costs_nothing() {
    let (emulator, folder) = (Emulator::placeholder(&[]), repository());
    let folder = folder.path();
    let mut command = emulator.command();
    command.args(["media", "generate", "--json"]).current_dir(folder);
    // Nothing listens on the port of discard.
    command.env("HEYGEN_API_URL", "http://127.0.0.1:9").env("HYPERFRAMES_CI_TIME_SCALE", "1000");
    let ran = Ran::of(command.env("HEYGEN_MAX_RETRIES", "2"));
    assert_eq!((ran.code, statuses(&ran)), (1, vec!["failed".into(), "failed".into()]), "{ran:?}");
    let ran = generate(&emulator, folder, &[]).ok();
    assert_eq!((statuses(&ran), billed(&emulator)), (vec!["generated".into(), "generated".into()], 2));
}

/// A name, a change of the folder, flags, and the exit code and error code that follow.
type BadInput<'a> = (&'a str, &'a dyn Fn(&Path), &'a [&'a str], i32, &'a str);

#[test]
fn nothing_is_paid_on_bad_input() {
    let bad: [BadInput<'_>; 8] = [
        (
            "script missing",
            &|folder| fs::remove_file(folder.join("one.txt")).unwrap(),
            &[],
            5,
            "media_not_ready",
        ),
        ("script too long", &|folder| write(folder, "one.txt", &"x".repeat(5001)), &[], 5, "media_not_ready"),
        ("file of somebody", &|folder| write(folder, "assets/two.wav", "mine"), &[], 5, "media_not_ready"),
        (
            "captions of somebody",
            &|folder| write(folder, "assets/one.vtt", "mine"),
            &[],
            5,
            "media_not_ready",
        ),
        ("seconds", &|_| {}, &["--max-seconds", "1"], 6, "max_seconds"),
        ("cost", &|_| {}, &["--max-cost", "0.0001"], 6, "max_cost"),
        ("balance", &|_| {}, &["--min-balance", "101"], 6, "min_balance"),
        (
            "conflict",
            &|folder| write(folder, "hyperframes-ci.lock", "version = 1\n<<<<<<< HEAD\n"),
            &[],
            2,
            "invalid_lock",
        ),
    ];
    for (name, change, flags, code, error) in bad {
        let (emulator, folder) = (Emulator::placeholder(&[]), repository());
        change(folder.path());
        let before = names(&folder.path().join("assets"));
        let ran = generate(&emulator, folder.path(), flags);
        assert_eq!((ran.code, ran.error()["code"].as_str().unwrap()), (code, error), "{name}: {ran:?}");
        let requests = emulator.requests();
        assert!(!requests.iter().any(|(_, path, _)| path.contains("speech")), "{name}: {requests:?}");
        assert_eq!(names(&folder.path().join("assets")), before, "{name}");
    }
    // A voice that cannot speak is found before the other entry is paid for.
    for (voice, part) in [
        ("nobody", "unknown voice nobody"),
        ("emulator-clone-new", "the voice emulator-clone-new is not ready: processing"),
        (
            "emulator-old\"\nlocale = \"en-GB",
            "the voice emulator-old does not support locales, such as en-GB",
        ),
    ] {
        let (emulator, folder) = (Emulator::placeholder(&[]), repository());
        let config = fs::read_to_string(folder.path().join("hyperframes-ci.toml")).unwrap();
        write(folder.path(), "hyperframes-ci.toml", &config.replacen("emulator-ada", voice, 1));
        let ran = generate(&emulator, folder.path(), &[]);
        assert_eq!((ran.code, ran.error()["code"].as_str()), (5, Some("media_not_ready")), "{ran:?}");
        assert!(ran.stdout.contains(part) && ran.stdout.contains("media list voices"), "{ran:?}");
        assert_eq!(billed(&emulator), 0, "{voice}");
    }
    // What only the API knows: the other entry is generated.
    for (fault_of, part) in [
        ("emulator-old", "voice_not_usable"),
        (r#"{"status": 404, "code": "voice_not_found"}"#, "voice_not_found"),
    ] {
        let (emulator, folder) = (Emulator::placeholder(&[]), repository());
        if fault_of.starts_with('{') {
            fault(&emulator, "speech", 1, fault_of);
        } else {
            let config = fs::read_to_string(folder.path().join("hyperframes-ci.toml")).unwrap();
            write(folder.path(), "hyperframes-ci.toml", &config.replacen("emulator-ada", fault_of, 1));
        }
        let ran = generate(&emulator, folder.path(), &["--concurrency", "1"]);
        assert_eq!((ran.code, statuses(&ran)), (1, vec!["failed".into(), "generated".into()]), "{ran:?}");
        assert!(ran.stdout.contains(part) && ran.stdout.contains("media list voices"), "{ran:?}");
    }
}

#[test]
fn a_file_that_was_changed_by_hand_is_replaced_only_with_the_flag() {
    let (emulator, folder) = (Emulator::placeholder(&[]), repository());
    let folder = folder.path();
    generate(&emulator, folder, &[]).ok();
    write(folder, "assets/two.wav", "louder");
    let ran = generate(&emulator, folder, &[]);
    assert_eq!((ran.code, statuses(&ran)), (5, vec!["current".into(), "blocked".into()]), "{ran:?}");
    assert_eq!(fs::read(folder.join("assets/two.wav")).unwrap(), b"louder");
    let ran = generate(&emulator, folder, &["--overwrite"]).ok();
    assert_eq!((statuses(&ran), billed(&emulator)), (vec!["current".into(), "generated".into()], 3));
    assert_current(folder);
}

#[test]
fn an_error_of_the_account_stops_the_run() {
    let (emulator, folder) = (Emulator::placeholder(&[]), repository());
    fault(&emulator, "speech", 9, r#"{"status": 402, "code": "insufficient_credit"}"#);
    let ran = generate(&emulator, folder.path(), &["--concurrency", "1"]);
    assert_eq!((ran.code, statuses(&ran)), (1, vec!["failed".into(), "skipped".into()]), "{ran:?}");
    let speeches = emulator.requests().iter().filter(|(_, path, _)| path.contains("speech")).count();
    assert_eq!(speeches, 1);
}

#[test]
fn two_processes_at_once_pay_once() {
    let (emulator, folder) = (Emulator::placeholder(&[]), repository());
    fault(&emulator, "speech", 2, r#"{"work_ms": 500}"#);
    let start = || {
        let mut command = emulator.command();
        command.args(["media", "generate", "--json"]).current_dir(folder.path());
        command.stdout(std::process::Stdio::piped()).spawn().unwrap()
    };
    for child in [start(), start()] {
        let output = child.wait_with_output().unwrap();
        assert!(output.status.success(), "{output:?}");
    }
    assert_eq!(billed(&emulator), 2);
    assert_current(folder.path());
}
