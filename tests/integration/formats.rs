//! Formats and options of the local renderer that the cloud does not have.

use std::path::Path;
use std::process::Command;

use serde_json::Value;

use crate::support::{Emulator, names, run_in, write};

/// A square that moves for 0.4 s, with a tone.
fn card() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir(folder.path().join(".git")).unwrap();
    let page = "<html><head><style>body{margin:0;background:#123}#box{position:absolute;width:40px;height:40px;\
        background:#fc0;animation:move .4s linear both}@keyframes move{to{transform:translateX(100px)}}</style></head>\
        <body><div data-composition-id=\"main\" data-width=\"160\" data-height=\"90\" data-start=\"0\" \
        data-duration=\"0.4\" data-no-timeline><div id=\"box\"></div>\
        <audio id=\"tone\" src=\"tone.wav\" data-start=\"0\" data-duration=\"0.4\" data-track-index=\"0\"></audio>\
        </div></body></html>";
    write(folder.path(), "index.html", page);
    let made = Command::new("ffmpeg")
        .args(["-v", "error", "-f", "lavfi", "-i", "sine=frequency=440:duration=0.5", "tone.wav"])
        .current_dir(folder.path())
        .status();
    assert!(made.unwrap().success());
    folder
}

/// The streams of a file as FFmpeg sees them.
fn streams(file: &Path) -> Vec<Value> {
    let output = Command::new("ffprobe")
        .args(["-v", "error", "-count_frames", "-show_streams", "-of", "json"])
        .arg(file)
        .output()
        .unwrap();
    let probed: Value = serde_json::from_slice(&output.stdout).unwrap();
    probed["streams"].as_array().unwrap().clone()
}

