//! Temporary checkouts of other commits.

use std::path::{Path, PathBuf};

use super::changes::{ChangesError, merge_base};
use crate::system::programs::{GitNetwork, git};
use crate::system::temporary::{self, TemporaryFolder};

/// A worktree of a repository; dropping it removes it.
pub(crate) struct Worktree {
    repository: PathBuf,
    path: PathBuf,
}

impl Worktree {
    /// Checks out a commit at `path`, which does not exist.
    ///
    /// # Errors
    /// Returns [`ChangesError`] if Git fails.
    pub(crate) fn add(
        repository: &Path,
        path: PathBuf,
        commit: &str,
        network: GitNetwork,
    ) -> Result<Self, ChangesError> {
        // What a failed checkout leaves is removed as well.
        let worktree = Self { repository: repository.to_owned(), path };
        let mut command = git(repository, network);
        command.args(["worktree", "add", "--quiet", "--detach", "--force"]);
        let output = command.arg(&worktree.path).arg(commit).output().map_err(ChangesError::NoGit)?;
        if output.status.success() {
            Ok(worktree)
        } else {
            Err(ChangesError::Failed(String::from_utf8_lossy(&output.stderr).trim().to_owned()))
        }
    }

    /// Returns the directory of the files.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }
}

impl Drop for Worktree {
    fn drop(&mut self) {
        let mut command = git(&self.repository, GitNetwork::Off);
        let _ = command.args(["worktree", "remove", "--force"]).arg(&self.path).output();
    }
}

/// A checkout of a commit in a temporary directory; removed when dropped.
pub(crate) struct Checkout {
    // Removed before its directory is.
    worktree: Worktree,
    _folder: TemporaryFolder,
}

impl Checkout {
    /// Checks out the merge base of `revision` and `HEAD`, or `revision` itself if there is none.
    ///
    /// # Errors
    /// Returns [`ChangesError`] if the clone does not contain `revision`, or Git fails.
    pub(crate) fn of_merge_base(repository: &Path, revision: &str) -> Result<Self, ChangesError> {
        let repository = if repository == Path::new("") { Path::new(".") } else { repository };
        let commit = merge_base(repository, revision)?;
        let folder = temporary::create_folder("hyperframes-ci-base-").map_err(ChangesError::NoGit)?;
        let worktree = Worktree::add(repository, folder.path().join("base"), &commit, GitNetwork::Off)?;
        Ok(Self { worktree, _folder: folder })
    }

    /// Returns the directory of the checkout.
    pub(crate) fn path(&self) -> &Path {
        self.worktree.path()
    }
}
