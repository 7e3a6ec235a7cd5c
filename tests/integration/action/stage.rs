//! GitHub, the emulator, and a repository.

use std::path::Path;
use std::process::Command;

use serde_json::{Value, json};

use super::github::GitHub;
use super::runner::{Run, Runner};
use crate::support::{Emulator, KEY, html, write};

/// A video, and a picture of it.
pub(super) const CLIP: &[u8] = include_bytes!("../../../src/emulator/clips/placeholder.mp4");
pub(super) const POSTER: &[u8] = include_bytes!("../../../src/emulator/clips/placeholder.png");

/// A repository with two projects on `main`, and a branch that changes one of them.
pub(super) struct Repository {
    pub(super) folder: tempfile::TempDir,
    pub(super) base: String,
    pub(super) head: String,
}

impl Repository {
    pub(super) fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path();
        git(path, &["init", "--quiet", "--initial-branch=main"]);
        write(path, "videos/one/index.html", &html(1280, 720, ""));
        write(path, "videos/two/index.html", &html(720, 720, ""));
        write(path, "README.md", "x");
        let base = commit(path, "base");
        write(path, "videos/one/index.html", &html(1280, 720, "<i>changed</i>").replace("title", "headline"));
        let head = commit(path, "head");
        Self { folder, base, head }
    }

    pub(super) fn path(&self) -> &Path {
        self.folder.path()
    }

    pub(super) fn pull_request(&self, action: &str, from: &str) -> Value {
        let repository = json!({ "full_name": "o/r", "private": false, "default_branch": "main" });
        json!({ "action": action, "repository": repository, "pull_request": { "number": 7,
            "head": { "sha": self.head, "repo": { "full_name": from } }, "base": { "sha": self.base } } })
    }
}

pub(super) fn git(folder: &Path, arguments: &[&str]) -> String {
    let mut command = Command::new("git");
    command.args(["-c", "user.name=t", "-c", "user.email=t@t.invalid", "-C"]).arg(folder).args(arguments);
    let ran = command.output().unwrap();
    assert!(ran.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&ran.stderr));
    String::from_utf8(ran.stdout).unwrap().trim().to_owned()
}

pub(super) fn commit(folder: &Path, message: &str) -> String {
    git(folder, &["add", "--all"]);
    git(folder, &["commit", "--quiet", "--message", message]);
    git(folder, &["rev-parse", "HEAD"])
}

/// GitHub, the emulator, and a repository.
pub(super) struct Stage {
    pub(super) github: GitHub,
    pub(super) emulator: Emulator,
    pub(super) repository: Repository,
}

impl Stage {
    pub(super) fn new() -> Self {
        let stage = Self {
            github: GitHub::start(),
            emulator: Emulator::placeholder(&[]),
            repository: Repository::new(),
        };
        stage.github.state().head.clone_from(&stage.repository.head);
        stage
    }

    pub(super) fn runner(&self, name: &str, payload: &Value) -> Runner {
        let mut runner = Runner::new(&self.github.url, self.repository.path(), name, payload);
        runner.set("HEYGEN_API_URL", &self.emulator.url);
        runner.set("GITHUB_SHA", &git(self.repository.path(), &["rev-parse", "HEAD"]));
        runner.set("GITHUB_REF", "refs/heads/main");
        runner
    }

    pub(super) fn pull_request(&self) -> Runner {
        self.runner("pull_request", &self.repository.pull_request("synchronize", "o/r"))
    }

    /// Runs the action with a key, and looks for secrets in everything that came of it.
    pub(super) fn run(&self, runner: &Runner, inputs: &[(&str, &str)]) -> Run {
        let common = [("binary", env!("CARGO_BIN_EXE_hyperframes-ci")), ("api-key", KEY)];
        let mut all = common.to_vec();
        all.retain(|(name, _)| inputs.iter().all(|(known, _)| known != name));
        all.extend(inputs);
        let run = runner.run(&all);
        let masked =
            run.log.lines().filter(|line| !line.starts_with("::add-mask::")).collect::<Vec<_>>().join("\n");
        let state = self.github.state();
        super::oracle::check(&state.requests);
        let comments = state.comments.iter().map(|comment| comment.body.clone()).collect::<String>();
        for secret in [KEY, "ghs_supersecret", "Signature="] {
            for (place, text) in [("log", &masked), ("summary", &run.summary), ("comment", &comments)] {
                assert!(!text.contains(secret), "{secret} is in the {place}: {text}");
            }
            assert!(run.outputs.values().all(|value| !value.contains(secret)), "{secret} is in an output");
        }
        run
    }
}
