//! Media that is kept in a release, uploaded and fetched by the command line, against the fake of GitHub.

use std::fs;
use std::path::PathBuf;

use serde_json::Value;
use sha2::{Digest, Sha256};

use super::github::{GitHub, Release};
use super::stage::{commit, git};
use crate::generation::sound;
use crate::support::{Ran, command, html, write};

const TOKEN: &str = "ghs_supersecret_token_0123456789";

const TAG: &str = "hyperframes-media";

/// The file, below the repository.
const VOICE: &str = "video/assets/voice.wav";

/// A repository whose remote is on GitHub, with a recorded voice.
struct Machine {
    github: GitHub,
    folder: tempfile::TempDir,
}

impl Machine {
    fn new() -> Self {
        let machine = Self { github: GitHub::start(), folder: tempfile::tempdir().unwrap() };
        let path = machine.folder.path();
        let config = format!(
            "[[media]]\nfile = \"{VOICE}\"\nscript = \"script.txt\"\nvoice = \"v1\"\nstore = \"release\"\n"
        );
        write(path, "hyperframes-ci.toml", &config);
        write(path, "script.txt", "Hello, world.\n");
        write(path, ".gitignore", "*.wav\n");
        write(path, "video/index.html", &html(1280, 720, ""));
        fs::create_dir_all(path.join("video/assets")).unwrap();
        fs::write(path.join(VOICE), sound()).unwrap();
        git(path, &["init", "--quiet", "--initial-branch=main"]);
        git(path, &["remote", "add", "origin", &format!("{}/o/r.git", machine.github.url)]);
        machine.run(&["media", "adopt"], None).ok();
        commit(path, "a voice");
        machine
    }

    fn voice(&self) -> PathBuf {
        self.folder.path().join(VOICE)
    }

    /// Runs a command with a token, and looks for it in what is printed.
    fn run(&self, arguments: &[&str], token: Option<&str>) -> Ran {
        let mut command = command();
        command.current_dir(self.folder.path()).args(arguments);
        command.env("GITHUB_SERVER_URL", &self.github.url).env("GITHUB_API_URL", &self.github.url);
        command.env("HYPERFRAMES_CI_TIME_SCALE", "50");
        if let Some(token) = token {
            command.env("GITHUB_TOKEN", token);
        }
        let ran = Ran::of(&mut command);
        super::oracle::check(&self.github.state().requests);
        assert!(
            !format!("{ran:?}").contains("supersecret") && !format!("{ran:?}").contains("sig="),
            "{ran:?}"
        );
        ran
    }

    /// Exit code, and state of the file.
    fn media(&self, arguments: &[&str], token: Option<&str>) -> (i32, String) {
        let ran = self.run(&[&["media", "--json"], arguments].concat(), token);
        let outcome = serde_json::from_str::<Value>(&ran.stdout).unwrap_or_default();
        let state = outcome["media"][0]["status"].as_str().map(str::to_owned);
        (ran.code, state.unwrap_or_else(|| ran.error()["code"].to_string()))
    }

    fn push(&self) -> (i32, String) {
        self.media(&["push"], Some(TOKEN))
    }

    /// Fetches the file, which is deleted first.
    fn fetch(&self, token: Option<&str>) -> (i32, String) {
        let _ = fs::remove_file(self.voice());
        let fetched = self.media(&["fetch"], token);
        let is_here = fs::read(self.voice()).is_ok_and(|bytes| bytes == sound());
        assert_eq!(fetched.0 == 0, is_here, "{fetched:?}");
        fetched
    }

    /// Names and contents of the files in the release.
    fn stored(&self) -> Vec<(String, Vec<u8>)> {
        let state = self.github.state();
        let releases = state.releases.iter().filter(|release| release.tag == TAG);
        let files = releases.flat_map(|release| &release.assets);
        files.map(|(_, name, bytes)| (name.clone(), bytes.clone())).collect()
    }
}

fn name() -> String {
    let digest = Sha256::digest(sound()).iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    format!("{digest}.wav")
}

