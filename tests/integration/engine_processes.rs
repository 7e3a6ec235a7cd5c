//! Processes of the engine: each renders the videos of a project, one after another.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use crate::proof::engine;
use crate::real::provisioned;
use crate::support::{command, names, project, run_in, write};

/// A page of six frames that fails if its title is `bad` and hangs if it is `slow`.
const PAGE: &str = r#"<html data-composition-variables='[{"id":"title","label":"Title","type":"string","default":"x"}]'>
<div data-composition-id="main" data-width="320" data-height="180" data-start="0" data-duration="0.2" data-no-timeline>
<b data-var-text="title"></b></div><script>
const { title } = window.__hyperframes.getVariables();
if (title === 'bad') document.querySelector('[data-composition-id]').remove();
while (title === 'slow') {}
</script></html>"#;

/// A project with a batch of these titles, and a directory for temporary files.
fn batch(titles: &[&str]) -> tempfile::TempDir {
    provisioned();
    let folder = project();
    write(folder.path(), "index.html", PAGE);
    let rows = titles.iter().map(|title| format!("{}\n", serde_json::json!({ "title": title })));
    write(folder.path(), "rows.jsonl", &rows.collect::<String>());
    fs::create_dir(folder.path().join("tmp")).unwrap();
    folder
}

/// Starts the batch.
fn start(folder: &Path, flags: &[&str]) -> std::process::Child {
    command()
        .args(["render", "--renderer", "local", "--batch", "rows.jsonl", "-o", "out/{title}.mp4"])
        .args(flags)
        .env("TMPDIR", folder.join("tmp"))
        .current_dir(folder)
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::piped())
        .spawn()
        .unwrap()
}

/// The directories of processes that have a project, in the temporary directory of a program while it runs.
pub(crate) fn unpacked(temporary: &Path, is_running: &mut dyn FnMut() -> bool) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    while is_running() {
        let folders = names(temporary).into_iter();
        found.extend(folders.filter(|name| temporary.join(name).join("project/index.html").exists()));
        std::thread::sleep(Duration::from_millis(20));
    }
    found
}

/// The hash of the compressed frames.
fn frames(video: &Path) -> String {
    let arguments = ["-map", "0:v", "-c", "copy", "-f", "md5", "-"];
    let output =
        Command::new("ffmpeg").args(["-v", "error", "-i"]).arg(video).args(arguments).output().unwrap();
    assert!(output.status.success(), "{video:?}: {output:?}");
    String::from_utf8(output.stdout).unwrap()
}

/// Renders a project with the official command line.
fn official(node: &Path, script: &Path, folder: &Path, output: &str, flags: &[&str]) {
    let browser = std::env::var_os("HYPERFRAMES_BROWSER_PATH").map(PathBuf::from);
    official_with(browser.as_deref(), (node, script), folder, output, flags);
}

/// Renders a project with the official command line and a browser, with the flags that save it from asking what that can do.
fn official_with(
    browser: Option<&Path>,
    (node, script): (&Path, &Path),
    folder: &Path,
    output: &str,
    flags: &[&str],
) {
    let mut command = engine(node, script, &folder.join("tmp"));
    command.arg("render").arg(folder).args(["--output", output, "--workers=1", "--frames-cache-dir=off"]);
    command.envs(browser.map(|browser| ("HYPERFRAMES_BROWSER_PATH", browser)));
    let is_shell = browser.is_some_and(|browser| browser.to_string_lossy().contains("headless"));
    command.args((!is_shell).then_some("--no-browser-gpu"));
    let ran = command.args(flags).current_dir(folder).output().unwrap();
    assert!(ran.status.success(), "{ran:?}");
}