#[test]
fn what_the_cloud_cannot_do_is_refused_before_any_work() {
    let emulator = Emulator::placeholder(&[]);
    let folder = card();
    for (flags, what) in [
        (&["--format", "gif"][..], "format gif"),
        (&["--format", "png-sequence"], "format png-sequence"),
        (&["--format", "hls"], "format hls"),
        (&["--fps", "30000/1001"], "fps 30000/1001"),
        (&["--quality", "looks"], "quality looks"),
        (&["--quality", "delivery"], "quality delivery"),
        (&["--crf", "18"], "crf"),
        (&["--video-bitrate", "2M"], "video-bitrate"),
        (&["--no-best-effort"], "no-best-effort"),
        (&["--workers", "2"], "workers"),
        (&["-d", r#"{"format": "gif"}"#], "format gif"),
    ] {
        for renderer in ["--renderer=cloud", "--renderer=auto", "--emulator"] {
            let ran = emulator.run(folder.path(), &[&["render", renderer, "--json"], flags].concat());
            assert_eq!(ran.code, 2, "{flags:?} {renderer}: {ran:?}");
            let error = ran.error();
            let renderer = if renderer == "--emulator" { "emulator" } else { "cloud" };
            assert_eq!(error["message"], format!("the {renderer} renderer does not support {what}"));
            assert_eq!(error["hint"], "use --renderer local or --renderer docker", "{error}");
        }
    }
    // A row of a batch, too.
    write(folder.path(), "rows.jsonl", "{\"variables\": {}, \"format\": \"hls\"}\n");
    let ran = emulator.run(folder.path(), &["render", "--renderer", "cloud", "--batch", "rows.jsonl"]);
    assert!(ran.stderr.contains("the cloud renderer does not support format hls"), "{ran:?}");
    assert_eq!(emulator.created(), (0, 0));
    assert_eq!(emulator.requests().len(), 0);
}

#[test]
fn options_that_have_no_effect_are_refused() {
    let folder = card();
    for (flags, message) in [
        (&["--format", "mov", "--crf", "18"][..], "crf has no effect on mov"),
        (&["--format", "gif", "--video-bitrate", "1M"], "video-bitrate has no effect on gif"),
        (&["--format", "png-sequence", "--crf", "1"], "crf has no effect on png-sequence"),
        (&["--gif-loop", "2"], "gif-loop has no effect on mp4"),
        (&["--format", "gif", "--fps", "50"], "gif supports at most 30 frames per second, not 50"),
        (&["-d", r#"{"crf": 1, "video_bitrate": "1M"}"#], "crf and video-bitrate cannot be combined"),
        (&["-d", r#"{"video_bitrate": "fast"}"#], "video_bitrate must be a bitrate such as 10M or 800k"),
        (&["-d", r#"{"crf": 64}"#], "crf must be from 0 to 63, not 64"),
        (&["-d", r#"{"fps": "1/2"}"#], "a fraction such as \"30000/1001\""),
    ] {
        let ran = run_in(folder.path(), &[&["render", "--renderer", "local", "--json"], flags].concat());
        assert_eq!(ran.code, 2, "{flags:?}: {ran:?}");
        assert!(ran.error()["message"].as_str().unwrap().contains(message), "{flags:?}: {ran:?}");
    }
}

#[test]
fn a_directory_of_other_files_is_never_replaced() {
    let folder = card();
    write(folder.path(), "out/notes.txt", "mine");
    let arguments = ["render", "--renderer", "local", "--format", "png-sequence", "-o", "out/", "--json"];
    let ran = run_in(folder.path(), &arguments);
    assert_eq!((ran.code, ran.error()["code"].as_str()), (2, Some("output_not_writable")), "{ran:?}");
    assert!(ran.error()["message"].as_str().unwrap().contains("notes.txt"), "{ran:?}");
    for name in [".", "..", "/", "out/.."] {
        let ran = run_in(folder.path(), &[&arguments[..6], &[name, "--json"]].concat());
        assert!(ran.code == 2 && ran.stderr.contains("must end with the name of a directory"), "{ran:?}");
    }
    #[cfg(unix)]
    for target in ["elsewhere", "nowhere"] {
        std::fs::create_dir_all(folder.path().join("elsewhere")).unwrap();
        let link = format!("to-{target}");
        std::os::unix::fs::symlink(target, folder.path().join(&link)).unwrap();
        let flags = [&arguments[..6], &[&link, "--dry-run"]].concat();
        let ran = run_in(folder.path(), &flags);
        assert!(ran.code == 2 && ran.stderr.contains("is a symbolic link"), "{ran:?}");
    }
    write(folder.path(), "music/audio.m4a", "mine");
    let ran = run_in(folder.path(), &[&arguments[..6], &["music"]].concat());
    assert!(ran.code == 2 && ran.stderr.contains("audio.m4a"), "{ran:?}");
    write(folder.path(), "file", "mine");
    let ran = run_in(folder.path(), &["render", "--renderer", "local", "--format", "hls", "-o", "file"]);
    assert!(ran.stderr.contains("is a file, and hls writes a directory"), "{ran:?}");
}

#[test]
fn frames_are_a_directory() {
    let folder = card();
    let arguments = [
        "render",
        "--renderer",
        "local",
        "--format",
        "png-sequence",
        "--fps",
        "5",
        "-o",
        "frames/",
        "--json",
    ];
    let ran = run_in(folder.path(), &arguments).ok().json();
    assert_eq!(names(&folder.path().join("frames")), ["audio.m4a", "frame_000001.png", "frame_000002.png"]);
    assert_eq!(ran["output_path"], "frames", "{ran}");
    assert_eq!(ran["render"]["format"], "png-sequence");
    let video = &ran["video"];
    assert_eq!(
        (&video["container"], &video["width"], &video["height"]),
        (&"png-sequence".into(), &160.into(), &90.into())
    );
    assert_eq!((&video["duration"], &video["alpha"]), (&0.4.into(), &true.into()), "{ran}");
    assert_eq!(
        (&video["audio"]["codec"], &ran["mismatches"]),
        (&"aac".into(), &Value::Array(Vec::new())),
        "{ran}"
    );
    let bytes = names(&folder.path().join("frames")).into_iter();
    let bytes = bytes.map(|name| std::fs::metadata(folder.path().join("frames").join(name)).unwrap().len());
    assert_eq!(ran["bytes_written"], bytes.sum::<u64>());
    assert!(names(folder.path()).iter().all(|name| !name.starts_with(".hyperframes-ci")));
    // The frames are not a part of the project that the next render packs.
    let dry =
        run_in(folder.path(), &["render", "--dry-run", "--format", "png-sequence", "-o", "frames", "--json"]);
    assert_eq!(dry.ok().json()["archive"]["file_count"], 2);
}

#[test]
fn every_format_and_option_in_one_batch_which_is_done_then() {
    let folder = card();
    let rows = [
        r#"{"variables": {}, "format": "gif", "fps": 10, "output": "a.gif"}"#,
        r#"{"variables": {}, "format": "hls", "fps": 10, "output": "stream"}"#,
        r#"{"variables": {}, "fps": "30000/1001", "quality": "looks", "output": "a.mp4"}"#,
    ];
    write(folder.path(), "rows.jsonl", &rows.join("\n"));
    let arguments = ["render", "--renderer", "local", "--batch", "rows.jsonl", "--verify", "--json"];
    let ran = run_in(folder.path(), &arguments).ok();
    assert!(ran.stdout.contains("\"completed\":3") || ran.stdout.contains("\"completed\": 3"), "{ran:?}");

    let gif = folder.path().join("a.gif");
    let picture = &streams(&gif)[0];
    assert_eq!(
        (&picture["codec_name"], &picture["nb_read_frames"]),
        (&"gif".into(), &"4".into()),
        "{picture}"
    );
    // Repeated without end; source: the Netscape extension.
    let bytes = std::fs::read(&gif).unwrap();
    let at = bytes.windows(11).position(|window| window == b"NETSCAPE2.0").unwrap();
    assert_eq!(bytes[at + 11..at + 15], [3, 1, 0, 0]);

    let stream = folder.path().join("stream");
    assert!(names(&stream).contains(&"master.m3u8".to_owned()), "{:?}", names(&stream));
    let codecs = streams(&stream.join("master.m3u8"));
    let codecs = codecs.iter().map(|stream| stream["codec_name"].as_str().unwrap()).collect::<Vec<_>>();
    assert!(codecs.contains(&"h264") && codecs.contains(&"aac"), "{codecs:?}");

    let video = streams(&folder.path().join("a.mp4"));
    let picture = video.iter().find(|stream| stream["codec_type"] == "video").unwrap();
    assert_eq!((&picture["r_frame_rate"], &picture["nb_read_frames"]), (&"30000/1001".into(), &"12".into()));
    let encoded = std::fs::read(folder.path().join("a.mp4")).unwrap();
    assert!(String::from_utf8_lossy(&encoded).contains("crf=16.0"), "the quality looks");

    let again = run_in(folder.path(), &arguments).ok();
    assert!(again.stdout.contains("\"done\":3") || again.stdout.contains("\"done\": 3"), "{again:?}");
}

#[test]
fn a_medium_that_cannot_be_loaded_fails_only_without_best_effort() {
    let folder = card();
    let page = std::fs::read_to_string(folder.path().join("index.html")).unwrap();
    let page = page.replace("<div id=\"box\">", "<img src=\"missing.png\"><div id=\"box\">");
    write(folder.path(), "index.html", &page);
    let base =
        ["render", "--renderer", "local", "--quality", "draft", "--fps", "5", "--allow", "missing-asset"];
    run_in(folder.path(), &[&base[..], &["-o", "a.mp4"]].concat()).ok();
    let ran = run_in(folder.path(), &[&base[..], &["-o", "b.mp4", "--no-best-effort", "--json"]].concat());
    assert_eq!((ran.code, ran.error()["code"].as_str()), (1, Some("render_failed")), "{ran:?}");
    assert!(ran.error()["message"].as_str().unwrap().contains("failed to load"), "{ran:?}");
    assert!(!folder.path().join("b.mp4").exists());
}
