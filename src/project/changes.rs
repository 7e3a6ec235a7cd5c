//! What changed since a revision, as git tells.

use crate::fault::{Exit, Fault};
use std::collections::BTreeSet;
use std::fmt;
use std::path::Path;
use std::process::Command;

/// Why it is not known what changed.
#[derive(Debug)]
pub(crate) enum ChangesError {
    /// Git cannot be started.
    NoGit(std::io::Error),
    /// There is no such commit in this clone.
    UnknownRevision(String),
    /// Git failed.
    Failed(String),
}

impl fmt::Display for ChangesError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoGit(error) => write!(f, "git cannot be started: {error}"),
            Self::UnknownRevision(revision) => write!(f, "there is no commit {revision:?} in this clone"),
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
                Self::NoGit(_) => "install git, or leave out --changed-since",
                Self::UnknownRevision(_) => {
                    "fetch it; a shallow clone has one commit only (actions/checkout: `fetch-depth: 0`)"
                }
                Self::Failed(_) => "--changed-since needs a git repository",
            }
            .to_owned(),
        )
    }

    fn exit(&self) -> Exit {
        Exit::Usage
    }
}

/// The files of the repository at `root` that differ from where the history left `revision`, deleted, uncommitted and
/// untracked ones among them; as repository paths.
///
/// # Errors
/// See [`ChangesError`].
pub(crate) fn since(root: &Path, revision: &str) -> Result<BTreeSet<String>, ChangesError> {
    let commit = format!("{revision}^{{commit}}");
    let commit = match git(root, &["rev-parse", "--verify", "--quiet", "--end-of-options", &commit]) {
        Err(ChangesError::Failed(message)) if message.is_empty() => {
            return Err(ChangesError::UnknownRevision(revision.to_owned()));
        }
        other => line(&other?),
    };
    // What the other side did meanwhile is no change of ours. Without a common commit, as in a shallow clone, the
    // revision itself is compared with: nothing that changed is missed.
    let base = git(root, &["merge-base", &commit, "HEAD"]).map_or(commit, |base| line(&base));
    let differing =
        git(root, &["diff", "--name-only", "--no-renames", "--no-ext-diff", "--relative", "-z", &base])?;
    let untracked = git(root, &["ls-files", "--others", "--exclude-standard", "-z"])?;
    let names = [differing, untracked];
    let names = names.iter().flat_map(|names| names.split('\0')).filter(|name| !name.is_empty());
    Ok(names.map(str::to_owned).collect())
}

fn line(text: &str) -> String {
    text.trim().to_owned()
}

fn git(root: &Path, arguments: &[&str]) -> Result<String, ChangesError> {
    let mut command = Command::new("git");
    // A monitor is a program that a repository's configuration names.
    command.arg("-C").arg(root).args(["-c", "core.fsmonitor=false"]).args(arguments);
    let output = command.output().map_err(ChangesError::NoGit)?;
    if output.status.success() {
        Ok(String::from_utf8_lossy(&output.stdout).into_owned())
    } else {
        Err(ChangesError::Failed(line(&String::from_utf8_lossy(&output.stderr))))
    }
}
