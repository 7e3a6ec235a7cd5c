//! Translations of renders by `media generate`: never twice, never lost, nothing paid on bad input.

use std::fs;
use std::path::Path;
use std::process::Command;

use serde_json::Value;

use crate::generation::{Endpoints, KILLS, command, fault, faults, generate, statuses};
use crate::support::{Emulator, KEY, Ran, names, run_in, show, write};

/// A video of one second.
const VIDEO: &[u8] = include_bytes!("../../src/emulator/clips/placeholder.mp4");

/// The same with other bytes: the box is ignored.
fn other_video() -> Vec<u8> {
    [VIDEO, b"\0\0\0\x08free"].concat()
}

const CONFIG: &str = "[[render]]\nname = \"launch\"\nproject = \"launch\"\noutput = \"out/{entry}.{ext}\"\n\
                      translate = [\"Spanish (Spain)\", \"German (Germany)\"]\n";
const PAGE: &str = "<!doctype html><html><body><div data-composition-id=\"main\" data-width=\"1920\" data-height=\"1080\" \
     data-start=\"0\" data-duration=\"1\"></div></body></html>";

/// The requests of translations.
const ENDPOINTS: Endpoints = Endpoints {
    submit: "submit_translation",
    poll: "poll_translation",
    list: "list_translations",
    make: "translate",
};

/// The translation into one language.
const ONLY: [&str; 2] = ["--entry", "out/launch.es-ES.mp4"];
const FILES: [&str; 5] =
    ["launch.de-DE.mp4", "launch.de-DE.vtt", "launch.es-ES.mp4", "launch.es-ES.vtt", "launch.mp4"];

/// A repository whose video is not rendered.
fn repository() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), "hyperframes-ci.toml", CONFIG);
    write(folder.path(), "launch/index.html", PAGE);
    folder
}

/// A repository whose video is rendered.
fn rendered() -> tempfile::TempDir {
    let folder = repository();
    fs::create_dir(folder.path().join("out")).unwrap();
    fs::write(folder.path().join("out/launch.mp4"), VIDEO).unwrap();
    folder
}

/// Assets and translations that the emulator has accepted, and translations that it would bill.
fn counts(emulator: &Emulator) -> [u64; 3] {
    let stats = emulator.stats();
    ["assets_created", "translations_submitted", "translations_completed"]
        .map(|name| stats[name].as_u64().unwrap())
}

fn lock(folder: &Path) -> String {
    fs::read_to_string(folder.join("hyperframes-ci.lock")).unwrap_or_default()
}

fn close(value: &Value, expected: f64) -> bool {
    (value.as_f64().unwrap() - expected).abs() < 1e-9
}

