//! Real renders, by the official engine on this machine.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use crate::support::{command, example, names, project, run_in};

/// Node and the engine's script, installed by the binary itself as a user's first local render does.
pub(crate) fn provisioned() -> (PathBuf, PathBuf) {
    static PARTS: OnceLock<(PathBuf, PathBuf)> = OnceLock::new();
    PARTS
        .get_or_init(|| {
            let folder = project();
            run_in(folder.path(), &["render", "--renderer", "local", "--quality", "draft", "-o", "v.mp4"])
                .ok();
            let mut probe = command();
            let cache = probe
                .get_envs()
                .find_map(|(name, value)| {
                    (name == "HYPERFRAMES_CI_CACHE").then(|| PathBuf::from(value.unwrap()))
                })
                .or_else(|| std::env::var_os("HYPERFRAMES_CI_CACHE").map(PathBuf::from))
                .unwrap();
            drop(probe.output());
            let engine = newest(&cache, "engine-").join("node_modules/hyperframes/bin/hyperframes.mjs");
            let own = newest(&cache, "node-").join("node_modules");
            let own = names(&own)
                .into_iter()
                .find(|name| name.starts_with("node-"))
                .map(|name| own.join(name).join("bin/node"));
            (own.unwrap_or_else(|| PathBuf::from("node")), engine)
        })
        .clone()
}

fn newest(cache: &Path, prefix: &str) -> PathBuf {
    let found = names(cache).into_iter().rfind(|name| name.starts_with(prefix) && cache.join(name).is_dir());
    found.map_or_else(|| cache.join("none"), |name| cache.join(name))
}

/// Width, height, frames per second, seconds and the codecs of a video.
fn probe(video: &Path) -> (u64, u64, String, f64, Vec<String>) {
    let output = Command::new("ffprobe")
        .args(["-v", "error", "-show_streams", "-show_format", "-of", "json"])
        .arg(video)
        .output()
        .unwrap();
    let probed: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let streams = probed["streams"].as_array().unwrap();
    let text = |value: &serde_json::Value| value.as_str().unwrap().to_owned();
    let picture = streams.iter().find(|stream| stream["codec_type"] == "video").unwrap();
    (
        picture["width"].as_u64().unwrap(),
        picture["height"].as_u64().unwrap(),
        text(&picture["r_frame_rate"]),
        text(&probed["format"]["duration"]).parse().unwrap(),
        streams.iter().map(|stream| text(&stream["codec_name"])).collect(),
    )
}

/// The mean difference of two frames, 0 for equal and 255 for black against white.
fn difference(one: &Path, two: &Path, frame: u32) -> f64 {
    let pixels = |video: &Path| {
        let filter = format!("select=eq(n\\,{frame}),scale=160:-2,format=gray");
        let output = Command::new("ffmpeg")
            .args(["-v", "error", "-i"])
            .arg(video)
            .args(["-vf", &filter, "-frames:v", "1", "-f", "rawvideo", "-"])
            .output()
            .unwrap();
        assert!(output.status.success());
        output.stdout
    };
    let (one, two) = (pixels(one), pixels(two));
    assert_eq!(one.len(), two.len());
    let sum = one.iter().zip(&two).map(|(a, b)| f64::from(a.abs_diff(*b))).sum::<f64>();
    sum / f64::from(u32::try_from(one.len()).unwrap())
}

#[test]
fn the_first_command_of_the_readme() {
    let folder = tempfile::tempdir().unwrap();
    let card = example("launch-card");
    let render = |title: &str, output: &str| {
        let values = serde_json::json!({ "title": title }).to_string();
        let arguments =
            ["render", card.to_str().unwrap(), "--emulator", "--json", "--quality", "draft", "-o", output];
        run_in(folder.path(), &[&arguments[..], &["--variables", &values]].concat()).ok().json()
    };
    let ran = render("Hello from CI", "a.mp4");
    assert_eq!(ran["render"]["status"], "completed");
    assert_eq!(ran["render"]["placeholder"], false);
    assert_eq!(ran["sandbox"][1], "network-proxy", "{ran}");
    assert_eq!(ran["programs"]["hyperframes"], "0.8.170");
    let (width, height, rate, seconds, codecs) = probe(&folder.path().join("a.mp4"));
    assert_eq!((width, height, rate.as_str()), (1280, 720, "30/1"));
    assert!((seconds - 2.0).abs() < 0.1 && codecs == ["h264"], "{seconds} {codecs:?}");
    // The title comes from the variable: another title is another picture, the same title the same one.
    render("Something else", "b.mp4");
    render("Hello from CI", "c.mp4");
    let file = |name: &str| folder.path().join(name);
    assert!(difference(&file("a.mp4"), &file("b.mp4"), 45) > 1.0);
    assert!(difference(&file("a.mp4"), &file("c.mp4"), 45) < 0.5);
}

#[test]
fn every_example_renders_on_this_machine() {
    let folder = tempfile::tempdir().unwrap();
    for (name, size, sound) in [("portrait-story", (720, 1280), false), ("square-audio", (720, 720), true)] {
        let output = folder.path().join(format!("{name}.mp4"));
        let project = example(name);
        let arguments =
            ["render", project.to_str().unwrap(), "--quality", "draft", "-o", output.to_str().unwrap()];
        let ran = run_in(folder.path(), &arguments).ok();
        assert!(ran.stderr.contains("renderer: local (no HEYGEN_API_KEY"), "{}", ran.stderr);
        let (width, height, _, seconds, codecs) = probe(&output);
        assert_eq!((width, height), size, "{name}");
        assert!((seconds - 2.0).abs() < 0.15, "{name}: {seconds}");
        assert_eq!(codecs.iter().any(|codec| codec == "aac"), sound, "{name}: {codecs:?}");
    }
}

