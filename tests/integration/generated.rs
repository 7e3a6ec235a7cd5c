//! `media adopt`, `media check` and `media plan`: entries against the lock file and the files.

use std::fs;
use std::path::Path;

use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::support::{Ran, run_in, show, write};

const CONFIG: &str = "[[media]]\nfile = \"assets/voice.mp3\"\nscript = \"script.txt\"\nvoice = \"v1\"\n";

fn sha256(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Returns a repository with one entry, whose file was never generated.
fn repository() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), "hyperframes-ci.toml", CONFIG);
    write(folder.path(), "script.txt", "Hello, world.\n");
    folder
}

fn plan(folder: &Path) -> Value {
    run_in(folder, &["media", "plan", "--json"]).ok().json()
}

fn check(folder: &Path) -> Ran {
    run_in(folder, &["media", "check"])
}

/// Writes the file and a lock file that agrees with it.
fn lock(folder: &Path) {
    write(folder, "assets/voice.mp3", "sound");
    let identity = plan(folder)["media"][0]["identity"].as_str().unwrap().to_owned();
    let digest = sha256(b"sound");
    let table =
        format!("[file.\"assets/voice.mp3\"]\nidentity = \"{identity}\"\nsha256 = \"{digest}\"\nbytes = 5\n");
    write(folder, "hyperframes-ci.lock", &format!("version = 1\n\n{table}"));
}

/// Asserts the state that both commands report.
fn assert_state(folder: &Path, state: &str) {
    let found = plan(folder);
    assert_eq!(found["media"][0]["status"], state, "{found}");
    let json = run_in(folder, &["media", "check", "--json"]).json();
    assert_eq!(json["media"], found["media"]);
    let ran = check(folder);
    assert_eq!(ran.code, if state == "current" { 0 } else { 5 }, "{ran:?}");
    if state != "current" {
        assert!(ran.stdout.contains(&format!("[media-{state}]")), "{ran:?}");
    }
}

#[test]
fn every_state_of_an_entry_is_found() {
    let folder = repository();
    let folder = folder.path();
    assert_state(folder, "missing");
    write(folder, "assets/voice.mp3", "sound");
    assert_state(folder, "unlocked");
    lock(folder);
    assert_state(folder, "current");
    // A checkout on Windows.
    write(folder, "script.txt", "Hello, world.\r\n");
    assert_state(folder, "current");
    write(folder, "script.txt", "Hello, moon.\n");
    assert_state(folder, "outdated");
    write(folder, "assets/voice.mp3", "other");
    assert_state(folder, "changed");
    write(folder, "script.txt", "Hello, world.\n");
    assert_state(folder, "changed");
    fs::remove_file(folder.join("assets/voice.mp3")).unwrap();
    assert_state(folder, "missing");
    fs::remove_file(folder.join("script.txt")).unwrap();
    assert_state(folder, "invalid");
    write(folder, "script.txt", &"x".repeat(5001));
    assert!(check(folder).stdout.contains("the script has 5001 characters; at most 5000 are allowed"));
}

#[test]
fn a_plan_estimates_what_is_not_current_only() {
    let folder = repository();
    let folder = folder.path();
    write(folder, "script.txt", &"x".repeat(1450));
    let found = plan(folder);
    assert_eq!((&found["not_current"], &found["estimated_seconds"]), (&1.into(), &100.0.into()), "{found}");
    assert!((found["estimated_usd"].as_f64().unwrap() - 0.0333).abs() < 1e-9, "{found}");
    lock(folder);
    assert_eq!(plan(folder)["estimated_usd"], 0.0);
    let ran = run_in(folder, &["media", "plan", "--entry", "other.mp3"]);
    assert!(ran.code == 2 && ran.stderr.contains("available entries: assets/voice.mp3"), "{ran:?}");
}

#[test]
fn a_lock_that_cannot_be_used_is_an_error_with_its_line() {
    let folder = repository();
    let folder = folder.path();
    for (text, message) in [
        ("version = 1\n<<<<<<< HEAD\n", "hyperframes-ci.lock:2: the file contains merge conflict markers"),
        ("version = 9\n", "hyperframes-ci.lock:1: version 9 is newer than this program supports"),
        ("version = 1\nvoice\n", "hyperframes-ci.lock:2: the line is invalid"),
    ] {
        write(folder, "hyperframes-ci.lock", text);
        let ran = check(folder);
        assert!(ran.code == 2 && ran.stderr.contains(message), "{ran:?}");
    }
}