/// Checks that a row that is rendered with a headless shell after another one has the frames of the official command line.
pub(crate) fn check_rows_with(shell: &Path) {
    let folder = batch(&["one", "two"]);
    let folder = folder.path();
    let (node, script) = provisioned();
    let mut command = command();
    command.args(["render", "--renderer", "local", "--batch", "rows.jsonl", "--concurrency", "1"]);
    command.args(["-o", "out/{title}.mp4"]).env("HYPERFRAMES_BROWSER_PATH", shell).current_dir(folder);
    let ran = command.output().unwrap();
    assert!(ran.status.success(), "{ran:?}");
    let flags = ["--fps=30", "--quality=standard", r#"--variables={"title":"two"}"#];
    official_with(Some(shell), (&node, &script), folder, "theirs.mp4", &flags);
    assert_eq!(frames(&folder.join("out/two.mp4")), frames(&folder.join("theirs.mp4")));
}

#[test]
fn a_render_has_the_frames_of_the_official_command_line() {
    let folder = batch(&[]);
    let folder = folder.path();
    let (node, script) = provisioned();
    let values = r#"--variables={"title":"one"}"#;
    for (format, theirs, ours) in [
        ("mp4", &["--fps=30", "--quality=standard"][..], &[][..]),
        (
            "webm",
            &["--fps=30000/1001", "--quality=looks", "--no-best-effort"],
            &["--fps=30000/1001", "--quality=looks", "--no-best-effort"],
        ),
        (
            "mp4",
            &["--fps=30", "--quality=draft", "--resolution=landscape", "--video-bitrate=2M"],
            &["--quality=draft", "--resolution=1080p", "--video-bitrate=2M"],
        ),
    ] {
        let (expected, output) = (format!("theirs.{format}"), format!("ours.{format}"));
        let flags = [&[values, "--format", format], theirs].concat();
        official(&node, &script, folder, &expected, &flags);
        let command =
            ["render", "--renderer", "local", "--no-reuse", values, "--format", format, "-o", &output];
        run_in(folder, &[&command[..], ours].concat()).ok();
        assert_eq!(frames(&folder.join(output)), frames(&folder.join(expected)), "{ours:?}");
    }
}

/// The message is that of the official command line, and a render that fails is not repeated.
#[test]
fn a_render_fails_once_with_the_message_of_the_official_command_line() {
    let folder = batch(&[]);
    let folder = folder.path();
    let (node, script) = provisioned();
    let values = r#"--variables={"title":"bad"}"#;
    let mut command = engine(&node, &script, &folder.join("tmp"));
    command.arg("render").arg(folder).args([
        "--output",
        "theirs.mp4",
        "--workers=1",
        "--no-browser-gpu",
        values,
    ]);
    let ran = command.current_dir(folder).output().unwrap();
    let theirs = String::from_utf8_lossy(&ran.stderr).into_owned();
    let arguments = ["render", "--renderer", "local", "--no-reuse", values, "-o", "ours.mp4"];
    let ours = run_in(folder, &arguments).stderr;
    let (_, message) = ours.split_once("the engine failed to render the composition:").unwrap();
    let (message, _) = message.split_once("  help: ").unwrap();
    assert!(message.contains("Composition has zero duration"), "{ours}");
    for line in message.lines() {
        assert!(theirs.contains(line.trim()), "{line}\n{theirs}");
    }
    assert_eq!(ours.matches("] compile").count(), 1, "{ours}");
}

#[test]
fn rows_share_a_process_and_have_the_frames_of_renders_alone() {
    let folder = batch(&["one", "two", "three"]);
    let folder = folder.path();
    let mut child = start(folder, &["--concurrency", "1"]);
    let projects = unpacked(&folder.join("tmp"), &mut || child.try_wait().unwrap().is_none());
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "{output:?}");
    assert_eq!(projects.len(), 1, "one process: {projects:?}");
    assert_eq!(names(&folder.join("tmp")), Vec::<String>::new());
    for title in ["one", "three"] {
        let variables = serde_json::json!({ "title": title }).to_string();
        let arguments =
            ["render", "--renderer", "local", "--no-reuse", "--variables", &variables, "-o", "alone.mp4"];
        run_in(folder, &arguments).ok();
        let in_batch = frames(&folder.join("out").join(format!("{title}.mp4")));
        assert_eq!(frames(&folder.join("alone.mp4")), in_batch, "{title}");
        fs::remove_file(folder.join("alone.mp4")).unwrap();
    }
    assert_ne!(frames(&folder.join("out/one.mp4")), frames(&folder.join("out/two.mp4")));
}

/// FFmpeg writes what it is called with into the directory of the process, which only the process may read.
#[cfg(target_os = "linux")]
#[test]
fn a_video_in_the_project_is_decoded_once_for_a_batch() {
    use std::os::unix::fs::PermissionsExt;

    let folder = batch(&["one", "two", "three"]);
    let folder = folder.path();
    let video = r#"<video id="v" src="clip.mp4" muted data-start="0" data-duration="0.2"></video><b "#;
    write(folder, "index.html", &PAGE.replace("<b ", video));
    let source = ["-v", "error", "-f", "lavfi", "-i", "testsrc=size=160x90:rate=30:duration=0.5"];
    let mut make = Command::new("ffmpeg");
    make.args(source).args(["-pix_fmt", "yuv420p", "clip.mp4"]).current_dir(folder);
    assert!(make.status().unwrap().success());
    let tools = tempfile::tempdir().unwrap();
    let path = std::env::var_os("PATH").unwrap();
    for name in ["ffmpeg", "ffprobe"] {
        let mut places = std::env::split_paths(&path).map(|folder| folder.join(name));
        let real = places.find(|file| file.is_file()).expect(name);
        let script =
            format!("#!/bin/sh\necho {name} \"$@\" >> \"$TMPDIR/calls\"\nexec {} \"$@\"\n", real.display());
        write(tools.path(), name, &script);
        fs::set_permissions(tools.path().join(name), fs::Permissions::from_mode(0o755)).unwrap();
    }
    let wrapped = [tools.path().to_owned()].into_iter().chain(std::env::split_paths(&path));
    let mut child = command()
        .args(["render", "--renderer", "local", "--batch", "rows.jsonl", "--concurrency", "1"])
        .args(["-o", "out/{title}.mp4"])
        .env("PATH", std::env::join_paths(wrapped).unwrap())
        .env("TMPDIR", folder.join("tmp"))
        .current_dir(folder)
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    let mut calls = String::new();
    unpacked(&folder.join("tmp"), &mut || {
        for name in names(&folder.join("tmp")) {
            let seen =
                fs::read_to_string(folder.join("tmp").join(name).join("tmp/calls")).unwrap_or_default();
            if seen.len() > calls.len() {
                calls = seen;
            }
        }
        child.try_wait().unwrap().is_none()
    });
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "{output:?}");
    let decoded = calls.lines().filter(|call| call.contains("clip.mp4") && call.contains("frame_%"));
    assert_eq!(decoded.count(), 1, "{calls}");
    let encoded = calls.lines().filter(|call| call.starts_with("ffmpeg ") && call.contains("image2pipe"));
    assert_eq!(encoded.count(), 3, "each row: {calls}");
    let (node, script) = provisioned();
    let values = r#"--variables={"title":"two"}"#;
    official(&node, &script, folder, "theirs.mp4", &["--fps=30", "--quality=standard", values]);
    assert_eq!(frames(&folder.join("out/two.mp4")), frames(&folder.join("theirs.mp4")));
}

