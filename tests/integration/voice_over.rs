//! The example `voice-over`: from a script to a video whose captions have the times of the spoken words.

use std::fs;
use std::path::Path;
use std::process::Command;

use serde_json::Value;

use crate::support::{Emulator, example, run_in, write};
use crate::templates::copy;

const MEDIA: &str = "assets/voice.wav";

/// Returns a repository with the example.
fn repository() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    copy(&example("voice-over"), folder.path());
    fs::create_dir(folder.path().join(".git")).unwrap();
    folder
}

#[test]
fn a_changed_line_is_told_and_only_its_entry_is_paid_for_once() {
    let folder = repository();
    let folder = folder.path();
    // A second entry that stays current.
    let config = fs::read_to_string(folder.join("hyperframes-ci.toml")).unwrap();
    let other =
        "[[media]]\nfile = \"assets/other.wav\"\ntext = \"Another voice.\"\nvoice = \"emulator-ada\"\n";
    write(folder, "hyperframes-ci.toml", &format!("{config}\n{other}"));
    fs::copy(folder.join(MEDIA), folder.join("assets/other.wav")).unwrap();
    run_in(folder, &["media", "adopt", "--entry", "assets/other.wav"]).ok();
    run_in(folder, &["media", "check"]).ok();
    let before = fs::read(folder.join("assets/other.wav")).unwrap();

    write(folder, "script.txt", "Say it\ntwice.\n");
    let ran = run_in(folder, &["check", "."]);
    assert_eq!(ran.code, 5, "{ran:?}");
    for part in ["error[media-outdated]", "--> hyperframes-ci.toml:1:1", "hyperframes-ci media generate"] {
        assert!(ran.stdout.contains(part), "{part}: {ran:?}");
    }
    let emulator = Emulator::start(&[]);
    let made = emulator.run(folder, &["media", "generate", "--json"]).ok().json();
    let statuses = made["media"].as_array().unwrap().iter().map(|media| media["status"].clone());
    assert_eq!(statuses.collect::<Vec<_>>(), ["generated", "current"], "{made}");
    assert_eq!(fs::read(folder.join("assets/other.wav")).unwrap(), before);
    let bill = |stats: &Value| (stats["speeches_generated"].clone(), stats["cost_usd"].as_f64().unwrap());
    let (spoken, cost) = bill(&emulator.stats());
    let lock = fs::read_to_string(folder.join("hyperframes-ci.lock")).unwrap();
    let entry = lock.split("[file.\"assets/voice.wav\"]").nth(1).unwrap();
    let duration = entry.lines().find_map(|line| line.strip_prefix("duration = ")).unwrap();
    assert_eq!(spoken, 1);
    assert!((cost - duration.parse::<f64>().unwrap() * 0.000_333).abs() < 1e-5, "{cost} for {duration} s");

    let requests = emulator.requests().len();
    emulator.run(folder, &["media", "generate"]).ok();
    assert_eq!(emulator.requests().len(), requests, "a second run asks for nothing");
    assert_eq!(bill(&emulator.stats()), (spoken, cost));
}

/// Returns the luminance of a frame, a byte for each pixel.
fn frame(video: &Path, seconds: f64) -> Vec<u8> {
    let mut command = Command::new("ffmpeg");
    command.args(["-v", "error", "-ss", &seconds.to_string(), "-i"]).arg(video);
    let output =
        command.args(["-frames:v", "1", "-f", "rawvideo", "-pix_fmt", "gray", "-"]).output().unwrap();
    assert!(output.status.success() && output.stdout.len() == 640 * 360, "{output:?}");
    output.stdout
}

#[test]
fn the_video_has_the_voice_and_a_caption_for_each_word() {
    let folder = repository();
    let folder = folder.path();
    // Without a key and without a network.
    run_in(folder, &["media", "check"]).ok();
    let words: Vec<Value> =
        serde_json::from_str(&fs::read_to_string(folder.join("assets/transcript.json")).unwrap()).unwrap();
    let page = fs::read_to_string(folder.join("index.html")).unwrap();
    let start = |word: &Value| (word["start"].as_f64().unwrap() * 1000.0).round() / 1000.0;
    for word in &words {
        let (id, text) = (word["id"].as_str().unwrap(), word["text"].as_str().unwrap());
        let caption = page.lines().find(|line| line.contains(&format!("id=\"{id}\""))).expect(id);
        let time = caption.split("data-start=\"").nth(1).and_then(|rest| rest.split('"').next()).unwrap();
        assert_eq!(time.parse::<f64>().unwrap(), start(word), "{caption}");
        assert!(caption.contains(&format!(">{text}<")), "{caption}");
    }
    assert_eq!(page.matches("<span").count(), words.len());

    run_in(folder, &["render", "--entry", "voice-over", "--renderer", "local", "--quality", "draft"]).ok();
    let video = folder.join("renders/voice-over.mp4");
    let mut probe = Command::new("ffprobe");
    probe.args([
        "-v",
        "error",
        "-select_streams",
        "a",
        "-show_entries",
        "stream=codec_name",
        "-of",
        "csv=p=0",
    ]);
    let codec = String::from_utf8(probe.arg(&video).output().unwrap().stdout).unwrap();
    assert_eq!(codec.trim(), "aac");
    let mut loudness = Command::new("ffmpeg");
    loudness.arg("-i").arg(&video).args(["-af", "volumedetect", "-vn", "-f", "null", "-"]);
    let loudness = String::from_utf8(loudness.output().unwrap().stderr).unwrap();
    let peak =
        loudness.split("max_volume: ").nth(1).and_then(|rest| rest.split(' ').next()).expect(&loudness);
    assert!(peak.parse::<f64>().unwrap() > -30.0, "the voice is silent: {peak} dB");
    // More of the frame is white with each word.
    let white = |seconds| frame(&video, seconds).into_iter().filter(|pixel| *pixel > 200).count();
    let shown = words.iter().map(|word| white(start(word) + 0.1)).collect::<Vec<_>>();
    assert!(shown[0] > 300 && shown.windows(2).all(|pair| pair[1] > pair[0] + 150), "{shown:?}");
}
