//! `diff` of two files.

use std::fs;
use std::path::Path;
use std::process::Command;

use serde_json::Value;

use crate::support::{Ran, clean, command, run_in};

/// Two seconds of grey with a moving box and a tone.
const PICTURE: &str = "color=c=gray:s=320x180:r=30:d=2,drawbox=x=20:y=60:w=80:h=40:c=white:t=fill";
const TONE: &str = "sine=frequency=440:sample_rate=48000:duration=2";
const ENCODE: &str = "-c:v libx264 -preset veryfast -crf 18 -pix_fmt yuv420p";

/// Makes a video of a picture with more filters, and encodes it.
fn make(folder: &Path, name: &str, filters: &str, arguments: &str) {
    let mut command = Command::new("ffmpeg");
    command.args(["-v", "error", "-f", "lavfi", "-i", &format!("{PICTURE}{filters}")]);
    if arguments.contains("-c:a") {
        command.args(["-f", "lavfi", "-i", TONE]);
    }
    let status = command.args(arguments.split_whitespace()).arg(folder.join(name)).status().unwrap();
    assert!(status.success(), "{name}");
}

/// Compares two files, and returns the comparison.
fn diff(folder: &Path, arguments: &[&str]) -> Value {
    let ran = run_in(folder, &[&["diff", "--json"], arguments].concat()).ok();
    ran.json()["comparisons"][0].clone()
}

#[test]
fn what_differs_has_its_time_and_its_place() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    make(folder, "base.mp4", "", ENCODE);
    let box_at = ",drawbox=x=200:y=80:w=40:h=24:c=red:t=fill:enable='between(n,30,38)'";
    make(folder, "head.mp4", box_at, ENCODE);
    let found = diff(folder, &["base.mp4", "head.mp4"]);
    assert_eq!((&found["status"], &found["method"]), (&"changed".into(), &"frames".into()), "{found}");
    assert_eq!(
        (&found["frames"]["compared"], &found["frames"]["changed"]),
        (&60.into(), &9.into()),
        "{found}"
    );
    let range = &found["picture"]["ranges"][0];
    assert_eq!((&range["start"], &range["end"]), (&1.0.into(), &1.3.into()), "{found}");
    assert_eq!(range["boxes"][0], serde_json::json!({ "x": 200, "y": 80, "width": 40, "height": 24 }));
    assert_eq!(found["summary"], "head: changed, 9 of 60 frames, 1.00–1.30 s");

    let ran = run_in(folder, &["diff", "base.mp4", "head.mp4", "--fail-on-diff", "changed"]);
    assert_eq!(ran.code, 7, "{ran:?}");
    assert!(ran.stdout.contains("1.00–1.30 s") && ran.stdout.contains("40x24+200+80"), "{ran:?}");
    let ignored = ["base.mp4", "head.mp4", "--fail-on-diff=any", "--ignore", "200,80,40x24@0.9-: box"];
    let found = diff(folder, &ignored);
    assert_eq!((&found["status"], &found["ignored"][0]["reason"]), (&"unchanged".into(), &"box".into()));
    fs::write(folder.join("hyperframes-ci.toml"), "[defaults.diff]\nfail-on-diff = \"any\"\n").unwrap();
    assert_eq!(run_in(folder, &["diff", "base.mp4", "head.mp4"]).code, 7);
    assert_eq!(run_in(folder, &["diff", "base.mp4", "head.mp4", "--fail-on-diff", "never"]).code, 0);
}

#[test]
fn equal_files_and_equal_packets_are_not_decoded() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    make(folder, "base.mp4", "", &format!("{ENCODE} -c:a aac"));
    fs::copy(folder.join("base.mp4"), folder.join("copy.mp4")).unwrap();
    let found = diff(folder, &["base.mp4", "copy.mp4"]);
    assert_eq!((&found["status"], &found["method"]), (&"unchanged".into(), &"files".into()));
    let mut remux = Command::new("ffmpeg");
    remux.args(["-v", "error", "-i"]).arg(folder.join("base.mp4"));
    remux.args(["-c", "copy", "-movflags", "+faststart"]).arg(folder.join("remuxed.mp4"));
    assert!(remux.status().unwrap().success());
    let found = diff(folder, &["base.mp4", "remuxed.mp4", "--fail-on-diff", "any"]);
    assert_eq!((&found["status"], &found["method"]), (&"unchanged".into(), &"packets".into()));
}

