//! The files of the base of a pull request.

use std::path::{Path, PathBuf};

use tempfile::TempDir;

use crate::ci::{CiProvider, PullRequest};
use crate::system::programs::{GitNetwork, git};
use crate::system::unpack::{Links, unpack_with};

/// The files of the base in a temporary directory; removed when dropped.
pub(super) struct BaseCheckout {
    folder: TempDir,
    repository: PathBuf,
    /// The directory of the files.
    path: PathBuf,
    /// Whether the directory is a worktree of the repository.
    is_worktree: bool,
}

impl BaseCheckout {
    /// Checks out the base. If the clone does not contain it and it cannot be fetched, it is downloaded from the CI service:
    /// the recommended checkout leaves no credentials, so that Git cannot fetch from a private repository.
    ///
    /// # Errors
    /// Returns the reason if the base cannot be read in either way.
    pub(super) fn new(
        workspace: &Path,
        request: &PullRequest,
        provider: &dyn CiProvider,
    ) -> Result<Self, String> {
        let folder = TempDir::new().map_err(|error| error.to_string())?;
        let path = folder.path().join("base");
        let mut base = Self { repository: workspace.to_owned(), path, is_worktree: true, folder };
        let commit = format!("{}^{{commit}}", request.base);
        if !base.git(&["cat-file", "-e", &commit]) {
            base.git(&["fetch", "--quiet", "--depth=1", "--no-tags", "origin", &request.base]);
        }
        let path = base.path.display().to_string();
        if !base.git(&["worktree", "add", "--quiet", "--detach", "--force", &path, &request.base]) {
            base.is_worktree = false;
            base.download(request, provider)?;
        }
        Ok(base)
    }

    /// Downloads the files from the CI service, whose archives have one directory with all files.
    fn download(&mut self, request: &PullRequest, provider: &dyn CiProvider) -> Result<(), String> {
        let archive = self.folder.path().join("base.zip");
        provider.download_source(&request.base, &archive).map_err(|error| error.to_string())?;
        let into = TempDir::new_in(self.folder.path()).map_err(|error| error.to_string())?.keep();
        unpack_with(&archive, &into, Links::Skip).map_err(|error| error.to_string())?;
        let mut entries = into.read_dir().map_err(|error| error.to_string())?.flatten();
        match (entries.next(), entries.next()) {
            (Some(only), None) => self.path = only.path(),
            _ => return Err("the archive does not have one directory".to_owned()),
        }
        Ok(())
    }

    /// Returns the directory of the files.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Runs Git; returns whether it succeeded.
    fn git(&self, arguments: &[&str]) -> bool {
        let mut command = git(&self.repository, GitNetwork::On);
        command.args(arguments).output().is_ok_and(|output| output.status.success())
    }
}

impl Drop for BaseCheckout {
    fn drop(&mut self) {
        if self.is_worktree {
            let path = self.path.display().to_string();
            self.git(&["worktree", "remove", "--force", &path]);
        }
    }
}