#[test]
fn a_file_is_uploaded_once_and_fetched_with_and_without_a_token() {
    let machine = Machine::new();
    assert_eq!(machine.fetch(Some(TOKEN)), (1, "not-stored".to_owned()), "there is no release");
    assert_eq!(machine.fetch(None), (1, "not-stored".to_owned()));
    fs::write(machine.voice(), sound()).unwrap();
    assert_eq!(machine.push(), (0, "uploaded".to_owned()));
    assert_eq!(machine.stored(), [(name(), sound())]);
    let uploads = machine.github.count("POST", "/assets?name=");
    assert_eq!(machine.push(), (0, "present".to_owned()));
    assert_eq!(machine.github.count("POST", "/assets?name="), uploads);
    assert_eq!(machine.fetch(Some(TOKEN)), (0, "fetched".to_owned()));
    // Without a token, the API, whose limit is 60 requests an hour, is not used.
    let requests = machine.github.count("GET", "/repos/");
    assert_eq!(machine.fetch(None), (0, "fetched".to_owned()));
    assert_eq!(machine.github.count("GET", "/repos/"), requests);
    assert_eq!(machine.media(&["fetch"], None), (0, "present".to_owned()));
    machine.run(&["media", "check"], None).ok();

    fs::write(machine.voice(), "another recording").unwrap();
    assert_eq!(machine.push(), (0, "present".to_owned()), "what is recorded is in the store");
    assert_eq!(machine.media(&["fetch"], None), (1, "changed".to_owned()));
    assert_eq!(machine.media(&["fetch", "--overwrite"], None), (0, "replaced".to_owned()));
    machine.github.state().releases.clear();
    fs::write(machine.voice(), "another recording").unwrap();
    assert_eq!(machine.push(), (1, "changed".to_owned()));
    fs::remove_file(machine.voice()).unwrap();
    assert_eq!(machine.push(), (1, "missing".to_owned()));
}