/// Frames that are the same, but not what a viewer sees.
#[test]
fn equal_frames_that_are_shown_otherwise_are_changed() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    make(folder, "base.mp4", "", ENCODE);
    let copy = |name: &str, before: &str, arguments: &str| {
        let mut copy = Command::new("ffmpeg");
        copy.args(["-v", "error"]).args(before.split_whitespace()).arg("-i").arg(folder.join("base.mp4"));
        copy.args(["-c", "copy"]).args(arguments.split_whitespace()).arg(folder.join(name));
        assert!(copy.status().unwrap().success(), "{name}");
    };
    let mut turned = fs::read(folder.join("base.mp4")).unwrap();
    let matrix = turned.windows(4).position(|bytes| bytes == b"tkhd").unwrap() + 44;
    for (place, factor) in [(0, 0), (4, 0x1_0000), (12, -0x1_0000), (16, 0_i32)] {
        turned[matrix + place..matrix + place + 4].copy_from_slice(&factor.to_be_bytes());
    }
    fs::write(folder.join("turned.mp4"), turned).unwrap();
    copy("wide.mp4", "", "-aspect 4:3");
    let colors = "colour_primaries=9:transfer_characteristics=16:matrix_coefficients=9";
    copy("colors.mp4", "", &format!("-bsf:v h264_metadata={colors}"));
    copy("late.mp4", "-itsoffset 0.5", "");
    for (name, part) in [
        ("turned", "orientation upright to rotated by 90°"),
        ("wide", "pixel shape 1:1 to 3:4"),
        ("colors", "colors unspecified to bt2020nc/bt2020/smpte2084"),
        ("late", "start 0.00 s to 0.50 s"),
    ] {
        let name = format!("{name}.mp4");
        let found = diff(folder, &["base.mp4", &name, "--report", "report"]);
        assert_eq!(found["differences"], serde_json::json!(["display"]), "{found}");
        assert_eq!(found["status"], "changed", "{found}");
        assert!(found["summary"].as_str().unwrap().ends_with(part), "{found}");
        assert_eq!(run_in(folder, &["diff", "base.mp4", &name, "--fail-on-diff", "changed"]).code, 7);
    }
}

#[test]
fn other_encodings_of_a_picture_are_unchanged_and_said_to_differ() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    make(folder, "base.mp4", "", ENCODE);
    make(folder, "head.mp4", "", "-c:v libx264 -preset veryfast -crf 23 -pix_fmt yuv420p");
    let found = diff(folder, &["base.mp4", "head.mp4"]);
    assert_eq!(found["status"], "unchanged", "{found}");
    assert!(found["notes"][0].as_str().unwrap().starts_with("settings differ: crf=18.0"), "{found}");
}

#[test]
fn size_length_rate_and_sound_are_compared() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let sound = format!("{ENCODE} -c:a aac");
    make(folder, "base.mp4", "", &sound);
    make(folder, "size.mp4", ",scale=160:90", &sound);
    make(folder, "short.mp4", ",trim=duration=1.5", &format!("{sound} -shortest"));
    make(folder, "rate.mp4", ",fps=15", &sound);
    make(folder, "silent.mp4", "", ENCODE);
    make(folder, "quiet.mp4", "", &format!("{sound} -af volume=-1dB"));
    make(folder, "late.mp4", "", &format!("{sound} -af adelay=100:all=1"));
    make(folder, "again.mp4", "", &format!("{sound} -b:a 96k"));
    for (name, differences, part) in [
        ("size", &["size"][..], "320x180 to 160x90"),
        ("short", &["duration", "sound"], "2.00 s to 1.50 s"),
        ("rate", &["fps"], "30 fps to 15 fps"),
        ("silent", &["sound"], "sound removed"),
        ("quiet", &["sound"], "sound differs by 1."),
        ("late", &["sound"], "sound differs by "),
        ("again", &[], ""),
    ] {
        let found = diff(folder, &["base.mp4", &format!("{name}.mp4")]);
        assert_eq!(found["differences"], serde_json::json!(differences), "{name}: {found}");
        assert_eq!(found["status"] == "changed", !differences.is_empty(), "{name}: {found}");
        assert!(found["summary"].as_str().unwrap().contains(part), "{name}: {found}");
    }
    let found = diff(folder, &["base.mp4", "short.mp4"]);
    assert_eq!(found["frames"]["only_base"], 15, "{found}");
}

