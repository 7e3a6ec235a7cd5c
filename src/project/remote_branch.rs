//! Files of a branch of a remote, read with the user's own Git credentials, without a checkout or changes of the repository.
//!
//! They are fetched into a temporary repository: what the configuration of the user's repository names is neither read nor run,
//! apart from the URL of the remote.

use std::collections::BTreeMap;
use std::fmt;
use std::io;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use crate::fault::{Exit, Fault};
use crate::system::deadline::Deadline;
use crate::system::gate;
use crate::system::programs::{ByteStream, GitNetwork, git, own_git, process};
use crate::system::temporary::{self, TemporaryFolder};

/// Time limit of one exchange with the remote.
const TIMEOUT: Duration = Duration::from_secs(30 * 60);

/// The name of the remote in the temporary repository.
const REMOTE: &str = "store";

/// Objects that are fetched with one command: its line has a length that every system takes.
const BATCH: usize = 200;

/// Why a branch of a remote cannot be read or written.
#[derive(Debug)]
pub(crate) enum RemoteError {
    /// Git could not be started, or no temporary folder was made.
    NoGit(io::Error),
    /// The repository has no remote of this name.
    NoRemote(String),
    /// Git failed.
    Failed {
        /// The branch.
        branch: String,
        /// The remote.
        remote: String,
        /// The last lines of Git's error output.
        message: String,
    },
}

impl fmt::Display for RemoteError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoGit(error) => write!(f, "cannot run git: {error}"),
            Self::NoRemote(name) => write!(f, "the repository has no remote {name:?}"),
            Self::Failed { branch, remote, message } => {
                write!(f, "cannot access the branch {branch} of the remote {remote}: {message}")
            }
        }
    }
}

impl Fault for RemoteError {
    fn code(&self) -> &str {
        match self {
            Self::NoGit(_) => "git_not_found",
            Self::NoRemote(_) => "no_remote",
            Self::Failed { .. } => "remote_failed",
        }
    }

    fn help(&self) -> Option<String> {
        Some(match self {
            Self::NoGit(_) => "install git".to_owned(),
            Self::NoRemote(_) => {
                "add it with `git remote add`, or choose another one with --remote".to_owned()
            }
            Self::Failed { branch, remote, .. } => format!(
                "check the network and your credentials with `git ls-remote {remote} {branch}`; only HTTPS and SSH are used, without questions"
            ),
        })
    }

    fn exit(&self) -> Exit {
        match self {
            Self::NoGit(_) | Self::NoRemote(_) => Exit::Usage,
            Self::Failed { .. } => Exit::General,
        }
    }
}

/// A branch of a remote at one commit.
pub(crate) struct RemoteBranch {
    folder: TemporaryFolder,
    url: String,
    remote: String,
    branch: String,
    /// Hashes of the files that were listed, by path.
    files: BTreeMap<String, String>,
}

impl RemoteBranch {
    /// Lists the files in `folder` of a branch of a remote of the repository at `root`; none if the branch does not exist.
    ///
    /// # Errors
    /// Returns [`RemoteError`] if there is no such remote, or Git fails.
    pub(crate) fn open(root: &Path, remote: &str, branch: &str, folder: &str) -> Result<Self, RemoteError> {
        let url = url(root, remote)?;
        let made = temporary::create_folder("hyperframes-ci-store-").map_err(RemoteError::NoGit)?;
        let (remote, branch) = (remote.to_owned(), branch.to_owned());
        let mut opened = Self { folder: made, url, remote, branch, files: BTreeMap::new() };
        opened.run(&["init", "--quiet", "--bare", "--template=", "."])?;
        let reference = format!("refs/heads/{}", opened.branch);
        if opened.run(&["ls-remote", "--quiet", REMOTE, &reference])?.trim().is_empty() {
            return Ok(opened);
        }
        let fetch = ["fetch", "--quiet", "--depth=1", "--filter=blob:none", "--no-tags", REMOTE];
        let refspec = format!("+{reference}:refs/heads/tip");
        opened.run(&[&fetch[..], &[&refspec]].concat())?;
        let inside = format!("{folder}/");
        let listed = opened.run(&["ls-tree", "-z", "refs/heads/tip", "--", &inside])?;
        opened.files = listed.split('\0').filter_map(file).collect();
        Ok(opened)
    }

