//! `check --staged`: what a commit would change is judged as it will be committed.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::support::{Ran, clean, command};

/// A page with a picture, a style sheet and a mounted composition.
const PAGE: &str = r#"<!doctype html><html><head><link rel="stylesheet" href="look.css"></head><body>
<div data-composition-id="main" data-width="1920" data-height="1080" data-duration="2" data-no-timeline>
<img src="a.png" alt="">
<div data-composition-id="intro" data-composition-src="compositions/intro.html" data-start="0" data-duration="1"></div>
</div></body></html>
"#;

const PART: &str = r#"<template><div data-composition-id="intro" data-width="1920" data-height="1080"><p>Hi</p></div></template>
"#;

/// A repository with one project at `video`, committed unless it is new.
struct Repository {
    folder: tempfile::TempDir,
}

impl Repository {
    fn new() -> Self {
        let repository = Self { folder: tempfile::tempdir().unwrap() };
        repository.git(&["init", "--quiet", "--initial-branch=main"]);
        repository.write("video/index.html", PAGE);
        repository.write("video/look.css", "p { color: red }\n");
        repository.write("video/a.png", "\u{89}PNG");
        repository.write("video/compositions/intro.html", PART);
        repository.write("README.md", "about\n");
        repository
    }

    fn committed() -> Self {
        let repository = Self::new();
        repository.git(&["add", "--all"]);
        repository.commit();
        repository
    }

    fn path(&self, path: &str) -> PathBuf {
        self.folder.path().join(path)
    }

