//! `diff --base`: a project and another revision of it, rendered by the emulator.

use std::path::Path;
use std::process::Command;

use serde_json::Value;

use crate::support::{Emulator, Ran, clean, html, write};

/// Every render of the emulator is the same clip.
struct Repository {
    folder: tempfile::TempDir,
    emulator: Emulator,
}

impl Repository {
    /// A repository with the project `clip`, committed.
    fn new() -> Self {
        let repository = Self { folder: tempfile::tempdir().unwrap(), emulator: Emulator::placeholder(&[]) };
        repository.git(&["init", "--quiet", "-b", "main"]);
        repository.write("clip/index.html", &html(1280, 720, "<p>before</p>"));
        repository.commit();
        repository
    }

    fn write(&self, path: &str, text: &str) {
        write(self.folder.path(), path, text);
    }

    fn git(&self, arguments: &[&str]) {
        let mut git = Command::new("git");
        clean(&mut git);
        git.args(["-c", "user.name=t", "-c", "user.email=t@example.com"]);
        let output = git.args(arguments).current_dir(self.folder.path()).output().unwrap();
        assert!(output.status.success(), "git {arguments:?}: {output:?}");
    }

    fn commit(&self) {
        self.git(&["add", "-A"]);
        self.git(&["commit", "--quiet", "-m", "x"]);
    }

    fn diff(&self, arguments: &[&str]) -> Ran {
        self.emulator.run(self.folder.path(), &[&["diff", "--json"], arguments].concat())
    }

    /// The only comparison.
    fn found(&self, arguments: &[&str]) -> Value {
        let ran = self.diff(arguments);
        let comparisons = ran.json()["comparisons"].clone();
        assert_eq!(comparisons.as_array().map(Vec::len), Some(1), "{ran:?}");
        comparisons[0].clone()
    }

    fn renders(&self) -> u64 {
        self.emulator.created().1
    }
}

fn is(found: &Value, status: &str, part: &str) {
    let summary = found["summary"].as_str().unwrap();
    assert!(found["status"] == status && summary.contains(part), "{found}");
}

#[test]
fn equal_inputs_are_not_rendered() {
    let repository = Repository::new();
    repository.write("README.md", "not a part of the project");
    repository.commit();
    let found = repository.found(&["--base", "HEAD~1", "clip", "--fail-on-diff", "any"]);
    is(&found, "unchanged", "the inputs of both renders are equal");
    assert_eq!((found["name"].as_str(), repository.renders()), (Some("clip"), 0));
    // Nor where nothing can be rendered.
    let mut offline = repository.emulator.command();
    offline.env_remove("HEYGEN_API_KEY").current_dir(repository.folder.path());
    let ran = Ran::of(offline.args(["diff", "--json", "--base", "HEAD~1", "clip", "--renderer", "cloud"]));
    is(&ran.ok().json()["comparisons"][0], "unchanged", "are equal");
}

#[test]
fn other_inputs_are_rendered_and_compared_and_the_checkout_is_removed() {
    let repository = Repository::new();
    repository.write("clip/index.html", &html(1280, 720, "<p>after</p>"));
    let found = repository.found(&["--base", "main", "clip"]);
    is(&found, "unchanged", "clip: unchanged");
    assert_eq!((found["method"].as_str(), &found["base"]["path"]), (Some("files"), &Value::Null), "{found}");
    assert_eq!(repository.renders(), 2);
    // Both are found again.
    repository.found(&["--base", "main", "clip"]);
    assert_eq!(repository.renders(), 2);
    let worktrees = repository.folder.path().join(".git/worktrees");
    let is_empty = |folder: &Path| folder.read_dir().map_or(true, |mut entries| entries.next().is_none());
    assert!(is_empty(&worktrees));
}

#[test]
fn a_changed_video_fails_the_gate_and_is_in_the_report() {
    let repository = Repository::new();
    let config = |format: &str| {
        repository.write(
            "hyperframes-ci.toml",
            &format!("[[render]]\nname = \"clip\"\nproject = \"clip\"\n{format}"),
        );
    };
    config("");
    repository.commit();
    // The clip of this format is transparent.
    config("format = \"mov\"\n");
    let arguments = ["--base", "main", "--all", "--report", "report", "--fail-on-diff"];
    let ran = repository.diff(&[&arguments[..], &["changed"]].concat());
    assert_eq!((ran.code, &ran.error()["code"]), (7, &"visual_difference".into()), "{ran:?}");
    is(&ran.json()["comparisons"][0], "changed", "clip: changed");
    let page = std::fs::read_to_string(repository.folder.path().join("report/index.html")).unwrap();
    assert!(page.contains("clip") && page.contains("data:video/"));
    assert_eq!(repository.diff(&[&arguments[..], &["never"]].concat()).code, 0);
}

