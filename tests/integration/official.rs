//! The official CLI, unchanged, with the emulator as its backend.

use std::path::PathBuf;
use std::process::Command;

use crate::real::provisioned;
use crate::support::{Emulator, KEY, Ran, clean, project};

/// As `src/engine/provision.rs` pins it.
pub(crate) const VERSION: &str = "0.8.170";

/// The installed engine package holds the whole official CLI.
pub(crate) fn command(emulator: &Emulator, arguments: &[&str], folder: &std::path::Path) -> Command {
    let (node, script): (PathBuf, PathBuf) = provisioned();
    let mut command = Command::new(node);
    clean(&mut command);
    command
        .arg(script)
        .arg("cloud")
        .args(arguments)
        .current_dir(folder)
        .env("HEYGEN_API_URL", &emulator.url)
        .env("HEYGEN_API_KEY", KEY)
        .env("HYPERFRAMES_NO_UPDATE_CHECK", "1")
        .env("DO_NOT_TRACK", "1")
        .env("NO_COLOR", "1");
    command
}

fn official(emulator: &Emulator, arguments: &[&str], folder: &std::path::Path) -> Ran {
    Ran::of(&mut command(emulator, arguments, folder))
}

#[test]
fn it_renders_lists_gets_and_deletes() {
    let emulator = Emulator::placeholder(&["--complete-conflicts", "1"]);
    let folder = project();
    let render =
        ["render", "--json", "--variables", r#"{"title": "x"}"#, "-o", "v.mp4", "--poll-interval", "1"];
    let ran = official(&emulator, &render, folder.path()).ok().json();
    let id = ran["render"]["render_id"].as_str().unwrap().to_owned();
    assert_eq!(ran["render"]["status"], "completed");
    assert_eq!(&std::fs::read(folder.path().join("v.mp4")).unwrap()[4..8], b"ftyp");
    assert_eq!(emulator.created(), (1, 1));
    let listed = official(&emulator, &["list", "--json"], folder.path()).ok().json();
    assert_eq!(listed["renders"][0]["render_id"], id.as_str());
    let got = official(&emulator, &["get", &id, "--json"], folder.path()).ok().json();
    assert_eq!(got["render"]["status"], "completed");
    let ours = emulator.run(folder.path(), &["get", &id, "--json"]).ok().json();
    assert_eq!(ours["render"]["render_id"], id.as_str());
    official(&emulator, &["delete", &id, "--no-confirm"], folder.path()).ok();
    assert_ne!(official(&emulator, &["get", &id, "--json"], folder.path()).code, 0);
}

#[test]
fn it_packs_the_same_files() {
    let emulator = Emulator::placeholder(&[]);
    let folder = project();
    for path in [
        "a.css",
        "b/c.js",
        "b/.hidden",
        "dist/x.js",
        "node_modules/y/z.js",
        "renders/old.mp4",
        "drafts/d.html",
        "keep/drafts.txt",
    ] {
        crate::support::write(folder.path(), path, "/* x */");
    }
    crate::support::write(folder.path(), ".hyperframesignore", "Drafts/\n*.tmp\n");
    let theirs = official(&emulator, &["render", "--dry-run", "--json"], folder.path()).ok().json();
    let ours = emulator.run(folder.path(), &["render", "--dry-run", "--json"]).ok().json();
    let paths = |archive: &serde_json::Value| {
        let files = archive["largest_files"].as_array().unwrap().clone();
        let mut paths =
            files.iter().map(|file| file["path"].as_str().unwrap().to_owned()).collect::<Vec<_>>();
        paths.sort();
        paths
    };
    assert_eq!(paths(&ours["archive"]), paths(&theirs["archive"]));
    assert_eq!(ours["archive"]["file_count"], theirs["archive"]["file_count"]);
}
