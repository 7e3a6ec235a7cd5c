//! Lists the files that changed since a revision, with Git.

use crate::fault::{Exit, Fault};
use std::collections::BTreeSet;
use std::fmt;
use std::path::Path;
use std::process::Command;

use super::collect::repository;
use crate::system::programs::{GitNetwork, PLAIN_DIFF};

/// An error of [`since`].
#[derive(Debug)]
pub(crate) enum ChangesError {
    /// Git could not be started.
    NoGit(std::io::Error),
    /// The clone has no such commit.
    UnknownRevision(String),
    /// The index has files with conflicts.
    Unmerged(BTreeSet<String>),
    /// Git failed, with its error output.
    Failed(String),
}

impl fmt::Display for ChangesError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoGit(error) => write!(f, "cannot run git: {error}"),
            Self::UnknownRevision(revision) => write!(f, "revision {revision:?} not found in this clone"),
            Self::Unmerged(paths) => {
                let paths = paths.iter().map(String::as_str).collect::<Vec<_>>();
                write!(f, "merge conflicts in {}", paths.join(", "))
            }
            Self::Failed(message) => write!(f, "git failed: {message}"),
        }
    }
}

impl Fault for ChangesError {
    fn code(&self) -> &str {
        match self {
            Self::NoGit(_) => "git_not_found",
            Self::UnknownRevision(_) => "unknown_revision",
            Self::Unmerged(_) => "unmerged_files",
            Self::Failed(_) => "git_failed",
        }
    }

    fn help(&self) -> Option<String> {
        Some(
            match self {
                Self::NoGit(_) => "install git, or remove --base, --changed-since or --staged",
                Self::UnknownRevision(_) => {
                    "fetch it; a shallow clone only has the latest commit (use `fetch-depth: 0` with actions/checkout)"
                }
                Self::Unmerged(_) => "resolve the conflicts, and run `git add` for the files",
                Self::Failed(_) => "--base, --changed-since and --staged require a git repository",
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
    let base = merge_base(root, revision)?;
    let arguments = [&["diff", "--name-only", "--no-renames", "--relative", "-z"], PLAIN_DIFF, &[&base]];
    let changed = git(root, &arguments.concat())?;
    Ok(names(&[changed, untracked()?]))
}

/// Returns the merge base of `revision` and `HEAD`, since later changes of the other branch are not part of this one.
/// Without a merge base, as in a shallow clone, it is the revision itself, which misses no change.
///
/// # Errors
/// Returns [`ChangesError`] if Git cannot be started, or if the clone does not contain `revision`.
pub(crate) fn merge_base(root: &Path, revision: &str) -> Result<String, ChangesError> {
    let commit = format!("{revision}^{{commit}}");
    let commit = match git(root, &["rev-parse", "--verify", "--quiet", "--end-of-options", &commit]) {
        Err(ChangesError::Failed(message)) if message.is_empty() => {
            return Err(ChangesError::UnknownRevision(revision.to_owned()));
        }
        output => trimmed(&output?),
    };
    Ok(git(root, &["merge-base", &commit, "HEAD"]).map_or(commit, |base| trimmed(&base)))
}

/// What the index is compared with.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) enum Base {
    /// `HEAD`: the files that a commit changes.
    #[default]
    Head,
    /// `HEAD`, or nothing if no file differs from it: outside of a commit, all files are meant.
    HeadOrNothing,
    /// A revision.
    Revision(String),
}

/// Returns the repository paths of the files whose staged content differs from `base`, including deleted ones. Before the
/// first commit, these are all files of the index.
///
/// # Errors
/// Returns [`ChangesError`] if Git cannot be started or fails.
pub(crate) fn staged(root: &Path, base: &Base) -> Result<BTreeSet<String>, ChangesError> {
    let revision = if let Base::Revision(revision) = base { revision } else { "HEAD" };
    let commit = format!("{revision}^{{commit}}");
    let options = &["diff-index", "--cached", "--name-only", "--no-renames", "-z"];
    let all = || Ok(names(&[git(root, &["ls-files", "-z"])?]));
    match git(root, &[options, PLAIN_DIFF, &["--end-of-options", &commit, "--"]].concat()) {
        Err(ChangesError::Failed(_)) if is_unborn(root) => all(),
        Err(ChangesError::Failed(_)) if revision != "HEAD" => {
            Err(ChangesError::UnknownRevision(revision.to_owned()))
        }
        output => match names(&[output?]) {
            changed if changed.is_empty() && *base == Base::HeadOrNothing => all(),
            changed => Ok(changed),
        },
    }
}

/// Returns whether the current branch has no commit yet.
fn is_unborn(root: &Path) -> bool {
    let resolves = git(root, &["rev-parse", "--verify", "--quiet", "HEAD"]).is_ok();
    // Outside of a repository, there is no branch.
    !resolves && git(root, &["symbolic-ref", "--quiet", "HEAD"]).is_ok()
}

/// Returns the names in lists that are separated by NUL.
fn names(lists: &[Vec<u8>]) -> BTreeSet<String> {
    let names = lists.iter().flat_map(|names| names.split(|byte| *byte == 0)).filter(|name| !name.is_empty());
    names.map(|name| String::from_utf8_lossy(name).into_owned()).collect()
}

fn trimmed(text: &[u8]) -> String {
    String::from_utf8_lossy(text).trim().to_owned()
}

/// Runs Git and returns its output.
pub(super) fn git(root: &Path, arguments: &[&str]) -> Result<Vec<u8>, ChangesError> {
    let output = command(root).args(arguments).output().map_err(ChangesError::NoGit)?;
    if output.status.success() {
        Ok(output.stdout)
    } else {
        Err(ChangesError::Failed(trimmed(&output.stderr)))
    }
}

/// Returns a Git command for the repository at `root`, with the index that the current commit is made of.
pub(super) fn command(root: &Path) -> Command {
    let mut command = crate::system::programs::git(root, GitNetwork::Off);
    // `git commit -a` and `git commit -- PATH` run hooks with an index of their own, relative to the current directory.
    let index = std::env::var_os("GIT_INDEX_FILE").filter(|path| !path.is_empty());
    let is_current = || std::env::current_dir().ok().and_then(|path| path.canonicalize().ok());
    let is_current = || is_current().is_some_and(|path| repository(&path) == Some(root));
    if let Some(index) = index.filter(|_| is_current()).and_then(|path| std::path::absolute(path).ok()) {
        command.env("GIT_INDEX_FILE", index);
    }
    command
}
