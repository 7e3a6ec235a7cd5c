//! `check` finds generated media that is not current, as `media check` does.

use std::fs;
use std::path::Path;
use std::process::Command;

use serde_json::Value;

use crate::generation::sound;
use crate::support::{Emulator, clean, html, run_in, show, write};

const CONFIG: &str =
    "[[media]]\nfile = \"video/assets/voice.mp3\"\nscript = \"script.txt\"\nvoice = \"v1\"\n";

fn git(folder: &Path, arguments: &[&str]) {
    let mut git = Command::new("git");
    clean(&mut git);
    git.args(["-c", "user.name=t", "-c", "user.email=t@example.com"]).args(arguments);
    let output = git.current_dir(folder).output().unwrap();
    assert!(output.status.success(), "git {arguments:?}: {output:?}");
}

/// Returns a committed repository with a project whose voice is recorded, and another project.
fn repository() -> tempfile::TempDir {
    let temporary = tempfile::tempdir().unwrap();
    let folder = temporary.path();
    let audio = "<audio id=\"voice\" src=\"assets/voice.mp3\" data-start=\"0\" data-duration=\"0.5\" data-track-index=\"1\"></audio>";
    write(folder, "video/index.html", &html(1280, 720, audio));
    write(folder, "other/index.html", &html(1280, 720, ""));
    write(folder, "hyperframes-ci.toml", CONFIG);
    write(folder, "script.txt", "Hello, world.\n");
    fs::create_dir(folder.join("video/assets")).unwrap();
    fs::write(folder.join("video/assets/voice.mp3"), sound()).unwrap();
    git(folder, &["init", "--quiet", "--initial-branch=main"]);
    run_in(folder, &["media", "adopt"]).ok();
    git(folder, &["add", "--all"]);
    git(folder, &["commit", "--quiet", "-m", "x"]);
    temporary
}

/// Returns code, place and message of the findings about media.
fn found(folder: &Path, arguments: &[&str]) -> Vec<String> {
    let ran = run_in(folder, &[&["check", "--json"], arguments].concat());
    let json = ran.json();
    let diagnostics = json["diagnostics"].as_array().unwrap_or_else(|| panic!("{ran:?}"));
    let of_media = |found: &&Value| {
        ["missing", "outdated", "unlocked", "changed", "invalid"]
            .iter()
            .any(|state| found["code"] == format!("media-{state}"))
    };
    let line = |found: &Value| {
        let text = |key: &str| found[key].as_str().unwrap_or_default().to_owned();
        let place = &found["position"]["line"];
        format!("{} {}:{place} {}: {}", text("severity"), text("path"), text("code"), text("message"))
    };
    let lines = diagnostics.iter().filter(of_media).map(line).collect::<Vec<_>>();
    let is_failure = lines.iter().any(|line| line.starts_with("error"));
    assert!(!is_failure || ran.code == 5, "{ran:?}");
    lines
}

const OUTDATED: &str = "error hyperframes-ci.toml:1 media-outdated: video/assets/voice.mp3: the script or an option has changed since the file was recorded";

#[test]
fn every_state_is_found_where_the_file_is_used() {
    let folder = repository();
    let folder = folder.path();
    let none: [&str; 0] = [];
    assert_eq!(found(folder, &["."]), none);
    write(folder, "script.txt", "Hello, moon.\n");
    assert_eq!(found(folder, &["."]), [OUTDATED]);
    assert_eq!(found(folder, &["video"]), [OUTDATED]);
    assert_eq!(found(folder, &["other"]), none, "it does not use the file");
    assert_eq!(found(folder, &["video", "--fix"]), [OUTDATED]);
    assert_eq!(found(folder, &["video", "--fix", "--dry-run"]), [OUTDATED]);
    assert_eq!(found(folder, &["video", "--allow", "media-outdated"]), none);
    assert!(found(folder, &["video", "--warn", "media-outdated"])[0].starts_with("warning"));
    write(folder, "script.txt", "Hello, world.\n");
    let voice = folder.join("video/assets/voice.mp3");
    fs::write(&voice, [sound(), vec![0]].concat()).unwrap();
    assert_eq!(
        found(folder, &["video"]),
        [
            "error hyperframes-ci.toml:1 media-changed: video/assets/voice.mp3: video/assets/voice.mp3 has changed since it was recorded"
        ]
    );
    fs::write(&voice, sound()).unwrap();
    let lock = folder.join("hyperframes-ci.lock");
    let recorded = fs::read(&lock).unwrap();
    fs::remove_file(&lock).unwrap();
    let unlocked = "warning hyperframes-ci.toml:1 media-unlocked: video/assets/voice.mp3: the lock file does not contain the file";
    assert_eq!(found(folder, &["video"]), [unlocked]);
    fs::write(&lock, recorded).unwrap();
    fs::remove_file(&voice).unwrap();
    assert!(found(folder, &["video"])[0].contains("media-missing: video/assets/voice.mp3: "));
    fs::write(&voice, sound()).unwrap();
    fs::rename(folder.join("script.txt"), folder.join("script.ssml")).unwrap();
    write(folder, "hyperframes-ci.toml", &format!("\n\n{}", CONFIG.replace(".txt", ".ssml")));
    write(folder, "script.ssml", "<speak>\n<p>Hello</speak>\n");
    assert_eq!(
        found(folder, &["video"]),
        [
            "error hyperframes-ci.toml:3 media-invalid: video/assets/voice.mp3: the script is not valid SSML: line 2: </speak> does not match <p>"
        ]
    );
    let shown = run_in(folder, &["check", "video"]);
    assert!(
        shown.stdout.contains("--> hyperframes-ci.toml:3:1") && shown.stdout.contains("3 | [[media]]"),
        "{shown:?}"
    );
    show("check-media.txt", &shown.stdout);
}

