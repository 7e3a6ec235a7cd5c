//! `media generate` of presenter clips and sounds: never twice, never lost, nothing paid on bad input.

use std::fs;
use std::path::Path;
use std::process::Command;

use serde_json::Value;

use crate::generation::{Endpoints, KILLS, command, fault, faults, generate, statuses};
use crate::support::{Emulator, KEY, Ran, names, run_in, show, write};

const VOICE: &str =
    "[[media]]\nfile = \"assets/voice.wav\"\nscript = \"script.txt\"\nvoice = \"emulator-ada\"\n\n";
const CLIP: &str = "[[media]]\nfile = \"assets/clip.mp4\"\navatar = \"emulator-iris-office\"\naudio = \"assets/voice.wav\"\n\
                    captions = \"assets/clip.vtt\"\n\n";
const MUSIC: &str = "[[media]]\nfile = \"assets/music.wav\"\nsound = \"emulator-calm-piano\"\n";

/// The requests of clips.
const ENDPOINTS: Endpoints =
    Endpoints { submit: "submit_video", poll: "poll_video", list: "list_videos", make: "make_video" };

/// The clip without the speech.
const ONLY: [&str; 2] = ["--entry", "assets/clip.mp4"];

/// A repository with a speech, a clip that is made from it, and music.
fn repository() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    // The clip comes first: the order of entries does not matter.
    write(folder.path(), "hyperframes-ci.toml", &format!("{CLIP}{VOICE}{MUSIC}"));
    write(folder.path(), "script.txt", "Hello, world. This is the launch.\n");
    folder
}

/// Speeches, assets and clips that the emulator has accepted.
fn counts(emulator: &Emulator) -> [u64; 3] {
    let stats = emulator.stats();
    ["speeches_generated", "assets_created", "videos_submitted"].map(|name| stats[name].as_u64().unwrap())
}

fn lock(folder: &Path) -> String {
    fs::read_to_string(folder.join("hyperframes-ci.lock")).unwrap_or_default()
}

/// Makes the speech and the music, so that only the clip is missing.
fn without_clip(emulator: &Emulator) -> tempfile::TempDir {
    let folder = repository();
    generate(emulator, folder.path(), &["--entry", "assets/voice.wav", "--entry", "assets/music.wav"]).ok();
    folder
}

