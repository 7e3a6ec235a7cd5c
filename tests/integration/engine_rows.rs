//! The rows of a batch on this machine, which one process of the engine renders.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

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

/// The hash of the compressed frames.
fn frames(video: &Path) -> String {
    let arguments = ["-map", "0:v", "-c", "copy", "-f", "md5", "-"];
    let output =
        Command::new("ffmpeg").args(["-v", "error", "-i"]).arg(video).args(arguments).output().unwrap();
    assert!(output.status.success(), "{video:?}: {output:?}");
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn rows_share_a_process_and_have_the_frames_of_renders_alone() {
    let folder = batch(&["one", "two", "three"]);
    let folder = folder.path();
    let mut child = start(folder, &["--concurrency", "1"]);
    let mut projects = BTreeSet::new();
    while child.try_wait().unwrap().is_none() {
        let work = names(&folder.join("tmp"));
        projects.extend(
            work.into_iter().filter(|name| folder.join("tmp").join(name).join("project/index.html").exists()),
        );
        std::thread::sleep(Duration::from_millis(20));
    }
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
