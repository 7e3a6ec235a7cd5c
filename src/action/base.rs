//! A checkout of the base of a pull request.

use std::path::{Path, PathBuf};

use tempfile::TempDir;

use crate::ci::PullRequest;
use crate::system::programs::{GitNetwork, git};

/// A checkout of the base of a pull request in a temporary directory; removed when dropped.
pub(super) struct BaseCheckout {
    folder: TempDir,
    repository: PathBuf,
}

impl BaseCheckout {
    /// Checks out the base; returns `None` if the clone does not contain it and it cannot be fetched.
    pub(super) fn new(workspace: &Path, request: &PullRequest) -> Option<Self> {
        let folder = TempDir::new().ok()?;
        let base = Self { repository: workspace.to_owned(), folder };
        let commit = format!("{}^{{commit}}", request.base);
        if !base.git(&["cat-file", "-e", &commit]) {
            base.git(&["fetch", "--quiet", "--depth=1", "--no-tags", "origin", &request.base]);
        }
        let path = base.path().display().to_string();
        base.git(&["worktree", "add", "--quiet", "--detach", "--force", &path, &request.base]).then_some(base)
    }

    /// Returns the directory of the checkout.
    pub(super) fn path(&self) -> PathBuf {
        self.folder.path().join("base")
    }

    /// Runs Git; returns whether it succeeded.
    fn git(&self, arguments: &[&str]) -> bool {
        let mut command = git(&self.repository, GitNetwork::On);
        command.args(arguments).output().is_ok_and(|output| output.status.success())
    }
}

impl Drop for BaseCheckout {
    fn drop(&mut self) {
        let path = self.path().display().to_string();
        self.git(&["worktree", "remove", "--force", &path]);
    }
}