#[test]
fn a_side_that_cannot_be_rendered_has_failed() {
    let repository = Repository::new();
    repository.write("clip/index.html", &html(1280, 720, "<p>after</p>"));
    repository.emulator.script(r#"{"rules": [{"on": "render", "do": {"fail": "no fonts"}}]}"#);
    let ran = repository.diff(&["--base", "main", "clip"]);
    assert_eq!((ran.code, &ran.error()["code"]), (1, &"diff_incomplete".into()), "{ran:?}");
    is(&ran.json()["comparisons"][0], "failed", "the base cannot be rendered");
    assert!(ran.stdout.contains("no fonts"), "{ran:?}");

    let repository = Repository::new();
    repository.write("clip/index.html", "<p>no composition</p>");
    let ran = repository.diff(&["--base", "main", "clip"]);
    is(&ran.json()["comparisons"][0], "failed", "the head cannot be rendered");
    assert_eq!(ran.code, 1, "{ran:?}");
}

#[test]
fn a_composition_that_the_base_does_not_have_is_new() {
    let repository = Repository::new();
    repository.write("other/index.html", &html(1280, 720, ""));
    is(&repository.found(&["--base", "main", "other", "--fail-on-diff", "changed"]), "new", "does not have");
    assert_eq!(repository.renders(), 0);
    assert_eq!(repository.diff(&["--base", "main", "other", "--fail-on-diff", "any"]).code, 7);
}

#[test]
fn a_revision_of_another_history_is_the_base_itself() {
    let repository = Repository::new();
    repository.git(&["checkout", "--quiet", "--orphan", "imported"]);
    repository.commit();
    let found = repository.found(&["--base", "main", "clip"]);
    is(&found, "unchanged", "the inputs of both renders are equal");
    repository.write("clip/index.html", &html(1280, 720, "<p>after</p>"));
    is(&repository.found(&["--base", "main", "clip"]), "unchanged", "clip: unchanged");
    let ran = repository.diff(&["--base", "nowhere", "clip"]);
    assert!(ran.code != 0 && ran.error()["message"].as_str().unwrap().contains("nowhere"), "{ran:?}");
}

#[test]
fn entries_have_golden_files_and_need_no_base() {
    let repository = Repository::new();
    let entry = |name: &str| format!("[[render]]\nname = \"{name}\"\nproject = \"clip\"\n");
    repository.write("hyperframes-ci.toml", &(entry("launch.a") + &entry("intro")));
    let golden = repository.folder.path().join("golden");
    let ran = repository.diff(&["--update", "golden", "--all", "--fail-on-diff", "any"]).ok();
    assert_eq!(ran.json()["status"], "new");
    assert_eq!(
        crate::support::names(&golden),
        ["intro.golden", "intro.png", "launch-a.golden", "launch-a.png"]
    );
    let against = ["--against", "golden", "--all", "--fail-on-diff", "changed"];
    assert_eq!(repository.diff(&against).ok().json()["status"], "unchanged");
    std::fs::remove_file(golden.join("intro.golden")).unwrap();
    let ran = repository.diff(&against);
    let failed = ran.json()["comparisons"][1].clone();
    assert_eq!((ran.code, &failed["status"]), (1, &"failed".into()), "{ran:?}");
    assert!(failed["reason"].as_str().unwrap().contains("golden file not found"), "{ran:?}");
    // A project without an entry.
    let ran = repository.diff(&["--update", "golden", "clip"]).ok();
    assert_eq!(ran.json()["comparisons"][0]["name"], "clip");
    // Names that differ in what files cannot have are told apart.
    repository.write("hyperframes-ci.toml", &(entry("launch.a") + &entry("launch-a")));
    let ran = repository.diff(&["--update", "golden", "--all"]);
    assert!(ran.stdout.contains("has the same golden file as another composition"), "{ran:?}");
}

#[test]
fn the_base_gets_media_that_is_kept_in_a_store_from_the_working_tree() {
    let repository = Repository::new();
    let sound = "RIFF\x2d\0\0\0WAVEfmt \x10\0\0\0\x01\0\x01\0\x40\x1f\0\0\x40\x1f\0\0\x01\0\x08\0data\x08\0\0\0--------";
    let entry = "[[media]]\nfile = \"clip/voice.wav\"\ntext = \"Hi\"\nvoice = \"v\"\nstore = \"branch\"\n";
    repository.write("hyperframes-ci.toml", entry);
    repository.write(".gitignore", "*.wav\n");
    repository.write("clip/voice.wav", sound);
    let audio = "<audio id=\"v\" src=\"voice.wav\" data-start=\"0\" data-duration=\"0.001\"></audio>";
    repository.write("clip/index.html", &html(1280, 720, audio));
    repository.emulator.run(repository.folder.path(), &["media", "adopt"]).ok();
    repository.commit();
    repository.write("README.md", "not a part of the project");
    repository.commit();
    let found = repository.found(&["--base", "HEAD~1", "clip"]);
    is(&found, "unchanged", "the inputs of both renders are equal");

    // Another recording: the file of the base does not match the lock file.
    repository.write("clip/voice.wav", &sound.replace("--------", "++++++++"));
    repository.emulator.run(repository.folder.path(), &["media", "adopt"]).ok();
    repository.commit();
    let ran = repository.emulator.run(repository.folder.path(), &["diff", "--base", "HEAD~1", "clip"]);
    assert!(ran.stderr.contains("the base lacks clip/voice.wav"), "{ran:?}");
    assert!(ran.stderr.contains("render in a checkout of HEAD~1, and compare"), "{ran:?}");
}