    fn write(&self, path: &str, text: &str) {
        let path = self.path(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    fn stage(&self, path: &str, text: &str) {
        self.write(path, text);
        self.git(&["add", "--", path]);
    }

    fn git(&self, arguments: &[&str]) {
        git(self.folder.path(), arguments);
    }

    fn commit(&self) {
        self.git(&["commit", "--quiet", "-m", "x"]);
    }

    fn check(&self) -> Ran {
        check(self.folder.path(), &[])
    }

    /// The codes and paths of the findings.
    fn found(&self) -> Vec<String> {
        found(&self.check())
    }
}

fn git(folder: &Path, arguments: &[&str]) {
    let mut git = Command::new("git");
    clean(&mut git);
    git.args(["-c", "user.name=t", "-c", "user.email=t@example.com", "-c", "protocol.file.allow=always"]);
    let output = git.args(arguments).current_dir(folder).output().unwrap();
    assert!(output.status.success(), "git {arguments:?}: {output:?}");
}

fn check(folder: &Path, arguments: &[&str]) -> Ran {
    Ran::of(command().args(["check", "--staged", "--json"]).args(arguments).current_dir(folder))
}

fn found(ran: &Ran) -> Vec<String> {
    assert!(matches!(ran.code, 0 | 5), "{ran:?}");
    let report = ran.json();
    let diagnostics = report["diagnostics"].as_array().unwrap().iter();
    let line = |found: &serde_json::Value| format!("{} {}", found["code"], found["path"]).replace('"', "");
    diagnostics.filter(|found| found["severity"] == "error").map(line).collect()
}

const ASSET: &str = "missing-asset video/index.html";
const MOUNT: &str = "mount-missing video/index.html";

#[test]
fn renamed_and_deleted_parts_are_missing() {
    for (arguments, expected) in [
        (&["mv", "video/a.png", "video/b.png"][..], ASSET),
        (&["rm", "--quiet", "video/a.png"], ASSET),
        // The file stays in the working tree.
        (&["rm", "--quiet", "--cached", "video/a.png"], ASSET),
        (&["mv", "video/look.css", "video/style.css"], ASSET),
        (&["rm", "--quiet", "video/look.css"], ASSET),
        (&["mv", "video/compositions/intro.html", "video/compositions/outro.html"], MOUNT),
        (&["rm", "--quiet", "video/compositions/intro.html"], MOUNT),
    ] {
        let repository = Repository::committed();
        assert_eq!(repository.found(), [""; 0], "nothing staged");
        repository.git(arguments);
        let ran = repository.check();
        assert_eq!((ran.code, found(&ran)), (5, vec![expected.to_owned()]), "{arguments:?}");
        let is_kept = arguments.contains(&"--cached");
        assert_eq!(ran.stdout.contains("run `git add video/a.png`"), is_kept, "{ran:?}");
    }
}

#[test]
fn untracked_files_count_as_missing() {
    let repository = Repository::committed();
    repository.stage("video/index.html", &PAGE.replace("a.png", "a b$(x).png"));
    assert_eq!(repository.found(), [ASSET]);
    repository.write("video/a b$(x).png", "\u{89}PNG");
    let ran = repository.check();
    let help = "the file exists, but is not part of the commit; run `git add 'video/a b$(x).png'`";
    assert_eq!(ran.json()["diagnostics"][0]["help"], help);
    repository.git(&["add", "--intent-to-add", "--", "video/a b$(x).png"]);
    assert_eq!(repository.found(), [ASSET], "a commit leaves it out");
    repository.git(&["add", "--", "video/a b$(x).png"]);
    assert_eq!(repository.found(), [""; 0]);
}

#[test]
fn contents_are_those_of_the_index() {
    let repository = Repository::committed();
    let bad = PAGE.replace("a.png", "gone.png");
    // Mended in the working tree only.
    repository.stage("video/index.html", &bad);
    repository.write("video/index.html", PAGE);
    let ran = repository.check();
    assert_eq!(found(&ran), [ASSET]);
    assert_eq!(ran.json()["diagnostics"][0]["position"]["line"], 3);
    // Broken in the working tree only.
    repository.stage("video/index.html", &PAGE.replace("Hi", "Hello"));
    repository.write("video/index.html", &bad);
    assert_eq!(repository.found(), [""; 0]);
    // `git commit -a` and `git commit -- PATH` have an index of their own, named from the root.
    let index = repository.path(".git/other");
    fs::copy(repository.path(".git/index"), &index).unwrap();
    let mut add = Command::new("git");
    clean(&mut add);
    let status = add
        .env("GIT_INDEX_FILE", &index)
        .args(["add", "video/index.html"])
        .current_dir(repository.folder.path());
    assert!(status.status().unwrap().success());
    for (folder, path) in [("", ".git/other"), ("video", "../.git/other")] {
        let mut run = command();
        run.args(["check", "--staged", "--json"])
            .env("GIT_INDEX_FILE", path)
            .current_dir(repository.path(folder));
        assert_eq!(found(&Ran::of(&mut run)), [ASSET], "{folder}");
    }
}

#[test]
fn only_what_the_commit_affects_is_reported() {
    let repository = Repository::committed();
    repository.stage("other/index.html", &PAGE.replace("a.png", "gone.png"));
    repository.commit();
    repository.stage("README.md", "changed\n");
    let ran = Ran::of(command().args(["check", "--staged"]).current_dir(repository.folder.path())).ok();
    assert!(ran.stderr.contains("no composition is affected by the staged files"), "{ran:?}");
    repository.stage("video/look.css", "p { color: blue }\n");
    let ran = Ran::of(command().args(["check", "--staged"]).current_dir(repository.folder.path())).ok();
    assert!(ran.stderr.contains(" affected by the staged files in 1 project"), "{ran:?}");
    repository.stage("other/look.css", "");
    let missing = ["missing-asset other/index.html", "mount-missing other/index.html"];
    assert_eq!(repository.found(), missing);
    // Paths limit it; without them, it is the whole repository from everywhere.
    assert_eq!(found(&check(&repository.path("video"), &[])), missing);
    assert_eq!(found(&check(repository.folder.path(), &["other"])), missing);
    assert_eq!(found(&check(repository.folder.path(), &["other/look.css", "README.md"])), missing);
    assert_eq!(found(&check(&repository.path("video"), &["."])), [""; 0]);
}

#[test]
fn a_change_of_the_configuration_alone_counts() {
    let repository = Repository::committed();
    repository.stage("video/index.html", &PAGE.replace("a.png", "gone.png"));
    repository.stage("hyperframes-ci.toml", "[check]\nallow = [\"missing-asset\"]\n");
    assert_eq!(repository.found(), [""; 0]);
    repository.commit();
    repository.stage("hyperframes-ci.toml", "[check]\nallow = []\n");
    // The working tree is not read.
    repository.write("hyperframes-ci.toml", "[check]\nallow = [\"missing-asset\"]\n");
    assert_eq!(repository.found(), [ASSET]);
    repository.git(&["rm", "--quiet", "--cached", "--force", "hyperframes-ci.toml"]);
    assert_eq!(repository.found(), [ASSET]);
    repository.stage("hyperframes-ci.toml", "[defaults]\nfps = 24\n[check]\nallow = [\"missing-asset\"]\n");
    assert_eq!(repository.found(), [""; 0], "severities are as before");
    repository.stage("hyperframes-ci.toml", "[check]\nallow = \"missing-asset\"\n");
    let ran = repository.check();
    assert_eq!((ran.code, ran.error()["code"].as_str()), (2, Some("invalid_config")), "{ran:?}");
}

#[test]
fn severities_of_entries_hold() {
    let repository = Repository::committed();
    repository.stage("video/index.html", &PAGE.replace("a.png", "gone.png"));
    let entry = |check: &str| format!("[[render]]\nproject = \"./video\"\n{check}\n");
    let allow = entry("check.allow = [\"missing-asset\"]");
    repository.stage("hyperframes-ci.toml", &allow);
    let plain = || Ran::of(command().args(["check", "--json"]).current_dir(repository.folder.path()));
    assert_eq!((found(&plain()), repository.found()), (vec![], vec![]));
    let other = entry("name = \"other\"");
    repository.stage("hyperframes-ci.toml", &format!("{allow}{other}"));
    assert_eq!((found(&plain()), repository.found()), (vec![ASSET.to_owned()], vec![ASSET.to_owned()]));
}

#[test]
fn the_first_commit_is_checked() {
    let repository = Repository::new();
    repository.git(&["add", "--all"]);
    assert_eq!(repository.found(), [""; 0]);
    repository.git(&["rm", "--quiet", "--cached", "video/a.png"]);
    assert_eq!(repository.found(), [ASSET]);
}

#[test]
fn merges_and_rebases_in_progress_are_checked() {
    let repository = Repository::committed();
    repository.git(&["checkout", "--quiet", "-b", "side"]);
    repository.git(&["mv", "video/a.png", "video/b.png"]);
    repository.stage("video/index.html", &PAGE.replace("a.png", "b.png"));
    repository.commit();
    repository.git(&["checkout", "--quiet", "main"]);
    // The same line as on the side, so that both stop.
    let merged = PAGE.replace("alt=\"\"", "alt=\"A\"");
    repository.stage("video/index.html", &merged);
    repository.commit();
    for start in [&["merge", "--no-commit", "--no-ff", "side"][..], &["rebase", "side"]] {
        let mut git = Command::new("git");
        clean(&mut git);
        git.args(["-c", "user.name=t", "-c", "user.email=t@example.com"]).args(start);
        git.current_dir(repository.folder.path()).output().unwrap();
        let ran = repository.check();
        assert_eq!((ran.code, ran.error()["code"].as_str()), (2, Some("unmerged_files")), "{ran:?}");
        // The one side's name of the picture, which the other has renamed.
        repository.stage("video/index.html", &merged);
        assert_eq!(repository.found(), [ASSET], "{start:?}");
        repository.stage("video/index.html", &merged.replace("a.png", "b.png"));
        assert_eq!(repository.found(), [""; 0], "{start:?}");
        repository.git(&[start[0], "--abort"]);
    }
}

#[test]
fn worktrees_and_submodules_have_their_own_index() {
    let repository = Repository::committed();
    let tree = tempfile::tempdir().unwrap();
    let work = tree.path().join("work").display().to_string();
    repository.git(&["worktree", "add", "--quiet", &work]);
    git(Path::new(&work), &["rm", "--quiet", "video/a.png"]);
    assert_eq!(found(&check(Path::new(&work), &[])), [ASSET]);
    assert_eq!(repository.found(), [""; 0]);

    let library = Repository::committed();
    let url = library.folder.path().display().to_string();
    repository.git(&["submodule", "--quiet", "add", &url, "library"]);
    let page = PAGE.replace("a.png", "../library/video/a.png");
    repository.stage("video/index.html", &page);
    assert_eq!(repository.found(), [""; 0]);
    repository.commit();
    // A picture that goes with a commit of the submodule.
    let inside = repository.path("library");
    git(&inside, &["rm", "--quiet", "video/a.png"]);
    assert_eq!(found(&check(&inside, &[])), [ASSET]);
    assert_eq!(repository.found(), [""; 0]);
    git(&inside, &["commit", "--quiet", "-m", "x"]);
    repository.git(&["add", "library"]);
    assert_eq!(repository.found(), [ASSET]);
}

#[cfg(unix)]
#[test]
fn links_and_odd_names_are_read_from_the_index() {
    use std::os::unix::ffi::OsStrExt;
    use std::os::unix::fs::symlink;

    let repository = Repository::committed();
    repository.stage("shared/b.png", "\u{89}PNG");
    symlink("../shared", repository.path("video/media")).unwrap();
    repository.git(&["add", "--all"]);
    repository.stage("video/index.html", &PAGE.replace("a.png", "media/b.png"));
    assert_eq!(repository.found(), [""; 0]);
    repository.commit();
    repository.git(&["mv", "shared/b.png", "shared/c.png"]);
    assert_eq!(repository.found(), [ASSET], "behind a link");
    repository.git(&["reset", "--quiet", "--hard"]);
    fs::remove_file(repository.path("video/media")).unwrap();
    symlink("../../outside", repository.path("video/media")).unwrap();
    repository.git(&["add", "--all"]);
    let escaping = ["escaping-reference video/index.html", "escaping-link video/media"];
    assert_eq!(repository.found(), escaping);

    repository.git(&["reset", "--quiet", "--hard"]);
    for name in ["a b", "$HOME", "line\nfeed", "-x", "\"q\""] {
        repository.stage(&format!("{name}/index.html"), &PAGE.replace("a.png", "gone.png"));
        let expected = format!("missing-asset {}/index.html", name.replace('"', ""));
        let ran = repository.check();
        let report = ran.json();
        assert_eq!(ran.code, 5, "{ran:?}");
        let paths =
            report["diagnostics"].as_array().unwrap().iter().map(|found| found["path"].as_str().unwrap());
        assert!(paths.clone().any(|path| path == format!("{name}/index.html")), "{expected} in {report}");
        repository.git(&["reset", "--quiet", "--hard"]);
    }
    let name = std::ffi::OsStr::from_bytes(b"video/caf\xe9.png");
    fs::write(repository.folder.path().join(name), "x").unwrap();
    repository.git(&["add", "--all"]);
    assert_eq!(repository.check().json()["diagnostics"][0]["code"], "unportable-name");
}

#[test]
fn a_pointer_of_git_lfs_stands_for_the_file_of_the_working_tree() {
    let repository = Repository::committed();
    let pointer = "version https://git-lfs.github.com/spec/v1\noid sha256:4d7a214614ab2935c943f9e0ff69d22eadbb8f32b1258daaa5e2ca24d17e2393\nsize 5\n";
    repository.stage("video/a.png", pointer);
    assert_eq!(repository.found(), ["lfs-pointer video/a.png"]);
    repository.write("video/a.png", "\u{89}PNG");
    assert_eq!(repository.found(), [""; 0]);
}

#[test]
fn blocks_outside_of_projects_are_checked() {
    let repository = Repository::committed();
    let block = PART.replace("<p>Hi</p>", "<img src=\"card.png\" alt=\"\">");
    repository.stage("blocks/card.html", &block);
    repository.stage("blocks/card.png", "\u{89}PNG");
    assert_eq!(repository.found(), [""; 0]);
    repository.commit();
    repository.git(&["rm", "--quiet", "blocks/card.png"]);
    assert_eq!(repository.found(), ["missing-asset blocks/card.html"]);
}

#[test]
fn it_needs_a_repository() {
    let folder = tempfile::tempdir().unwrap();
    let ran = check(folder.path(), &[]);
    assert_eq!(ran.code, 2, "{ran:?}");
    assert!(ran.error()["message"].as_str().unwrap().contains("is not in a Git repository"), "{ran:?}");
}

/// A page with a variable, and a configuration with an entry that sets it.
const VARIABLE: &str = r#"<html data-composition-variables='[{"id":"title","label":"Title","type":"string","default":"Hi"}]'>
<div data-composition-id="main" data-width="1920" data-height="1080" data-duration="2" data-no-timeline>
<h1 data-var-text="title">Hi</h1></div></html>
"#;

const ENTRY: &str = "[[render]]\nproject = \"./video\"\n";

/// Commits a project whose entry has rows, and what is not a part of the test.
fn with_rows() -> Repository {
    let repository = Repository::new();
    repository.write("video/index.html", VARIABLE);
    repository.write("rows.csv", "title\nOne\n");
    repository.write("hyperframes-ci.toml", &format!("{ENTRY}rows = \"rows.csv\"\n"));
    repository.git(&["add", "--all"]);
    repository.commit();
    repository
}

#[test]
fn values_of_entries_come_from_the_index() {
    let repository = with_rows();
    repository.stage("rows.csv", "titel\nOne\n");
    repository.write("rows.csv", "title\nOne\n");
    assert_eq!(repository.found(), ["undeclared-variable rows.csv"]);
    repository.commit();
    assert!(repository.found().is_empty(), "the commit changes nothing about the rows");
    repository.stage("README.md", "other\n");
    assert!(repository.found().is_empty());
    repository.stage("video/index.html", &VARIABLE.replace("1920", "1280").replace("1080", "720"));
    assert_eq!(
        repository.found(),
        ["undeclared-variable rows.csv"],
        "the commit changes what the rows are for"
    );
}

#[test]
fn a_changed_entry_is_checked() {
    for (settings, expected) in [
        ("variables = { title = 1 }\n", &["variable-type-mismatch video/index.html"][..]),
        ("variables = { title = \"x\" }\n", &[]),
        ("aspect-ratio = \"1:1\"\n", &["aspect-ratio-mismatch video/index.html"]),
        ("variables-file = \"values.json\"\n", &["undeclared-variable values.json"]),
        ("variables = { title = 1 }\ncheck.allow = [\"variable-type-mismatch\"]\n", &[]),
        ("rows = \"elsewhere.csv\"\n", &[]),
        ("rows = \"-\"\n", &[]),
    ] {
        let repository = with_rows();
        repository.stage("values.json", r#"{"titel": "x"}"#);
        repository.commit();
        repository.stage("hyperframes-ci.toml", &format!("{ENTRY}{settings}"));
        assert_eq!(repository.found(), expected, "{settings}");
        repository.commit();
        repository.stage("hyperframes-ci.toml", &format!("# a comment\n{ENTRY}{settings}"));
        assert!(repository.found().is_empty(), "a comment changes no entry: {settings}");
    }
    let repository = with_rows();
    repository.stage("hyperframes-ci.toml", &format!("[defaults]\naspect-ratio = \"1:1\"\n{ENTRY}"));
    assert_eq!(repository.found(), ["aspect-ratio-mismatch video/index.html"]);
}

#[test]
fn deleted_values_of_an_entry_are_an_error() {
    let repository = with_rows();
    repository.git(&["rm", "--quiet", "rows.csv"]);
    let ran = repository.check();
    assert_eq!(ran.code, 2, "{ran:?}");
    assert!(ran.stderr.contains("rows.csv is not in the index: rows of the entry"), "{ran:?}");
}