#[test]
fn transparency_is_compared() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let encode = "-c:v libvpx-vp9 -pix_fmt yuva420p -deadline realtime -cpu-used 8 -auto-alt-ref 0";
    let alpha = |level: &str| {
        format!(",format=yuva420p,geq=lum='p(X,Y)':cb=128:cr=128:a='if(lt(X,160),255,{level})'")
    };
    make(folder, "base.webm", &alpha("100"), encode);
    make(folder, "head.webm", &alpha("140"), encode);
    make(folder, "opaque.webm", "", "-c:v libvpx-vp9 -deadline realtime -cpu-used 8");
    let found = diff(folder, &["base.webm", "head.webm"]);
    assert_eq!(
        (&found["status"], &found["differences"]),
        (&"changed".into(), &serde_json::json!(["picture"]))
    );
    assert_eq!(found["picture"]["ranges"][0]["boxes"][0]["x"], 160, "{found}");
    let found = diff(folder, &["base.webm", "opaque.webm"]);
    assert!(found["summary"].as_str().unwrap().contains("transparency removed"), "{found}");
}

#[test]
fn a_variable_rate_is_compared_by_time() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let passthrough = format!("{ENCODE} -vsync passthrough");
    make(folder, "base.mp4", "", &passthrough);
    make(folder, "head.mp4", ",select='not(between(n,20,25))'", &passthrough);
    let found = diff(folder, &["base.mp4", "head.mp4"]);
    assert_eq!((&found["status"], &found["frames"]["unmatched"]), (&"changed".into(), &6.into()), "{found}");
    assert!(found["notes"].to_string().contains("the head has a variable frame rate"), "{found}");
}

#[test]
fn bad_input_has_a_clear_error() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    make(folder, "base.mp4", "", ENCODE);
    let bytes = fs::read(folder.join("base.mp4")).unwrap();
    fs::write(folder.join("cut.mp4"), &bytes[..bytes.len() / 2]).unwrap();
    fs::write(folder.join("page.mp4"), "<!doctype html><p>Sign in").unwrap();
    fs::write(folder.join("empty.mp4"), "").unwrap();
    fs::write(folder.join("list.mp4"), "#EXTM3U\n#EXTINF:1,\n/etc/passwd\n").unwrap();
    let mut damaged = bytes.clone();
    let middle = bytes.windows(4).position(|bytes| bytes == b"mdat").unwrap() + 900;
    damaged[middle..middle + 400].fill(0xff);
    fs::write(folder.join("damaged.mp4"), damaged).unwrap();
    fs::create_dir(folder.join("directory.mp4")).unwrap();
    for (head, code, exit, part) in [
        ("cut.mp4", "invalid_video", 1, "is damaged"),
        ("page.mp4", "invalid_video", 1, "found an HTML page"),
        ("empty.mp4", "invalid_video", 1, "empty.mp4"),
        ("list.mp4", "invalid_video", 1, "not an MP4, MOV, WebM or GIF video"),
        ("damaged.mp4", "video_not_decoded", 1, "damaged.mp4"),
        ("directory.mp4", "video_unreadable", 1, "directory"),
        ("missing.mp4", "video_unreadable", 1, "cannot read missing.mp4"),
        ("base.mp4", "usage", 2, "the same file"),
    ] {
        let ran = run_in(folder, &["diff", "base.mp4", head, "--json"]);
        assert_eq!((ran.code, &ran.error()["code"]), (exit, &code.into()), "{head}: {ran:?}");
        assert!(ran.error()["message"].as_str().unwrap().contains(part), "{head}: {ran:?}");
    }
    let ran = run_in(folder, &["diff", "base.mp4"]);
    assert_eq!(ran.code, 2, "{ran:?}");
    let ran = run_in(folder, &["diff", "base.mp4", "head.mp4", "--ignore", "1,2"]);
    assert!(ran.code == 2 && ran.stderr.contains("X,Y,WIDTHxHEIGHT@FROM-TO"), "{ran:?}");
}

