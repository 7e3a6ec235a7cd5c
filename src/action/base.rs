//! The repository as it is at the base of a pull request.

use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;

use crate::ci::PullRequest;

/// The repository as it is at the request's base, in a folder of its own.
pub(super) struct Base {
    folder: TempDir,
    repository: PathBuf,
}

impl Base {
    /// Checks the base out beside the workspace; `None` where the clone does not have it, and it cannot be fetched.
    pub(super) fn check_out(workspace: &Path, request: &PullRequest) -> Option<Self> {
        let folder = TempDir::new().ok()?;
        let base = Self { repository: workspace.to_owned(), folder };
        let commit = format!("{}^{{commit}}", request.base);
        if !base.git(&["cat-file", "-e", &commit]) {
            base.git(&["fetch", "--quiet", "--depth=1", "--no-tags", "origin", &request.base]);
        }
        let place = base.path().display().to_string();
        base.git(&["worktree", "add", "--quiet", "--detach", "--force", &place, &request.base])
            .then_some(base)
    }

    /// Where it is.
    pub(super) fn path(&self) -> PathBuf {
        self.folder.path().join("base")
    }

    /// No hook, no filter, no monitor and no question: a repository may name programs.
    fn git(&self, arguments: &[&str]) -> bool {
        let mut command = Command::new("git");
        command.arg("-C").arg(&self.repository);
        for setting in [
            "core.hooksPath=/dev/null",
            "core.fsmonitor=false",
            "filter.lfs.smudge=",
            "filter.lfs.process=",
            "filter.lfs.required=false",
        ] {
            command.args(["-c", setting]);
        }
        command.args(arguments).env("GIT_TERMINAL_PROMPT", "0");
        command.output().is_ok_and(|output| output.status.success())
    }
}

impl Drop for Base {
    fn drop(&mut self) {
        let place = self.path().display().to_string();
        self.git(&["worktree", "remove", "--force", &place]);
    }
}
