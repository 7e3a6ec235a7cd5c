//! Links that a checkout brings: nothing that an input or the configuration names leads out of the workspace.

use std::fs;
use std::os::unix::fs::symlink;

use super::stage::{Stage, commit};
use crate::support::{html, write};

/// What is on the runner beside the checkout.
const SECRET: &str = "auth-of-a-registry";

/// A folder beside the checkout, with a credential and a project.
fn beside() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), "config.json", &format!("{{\"title\": \"{SECRET}\"}}"));
    write(folder.path(), "project/index.html", &html(1280, 720, &format!("<p>{SECRET}")));
    folder
}

fn link(stage: &Stage, target: &std::path::Path, name: &str) {
    let path = stage.repository.path().join(name);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    symlink(target, path).unwrap();
    commit(stage.repository.path(), "a link");
}

#[test]
fn an_input_does_not_lead_out_of_the_workspace() {
    for (input, target, name) in
        [("variables-file", "config.json", "values.json"), ("projects", "project", "videos/three")]
    {
        let (stage, folder) = (Stage::new(), beside());
        link(&stage, &folder.path().join(target), name);
        let outside = folder.path().join(target).display().to_string();
        for value in [name, &outside] {
            let run = stage.run(&stage.runner("push", &serde_json::json!({})), &[(input, value)]);
            assert_eq!(run.code, 2, "{input} {value}: {}", run.log);
            assert!(run.log.contains("outside the workspace"), "{}", run.log);
            assert!(!run.log.contains(SECRET), "{}", run.log);
            assert_eq!(stage.emulator.created(), (0, 0), "{input} {value}");
        }
    }
}

#[test]
fn results_replace_links_and_only_they_are_uploaded() {
    let (stage, folder) = (Stage::new(), beside());
    let victim = folder.path().join("config.json");
    for name in ["report.json", "videos-one.png", "videos-one.gif", "other.json"] {
        link(&stage, &victim, &format!("out/{name}"));
    }
    let before = fs::read(&victim).unwrap();
    let inputs = [("projects", "videos/one"), ("output-dir", "out")];
    let run = stage.run(&stage.pull_request(), &inputs);
    assert_eq!(run.code, 0, "{}", run.log);
    assert_eq!(fs::read(&victim).unwrap(), before);
    let out = stage.repository.path().join("out");
    assert!(out.join("report.json").symlink_metadata().unwrap().is_file());
    let uploads = run.used.iter().filter(|(name, _)| name.contains("upload-artifact"));
    let paths = uploads.map(|(_, inputs)| inputs["path"].clone()).collect::<String>();
    assert!(paths.lines().count() >= 2 && !paths.contains("other.json"), "{paths}");
    assert!(paths.lines().all(|path| !fs::symlink_metadata(path).unwrap().is_symlink()), "{paths}");
}

#[test]
fn the_output_directory_does_not_lead_out_of_the_workspace() {
    for target in ["out", ".git/hooks"] {
        let (stage, folder) = (Stage::new(), beside());
        link(&stage, folder.path(), "out");
        let run = stage.run(&stage.runner("push", &serde_json::json!({})), &[("output-dir", target)]);
        assert_eq!(run.code, 2, "{}", run.log);
        assert!(!folder.path().join("report.json").exists());
        assert!(!stage.repository.path().join(".git/hooks/report.json").exists());
    }
}

#[test]
fn a_manifest_of_the_checkout_names_no_files_to_publish() {
    let (stage, folder) = (Stage::new(), beside());
    let video = folder.path().join("private.mp4");
    fs::write(&video, super::stage::CLIP).unwrap();
    let line = serde_json::json!({ "row": 0, "identity": "x", "state": "completed", "output": video });
    write(stage.repository.path(), "out/x.manifest.jsonl", &format!("{line}\n"));
    write(stage.repository.path(), "rows.jsonl", "{\"variables\": {}, \"fps\": 999}\n{\"title\": \"b\"}\n");
    let entry =
        "[[render]]\nname = \"x\"\nproject = \"videos/two\"\nrows = \"rows.jsonl\"\nkeep-going = true\n";
    write(stage.repository.path(), "hyperframes-ci.toml", entry);
    commit(stage.repository.path(), "a manifest");
    let inputs = [("output-dir", "out"), ("changed-only", "false"), ("fail-on", "never")];
    let run = stage.run(&stage.pull_request(), &inputs);
    assert!(run.outputs["results"].contains("out/x-"), "{}", run.log);
    assert!(!run.outputs["results"].contains("private.mp4"), "{}", run.log);
    assert!(run.used.iter().all(|(_, inputs)| inputs.values().all(|value| !value.contains("private.mp4"))));
}

/// What is no project, no file of values and no directory: the step fails, and waits for nothing.
#[test]
fn special_files_are_refused_at_once() {
    let mut table = String::from(
        "| input | FIFO | socket | device | dangling | file | huge |\n|---|---|---|---|---|---|---|\n",
    );
    for (input, name) in
        [("projects", "videos/three"), ("variables-file", "values.json"), ("output-dir", "out")]
    {
        table.push_str(&format!("| {input} |"));
        for kind in ["fifo", "socket", "device", "dangling", "file", "huge"] {
            let stage = Stage::new();
            let path = stage.repository.path().join(name);
            let mut socket = None;
            match kind {
                "fifo" => {
                    let made = std::process::Command::new("mkfifo").arg(&path).status();
                    assert!(made.unwrap().success());
                }
                "socket" => socket = Some(std::os::unix::net::UnixListener::bind(&path).unwrap()),
                "device" => symlink("/dev/zero", &path).unwrap(),
                "dangling" => symlink("nowhere", &path).unwrap(),
                "file" => fs::write(&path, "no JSON").unwrap(),
                _ => fs::File::create(&path).unwrap().set_len(3 << 30).unwrap(),
            }
            let began = std::time::Instant::now();
            let inputs = [("projects", "videos/one"), (input, name)];
            let inputs = if input == "projects" { &inputs[1..] } else { &inputs[..] };
            let run = stage.run(&stage.runner("push", &serde_json::json!({})), inputs);
            assert_ne!(run.code, 0, "{input} {kind}: {}", run.log);
            assert!(began.elapsed().as_secs() < 30, "{input} {kind}: {:?}", began.elapsed());
            assert_eq!(stage.emulator.created(), (0, 0), "{input} {kind}");
            table.push_str(" refused |");
            drop(socket);
        }
        table.push('\n');
    }
    crate::support::show("action-paths.md", &table);
}