#[test]
fn a_file_outside_of_the_project_counts_where_it_is_used() {
    let folder = repository();
    let folder = folder.path();
    let audio = "<audio id=\"voice\" src=\"../video/assets/voice.mp3\" data-start=\"0\" data-duration=\"0.5\" data-track-index=\"1\"></audio>";
    write(folder, "other/index.html", &html(1280, 720, audio));
    write(folder, "script.txt", "Hello, moon.\n");
    assert_eq!(found(folder, &["other"]), [OUTDATED]);
    // Once, although two projects use it.
    assert_eq!(found(folder, &["."]), [OUTDATED]);
    let entry = "[[render]]\nname = \"a\"\nproject = \"video\"\n";
    write(folder, "hyperframes-ci.toml", &format!("{CONFIG}{entry}"));
    assert_eq!(found(folder, &["--all"]), [OUTDATED]);
}

#[test]
fn only_what_has_changed_is_found() {
    let folder = repository();
    let folder = folder.path();
    let none: [&str; 0] = [];
    write(folder, "script.txt", "Hello, moon.\n");
    assert_eq!(found(folder, &["--changed-since", "HEAD"]), [OUTDATED]);
    // It is not part of the commit yet.
    assert_eq!(found(folder, &["--staged"]), none);
    write(folder, "video/index.html", &html(1280, 720, "<p>new</p>"));
    git(folder, &["add", "video/index.html"]);
    assert_eq!(found(folder, &["--staged"]), none);
    git(folder, &["add", "script.txt"]);
    assert_eq!(found(folder, &["--staged"]), [OUTDATED]);
    git(folder, &["commit", "--quiet", "-m", "x"]);
    assert_eq!(found(folder, &["--changed-since", "HEAD"]), none, "an earlier commit is to blame");
    assert_eq!(found(folder, &["--changed-since", "HEAD~1"]), [OUTDATED]);
}

#[test]
fn staged_files_and_the_pointers_of_git_lfs_are_judged() {
    let folder = repository();
    let folder = folder.path();
    let none: [&str; 0] = [];
    let lock = fs::read_to_string(folder.join("hyperframes-ci.lock")).unwrap();
    let digest = lock.lines().find_map(|line| line.strip_prefix("sha256 = ")).unwrap().trim_matches('"');
    let pointer = format!("version https://git-lfs.github.com/spec/v1\noid sha256:{digest}\nsize 4044\n");
    write(folder, "video/assets/voice.mp3", &pointer);
    git(folder, &["add", "--all"]);
    assert_eq!(found(folder, &["--staged"]), none);
    write(folder, "video/assets/voice.mp3", &pointer.replace(digest, &"0".repeat(64)));
    git(folder, &["add", "--all"]);
    fs::write(folder.join("video/assets/voice.mp3"), sound()).unwrap();
    assert!(found(folder, &["--staged"])[0].contains("media-changed"));
    assert_eq!(found(folder, &["video"]), none, "the working tree has the file");
}