#[test]
#[cfg(unix)]
fn without_ffmpeg_a_comparison_is_skipped() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    make(folder, "base.mp4", "", ENCODE);
    make(folder, "head.mp4", ",negate", ENCODE);
    fs::copy(folder.join("base.mp4"), folder.join("copy.mp4")).unwrap();
    let run = |arguments: &[&str]| {
        let mut command = command();
        clean(&mut command);
        command.env("PATH", folder).args(["diff", "--json"]).args(arguments).current_dir(folder);
        Ran::of(&mut command)
    };
    let ran = run(&["base.mp4", "head.mp4"]).ok();
    assert_eq!(ran.json()["status"], "skipped");
    assert_eq!(ran.json()["comparisons"][0]["reason"], "missing programs: FFmpeg");
    let ran = run(&["base.mp4", "head.mp4", "--fail-on-diff", "changed"]);
    assert_eq!((ran.code, &ran.error()["code"]), (1, &"diff_incomplete".into()));
    assert_eq!(run(&["base.mp4", "copy.mp4"]).ok().json()["status"], "unchanged");
}

#[test]
fn an_equal_start_changes_no_time_and_no_place() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    // Frames at the start have equal packets, since the encoder looks ahead by 10 frames only.
    let encode = format!("{ENCODE} -g 12 -bf 2");
    make(folder, "base.mp4", "", &encode);
    let box_at =
        |frames: &str| format!(",drawbox=x=200:y=80:w=40:h=24:c=red:t=fill:enable='between(n,{frames})'");
    for (frames, start, end) in [("50,55", 1.667, 1.867), ("59,59", 1.967, 2.0), ("31,31", 1.033, 1.067)] {
        make(folder, "head.mp4", &box_at(frames), &encode);
        let found = diff(folder, &["base.mp4", "head.mp4"]);
        assert_eq!(found["frames"]["compared"], 60, "{found}");
        let [range] = found["picture"]["ranges"].as_array().unwrap().as_slice() else { panic!("{found}") };
        assert_eq!((&range["start"], &range["end"]), (&start.into(), &end.into()), "{found}");
        assert_eq!(range["boxes"][0], serde_json::json!({ "x": 200, "y": 80, "width": 40, "height": 24 }));
        fs::remove_file(folder.join("head.mp4")).unwrap();
    }
}

#[test]
fn a_note_of_another_pitch_is_found() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let sound = format!("{ENCODE} -c:a aac");
    make(folder, "base.mp4", "", &sound);
    // 440 Hz, and half a tone more.
    make(
        folder,
        "higher.mp4",
        "",
        &format!("{sound} -af asetrate=50854,aresample=48000,atrim=duration=1.88"),
    );
    make(folder, "same.mp4", "", &format!("{sound} -b:a 64k"));
    let found = diff(folder, &["base.mp4", "higher.mp4"]);
    assert_eq!(found["differences"], serde_json::json!(["sound"]), "{found}");
    assert!(found["sound"]["band"].as_f64().unwrap() > 20.0, "{found}");
    assert_eq!(found["sound"]["ranges"][0]["start"], 0.0, "{found}");
    let found = diff(folder, &["base.mp4", "same.mp4"]);
    assert!(found["status"] == "unchanged" && found["sound"]["band"].as_f64().unwrap() < 3.0, "{found}");
}

#[test]
#[cfg(unix)]
fn a_name_stays_on_its_line() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    make(folder, "base.mp4", "", ENCODE);
    let name = "a\nb: unchanged\r\u{1b}[31m\u{202e}.mp4";
    fs::copy(folder.join("base.mp4"), folder.join(name)).unwrap();
    let ran = run_in(folder, &["diff", "base.mp4", name]).ok();
    assert_eq!(ran.stdout.lines().count(), 1, "{ran:?}");
    assert!(!ran.stdout.contains(['\r', '\u{1b}', '\u{202e}']), "{ran:?}");
}