/// Entries of the configuration whose project is the same, of which one fails.
#[test]
fn entries_share_a_process_and_have_the_frames_of_renders_alone() {
    let folder = batch(&[]);
    let folder = folder.path();
    write(folder, "second.html", &PAGE.replace("<b ", "<i>second</i><b "));
    let entry = |name: &str, more: &str| format!("[[render]]\nname = {name:?}\nproject = \".\"\n{more}\n\n");
    let entries = [
        entry("first", "variables = { title = \"one\" }"),
        entry("second", "composition = \"second.html\"\nfps = 24"),
        entry("bad", "variables = { title = \"bad\" }"),
        entry("last", "quality = \"draft\""),
    ];
    write(folder, "hyperframes-ci.toml", &entries.concat());
    let mut child = command()
        .args(["render", "--all", "--renderer", "local"])
        .env("TMPDIR", folder.join("tmp"))
        .current_dir(folder)
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    let projects = unpacked(&folder.join("tmp"), &mut || child.try_wait().unwrap().is_none());
    let output = child.wait_with_output().unwrap();
    let text = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(names(&folder.join("renders")), ["first.mp4", "last.mp4", "second.mp4"], "{text}");
    assert!(text.contains("Composition has zero duration"), "{text}");
    assert_eq!(text.matches("engine: hyperframes ").count(), 1, "it is found once: {text}");
    assert_eq!(projects.len(), 3, "one process, one that repeats what has failed, and one after it: {text}");
    assert_eq!(names(&folder.join("tmp")), Vec::<String>::new());
    for (name, options) in [
        ("first", &[r#"--variables={"title":"one"}"#][..]),
        ("second", &["--composition=second.html", "--fps=24"]),
        ("last", &["--quality=draft"]),
    ] {
        let arguments = ["render", "--renderer", "local", "--no-reuse", "-o", "alone.mp4"];
        run_in(folder, &[&arguments[..], options].concat()).ok();
        let together = frames(&folder.join("renders").join(name).with_extension("mp4"));
        assert_eq!(frames(&folder.join("alone.mp4")), together, "{name}");
        fs::remove_file(folder.join("alone.mp4")).unwrap();
    }
}

#[test]
fn a_row_that_fails_or_hangs_fails_alone() {
    let folder = batch(&["one", "bad", "slow", "two"]);
    let folder = folder.path();
    let child = start(folder, &["--concurrency", "1", "--keep-going", "--max-wait", "0.5"]);
    let output = child.wait_with_output().unwrap();
    assert!(!output.status.success());
    let text = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(names(&folder.join("out")), ["one.mp4", "two.mp4"], "{text}");
    assert!(text.contains("the engine failed to render the composition"), "{text}");
    assert!(text.contains("timed out; the engine was stopped"), "{text}");
    assert_eq!(names(&folder.join("tmp")), Vec::<String>::new());
}

#[cfg(unix)]
#[test]
fn what_is_rendered_before_an_interrupt_stays() {
    let titles = (1..40).map(|number| format!("film {number}")).collect::<Vec<_>>();
    let folder = batch(&titles.iter().map(String::as_str).collect::<Vec<_>>());
    let folder = folder.path();
    for signal in ["-INT", "-KILL"] {
        let mut child = start(folder, &["--concurrency", "1"]);
        let saved = || {
            fs::read_dir(folder.join("out")).map_or(0, |files| {
                files.flatten().filter(|file| file.path().extension().is_some_and(|end| end == "mp4")).count()
            })
        };
        let deadline = Instant::now() + Duration::from_secs(90);
        while saved() < 2 {
            assert!(Instant::now() < deadline && child.try_wait().unwrap().is_none(), "two rows are saved");
            std::thread::sleep(Duration::from_millis(50));
        }
        assert!(Command::new("kill").args([signal, &child.id().to_string()]).status().unwrap().success());
        child.wait().unwrap();
        let videos = names(&folder.join("out")).into_iter().filter(|name| name.ends_with(".mp4"));
        for name in videos.collect::<Vec<_>>() {
            frames(&folder.join("out").join(&name));
        }
        fs::remove_dir_all(folder.join("out")).unwrap();
    }
}