#[test]
fn a_lock_that_cannot_be_used_is_an_error() {
    let folder = repository();
    let folder = folder.path();
    write(folder, "hyperframes-ci.lock", "version = 1\n<<<<<<< HEAD\n");
    git(folder, &["add", "--all"]);
    for arguments in [&["check", "video"][..], &["check", "--staged"]] {
        let ran = run_in(folder, arguments);
        assert!(
            ran.code == 2
                && ran.stderr.contains("hyperframes-ci.lock:2: the file contains merge conflict markers"),
            "{ran:?}"
        );
    }
}

const SIZED: &str = r#"<!doctype html>
<html data-composition-variables='[{"id":"seconds","label":"Seconds","type":"number","default":1}]'>
<body><div data-composition-id="main" data-no-timeline data-width="1280" data-height="720" data-start="0" data-duration="1">
<p data-var-text="seconds">1</p></div></body></html>
"#;

/// Returns the seconds of the request that a dry run shows, and the key of the render.
fn dry_run(folder: &Path, arguments: &[&str]) -> (Value, Value) {
    // A file that only the lock knows is missing.
    let flags = ["render", "--dry-run", "--json", "--allow", "media-missing"];
    let ran = run_in(folder, &[&flags[..], arguments].concat()).ok();
    let json = ran.json();
    // That of an entry is in a list.
    let one = json["renders"].get(0).unwrap_or(&json);
    (one["request"]["variables"]["seconds"].clone(), one["key"].clone())
}

#[test]
fn lengths_of_files_are_values() {
    let folder = repository();
    let folder = folder.path();
    write(folder, "video/index.html", SIZED);
    let inline = "--variables={\"seconds\": \"@duration:video/assets/voice.mp3\"}";
    let (seconds, key) = dry_run(folder, &["video", inline]);
    assert_eq!(seconds, 0.5);
    assert_eq!((seconds, key), dry_run(folder, &["video", "--variables={\"seconds\": 0.5}"]));
    run_in(folder, &["check", "video", "--strict", inline]).ok();
    // The lock knows it without the file; a file that it does not know is measured.
    fs::rename(folder.join("video/assets/voice.mp3"), folder.join("video/assets/other.wav")).unwrap();
    let values = "{\n  \"seconds\": \"@duration:video/assets/other.wav\"}\n";
    write(folder, "values.json", values);
    let entry = "[[render]]\nname = \"a\"\nproject = \"video\"\nvariables = { seconds = \"@duration:video/assets/voice.mp3\" }\n";
    write(folder, "hyperframes-ci.toml", &format!("{CONFIG}{entry}"));
    for arguments in
        [&["--entry", "a"][..], &["video", inline], &["video", "--variables-file", "values.json"]]
    {
        assert_eq!(dry_run(folder, arguments).0, 0.5, "{arguments:?}");
    }
    git(folder, &["add", "--all"]);
    let found = run_in(folder, &["check", "--staged", "--json", "--allow", "media-missing"]).ok();
    assert!(!found.stdout.contains("variable-type-mismatch"), "{found:?}");
}

#[test]
fn an_unknown_length_is_an_error_with_its_place() {
    let folder = repository();
    let folder = folder.path();
    write(folder, "video/index.html", SIZED);
    write(folder, "a.json", "{\n  \"seconds\": \"@duration:none.wav\"\n}\n");
    write(folder, "b.json", "{\"seconds\": \"@duration:script.txt\"}\n");
    write(folder, "c.json", "{\"seconds\": \"@duration:../x.wav\"}\n");
    for (file, message) in [
        ("a.json", "a.json:2:14: the length of \"none.wav\" is unknown: file not found"),
        ("b.json", "b.json:1:13: the length of \"script.txt\" is unknown: it is not a media file"),
        ("c.json", "c.json:1:13: the length of \"../x.wav\" is unknown: "),
    ] {
        for command in ["check", "render"] {
            let ran = run_in(folder, &[command, "video", "--variables-file", file]);
            assert!(ran.code == 2 && ran.stderr.contains(message), "{ran:?}");
        }
        let entry = format!("[[render]]\nname = \"a\"\nproject = \"video\"\nvariables-file = \"{file}\"\n");
        write(folder, "hyperframes-ci.toml", &format!("{CONFIG}{entry}"));
        git(folder, &["add", "--all"]);
        let ran = run_in(folder, &["check", "--staged"]);
        assert!(ran.code == 2 && ran.stderr.contains(message), "{ran:?}");
        let ran = run_in(folder, &["check", "--all"]);
        assert!(ran.code == 2 && ran.stderr.contains(message), "{ran:?}");
    }
}

