//! Temporary checkouts of other commits.

use std::path::{Path, PathBuf};

use super::changes::{ChangesError, merge_base};
use crate::system::programs::{GitNetwork, git};
use crate::system::temporary::{self, TemporaryFolder};

/// A checkout of a commit in a temporary directory; removed when dropped.
pub(crate) struct Checkout {
    folder: TemporaryFolder,
    repository: PathBuf,
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
        let checkout = Self { folder, repository: repository.to_owned() };
        let path = checkout.path().display().to_string();
        let mut command = git(repository, GitNetwork::Off);
        command.args(["worktree", "add", "--quiet", "--detach", "--force", &path, &commit]);
        let output = command.output().map_err(ChangesError::NoGit)?;
        if output.status.success() {
            Ok(checkout)
        } else {
            Err(ChangesError::Failed(String::from_utf8_lossy(&output.stderr).trim().to_owned()))
        }
    }

    /// Returns the directory of the checkout.
    pub(crate) fn path(&self) -> PathBuf {
        self.folder.path().join("base")
    }
}

impl Drop for Checkout {
    fn drop(&mut self) {
        let path = self.path().display().to_string();
        let mut command = git(&self.repository, GitNetwork::Off);
        let _ = command.args(["worktree", "remove", "--force", &path]).output();
    }
}