#[test]
fn a_render_is_translated_once() {
    let (emulator, folder) = (Emulator::placeholder(&[]), repository());
    let folder = folder.path();
    // Before the video is rendered, nothing is due, and nothing is wrong.
    let plan = run_in(folder, &["media", "plan", "--json"]).ok().json();
    let states = plan["media"].as_array().unwrap().iter().map(|media| &media["status"]).collect::<Vec<_>>();
    assert_eq!(states, ["waiting", "waiting"], "{plan}");
    assert_eq!((&plan["not_current"], &plan["estimated_usd"]), (&0.into(), &0.0.into()), "{plan}");
    let ran = run_in(folder, &["media", "generate"]).ok();
    assert!(
        ran.stderr.contains("es-ES.mp4 is not translated: its video out/launch.mp4 does not exist"),
        "{ran:?}"
    );
    assert_eq!(run_in(folder, &["media", "check"]).code, 0);

    let ran = Ran::of(emulator.command().args(["render", "--all"]).current_dir(folder)).ok();
    assert!(ran.stderr.contains("`hyperframes-ci media generate` translates"), "{ran:?}");
    let plan = run_in(folder, &["media", "plan", "--json"]).ok().json();
    for media in plan["media"].as_array().unwrap() {
        assert_eq!((&media["status"], &media["kind"]), (&"missing".into(), &"translation".into()), "{plan}");
        assert!(close(&media["estimated_seconds"], 1.0) && close(&media["estimated_usd"], 0.05), "{plan}");
    }
    assert!(close(&plan["estimated_usd"], 0.1), "{plan}");
    assert_eq!(run_in(folder, &["media", "check"]).code, 5);
    let before = counts(&emulator);
    let ran = generate(&emulator, folder, &["--dry-run"]).ok();
    assert_eq!((statuses(&ran), counts(&emulator)), (vec!["planned".to_owned(); 2], before));

    let ran = generate(&emulator, folder, &[]).ok();
    assert_eq!(statuses(&ran), ["generated", "generated"]);
    // One upload for both languages, beside that of the project.
    assert_eq!(counts(&emulator), [before[0] + 1, 2, 2]);
    assert!(close(&ran.json()["usd"], 0.1) && close(&emulator.stats()["cost_usd"], 0.1), "{ran:?}");
    assert_eq!(names(&folder.join("out")), FILES);
    let captions = fs::read_to_string(folder.join("out/launch.es-ES.vtt")).unwrap();
    assert!(captions.starts_with("WEBVTT\n") && captions.contains("(Spanish (Spain))"), "{captions}");
    let locked = lock(folder);
    assert_eq!(locked.matches("video-id = \"vtr_").count(), 2, "{locked}");
    assert_eq!(locked.matches("cost-usd = 0.05").count(), 2, "{locked}");
    assert!(!locked.contains("http"), "{locked}");
    assert_eq!(run_in(folder, &["media", "check"]).code, 0);

    // A second run costs nothing, and needs neither a key nor the API.
    let ran = run_in(folder, &["media", "generate", "--json"]).ok();
    assert_eq!(statuses(&ran), ["current", "current"]);
    // Another language costs one translation, of the same upload.
    write(folder, "hyperframes-ci.toml", &CONFIG.replace("[\"Spanish", "[\"English\", \"Spanish"));
    let ran = generate(&emulator, folder, &[]).ok();
    assert_eq!(statuses(&ran), ["generated", "current", "current"]);
    assert_eq!(counts(&emulator), [before[0] + 1, 3, 3]);
    // Another video is translated again, at the price of the mode.
    fs::write(folder.join("out/launch.mp4"), other_video()).unwrap();
    write(folder, "hyperframes-ci.toml", &format!("{CONFIG}translate-mode = \"precision\"\n"));
    let plan = run_in(folder, &["media", "plan", "--json"]).ok().json();
    let expected = "the video out/launch.mp4 or an option has changed since the file was recorded";
    assert_eq!(plan["media"][0]["message"], expected, "{plan}");
    assert!(close(&plan["estimated_usd"], 0.2), "{plan}");
    assert_eq!(plan["undeclared"][0], "out/launch.en.mp4", "{plan}");
    let ran = generate(&emulator, folder, &[]).ok();
    assert_eq!((statuses(&ran), counts(&emulator)), (vec!["generated".to_owned(); 2], [before[0] + 2, 5, 5]));
    // Nothing stays beside the ledger, and the key is in no file.
    assert_eq!(names(&emulator.ledger().with_extension("media")), ["lock"]);
    let ledger = fs::read_to_string(emulator.ledger()).unwrap();
    assert!(!ledger.contains(KEY) && !ledger.contains("Signature"), "{ledger}");
}

#[test]
fn a_process_that_is_killed_at_any_step_pays_once() {
    let mut table = String::from("killed            | next run     | translations | assets\n");
    for (step, next) in KILLS {
        let (emulator, folder) = (Emulator::placeholder(&[]), rendered());
        let folder = folder.path();
        let killed = command(&emulator, folder, &ONLY).env("HYPERFRAMES_CI_ABORT_AT", step).output().unwrap();
        assert_eq!(killed.status.code(), None, "{step}: {killed:?}");
        if !["uploaded", "made", "staged"].contains(&step) {
            // By then, the URL may have expired: the translation is there.
            fault(&emulator, "download", 9, "\"expire\"");
        }
        let ran = generate(&emulator, folder, &ONLY).ok();
        // After the upload, the submission may have been on its way.
        if step != "uploaded" {
            assert_eq!(statuses(&ran), [next], "{step}: {ran:?}");
        }
        assert_eq!(counts(&emulator), [1, 1, 1], "{step}");
        assert_eq!(statuses(&generate(&emulator, folder, &ONLY).ok()), ["current"], "{step}");
        let mut files = names(&folder.join("out"));
        // A temporary file is deleted by a later run.
        files.retain(|name| !name.ends_with(".part"));
        assert_eq!(files, FILES[2..], "{step}");
        table += &format!("{step:17} | {next:12} | 1            | 1\n");
    }
    show("media generate of a translation, killed", &table);
}