/// A name, and what happens before an upload.
type Case = (&'static str, fn(&Machine));

#[test]
fn uploads_at_the_same_time_and_lost_answers_leave_one_whole_file() {
    let prepare: [Case; 8] = [
        ("another job creates the release", |machine| machine.github.state().release_races = 1),
        ("another job uploads the same file", |machine| machine.github.state().same_races = 1),
        ("the same, and digests are not told", |machine| {
            let mut state = machine.github.state();
            (state.same_races, state.has_no_digests) = (1, true);
        }),
        ("another job uploads another file of the name", |machine| machine.github.state().races = 1),
        ("the answer to the upload is lost", |machine| {
            machine.github.state().lost = vec![("POST", "/assets?name=")];
        }),
        ("the answer to the creation is lost", |machine| {
            machine.github.state().lost = vec![("POST", "/repos/o/r/releases")];
        }),
        ("an upload was interrupted", |machine| {
            let assets = vec![(7, name(), Vec::new())];
            let release = Release { assets, unfinished: vec![7], ..Release::new(TAG) };
            machine.github.state().releases = vec![release];
        }),
        ("the file was damaged", |machine| {
            let release = Release { assets: vec![(7, name(), b"x".to_vec())], ..Release::new(TAG) };
            machine.github.state().releases = vec![release];
        }),
    ];
    for (case, prepare) in prepare {
        let machine = Machine::new();
        prepare(&machine);
        assert_eq!(machine.push(), (0, "uploaded".to_owned()), "{case}");
        assert_eq!(machine.stored(), [(name(), sound())], "{case}");
        assert_eq!(machine.fetch(Some(TOKEN)), (0, "fetched".to_owned()), "{case}");
        let state = machine.github.state();
        let releases = state.releases.iter().filter(|release| release.tag == TAG);
        assert_eq!(releases.count(), 1, "{case}");
    }
}

/// A release of 1,000 files, which is as many as it can have, is read page by page.
#[test]
fn a_file_is_found_among_many_and_what_is_not_the_recorded_one_is_refused() {
    let machine = Machine::new();
    let others = (0..999).map(|number| (10_000 + number, format!("{number:064x}.mp3"), b"x".to_vec()));
    let assets = others.chain([(1, name(), sound())]).collect();
    machine.github.state().releases = vec![Release { assets, ..Release::new(TAG) }];
    assert_eq!(machine.push(), (0, "present".to_owned()));
    assert_eq!(machine.fetch(Some(TOKEN)), (0, "fetched".to_owned()));
    let mut other = sound();
    other[100] ^= 1;
    for damaged in [other, sound()[..4000].to_vec(), [&sound()[..], &[0; 9]].concat(), Vec::new()] {
        machine.github.state().releases[0].assets[999].2.clone_from(&damaged);
        for token in [Some(TOKEN), None] {
            assert_eq!(machine.fetch(token), (1, "damaged".to_owned()), "{} bytes", damaged.len());
        }
    }
    machine.github.state().releases[0].unfinished = vec![1];
    assert_eq!(machine.fetch(Some(TOKEN)), (1, "not-stored".to_owned()));
}

/// The tag of the store may be that of a release which people have made, and the store may be taken away.
#[test]
fn a_release_of_somebody_else_is_left_alone_and_a_draft_is_not_doubled() {
    let machine = Machine::new();
    let own = vec![(7, name(), b"damaged".to_vec())];
    let app = vec![(7, name(), sound()), (8, "app.zip".to_owned(), b"x".to_vec())];
    for (release, reason) in [
        (Release { is_prerelease: false, ..Release::new(TAG) }, "it is not a prerelease"),
        (Release { is_prerelease: false, assets: own, ..Release::new(TAG) }, "it is not a prerelease"),
        (Release { assets: app[1..].to_vec(), ..Release::new(TAG) }, "it has the file app.zip"),
    ] {
        let assets = release.assets.clone();
        machine.github.state().releases = vec![release];
        let ran = machine.run(&["media", "push", "--json"], Some(TOKEN));
        assert_eq!((ran.code, &ran.error()["code"]), (2, &"release_of_others".into()), "{ran:?}");
        assert!(ran.error()["message"].to_string().contains(reason), "{ran:?}");
        assert_eq!(machine.github.state().releases[0].assets, assets);
    }
    let writes = ["POST", "PATCH", "DELETE"].map(|method| machine.github.count(method, "/releases"));
    assert_eq!(writes, [0, 0, 0]);
    // What it has is verified like anything else.
    machine.github.state().releases[0].assets = app;
    assert_eq!(machine.fetch(Some(TOKEN)), (0, "fetched".to_owned()));

    machine.github.state().releases = vec![Release { is_draft: true, ..Release::new(TAG) }];
    for arguments in [["media", "push"], ["media", "fetch"]] {
        match arguments[1] {
            "fetch" => fs::remove_file(machine.voice()).unwrap(),
            _ => fs::write(machine.voice(), sound()).unwrap(),
        }
        let ran = machine.run(&arguments, Some(TOKEN));
        assert_eq!(ran.code, 1, "{ran:?}");
        assert!(ran.stderr.contains("is a draft") && ran.stderr.contains("as a prerelease"), "{ran:?}");
    }
    assert_eq!(machine.github.state().releases.len(), 1);

    fs::write(machine.voice(), sound()).unwrap();
    machine.github.state().releases = vec![Release::new(TAG)];
    machine.github.state().releases_vanish = true;
    let ran = machine.run(&["media", "push"], Some(TOKEN));
    assert_eq!(ran.code, 1, "{ran:?}");
    assert!(ran.stderr.contains("was deleted while") && ran.stderr.contains("run the same command again"));
    assert_eq!(machine.push(), (0, "uploaded".to_owned()));
}

#[test]
fn refusals_of_github_name_the_cause_and_the_remedy() {
    let machine = Machine::new();
    let refused = |arguments: &[&str], token: Option<&str>, code: i32, texts: &[&str]| {
        let ran = machine.run(arguments, token);
        assert_eq!(ran.code, code, "{ran:?}");
        texts.iter().for_each(|text| assert!(ran.stderr.contains(text), "{text}: {ran:?}"));
    };
    let push = ["media", "push"];
    refused(&push, None, 1, &["no token", "GITHUB_TOKEN"]);
    refused(&push, Some("wrong"), 1, &["HTTP 401 Requires authentication", "grant the token"]);
    machine.github.state().may_write = false;
    refused(&push, Some(TOKEN), 1, &["HTTP 403 Resource not accessible", "contents: write"]);
    machine.github.state().may_write = true;
    machine.github.state().is_hidden = true;
    refused(&push, Some(TOKEN), 1, &["the repository: HTTP 404 Not Found", "grant the token"]);
    machine.github.state().is_hidden = false;
    for (status, text) in [(429, "rate limit exceeded"), (403, "rate limit exceeded"), (503, "HTTP 503")] {
        machine.github.state().busy = (100, status);
        refused(&push, Some(TOKEN), 1, &[text]);
        machine.github.state().busy = (2, status);
        machine.run(&push, Some(TOKEN)).ok();
        machine.github.state().releases.clear();
        machine.github.state().busy = (0, 0);
    }
    machine.github.state().releases = vec![Release { is_immutable: true, ..Release::new(TAG) }];
    refused(&push, Some(TOKEN), 1, &["is immutable", "store = \"branch\""]);
    machine.github.state().releases.clear();
    // Credentials go to GitHub only.
    machine.github.state().uploads = Some("http://127.0.0.1:9".to_owned());
    refused(&push, Some(TOKEN), 1, &["a URL of another host"]);
    git(machine.folder.path(), &["remote", "add", "other", "https://user:hunter2@gitlab.example/o/r"]);
    let ran = machine.run(&["media", "push", "--remote", "other"], Some(TOKEN));
    assert_eq!(ran.code, 2, "{ran:?}");
    assert!(ran.stderr.contains("not a repository on GitHub: gitlab.example"), "{ran:?}");
    assert!(!format!("{ran:?}").contains("hunter2"), "{ran:?}");

    fs::remove_file(machine.voice()).unwrap();
    machine.github.state().uploads = None;
    machine.github.state().is_hidden = true;
    refused(&["media", "fetch"], Some(TOKEN), 1, &["the repository: HTTP 404 Not Found"]);
    refused(&["media", "fetch"], None, 1, &["cannot be read without a token", "GITHUB_TOKEN"]);
}