#[test]
fn what_is_not_packed_is_not_rendered_either() {
    let folder = project();
    crate::support::write(folder.path(), "drafts/a.html", &crate::support::html(1280, 720, ""));
    crate::support::write(folder.path(), ".hyperframesignore", "drafts/\n");
    let ran = run_in(folder.path(), &["render", "--renderer", "local", "-c", "drafts/a.html", "--json"]);
    assert_eq!(ran.code, 5, "{ran:?}");
}

#[test]
fn a_composition_that_cannot_be_rendered_is_an_error_without_a_file() {
    let folder = project();
    crate::support::write(folder.path(), "index.html", "<html><p>no composition</p></html>");
    let ran = run_in(
        folder.path(),
        &["render", "--renderer", "local", "--allow", "root-missing", "--json", "-o", "v.mp4"],
    );
    assert_eq!((ran.code, ran.error()["code"].as_str()), (1, Some("render_failed")), "{ran:?}");
    assert!(!folder.path().join("v.mp4").exists());
}

/// A render of a minute on this machine, whose browser runs.
#[cfg(unix)]
struct LongRender {
    folder: tempfile::TempDir,
    temporary: PathBuf,
    child: std::process::Child,
}

#[cfg(unix)]
impl LongRender {
    fn start() -> Self {
        provisioned();
        let folder = project();
        let page = crate::support::html(1280, 720, "").replace("duration=\"1\"", "duration=\"60\"");
        crate::support::write(folder.path(), "index.html", &page);
        let temporary = folder.path().join("tmp");
        std::fs::create_dir(&temporary).unwrap();
        let child = command()
            .args(["render", "--renderer", "local", "-o", "v.mp4"])
            .env("TMPDIR", &temporary)
            .current_dir(folder.path())
            .stderr(std::process::Stdio::piped())
            .spawn()
            .unwrap();
        let render = Self { folder, temporary, child };
        assert!(render.eventually(60, |count| count >= 2), "the engine and its browser run");
        render
    }

    /// Whether the number of processes that use the temporary directory becomes what it should within some seconds.
    fn eventually(&self, seconds: u64, is_wanted: impl Fn(usize) -> bool) -> bool {
        let deadline = std::time::Instant::now() + std::time::Duration::from_secs(seconds);
        loop {
            let list = Command::new("ps").args(["-eo", "args"]).output().unwrap();
            let list = String::from_utf8_lossy(&list.stdout).into_owned();
            let count = list.lines().filter(|line| line.contains(self.temporary.to_str().unwrap())).count();
            if is_wanted(count) {
                return true;
            }
            if std::time::Instant::now() > deadline {
                return false;
            }
            std::thread::sleep(std::time::Duration::from_millis(100));
        }
    }

    fn kill(&self, signal: &str) {
        let pid = self.child.id().to_string();
        assert!(Command::new("kill").args([signal, &pid]).status().unwrap().success());
    }
}

#[cfg(unix)]
#[test]
fn an_interrupt_ends_the_engine_and_everything_it_started() {
    // Whoever runs the tests below nohup wants no process to end with the terminal.
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let ignored = status.lines().find_map(|line| line.strip_prefix("SigIgn:")).map(str::trim);
    let hangs_up = ignored.is_some_and(|mask| mask.ends_with(['0', '2', '4', '6', '8', 'a', 'c', 'e']));
    for (signal, code) in [("-INT", 130), ("-HUP", 129)] {
        if signal == "-HUP" && !hangs_up {
            continue;
        }
        let mut render = LongRender::start();
        render.kill(signal);
        let mut stderr = String::new();
        std::io::Read::read_to_string(&mut render.child.stderr.take().unwrap(), &mut stderr).unwrap();
        assert_eq!(render.child.wait().unwrap().code(), Some(code), "{stderr}");
        assert!(render.eventually(10, |count| count == 0), "nothing runs on");
        assert!(!render.folder.path().join("v.mp4").exists());
        let left = names(render.folder.path());
        assert!(left.iter().all(|name| !name.contains("part")), "{left:?}");
    }
}

/// Nobody can clean up after `kill -9`, but for the next render on the machine.
#[cfg(target_os = "linux")]
#[test]
fn the_next_render_ends_what_a_killed_one_left_behind() {
    let mut render = LongRender::start();
    render.kill("-KILL");
    render.child.wait().unwrap();
    // Another test's render may be the next one: whether the engine runs on for a while is not asked.
    let folder = project();
    run_in(folder.path(), &["render", "--renderer", "local", "--quality", "draft", "-o", "v.mp4"]).ok();
    assert!(render.eventually(10, |count| count == 0), "the engine has ended");
}

/// The engine by itself gives up when any process above it ends.
#[cfg(unix)]
#[test]
fn a_render_in_the_background_outlives_its_shell() {
    provisioned();
    let folder = project();
    let mut shell = Command::new("sh");
    crate::support::clean(&mut shell);
    let script = "\"$0\" render --renderer local --quality draft -o v.mp4 >log 2>&1 & sleep 1";
    shell.args(["-c", script, env!("CARGO_BIN_EXE_hyperframes-ci")]).current_dir(folder.path());
    assert!(shell.status().unwrap().success());
    let video = folder.path().join("v.mp4");
    let deadline = std::time::Instant::now() + std::time::Duration::from_secs(60);
    while !video.exists() && std::time::Instant::now() < deadline {
        std::thread::sleep(std::time::Duration::from_millis(100));
    }
    assert!(video.exists(), "{}", std::fs::read_to_string(folder.path().join("log")).unwrap());
}