#[test]
fn a_clip_is_made_from_the_speech_of_the_same_run_once() {
    let (emulator, folder) = (Emulator::placeholder(&[]), repository());
    let folder = folder.path();
    let plan = run_in(folder, &["media", "plan", "--json"]).ok().json();
    let kinds = plan["media"].as_array().unwrap().iter().map(|media| media["kind"].as_str().unwrap());
    assert_eq!(kinds.collect::<Vec<_>>(), ["presenter", "speech", "sound"]);
    // The length of the audio is estimated by its script.
    let seconds = |index: usize| plan["media"][index]["estimated_seconds"].as_f64().unwrap();
    assert!((seconds(0) - seconds(1)).abs() < 1e-9 && seconds(0) > 1.0 && seconds(2) == 0.0, "{plan}");
    let ran = generate(&emulator, folder, &["--dry-run"]).ok();
    assert_eq!((statuses(&ran), counts(&emulator)), (vec!["planned".to_owned(); 3], [0, 0, 0]));
    let ran = generate(&emulator, folder, &[]).ok();
    assert_eq!((statuses(&ran), counts(&emulator)), (vec!["generated".to_owned(); 3], [1, 1, 1]));
    let cost = emulator.stats()["cost_usd"].as_f64().unwrap();
    assert!((ran.json()["usd"].as_f64().unwrap() - cost).abs() < 1e-9 && cost > 0.1, "{ran:?}");
    assert_eq!(run_in(folder, &["media", "check"]).code, 0);
    assert_eq!(names(&folder.join("assets")), ["clip.mp4", "clip.vtt", "music.wav", "voice.wav"]);
    assert!(fs::read_to_string(folder.join("assets/clip.vtt")).unwrap().starts_with("WEBVTT\n"));
    let locked = lock(folder);
    assert!(
        locked.contains("video-id = \"vid") && locked.contains("captions = \"assets/clip.vtt\""),
        "{locked}"
    );
    assert_eq!(locked.matches("cost-usd").count(), 2, "{locked}");
    assert!(!locked.contains("http"), "{locked}");

    // A second run costs nothing, and needs neither a key nor the API.
    let ran = run_in(folder, &["media", "generate", "--json"]).ok();
    assert_eq!((statuses(&ran), counts(&emulator)), (vec!["current".to_owned(); 3], [1, 1, 1]));
    // Another script is another speech, and another clip.
    write(folder, "script.txt", "Hello, moon.\n");
    let plan = run_in(folder, &["media", "plan", "--json"]).ok().json();
    assert_eq!(plan["media"][0]["message"], "its audio assets/voice.wav is outdated", "{plan}");
    let ran = generate(&emulator, folder, &[]).ok();
    assert_eq!(
        (statuses(&ran), counts(&emulator)),
        (vec!["generated".into(), "generated".into(), "current".into()], [2, 2, 2])
    );
    // Another option is another clip, of the same audio.
    let config = fs::read_to_string(folder.join("hyperframes-ci.toml")).unwrap();
    write(folder, "hyperframes-ci.toml", &config.replace("avatar =", "resolution = \"720p\"\navatar ="));
    let ran = generate(&emulator, folder, &[]).ok();
    assert_eq!((statuses(&ran)[0].as_str(), counts(&emulator)), ("generated", [2, 2, 3]));
    // Nothing stays beside the ledger, and the key is in no file.
    assert_eq!(names(&emulator.ledger().with_extension("media")), ["lock"]);
    let ledger = fs::read_to_string(emulator.ledger()).unwrap();
    assert!(!ledger.contains(KEY) && !ledger.contains("Signature"), "{ledger}");
}

#[test]
fn a_clip_of_a_script_needs_no_upload() {
    let (emulator, folder) = (Emulator::placeholder(&[]), tempfile::tempdir().unwrap());
    let folder = folder.path();
    let entry = "[[media]]\nfile = \"a.webm\"\navatar = \"emulator-iris-street\"\nscript = \"s.txt\"\nvoice = \"emulator-ada\"\n\
                 engine = \"avatar_iv\"\nbackground = \"#00ff00\"\naspect-ratio = \"1:1\"\ncaptions = \"a.srt\"\n";
    write(folder, "hyperframes-ci.toml", entry);
    write(folder, "s.txt", "Hello, world.\r\n");
    generate(&emulator, folder, &[]).ok();
    assert_eq!(counts(&emulator), [0, 0, 1]);
    assert!(fs::read_to_string(folder.join("a.srt")).unwrap().contains("Hello, world."));
    write(folder, "s.txt", "Hello, world.\n");
    assert_eq!(statuses(&generate(&emulator, folder, &[])), ["current"], "a checkout on Windows");
}

#[test]
fn a_process_that_is_killed_at_any_step_pays_once() {
    let mut table = String::from("killed            | next run     | clips | assets\n");
    for (step, next) in KILLS {
        let emulator = Emulator::placeholder(&[]);
        let folder = without_clip(&emulator);
        let folder = folder.path();
        let killed = command(&emulator, folder, &ONLY).env("HYPERFRAMES_CI_ABORT_AT", step).output().unwrap();
        assert_eq!(killed.status.code(), None, "{step}: {killed:?}");
        if !["uploaded", "made", "staged"].contains(&step) {
            // By then, the URL may have expired: the clip is there.
            fault(&emulator, "download", 9, "\"expire\"");
        }
        let ran = generate(&emulator, folder, &ONLY).ok();
        // After the upload, the submission may have been on its way.
        if step != "uploaded" {
            assert_eq!(statuses(&ran), [next], "{step}: {ran:?}");
        }
        assert_eq!(counts(&emulator), [1, 1, 1], "{step}");
        let ran = generate(&emulator, folder, &ONLY).ok();
        assert_eq!(statuses(&ran), ["current"], "{step}");
        let mut files = names(&folder.join("assets"));
        // A temporary file is deleted by a later run.
        files.retain(|name| !name.ends_with(".part"));
        assert_eq!(files, ["clip.mp4", "clip.vtt", "music.wav", "voice.wav"], "{step}");
        table += &format!("{step:17} | {next:12} | 1     | 1\n");
    }
    show("media generate of a clip, killed", &table);
}