#[test]
fn files_below_the_media_directory_are_in_the_manifest_of_other_tools() {
    let temporary = tempfile::tempdir().unwrap();
    let folder = temporary.path();
    let emulator = Emulator::placeholder(&[]);
    let config = "[[media]]\nfile = \"video/.media/audio/voice/one.wav\"\ntext = \"Hello, world.\"\nvoice = \"emulator-ada\"\n\n\
        [[media]]\nfile = \"video/.media/two.wav\"\ntext = \"Two\"\nvoice = \"v\"\n\n\
        [[media]]\nfile = \"video/three.wav\"\ntext = \"Three\"\nvoice = \"v\"\n";
    write(folder, "hyperframes-ci.toml", config);
    let foreign = "{\"id\":\"x\",\"path\":\".media/two.wav\",\"tags\":[\"a\"]}";
    write(folder, "video/.media/manifest.jsonl", foreign);
    fs::write(folder.join("video/.media/two.wav"), sound()).unwrap();
    fs::write(folder.join("video/three.wav"), sound()).unwrap();
    run_in(folder, &["media", "adopt", "--entry", "video/.media/two.wav", "--entry", "video/three.wav"]).ok();
    emulator.run(folder, &["media", "generate"]).ok();
    let text = fs::read_to_string(folder.join("video/.media/manifest.jsonl")).unwrap();
    let lines = text.lines().map(|line| serde_json::from_str::<Value>(line).unwrap()).collect::<Vec<_>>();
    show("manifest.jsonl", &text);
    assert_eq!(lines.len(), 2, "{text}");
    assert_eq!((&lines[0]["id"], &lines[0]["tags"][0]), (&"x".into(), &"a".into()), "{text}");
    assert_eq!(lines[0]["duration"], 0.5, "{text}");
    assert_eq!(lines[1]["path"], ".media/audio/voice/one.wav");
    assert_eq!((&lines[1]["type"], &lines[1]["id"]), (&"voice".into(), &"one".into()));
    assert_eq!(lines[1]["provenance"]["prompt"], "Hello, world.");
    assert!(lines[1]["duration"].as_f64().unwrap() > 0.1 && !text.contains("http"), "{text}");
}

#[test]
fn renders_and_archives_are_refused_without_the_declared_media() {
    let folder = repository();
    let folder = folder.path();
    let emulator = Emulator::placeholder(&[]);
    let entry = "[[render]]\nname = \"a\"\nproject = \"video\"\n";
    write(folder, "hyperframes-ci.toml", &format!("{CONFIG}{entry}"));
    let render = ["render", "video", "--renderer", "cloud", "-o", "out.mp4"];
    let of_entry = ["render", "--entry", "a", "--renderer", "cloud"];
    let pack = ["pack", "video", "-o", "out.zip"];
    let voice = folder.join("video/assets/voice.mp3");
    let changed = "error[media-changed]: video/assets/voice.mp3: video/assets/voice.mp3 has changed";
    fs::write(&voice, [sound(), vec![0]].concat()).unwrap();
    for arguments in [&render[..], &of_entry, &pack] {
        let ran = emulator.run(folder, arguments);
        let is_told = ran.stderr.contains(changed) && ran.stderr.contains("hyperframes-ci.toml:1");
        assert!(ran.code == 5 && is_told, "{ran:?}");
    }
    fs::remove_file(&voice).unwrap();
    let ran = emulator.run(folder, &render);
    assert!(
        ran.code == 5 && ran.stderr.contains("error[media-missing]: video/assets/voice.mp3: "),
        "{ran:?}"
    );
    assert!(emulator.requests().is_empty(), "nothing may be requested");
    // An outdated voice is told, and the user may refuse it.
    fs::write(&voice, sound()).unwrap();
    write(folder, "script.txt", "Hello, moon.\n");
    let outdated = "[media-outdated]: video/assets/voice.mp3: the script or an option has changed";
    let ran = emulator.run(folder, &[&render[..], &["--deny", "media-outdated"]].concat());
    assert!(ran.code == 5 && ran.stderr.contains(outdated), "{ran:?}");
    for arguments in [&render[..], &of_entry, &pack] {
        let ran = emulator.run(folder, arguments).ok();
        assert!(ran.stderr.contains("warning") && ran.stderr.contains(outdated), "{ran:?}");
    }
    // Without the declaration, nothing is said.
    write(folder, "hyperframes-ci.toml", entry);
    assert!(!emulator.run(folder, &render).ok().stderr.contains("media-"));
}