#[test]
fn a_report_has_a_page_and_pictures_and_escapes_names() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    make(folder, "base.mp4", "", ENCODE);
    let name = "<script>alert(1)<!--.mp4";
    make(folder, name, ",drawbox=x=200:y=80:w=40:h=24:c=red:t=fill:enable='between(n,30,38)'", ENCODE);
    let found = diff(folder, &["base.mp4", name, "--report", "report"]);
    let report = folder.join("report");
    for image in ["strip", "filmstrip"] {
        let path = folder.join(found["images"][image].as_str().unwrap());
        assert!(fs::read(&path).unwrap().starts_with(b"\x89PNG"), "{}", path.display());
    }
    let page = fs::read_to_string(report.join("index.html")).unwrap();
    assert!(page.contains("default-src 'none'") && page.contains("data:video/mp4;base64,"));
    assert!(!page.contains("<script>alert") && page.contains("&lt;script&gt;alert(1)&lt;!--"), "not escaped");
    // A second report takes the place of the first one.
    diff(folder, &["base.mp4", name, "--report", "report"]);
}

#[test]
fn a_golden_file_stands_for_the_video_that_it_was_made_of() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let sound = format!("{ENCODE} -c:a aac");
    let box_at =
        |frames: &str| format!(",drawbox=x=200:y=80:w=40:h=24:c=red:t=fill:enable='between(n,{frames})'");
    make(folder, "clip.mp4", "", &sound);
    let update = |path: &str| diff(folder, &["--update", "golden", path]);
    let found = update("clip.mp4");
    assert_eq!(found["status"], "new", "{found}");
    assert!(found["notes"][0].as_str().unwrap().starts_with("wrote golden/clip.golden ("), "{found}");
    let golden = folder.join("golden/clip.golden");
    let bytes = fs::read(&golden).unwrap();
    assert!(bytes.len() < 8_000 && fs::read(folder.join("golden/clip.png")).unwrap().starts_with(b"\x89PNG"));
    let found = update("clip.mp4");
    assert_eq!((&found["status"], &found["notes"]), (&"unchanged".into(), &serde_json::json!([])), "{found}");
    let against =
        |flags: &[&str]| run_in(folder, &[&["diff", "--json", "--against", "golden"], flags].concat());
    let found = against(&["clip.mp4", "--fail-on-diff", "any"]).ok().json()["comparisons"][0].clone();
    assert_eq!((&found["method"], &found["base"]), (&"golden".into(), &Value::Null), "{found}");

    for (filters, encode, differences, part) in [
        (box_at("30,38"), &sound, &["picture"][..], "30 of 60 frames, 1.00–2.00 s"),
        (box_at("10,10"), &sound, &["picture"], "0.00–1.00 s"),
        (
            ",trim=duration=1.5".to_owned(),
            &format!("{sound} -shortest"),
            &["duration", "sound"],
            "2.00 s to 1.50 s",
        ),
        (",scale=160:90".to_owned(), &sound, &["size"], "320x180 to 160x90"),
        (",fps=15".to_owned(), &sound, &["fps"], "30 fps to 15 fps"),
        (String::new(), &format!("{sound} -af volume=-1dB"), &["sound"], "sound differs by 1."),
        (String::new(), &ENCODE.to_owned(), &["sound"], "sound removed"),
        (String::new(), &format!("{sound} -b:a 64k"), &[], "unchanged"),
        (String::new(), &format!("{sound} -b:a 256k"), &[], "unchanged"),
    ] {
        fs::create_dir_all(folder.join("head")).unwrap();
        let _ = fs::remove_file(folder.join("head/clip.mp4"));
        make(folder, "head/clip.mp4", &filters, encode);
        let ran = against(&["head/clip.mp4", "--fail-on-diff", "changed", "--report", "report"]);
        let found = ran.json()["comparisons"][0].clone();
        assert_eq!(found["differences"], serde_json::json!(differences), "{found}");
        assert_eq!(ran.code, if differences.is_empty() { 0 } else { 7 }, "{ran:?}");
        assert!(found["summary"].as_str().unwrap().contains(part), "{part}: {found}");
    }
    assert_eq!(fs::read(&golden).unwrap(), bytes, "comparing does not write");
}

