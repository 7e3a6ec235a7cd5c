//! The files of the base of a pull request.

use std::path::{Path, PathBuf};

use tempfile::TempDir;

use crate::ci::{CiProvider, PullRequest};
use crate::project::changes::merge_base;
use crate::project::checkout::Worktree;
use crate::system::programs::{GitNetwork, git};
use crate::system::unpack::{Links, unpack_with};

/// The files of the base in a temporary directory; removed when dropped.
pub(super) struct BaseCheckout {
    files: Files,
    // Removed after the files.
    _folder: TempDir,
}

/// Where the files come from.
enum Files {
    Worktree(Worktree),
    /// The directory with what was downloaded.
    Downloaded(PathBuf),
}

impl BaseCheckout {
    /// Checks out the merge base of the checkout and the base: what the target branch has got since then is not part of the
    /// pull request. If the clone does not have the history, it is the base itself. If the clone does not contain it and it cannot be fetched, it is downloaded from the CI service:
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
        let run = |arguments: &[&str]| {
            let mut command = git(workspace, GitNetwork::On);
            command.args(arguments).output().is_ok_and(|output| output.status.success())
        };
        let commit = format!("{}^{{commit}}", request.base);
        if !run(&["cat-file", "-e", &commit]) {
            run(&["fetch", "--quiet", "--depth=1", "--no-tags", "origin", &request.base]);
        }
        let commit = merge_base(workspace, &request.base).unwrap_or_else(|_| request.base.clone());
        // A partial clone fetches files when they are checked out.
        let files = match Worktree::add(workspace, folder.path().join("base"), &commit, GitNetwork::On) {
            Ok(worktree) => Files::Worktree(worktree),
            Err(_) => Files::Downloaded(download(folder.path(), request, provider)?),
        };
        Ok(Self { files, _folder: folder })
    }

    /// Returns the directory of the files.
    pub(super) fn path(&self) -> &Path {
        match &self.files {
            Files::Worktree(worktree) => worktree.path(),
            Files::Downloaded(path) => path,
        }
    }
}

/// Downloads the files from the CI service, whose archives have one directory with all files; returns that directory.
fn download(folder: &Path, request: &PullRequest, provider: &dyn CiProvider) -> Result<PathBuf, String> {
    let archive = folder.join("base.zip");
    provider.download_source(&request.base, &archive).map_err(|error| error.to_string())?;
    let into = TempDir::new_in(folder).map_err(|error| error.to_string())?.keep();
    unpack_with(&archive, &into, Links::Skip).map_err(|error| error.to_string())?;
    let mut entries = into.read_dir().map_err(|error| error.to_string())?.flatten();
    match (entries.next(), entries.next()) {
        (Some(only), None) => Ok(only.path()),
        _ => Err("the archive does not have one directory".to_owned()),
    }
}
