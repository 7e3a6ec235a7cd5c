//! Headers of videos, beside what ffprobe says about them.

use std::fs::File;
use std::path::Path;
use std::process::Command;

use hyperframes_ci_core::video::{Container, Video};
use serde_json::Value;

/// What ffmpeg is told to make, and the container that comes of it.
const CLIPS: [(&str, &str, Container); 13] = [
    ("plain.mp4", "-c:v libx264 -pix_fmt yuv420p", Container::Mp4),
    ("index-first.mp4", "-c:v libx264 -pix_fmt yuv420p -movflags +faststart", Container::Mp4),
    ("ntsc.mp4", "-c:v libx264 -pix_fmt yuv420p -r 30000/1001", Container::Mp4),
    ("sound.mp4", "-c:v libx264 -pix_fmt yuv420p -c:a aac -ac 1 -ar 22050", Container::Mp4),
    (
        "fragments.mp4",
        "-c:v libx264 -pix_fmt yuv420p -g 10 -c:a aac -movflags frag_keyframe+empty_moov",
        Container::Mp4,
    ),
    (
        "cmaf.mp4",
        "-c:v libx264 -pix_fmt yuv420p -g 10 -movflags cmaf+frag_keyframe+empty_moov",
        Container::Mp4,
    ),
    ("vp9.mp4", "-c:v libvpx-vp9 -pix_fmt yuv420p", Container::Mp4),
    ("alpha.mov", "-c:v prores_ks -profile:v 4444 -pix_fmt yuva444p10le -c:a pcm_s16le", Container::Mov),
    ("opaque.mov", "-c:v prores_ks -profile:v 3 -pix_fmt yuv422p10le", Container::Mov),
    ("png.mov", "-c:v png -pix_fmt rgba", Container::Mov),
    ("opaque.webm", "-c:v libvpx-vp9 -pix_fmt yuv420p -c:a libopus", Container::Webm),
    ("alpha.webm", "-c:v libvpx-vp9 -pix_fmt yuva420p", Container::Webm),
    ("live.webm", "-c:v libvpx-vp9 -pix_fmt yuv420p -live 1", Container::Webm),
];

fn make(path: &Path, arguments: &str) {
    let mut command = Command::new("ffmpeg");
    command.args(["-v", "error", "-f", "lavfi", "-i", "testsrc=size=192x108:rate=25:duration=2"]);
    if arguments.contains("-c:a") {
        command.args(["-f", "lavfi", "-i", "sine=frequency=440:sample_rate=48000:duration=2"]);
    }
    let status = command.args(arguments.split(' ')).arg(path).status().unwrap();
    assert!(status.success(), "{}", path.display());
}

fn probe(path: &Path) -> Value {
    let mut command = Command::new("ffprobe");
    command.args(["-v", "error", "-count_packets", "-show_streams", "-show_format", "-of", "json"]);
    serde_json::from_slice(&command.arg(path).output().unwrap().stdout).unwrap()
}

/// `30000/1001`
fn ratio(text: &Value) -> f64 {
    let (over, under) = text.as_str().unwrap().split_once('/').unwrap();
    over.parse::<f64>().unwrap() / under.parse::<f64>().unwrap()
}

#[test]
fn the_figures_are_those_of_ffprobe() {
    let folder = tempfile::tempdir().unwrap();
    for (name, arguments, container) in CLIPS {
        let path = folder.path().join(name);
        make(&path, arguments);
        let video =
            Video::read(&mut File::open(&path).unwrap()).unwrap_or_else(|error| panic!("{name}: {error}"));
        let probed = probe(&path);
        let stream = |kind: &str| {
            probed["streams"].as_array().unwrap().iter().find(|stream| stream["codec_type"] == kind).cloned()
        };
        let picture = stream("video").unwrap();
        assert_eq!(video.container, container, "{name}");
        assert_eq!(video.codec, picture["codec_name"], "{name}");
        assert_eq!((video.width, video.height), (192, 108), "{name}");
        let fps = video.fps.unwrap_or_else(|| panic!("{name} has no frame rate"));
        assert!((fps - ratio(&picture["r_frame_rate"])).abs() < 0.3, "{name}: {fps}");
        let seconds = video.duration.unwrap_or_else(|| panic!("{name} has no length"));
        assert!((seconds - 2.0).abs() < 0.1, "{name}: {seconds}");
        assert_eq!(video.alpha, name.starts_with("alpha") || name == "png.mov", "{name}");
        match (video.audio, stream("audio")) {
            (None, None) => {}
            (Some(ours), Some(theirs)) => {
                let codec = theirs["codec_name"].as_str().unwrap();
                assert!(
                    codec == ours.codec || codec.starts_with(&format!("{}_", ours.codec)),
                    "{name}: {codec}"
                );
                assert_eq!(Value::from(ours.channels), theirs["channels"], "{name}");
                assert_eq!(ours.sample_rate.to_string(), theirs["sample_rate"], "{name}");
            }
            (ours, theirs) => panic!("{name}: {ours:?} and {theirs:?}"),
        }
    }
}