#[test]
fn a_golden_file_knows_the_pitch_of_each_channel_and_the_display() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    fs::create_dir(folder.join("head")).unwrap();
    let stereo = |left: &str, right: &str| {
        let tone = |frequency: &str| format!("0.2*sin(2*PI*{frequency}*t)");
        format!(
            "{ENCODE} -c:a aac -af aeval={}|{}:c=stereo,aformat=channel_layouts=stereo",
            tone(left),
            tone(right)
        )
    };
    make(folder, "clip.mp4", "", &stereo("440", "660"));
    diff(folder, &["--update", "golden", "clip.mp4"]);
    let against = |arguments: &str, expected: &[&str]| {
        let _ = fs::remove_file(folder.join("head/clip.mp4"));
        make(folder, "head/clip.mp4", "", arguments);
        let found = diff(folder, &["--against", "golden", "head/clip.mp4"]);
        assert_eq!(found["differences"], serde_json::json!(expected), "{arguments}: {found}");
        found
    };
    against(&stereo("440", "660"), &[]);
    against(&stereo("660", "440"), &["sound"]);
    let found = against(&stereo("440", "699"), &["sound"]);
    assert!(found["sound"]["band"].as_f64().unwrap() > 6.0, "{found}");
    against(&format!("{} -aspect 4:3", stereo("440", "660")), &["display"]);

    // A file of the first version, which knows neither.
    let path = folder.join("golden/silent.golden");
    make(folder, "silent.mp4", "", ENCODE);
    diff(folder, &["--update", "golden", "silent.mp4"]);
    let bytes = fs::read(&path).unwrap();
    let mut lines = bytes.splitn(3, |byte| *byte == b'\n').skip(1);
    let mut header: Value = serde_json::from_slice(lines.next().unwrap()).unwrap();
    header
        .as_object_mut()
        .unwrap()
        .retain(|name, _| !["bands", "display", "halves"].contains(&name.as_str()));
    let first = format!("hyperframes-ci golden 1\n{header}\n");
    fs::write(&path, [first.as_bytes(), lines.next().unwrap()].concat()).unwrap();
    let found = diff(folder, &["--against", "golden", "silent.mp4"]);
    assert_eq!(found["status"], "unchanged", "{found}");
    assert!(found["notes"].to_string().contains("the golden file is of an older version"), "{found}");
    diff(folder, &["--update", "golden", "silent.mp4"]);
    assert_eq!(fs::read(&path).unwrap(), bytes, "it is written in this version");
}

#[test]
fn a_golden_file_that_cannot_be_used_has_a_clear_error() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    make(folder, "clip.mp4", "", ENCODE);
    let against = || run_in(folder, &["diff", "--json", "--against", "golden", "clip.mp4"]);
    let is = |ran: &Ran, code: &str, part: &str| {
        let error = ran.error();
        assert_eq!((ran.code, &error["code"]), (1, &code.into()), "{ran:?}");
        assert!(error.to_string().contains(part), "{ran:?}");
    };
    is(&against(), "golden_not_found", "diff --update <DIR>");
    diff(folder, &["--update", "golden", "clip.mp4"]);
    let path = folder.join("golden/clip.golden");
    let bytes = fs::read(&path).unwrap();
    fs::write(&path, &bytes[..bytes.len() - 5]).unwrap();
    is(&against(), "invalid_golden", "golden/clip.golden: the golden file is damaged");
    let newer = [b"hyperframes-ci golden 3\n", &bytes[24..]].concat();
    fs::write(&path, newer).unwrap();
    is(&against(), "invalid_golden", "update hyperframes-ci");
    fs::write(&path, "<<<<<<< HEAD\n").unwrap();
    is(&against(), "invalid_golden", "not a golden file");
    // Writing it again mends it.
    diff(folder, &["--update", "golden", "clip.mp4"]);
    assert_eq!(fs::read(&path).unwrap(), bytes);
    for arguments in [
        &["--against", "golden", "--update", "golden", "clip.mp4"][..],
        &["--against", "golden", "--base", "main"],
        &["--against", "golden", "clip.mp4", "other.mp4"],
        &["--against", "golden", "clip.mp4", "--quality", "draft"],
    ] {
        assert_eq!(run_in(folder, &[&["diff"], arguments].concat()).code, 2, "{arguments:?}");
    }
}