#[test]
fn a_change_of_the_languages_after_a_kill_pays_for_no_language_twice() {
    let (emulator, folder) = (Emulator::placeholder(&[]), rendered());
    let folder = folder.path();
    let killed =
        command(&emulator, folder, &["--concurrency", "1"]).env("HYPERFRAMES_CI_ABORT_AT", "made").output();
    assert_eq!(killed.unwrap().status.code(), None);
    assert_eq!(counts(&emulator)[1], 1);
    write(folder, "hyperframes-ci.toml", &CONFIG.replace("[\"Spanish", "[\"English\", \"Spanish"));
    let ran = generate(&emulator, folder, &[]).ok();
    assert_eq!((statuses(&ran).len(), counts(&emulator)), (3, [1, 3, 3]), "{ran:?}");
}

#[test]
fn a_translation_is_billed_once_whatever_happens() {
    let mut table = String::from("fault                         | exit | status     | translations\n");
    for (name, on, times, fault_of, code, status, made) in faults(&ENDPOINTS) {
        let (emulator, folder) = (Emulator::placeholder(&[]), rendered());
        let folder = folder.path();
        fault(&emulator, on, times, fault_of);
        let ran = generate(&emulator, folder, &ONLY);
        assert_eq!((ran.code, statuses(&ran)), (code, vec![status.to_owned()]), "{name}: {ran:?}");
        assert_eq!(counts(&emulator)[1], made, "{name}");
        let is_made = code == 0;
        assert_eq!(names(&folder.join("out")).len(), if is_made { 3 } else { 1 }, "{name}");
        assert_eq!(!lock(folder).is_empty(), is_made, "{name}: nothing is recorded without files");
        // Without the fault: only a translation that failed, or was never accepted, is submitted.
        emulator.script(r#"{"rules": []}"#);
        let ran = generate(&emulator, folder, &ONLY).ok();
        let again = match status {
            "generated" => "current",
            "not-saved" => "recovered",
            _ => "generated",
        };
        assert_eq!(statuses(&ran), [again], "{name}: {ran:?}");
        let total = if on == "translate" { 2 } else { 1 };
        assert_eq!(counts(&emulator), [1, total, 1], "{name}: failed translations are not billed");
        table += &format!("{name:29} | {code:4} | {status:10} | {made}\n");
    }
    show("media generate of a translation, faults", &table);
}

#[test]
fn another_machine_finds_the_translation_in_the_list_of_the_account() {
    let (emulator, folder) = (Emulator::placeholder(&["--render-seconds", "1"]), rendered());
    let folder = folder.path();
    let ran = generate(&emulator, folder, &[&ONLY[..], &["--max-wait", "0.2"]].concat());
    assert_eq!((ran.code, statuses(&ran)), (4, vec!["not-saved".to_owned()]), "{ran:?}");
    assert!(ran.stdout.contains("the translation is still running"), "{ran:?}");
    let home = tempfile::tempdir().unwrap();
    let mut other = command(&emulator, folder, &ONLY);
    let ran = Ran::of(other.env("HYPERFRAMES_CI_LEDGER", home.path().join("ledger.jsonl"))).ok();
    assert_eq!((statuses(&ran), counts(&emulator)), (vec!["recovered".to_owned()], [1, 1, 1]));
    assert_eq!(ran.json()["usd"], 0.0, "{ran:?}");
}

/// A change of the repository, flags, the exit code, the code of the error and a part of the output.
type BadInput<'a> = (&'a str, &'a dyn Fn(&Path), &'a [&'a str], i32, &'a str, &'a str);

#[test]
fn nothing_is_paid_on_bad_input() {
    let replace = |folder: &Path, from: &str, to: &str| {
        assert!(CONFIG.contains(from));
        write(folder, "hyperframes-ci.toml", &CONFIG.replace(from, to));
    };
    let bad: [BadInput<'_>; 10] = [
        (
            "unknown language",
            &|folder| replace(folder, "German (Germany)", "German (Germny)"),
            &[],
            5,
            "media_not_ready",
            "unknown language German (Germny); did you mean German (Germany)?",
        ),
        (
            "without a region",
            &|folder| replace(folder, "German (Germany)", "German"),
            &[],
            5,
            "media_not_ready",
            "unknown language German; did you mean German (Germany)?",
        ),
        (
            "a tag",
            &|folder| replace(folder, "Spanish (Spain)", "es-ES"),
            &[],
            2,
            "invalid_config",
            "did you mean \\\"Spanish (Spain)\\\"?",
        ),
        (
            "not a video",
            &|folder| write(folder, "out/launch.mp4", "<html>"),
            &[],
            5,
            "media_not_ready",
            "out/launch.mp4 is not a video",
        ),
        (
            "no video",
            &|folder| fs::remove_file(folder.join("out/launch.mp4")).unwrap(),
            &ONLY,
            5,
            "media_not_ready",
            "its video out/launch.mp4 does not exist",
        ),
        (
            "a file of somebody",
            &|folder| write(folder, "out/launch.es-ES.mp4", "mine"),
            &[],
            5,
            "media_not_ready",
            "was not generated",
        ),
        (
            "captions of somebody",
            &|folder| write(folder, "out/launch.es-ES.vtt", "mine"),
            &[],
            5,
            "media_not_ready",
            "was not generated",
        ),
        // The limits hold for both languages together.
        ("cost", &|_| {}, &["--max-cost", "0.09"], 6, "max_cost", ""),
        ("seconds", &|_| {}, &["--max-seconds", "1.5"], 6, "max_seconds", ""),
        ("balance", &|_| {}, &["--min-balance", "101"], 6, "min_balance", ""),
    ];
    for (name, change, flags, code, error, part) in bad {
        let (emulator, folder) = (Emulator::placeholder(&[]), rendered());
        change(folder.path());
        let before = names(&folder.path().join("out"));
        let ran = generate(&emulator, folder.path(), flags);
        assert_eq!((ran.code, ran.error()["code"].as_str().unwrap()), (code, error), "{name}: {ran:?}");
        assert!(ran.stdout.contains(part) || ran.stderr.contains(part), "{name}: {ran:?}");
        assert_eq!(counts(&emulator), [0, 0, 0], "{name}");
        assert_eq!(names(&folder.path().join("out")), before, "{name}");
    }
    // Catalogues that cannot be asked, before anything is uploaded.
    for (fault_of, code) in [(r#"{"status": 403}"#, 3), ("\"html\"", 1)] {
        let (emulator, folder) = (Emulator::placeholder(&[]), rendered());
        fault(&emulator, "languages", 9, fault_of);
        let ran = generate(&emulator, folder.path(), &[]);
        assert_eq!((ran.code, counts(&emulator)), (code, [0, 0, 0]), "{fault_of}: {ran:?}");
    }
}

#[test]
fn captions_are_optional_but_never_half_of_a_translation() {
    let (emulator, folder) = (Emulator::placeholder(&[]), rendered());
    let folder = folder.path();
    // The first download is the video.
    emulator.script(r#"{"rules": [{"on": "download", "after": 1, "times": 99, "do": "html"}]}"#);
    let ran = generate(&emulator, folder, &ONLY);
    assert_eq!((ran.code, statuses(&ran)), (1, vec!["not-saved".to_owned()]), "{ran:?}");
    assert_eq!(names(&folder.join("out")), ["launch.mp4"]);
    emulator.script(r#"{"rules": []}"#);
    assert_eq!(statuses(&generate(&emulator, folder, &ONLY).ok()), ["recovered"]);
    assert_eq!(counts(&emulator), [1, 1, 1]);
    // The lock file of a translation without captions.
    let locked = lock(folder);
    let kept = locked.lines().filter(|line| !line.starts_with("captions")).map(|line| format!("{line}\n"));
    write(folder, "hyperframes-ci.lock", &kept.collect::<String>());
    fs::remove_file(folder.join("out/launch.es-ES.vtt")).unwrap();
    assert_eq!(statuses(&generate(&emulator, folder, &ONLY).ok()), ["current"]);
}

#[test]
fn existing_translations_are_adopted_without_those_that_do_not_exist() {
    let folder = rendered();
    let folder = folder.path();
    fs::write(folder.join("out/launch.es-ES.mp4"), VIDEO).unwrap();
    let ran = run_in(folder, &["media", "adopt", "--json"]).ok();
    assert_eq!(ran.json()["adopted"], serde_json::json!(["out/launch.es-ES.mp4"]), "{ran:?}");
    let plan = run_in(folder, &["media", "plan", "--json"]).ok().json();
    let states = plan["media"].as_array().unwrap().iter().map(|media| &media["status"]).collect::<Vec<_>>();
    assert_eq!(states, ["current", "missing"], "{plan}");
}

/// With FFmpeg, the tracks name the language, and the pictures are those of the video.
#[test]
fn the_emulator_marks_the_tracks_with_the_language() {
    let (emulator, folder) = (Emulator::start(&[]), rendered());
    generate(&emulator, folder.path(), &ONLY).ok();
    let mut command = Command::new("ffprobe");
    command.args([
        "-v",
        "error",
        "-show_entries",
        "stream=codec_type:stream_tags=handler_name",
        "-of",
        "csv=p=0",
    ]);
    let output = command.arg(folder.path().join("out/launch.es-ES.mp4")).output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success() && text.contains("video,Spanish (Spain)"), "{output:?}");
}
