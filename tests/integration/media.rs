//! Checks of media files that FFmpeg makes.

use std::path::Path;
use std::process::Command;

use serde_json::Value;

use crate::support::{run_in, write};

/// Makes a file.
pub(crate) fn make(folder: &Path, name: &str, recipe: &str) {
    let mut command = Command::new("ffmpeg");
    command.args(["-v", "error"]).args(recipe.split_whitespace()).arg(folder.join(name));
    assert!(command.status().unwrap().success(), "{name}");
}

/// Checks a page with these elements; returns the code, severity and message of each finding.
fn check(folder: &Path, elements: &str) -> Vec<(String, String, String)> {
    let page = format!(
        "<!doctype html><html><body><div data-composition-id=\"main\" data-start=\"0\" data-duration=\"9\" data-width=\"1920\" \
         data-height=\"1080\" data-no-timeline>\n{elements}\n</div></body></html>"
    );
    write(folder, "index.html", &page);
    let found = run_in(folder, &["check", "--json", "--allow", "track-overlap,sound-twice"]).json();
    let text = |found: &Value, name: &str| found[name].as_str().unwrap().to_owned();
    let found = found["diagnostics"].as_array().unwrap().iter();
    found.map(|found| (text(found, "code"), text(found, "severity"), text(found, "message"))).collect()
}

#[test]
fn lengths_are_read_from_the_headers_of_every_format() {
    const PICTURE: &str = "-f lavfi -i testsrc=s=64x64:r=10:d=2";
    const SOUND: &str = "-f lavfi -i sine=d=2";
    let folder = tempfile::tempdir().unwrap();
    let files = [
        ("a.mp4", format!("{PICTURE} -pix_fmt yuv420p")),
        ("fast.mp4", format!("{PICTURE} -pix_fmt yuv420p -movflags +faststart")),
        // The headers are at the end of a file that is larger than its edges.
        ("large.mov", format!("{PICTURE} -c:v rawvideo")),
        ("b.webm", format!("{PICTURE} -c:v libvpx")),
        ("a.mp3", format!("{SOUND} -c:a libmp3lame -b:a 64k")),
        ("vbr.mp3", format!("{SOUND} -c:a libmp3lame -q:a 4")),
        ("untagged.mp3", format!("{SOUND} -c:a libmp3lame -b:a 64k -write_xing 0 -id3v2_version 0")),
        ("a.wav", SOUND.to_owned()),
        ("a.flac", SOUND.to_owned()),
        ("a.m4a", format!("{SOUND} -c:a aac")),
    ];
    for (name, recipe) in &files {
        make(folder.path(), name, recipe);
    }
    let elements = files.iter().map(|(name, _)| {
        let (tag, more) = match name.rsplit_once('.').unwrap().1 {
            "mp4" | "mov" | "webm" => ("video", " muted"),
            _ => ("audio", ""),
        };
        format!("<{tag} src=\"{name}\"{more} data-start=\"0\" data-duration=\"5\"></{tag}>")
    });
    let found = check(folder.path(), &elements.collect::<Vec<_>>().join("\n"));
    let short = found.iter().filter(|(code, ..)| code == "media-too-short").collect::<Vec<_>>();
    assert_eq!(short.len(), files.len(), "{found:#?}");
    for (_, severity, message) in short {
        let left = message.split(" but ").nth(1).unwrap().split(" s of").next().unwrap();
        let left = left.parse::<f64>().unwrap();
        assert!((left - 2.0).abs() < 0.1, "{message}");
        assert_eq!(severity, if message.contains("<video>") { "warning" } else { "note" });
    }
    let whole = |duration: &str| {
        let elements = files.iter().filter(|(name, _)| name.ends_with("mp4")).map(|(name, _)| {
            format!("<video src=\"{name}\" muted data-start=\"0\" data-duration=\"{duration}\"></video>")
        });
        check(folder.path(), &elements.collect::<String>())
    };
    assert_eq!(whole("2"), []);
    assert_eq!(whole("9\" loop=\""), []);
}

#[test]
fn contents_and_times_are_compared_with_elements() {
    let folder = tempfile::tempdir().unwrap();
    const PICTURE: &str = "-f lavfi -i testsrc=s=64x64:r=10:d=1";
    make(folder.path(), "hevc.mp4", &format!("{PICTURE} -c:v libx265 -x265-params log-level=none"));
    make(folder.path(), "prores.mov", &format!("{PICTURE} -c:v prores_ks"));
    make(folder.path(), "silent.mp4", &format!("{PICTURE} -pix_fmt yuv420p"));
    make(folder.path(), "sound.mp4", "-f lavfi -i sine=d=1 -c:a aac");
    make(folder.path(), "still.jpg", &format!("{PICTURE} -frames:v 1"));
    std::fs::write(
        folder.path().join("cut.mp4"),
        &std::fs::read(folder.path().join("silent.mp4")).unwrap()[..900],
    )
    .unwrap();
    let of = |element: &str| {
        let found = check(folder.path(), element);
        found.into_iter().map(|(code, severity, _)| format!("{severity}: {code}")).collect::<Vec<_>>()
    };
    let timed = "data-start=\"0\" data-duration=\"1\"";
    for (element, expected) in [
        (format!("<video muted src=\"silent.mp4\" {timed}></video>"), &[][..]),
        (format!("<video muted src=\"hevc.mp4\" {timed}></video>"), &["note: codec-without-preview"]),
        (format!("<video muted src=\"prores.mov\" {timed}></video>"), &["note: codec-without-preview"]),
        (format!("<video muted src=\"sound.mp4\" {timed}></video>"), &["error: media-kind-mismatch"]),
        (format!("<audio src=\"sound.mp4\" {timed}></audio>"), &[]),
        (format!("<audio src=\"silent.mp4\" {timed}></audio>"), &["error: media-kind-mismatch"]),
        (format!("<audio src=\"still.jpg\" {timed}></audio>"), &["error: media-kind-mismatch"]),
        (
            format!("<video muted src=\"silent.mp4\" data-media-start=\"1\" {timed}></video>"),
            &["warning: media-start-past-end"],
        ),
        (format!("<video muted loop src=\"silent.mp4\" data-media-start=\"1\" {timed}></video>"), &[]),
        // What the headers do not say is not reported.
        (format!("<video muted src=\"cut.mp4\" {timed}></video>"), &[]),
        ("<img src=\"still.jpg\">".to_owned(), &[]),
    ] {
        assert_eq!(of(&element), expected, "{element}");
    }
}