#[cfg(unix)]
#[test]
fn no_script_and_no_file_is_read_through_a_link_that_leads_out() {
    let (folder, outside) = (repository(), tempfile::tempdir().unwrap());
    let folder = folder.path();
    write(outside.path(), "secret", "secret");
    fs::remove_file(folder.join("script.txt")).unwrap();
    std::os::unix::fs::symlink(outside.path().join("secret"), folder.join("script.txt")).unwrap();
    fs::create_dir(folder.join(".git")).unwrap();
    let ran = check(folder);
    assert!(ran.code == 2 && ran.stderr.contains("symbolic link that points outside"), "{ran:?}");
}

#[test]
fn a_thousand_entries_are_checked() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let (mut config, mut lock) = (String::new(), "version = 1\n".to_owned());
    for number in 0..1000 {
        let file = format!("assets/{number}.mp3");
        config += &format!("[[media]]\nfile = \"{file}\"\ntext = \"Number {number}\"\nvoice = \"v\"\n");
        write(folder, &file, &format!("{number}"));
    }
    write(folder, "hyperframes-ci.toml", &config);
    for (number, media) in plan(folder)["media"].as_array().unwrap().iter().enumerate() {
        let digest = sha256(number.to_string().as_bytes());
        lock += &format!(
            "\n[file.{}]\nidentity = {}\nsha256 = \"{digest}\"\nbytes = 1\n",
            media["file"], media["identity"]
        );
    }
    write(folder, "hyperframes-ci.lock", &lock);
    let start = std::time::Instant::now();
    let ran = check(folder);
    let seconds = start.elapsed().as_secs_f64();
    assert!(ran.code == 0 && ran.stderr.contains("1000 media files current"), "{ran:?}");
    show("media check, 1,000 entries", &format!("{seconds:.2} s"));
    assert!(seconds < 5.0, "{seconds}");
}

/// Returns a WAV file of one second of silence.
fn wav() -> Vec<u8> {
    let mut wav = b"RIFF\x64\x1f\x00\x00WAVEfmt \x10\x00\x00\x00\x01\x00\x01\x00\x40\x1f\x00\x00\x40\x1f\x00\x00\x01\x00\x08\x00data\x40\x1f\x00\x00".to_vec();
    wav.resize(44 + 8000, 0x80);
    wav
}

#[test]
fn adopted_files_are_current_until_something_changes() {
    let folder = repository();
    let folder = folder.path();
    let lock = folder.join("hyperframes-ci.lock");
    let adopt = |arguments: &[&str]| run_in(folder, &[&["media", "adopt"], arguments].concat());
    let refused = |part: &str| {
        let ran = adopt(&["--json"]);
        assert_eq!(ran.code, 2, "{ran:?}");
        assert!(ran.stderr.contains("media_not_adoptable") && ran.stderr.contains(part), "{ran:?}");
    };
    refused("file not found: assets/voice.mp3");
    write(folder, "assets/voice.mp3", "<html>");
    refused("assets/voice.mp3 is not audio");
    let second = "[[media]]\nfile = \"b.wav\"\ntext = \"B\"\nvoice = \"v\"\nwords = \"b.json\"\n";
    write(folder, "hyperframes-ci.toml", &format!("{CONFIG}{second}"));
    for path in ["assets/voice.mp3", "b.wav"] {
        fs::write(folder.join(path), wav()).unwrap();
    }
    refused("file not found: b.json");
    assert!(!lock.exists(), "all or nothing");
    let found = adopt(&["--json", "--entry", "assets/voice.mp3"]).ok().json();
    assert_eq!((&found["adopted"][0], &found["current"]), (&"assets/voice.mp3".into(), &0.into()), "{found}");
    write(folder, "b.json", "[]");
    assert_eq!(adopt(&["--json"]).ok().json()["adopted"], serde_json::json!(["b.wav"]));
    assert_eq!(check(folder).code, 0);
    let written = fs::read_to_string(&lock).unwrap();
    assert!(written.contains("duration = 1.0\n") && written.contains("words = \"b.json\"\n"), "{written}");
    // Keys of later releases stay, and what is current is not written again.
    fs::write(&lock, written.replace("bytes = 8044\n", "bytes = 8044\nlater = true\n")).unwrap();
    let before = fs::read(&lock).unwrap();
    assert!(adopt(&[]).ok().stdout.is_empty());
    assert_eq!(fs::read(&lock).unwrap(), before);
    write(folder, "script.txt", "Another script.\n");
    assert_eq!(check(folder).code, 5);
    adopt(&[]).ok();
    assert_eq!(check(folder).code, 0);
    assert_eq!(fs::read_to_string(&lock).unwrap().matches("later = true").count(), 2);
}
