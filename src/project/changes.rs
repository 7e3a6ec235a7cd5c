//! Lists the files that changed since a revision, with Git.

use crate::fault::{Exit, Fault};
use std::collections::BTreeSet;
use std::fmt;
use std::path::Path;

use crate::system::programs::{GitNetwork, PLAIN_DIFF};

/// An error of [`since`].
#[derive(Debug)]
pub(crate) enum ChangesError {
    /// Git could not be started.
    NoGit(std::io::Error),
    /// The clone has no such commit.
    UnknownRevision(String),
    /// Git failed, with its error output.
    Failed(String),
}

impl fmt::Display for ChangesError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoGit(error) => write!(f, "cannot run git: {error}"),
            Self::UnknownRevision(revision) => write!(f, "revision {revision:?} not found in this clone"),
            Self::Failed(message) => write!(f, "git failed: {message}"),
        }
    }
}

impl Fault for ChangesError {
    fn code(&self) -> &str {
        match self {
            Self::NoGit(_) => "git_not_found",
            Self::UnknownRevision(_) => "unknown_revision",
            Self::Failed(_) => "git_failed",
        }
    }

    fn help(&self) -> Option<String> {
        Some(
            match self {
                Self::NoGit(_) => "install git, or remove --changed-since",
                Self::UnknownRevision(_) => {
                    "fetch it; a shallow clone only has the latest commit (use `fetch-depth: 0` with actions/checkout)"
                }
                Self::Failed(_) => "--changed-since requires a git repository",
            }
            .to_owned(),
        )
    }

    fn exit(&self) -> Exit {
        Exit::Usage
    }
}

/// Returns the repository paths of the files that differ from the merge base of `revision` and `HEAD`, including deleted,
/// uncommitted and untracked ones. Before the first commit, all files differ from `HEAD`.
///
/// # Errors
/// Returns [`ChangesError`] if Git cannot be started or fails, or if the clone does not contain `revision`.
pub(crate) fn since(root: &Path, revision: &str) -> Result<BTreeSet<String>, ChangesError> {
    let untracked = || git(root, &["ls-files", "--others", "--exclude-standard", "-z"]);
    if revision == "HEAD" && is_unborn(root) {
        return Ok(names(&[git(root, &["ls-files", "-z"])?, untracked()?]));
    }
    let commit = format!("{revision}^{{commit}}");
    let commit = match git(root, &["rev-parse", "--verify", "--quiet", "--end-of-options", &commit]) {
        Err(ChangesError::Failed(message)) if message.is_empty() => {
            return Err(ChangesError::UnknownRevision(revision.to_owned()));
        }
        output => trimmed(&output?),
    };
    // Compared with the merge base, since later changes of the other branch are not part of this one. Without a merge
    // base, as in a shallow clone, compared with the revision itself, which misses no change.
    let base = git(root, &["merge-base", &commit, "HEAD"]).map_or(commit, |base| trimmed(&base));
    let arguments = [&["diff", "--name-only", "--no-renames", "--relative", "-z"], PLAIN_DIFF, &[&base]];
    let changed = git(root, &arguments.concat())?;
    Ok(names(&[changed, untracked()?]))
}

/// Returns whether the current branch has no commit yet.
fn is_unborn(root: &Path) -> bool {
    let resolves = git(root, &["rev-parse", "--verify", "--quiet", "HEAD"]).is_ok();
    // Outside of a repository, there is no branch.
    !resolves && git(root, &["symbolic-ref", "--quiet", "HEAD"]).is_ok()
}

/// Returns the names in lists that are separated by NUL.
fn names(lists: &[String]) -> BTreeSet<String> {
    let names = lists.iter().flat_map(|names| names.split('\0')).filter(|name| !name.is_empty());
    names.map(str::to_owned).collect()
}

fn trimmed(text: &str) -> String {
    text.trim().to_owned()
}

/// Runs Git and returns its output.
fn git(root: &Path, arguments: &[&str]) -> Result<String, ChangesError> {
    let mut command = crate::system::programs::git(root, GitNetwork::Off);
    let output = command.args(arguments).output().map_err(ChangesError::NoGit)?;
    if output.status.success() {
        Ok(String::from_utf8_lossy(&output.stdout).into_owned())
    } else {
        Err(ChangesError::Failed(trimmed(&String::from_utf8_lossy(&output.stderr))))
    }
}