    /// Fetches the contents of files at once.
    ///
    /// # Errors
    /// Returns [`RemoteError`] if Git fails.
    pub(crate) fn fetch(&self, paths: &[String]) -> Result<(), RemoteError> {
        // A server that does not filter has sent them already.
        let is_absent = |blob: &&String| {
            let mut command = self.command(&["cat-file", "-e", blob.as_str()]);
            let exited = command.env("GIT_NO_LAZY_FETCH", "1").stderr(Stdio::null()).status();
            !exited.is_ok_and(|status| status.success())
        };
        let absent = paths.iter().filter_map(|path| self.files.get(path)).filter(is_absent);
        let absent = absent.map(String::as_str).collect::<Vec<_>>();
        for batch in absent.chunks(BATCH) {
            let fetch =
                ["fetch", "--quiet", "--no-tags", "--no-write-fetch-head", "--filter=blob:none", REMOTE];
            self.run(&[&fetch[..], batch].concat())?;
        }
        Ok(())
    }

    /// Writes the contents of a file to `target`, at most one byte more than `limit`. Returns false if the branch does not have it.
    ///
    /// # Errors
    /// Returns [`RemoteError`] if Git fails, or `target` cannot be written.
    pub(crate) fn read(&self, path: &str, limit: u64, target: &Path) -> Result<bool, RemoteError> {
        let Some(blob) = self.files.get(path) else { return Ok(false) };
        let failed = |error: io::Error| self.failed(error.to_string());
        let mut stream = ByteStream::start(self.command(&["cat-file", "blob", blob]), Stdio::null())
            .map_err(RemoteError::NoGit)?;
        let mut file = gate::create(target).map_err(failed)?;
        let written = io::copy(&mut io::Read::take(&mut stream, limit.saturating_add(1)), &mut file);
        if written.map_err(failed)? > limit {
            // Dropping the stream ends Git.
            return Ok(true);
        }
        let exited = stream.finish().map_err(RemoteError::NoGit)?;
        match exited.status.success() {
            true => Ok(true),
            false => Err(self.failed(exited.output.join("; "))),
        }
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = own_git(self.folder.path(), &[(&format!("remote.{REMOTE}.url"), &self.url)]);
        command.args(arguments);
        command
    }

    fn run(&self, arguments: &[&str]) -> Result<String, RemoteError> {
        let ran = process::capture(self.command(arguments), Deadline::after(TIMEOUT));
        let (exited, output) = ran.map_err(|error| match error.kind() {
            io::ErrorKind::TimedOut => self.failed("timed out".to_owned()),
            _ => RemoteError::NoGit(error),
        })?;
        match exited.status.success() {
            true => Ok(output),
            false => Err(self.failed(exited.output.join("; "))),
        }
    }

    fn failed(&self, message: String) -> RemoteError {
        // The URL may have a password.
        let message = message.replace(&self.url, &self.remote);
        RemoteError::Failed { branch: self.branch.clone(), remote: self.remote.clone(), message }
    }
}

/// Returns the URL of a remote, which the configuration of the repository has.
fn url(root: &Path, remote: &str) -> Result<String, RemoteError> {
    let root = if root == Path::new("") { Path::new(".") } else { root };
    let mut command = git(root, GitNetwork::Off);
    command.args(["config", "--includes", "--get", &format!("remote.{remote}.url")]);
    let output = command.output().map_err(RemoteError::NoGit)?;
    let url = String::from_utf8_lossy(&output.stdout).trim().to_owned();
    if url.is_empty() { Err(RemoteError::NoRemote(remote.to_owned())) } else { Ok(url) }
}

/// Returns path and hash of a regular file in the output of `git ls-tree`.
fn file(line: &str) -> Option<(String, String)> {
    // <mode> SP <type> SP <id> TAB <path>
    let (facts, path) = line.split_once('\t')?;
    let blob = facts.strip_prefix("100644 blob ")?;
    Some((path.to_owned(), blob.to_owned()))
}