#[test]
fn a_clip_is_billed_once_whatever_happens() {
    let mut table = String::from("fault                         | exit | status     | clips\n");
    for (name, on, times, fault_of, code, status, clips) in faults(&ENDPOINTS) {
        let emulator = Emulator::placeholder(&[]);
        let folder = without_clip(&emulator);
        let folder = folder.path();
        let before = lock(folder);
        fault(&emulator, on, times, fault_of);
        let ran = generate(&emulator, folder, &ONLY);
        assert_eq!((ran.code, statuses(&ran)), (code, vec![status.to_owned()]), "{name}: {ran:?}");
        assert_eq!(counts(&emulator)[2], clips, "{name}");
        let is_made = code == 0;
        assert_eq!(folder.join("assets/clip.mp4").exists(), is_made, "{name}");
        assert_eq!(lock(folder) != before, is_made, "{name}: nothing is recorded without files");
        // Without the fault: only a clip that failed, or was never accepted, is submitted.
        emulator.script(r#"{"rules": []}"#);
        let ran = generate(&emulator, folder, &ONLY).ok();
        let again = match status {
            "generated" => "current",
            "not-saved" => "recovered",
            _ => "generated",
        };
        assert_eq!(statuses(&ran), [again], "{name}: {ran:?}");
        let total = if on == "make_video" { 2 } else { 1 };
        assert_eq!((counts(&emulator)[1], counts(&emulator)[2]), (1, total), "{name}");
        assert_eq!(emulator.stats()["videos_completed"], 1, "{name}: failed clips are not billed");
        table += &format!("{name:29} | {code:4} | {status:10} | {clips}\n");
    }
    show("media generate of a clip, faults", &table);
}

#[test]
fn captions_that_cannot_be_had_leave_no_half_of_a_clip() {
    let emulator = Emulator::placeholder(&[]);
    let folder = without_clip(&emulator);
    let folder = folder.path();
    // The first download is the clip.
    emulator.script(r#"{"rules": [{"on": "download", "after": 1, "times": 99, "do": "html"}]}"#);
    let ran = generate(&emulator, folder, &ONLY);
    assert_eq!((ran.code, statuses(&ran)), (1, vec!["not-saved".to_owned()]), "{ran:?}");
    assert_eq!(ran.json()["media"][0]["is_billed"], true, "{ran:?}");
    assert_eq!(names(&folder.join("assets")), ["music.wav", "voice.wav"]);
    emulator.script(r#"{"rules": []}"#);
    assert_eq!(statuses(&generate(&emulator, folder, &ONLY).ok()), ["recovered"]);
    assert_eq!(counts(&emulator), [1, 1, 1]);
}

#[test]
fn another_machine_finds_the_clip_in_the_list_of_the_account() {
    let emulator = Emulator::placeholder(&["--render-seconds", "1"]);
    let folder = without_clip(&emulator);
    let folder = folder.path();
    let ran = generate(&emulator, folder, &[&ONLY[..], &["--max-wait", "0.2"]].concat());
    assert_eq!((ran.code, statuses(&ran)), (4, vec!["not-saved".to_owned()]), "{ran:?}");
    assert!(ran.stdout.contains("the clip is still running"), "{ran:?}");
    let home = tempfile::tempdir().unwrap();
    let mut other = command(&emulator, folder, &ONLY);
    let ran = Ran::of(other.env("HYPERFRAMES_CI_LEDGER", home.path().join("ledger.jsonl"))).ok();
    assert_eq!((statuses(&ran), counts(&emulator)), (vec!["recovered".to_owned()], [1, 1, 1]));
    assert_eq!(ran.json()["usd"], 0.0, "{ran:?}");
}

#[test]
fn two_processes_at_once_pay_once() {
    let emulator = Emulator::placeholder(&["--render-seconds", "0.5"]);
    let folder = repository();
    let start = || {
        let mut command = command(&emulator, folder.path(), &[]);
        command.stdout(std::process::Stdio::piped()).spawn().unwrap()
    };
    for child in [start(), start()] {
        let output = child.wait_with_output().unwrap();
        assert!(output.status.success(), "{output:?}");
    }
    assert_eq!(counts(&emulator), [1, 1, 1]);
    assert_eq!(run_in(folder.path(), &["media", "check"]).code, 0);
}

/// A change of the repository, flags, the exit code, the code of the error and a part of the output.
type BadInput<'a> = (&'a str, &'a dyn Fn(&Path), &'a [&'a str], i32, &'a str, &'a str);

#[test]
fn nothing_is_paid_on_bad_input() {
    let replace = |folder: &Path, from: &str, to: &str| {
        let config = fs::read_to_string(folder.join("hyperframes-ci.toml")).unwrap();
        assert!(config.contains(from));
        write(folder, "hyperframes-ci.toml", &config.replace(from, to));
    };
    let bad: [BadInput<'_>; 11] = [
        (
            "unknown avatar",
            &|folder| replace(folder, "iris-office", "nobody"),
            &[],
            5,
            "media_not_ready",
            "unknown avatar emulator-nobody",
        ),
        (
            "no engine",
            &|folder| replace(folder, "iris-office", "max-old"),
            &[],
            5,
            "media_not_ready",
            "the avatar emulator-max-old has no engine",
        ),
        (
            "unknown voice",
            &|folder| replace(folder, "audio = \"assets/voice.wav\"", "text = \"Hi\"\nvoice = \"nobody\""),
            &[],
            5,
            "media_not_ready",
            "unknown voice nobody",
        ),
        (
            "other engine",
            &|folder| replace(folder, "avatar =", "engine = \"avatar_x\"\navatar ="),
            &[],
            5,
            "media_not_ready",
            "does not support the engine avatar_x, but avatar_iv, avatar_v",
        ),
        (
            "clip of somebody",
            &|folder| write(folder, "assets/clip.mp4", "mine"),
            &[],
            5,
            "media_not_ready",
            "was not generated",
        ),
        (
            "audio not selected",
            &|_| {},
            &ONLY,
            5,
            "media_not_ready",
            "its audio assets/voice.wav is not current",
        ),
        (
            "unknown audio",
            &|folder| replace(folder, "audio = \"assets/voice.wav\"", "audio = \"a.wav\""),
            &[],
            2,
            "invalid_config",
            "is not the file of an entry",
        ),
        (
            "cycle",
            &|folder| replace(folder, "audio = \"assets/voice.wav\"", "audio = \"assets/clip.mp4\""),
            &[],
            2,
            "invalid_config",
            "is the file of the same entry",
        ),
        ("cost", &|_| {}, &["--max-cost", "0.1"], 6, "max_cost", ""),
        ("seconds", &|_| {}, &["--max-seconds", "3"], 6, "max_seconds", "s of new media"),
        ("balance", &|_| {}, &["--min-balance", "101"], 6, "min_balance", ""),
    ];
    for (name, change, flags, code, error, part) in bad {
        let (emulator, folder) = (Emulator::placeholder(&[]), repository());
        change(folder.path());
        let before = names(&folder.path().join("assets"));
        let ran = generate(&emulator, folder.path(), flags);
        assert_eq!((ran.code, ran.error()["code"].as_str().unwrap()), (code, error), "{name}: {ran:?}");
        assert!(ran.stdout.contains(part) || ran.stderr.contains(part), "{name}: {ran:?}");
        assert_eq!(counts(&emulator), [0, 0, 0], "{name}");
        assert_eq!(names(&folder.path().join("assets")), before, "{name}");
    }
    // Audio of another type, and audio that is too long, although the lock file agrees with them.
    let emulator = Emulator::placeholder(&[]);
    let folder = without_clip(&emulator);
    let mut long = fs::read(folder.path().join("assets/voice.wav")).unwrap();
    long[40..44].copy_from_slice(&(16_000_u32 * 2 * 700).to_le_bytes());
    long.resize(44 + 16_000 * 2 * 700, 0);
    for (bytes, part) in
        [(long, "is 700.0 s long; at most 600 s"), (b"<html>".to_vec(), "is neither MP3 nor WAV")]
    {
        fs::write(folder.path().join("assets/voice.wav"), bytes).unwrap();
        let ran = generate(&emulator, folder.path(), &ONLY);
        assert_eq!((ran.code, counts(&emulator)[2]), (5, 0), "{ran:?}");
        assert!(ran.stdout.contains(part), "{ran:?}");
    }
    // Without a lock file that knows better, the checks name the line of the entry and the remedy.
    fs::write(folder.path().join("assets/voice.wav"), "<html>").unwrap();
    let ran = run_in(folder.path(), &["media", "check", "--entry", "assets/clip.mp4"]);
    assert!(
        ran.stdout.contains("assets/clip.mp4: its audio assets/voice.wav is neither MP3 nor WAV"),
        "{ran:?}"
    );
    assert!(ran.stdout.contains("  help: "), "{ran:?}");
}

#[test]
fn a_clip_waits_for_its_audio_and_is_not_made_without_it() {
    let (emulator, folder) = (Emulator::placeholder(&[]), repository());
    fault(&emulator, "speech", 9, r#"{"status": 422, "code": "validation_error"}"#);
    let ran = generate(&emulator, folder.path(), &[]);
    assert_eq!(
        (ran.code, statuses(&ran)),
        (1, vec!["skipped".into(), "failed".into(), "generated".into()]),
        "{ran:?}"
    );
    assert!(ran.stdout.contains("its audio assets/voice.wav was not generated"), "{ran:?}");
    assert_eq!(counts(&emulator), [0, 0, 0]);
    // The limit holds for the speech and the clip together, before either is requested.
    emulator.script(r#"{"rules": []}"#);
    let estimate =
        run_in(folder.path(), &["media", "plan", "--json"]).json()["estimated_usd"].as_f64().unwrap();
    let most = (estimate - 0.05).to_string();
    let ran = generate(&emulator, folder.path(), &["--max-cost", &most]);
    assert_eq!((ran.code, counts(&emulator)), (6, [0, 0, 0]), "{ran:?}");
}

#[test]
fn sounds_are_found_by_their_id_or_by_words() {
    let emulator = Emulator::placeholder(&[]);
    let make = |extra: &str| {
        let folder = tempfile::tempdir().unwrap();
        write(folder.path(), "hyperframes-ci.toml", &format!("[[media]]\nfile = \"a.wav\"\n{extra}\n"));
        let ran = generate(&emulator, folder.path(), &[]);
        (ran, folder)
    };
    for entry in ["sound = \"emulator-whoosh\"", "sound = \"emulator-whoosh\"\nquery = \"fast transition\""] {
        let (ran, folder) = make(entry);
        assert_eq!((ran.code, statuses(&ran)), (0, vec!["generated".to_owned()]), "{ran:?}");
        assert_eq!(ran.json()["usd"], 0.0);
        assert!(!lock(folder.path()).contains("cost-usd"));
        // A run that was killed before the file was recorded goes on.
        fs::remove_file(folder.path().join("hyperframes-ci.lock")).unwrap();
        let ran = generate(&emulator, folder.path(), &[]);
        assert_eq!(
            (ran.code, statuses(&ran)),
            (5, vec!["blocked".to_owned()]),
            "a file of somebody: {ran:?}"
        );
        fs::remove_file(folder.path().join("a.wav")).unwrap();
        let killed =
            command(&emulator, folder.path(), &[]).env("HYPERFRAMES_CI_ABORT_AT", "audio").output().unwrap();
        assert_eq!(killed.status.code(), None);
        assert_eq!(statuses(&generate(&emulator, folder.path(), &[]).ok()), ["generated"]);
    }
    for (entry, part) in [
        ("sound = \"nothing\"", "the catalogue has no sound nothing"),
        ("sound = \"emulator-whoosh\"\nquery = \"piano\"", "the catalogue has no sound emulator-whoosh"),
    ] {
        let (ran, folder) = make(entry);
        assert_eq!((ran.code, statuses(&ran)), (1, vec!["failed".to_owned()]), "{ran:?}");
        assert!(ran.stdout.contains(part) && ran.stdout.contains("media list sounds"), "{ran:?}");
        assert_eq!(names(folder.path()), ["hyperframes-ci.toml"]);
    }
    fault(&emulator, "sounds", 99, "\"html\"");
    assert_eq!(make("sound = \"emulator-whoosh\"").0.code, 1);
    fault(&emulator, "sounds", 2, r#"{"status": 503}"#);
    assert_eq!(make("sound = \"emulator-whoosh\"").0.code, 0);
}

/// With FFmpeg, the clip is a test card with the audio of the entry.
#[test]
fn the_emulator_makes_a_test_card_with_the_audio() {
    let emulator = Emulator::start(&[]);
    let folder = repository();
    let folder = folder.path();
    generate(&emulator, folder, &[]).ok();
    let probe = |file: &str, show: &[&str]| {
        let mut command = Command::new("ffprobe");
        command.args(["-v", "error", "-of", "json"]).args(show).arg(folder.join(file));
        serde_json::from_slice::<Value>(&command.output().unwrap().stdout).unwrap()
    };
    let clip = probe("assets/clip.mp4", &["-show_streams", "-show_format"]);
    let kinds =
        clip["streams"].as_array().unwrap().iter().map(|stream| stream["codec_type"].as_str().unwrap());
    let mut kinds = kinds.collect::<Vec<_>>();
    kinds.sort_unstable();
    assert_eq!(kinds, ["audio", "video"], "{clip}");
    let seconds = |probed: &Value| probed["format"]["duration"].as_str().unwrap().parse::<f64>().unwrap();
    let voice = probe("assets/voice.wav", &["-show_format"]);
    assert!((seconds(&clip) - seconds(&voice)).abs() < 0.2, "{clip} {voice}");
    // The sound of the clip is as loud as that of the audio.
    let loudness = |file: &str| {
        let mut command = Command::new("ffmpeg");
        command.args(["-hide_banner", "-i"]).arg(folder.join(file)).args([
            "-af",
            "volumedetect",
            "-vn",
            "-f",
            "null",
            "-",
        ]);
        let text = String::from_utf8(command.output().unwrap().stderr).unwrap();
        let value = text.split("mean_volume: ").nth(1).unwrap().split(' ').next().unwrap().to_owned();
        value.parse::<f64>().unwrap()
    };
    assert!((loudness("assets/clip.mp4") - loudness("assets/voice.wav")).abs() < 2.0);
    let cost = emulator.stats()["cost_usd"].as_f64().unwrap();
    let expected = seconds(&voice) * (0.1 + 0.000_333);
    assert!((cost - expected).abs() < 0.01, "{cost} {expected}");
}
