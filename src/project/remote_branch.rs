//! Files of a branch of a remote, read and added with the user's own Git credentials, without a checkout or changes of the repository.
//!
//! They are fetched into a temporary repository: what the configuration of the user's repository names is neither read nor run,
//! apart from the URL of the remote.

use std::collections::BTreeMap;
use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
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

/// The newest commit of the branch, in the temporary repository.
const TIP: &str = "refs/heads/tip";

/// The message of commits.
const MESSAGE: &str = "previews with generated media";

/// Attempts of a write that conflicts with others.
const ATTEMPTS: u32 = 20;

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
    /// The branch has other files than it should.
    Foreign {
        /// The branch.
        branch: String,
        /// The remote.
        remote: String,
    },
}

/// Decides whether a branch may be replaced, by the names at its root, those in the folder that was opened, and the message of its
/// newest commit.
pub(crate) type MayReplace = fn(&[&str], &[&str], &str) -> bool;

impl fmt::Display for RemoteError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoGit(error) => write!(f, "cannot run git: {error}"),
            Self::NoRemote(name) => write!(f, "the repository has no remote {name:?}"),
            Self::Failed { branch, remote, message } => {
                write!(f, "cannot access the branch {branch} of the remote {remote}: {message}")
            }
            Self::Foreign { branch, remote } => {
                write!(f, "the branch {branch} of the remote {remote} has other files than previews")
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
            Self::Foreign { .. } => "branch_of_others",
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
            Self::Foreign { .. } => {
                "its history would be replaced; choose another branch with --branch".to_owned()
            }
        })
    }

    fn exit(&self) -> Exit {
        match self {
            Self::NoGit(_) | Self::NoRemote(_) | Self::Foreign { .. } => Exit::Usage,
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
    /// The folder whose files were listed.
    listed: String,
    /// The newest commit; empty if the branch does not exist.
    tip: String,
    /// Hashes of the files that were listed, by path.
    files: BTreeMap<String, String>,
}

impl RemoteBranch {
    /// Lists the files in `folder` of a branch of a remote of the repository at `root`; none if the branch does not exist.
    ///
    /// # Errors
    /// Returns [`RemoteError`] if there is no such remote, or Git fails.
    pub(crate) fn open(root: &Path, remote: &str, branch: &str, folder: &str) -> Result<Self, RemoteError> {
        let url = remote_url(root, remote)?;
        let made = temporary::create_folder("hyperframes-ci-store-").map_err(RemoteError::NoGit)?;
        let (remote, branch) = (remote.to_owned(), branch.to_owned());
        let (tip, files) = (String::new(), BTreeMap::new());
        let mut opened = Self { folder: made, url, remote, branch, listed: folder.to_owned(), tip, files };
        opened.run(&["init", "--quiet", "--bare", "--template=", "."])?;
        opened.refresh()?;
        Ok(opened)
    }

    /// Reads the newest commit of the branch.
    fn refresh(&mut self) -> Result<(), RemoteError> {
        let reference = self.reference();
        self.tip.clear();
        self.files.clear();
        if self.run(&["ls-remote", "--quiet", REMOTE, &reference])?.trim().is_empty() {
            return Ok(());
        }
        let fetch = ["fetch", "--quiet", "--depth=1", "--filter=blob:none", "--no-tags", REMOTE];
        let refspec = format!("+{reference}:{TIP}");
        self.run(&[&fetch[..], &[&refspec]].concat())?;
        self.tip = self.run(&["rev-parse", "--verify", TIP])?.trim().to_owned();
        let inside = format!("{}/", self.listed);
        let listed = self.run(&["ls-tree", "-z", TIP, "--", &inside])?;
        self.files = listed.split('\0').filter_map(file).collect();
        Ok(())
    }

    fn reference(&self) -> String {
        format!("refs/heads/{}", self.branch)
    }

    /// Returns whether the branch has a file.
    pub(crate) fn has(&self, path: &str) -> bool {
        self.files.contains_key(path)
    }

    /// Returns whether the branch has a file with the contents of `file`, which this program has made.
    ///
    /// # Errors
    /// Returns [`RemoteError`] if Git fails.
    pub(crate) fn has_contents(&self, path: &str, file: &Path) -> Result<bool, RemoteError> {
        let blob = self.run(&["hash-object", "--no-filters", "--", &file.to_string_lossy()])?;
        Ok(self.files.get(path).is_some_and(|known| known == blob.trim()))
    }

    /// Adds files that the branch does not have, or has with other contents, by a commit without a parent that replaces the newest one: clones do not grow. If
    /// somebody else has written the branch meanwhile, it is read again. `files` are paths in the branch and files on this machine
    /// that this program has made.
    ///
    /// # Errors
    /// Returns [`RemoteError`] if `may_replace` refuses the branch, or Git fails.
    pub(crate) fn add(
        &mut self,
        files: &[(String, PathBuf)],
        may_replace: MayReplace,
    ) -> Result<(), RemoteError> {
        let mut blobs = Vec::new();
        for (path, file) in files {
            let file = file.to_string_lossy().into_owned();
            let blob = self.run(&["hash-object", "-w", "--no-filters", "--", &file])?;
            blobs.push((path, blob.trim().to_owned()));
        }
        for attempt in 1.. {
            self.require(may_replace)?;
            let missing =
                blobs.iter().filter(|(path, blob)| self.files.get(*path) != Some(blob)).collect::<Vec<_>>();
            if missing.is_empty() {
                break;
            }
            let start: &[&str] = if self.tip.is_empty() { &["--empty"] } else { &[TIP] };
            self.run(&[&["read-tree"], start].concat())?;
            for (path, blob) in missing {
                let entry = format!("100644,{blob},{path}");
                self.run(&["update-index", "--add", "--cacheinfo", &entry])?;
            }
            let tree = self.run(&["write-tree", "--missing-ok"])?;
            let commit = self.run(&["commit-tree", "-m", MESSAGE, tree.trim()])?;
            let reference = self.reference();
            let lease = format!("--force-with-lease={reference}:{}", self.tip);
            let refspec = format!("{}:{reference}", commit.trim());
            let Err(error) = self.run(&["push", "--quiet", &lease, REMOTE, &refspec]) else { break };
            let before = self.tip.clone();
            self.refresh()?;
            // The remote refuses it, or others never stop.
            if self.tip == before || attempt >= ATTEMPTS {
                return Err(error);
            }
        }
        Ok(())
    }

    /// Checks that the branch may be replaced.
    fn require(&self, may_replace: MayReplace) -> Result<(), RemoteError> {
        if self.tip.is_empty() {
            return Ok(());
        }
        let root = self.run(&["ls-tree", "-z", "--name-only", TIP])?;
        let root =
            root.trim_end_matches('\n').split('\0').filter(|name| !name.is_empty()).collect::<Vec<_>>();
        let inside = format!("{}/", self.listed);
        // All of them, and not only plain files.
        let stored = self.run(&["ls-tree", "-z", "--name-only", TIP, "--", &inside])?;
        let stored = stored.trim_end_matches('\n').split('\0').filter(|name| !name.is_empty());
        let stored = stored.map(|path| path.strip_prefix(&inside).unwrap_or(path)).collect::<Vec<_>>();
        let message = self.run(&["log", "-1", "--format=%s", TIP])?;
        match may_replace(&root, &stored, message.trim()) {
            true => Ok(()),
            false => Err(RemoteError::Foreign { branch: self.branch.clone(), remote: self.remote.clone() }),
        }
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
        let failed = |error: io::Error| self.failed(&error.to_string());
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
            false => Err(self.failed(&exited.output.join("; "))),
        }
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = own_git(self.folder.path(), &[(&format!("remote.{REMOTE}.url"), &self.url)]);
        // A branch that programs write says so, and nobody's address is guessed.
        for role in ["AUTHOR", "COMMITTER"] {
            command.env(format!("GIT_{role}_NAME"), "hyperframes-ci");
            command.env(format!("GIT_{role}_EMAIL"), "hyperframes-ci@invalid");
        }
        command.args(arguments);
        command
    }

    fn run(&self, arguments: &[&str]) -> Result<String, RemoteError> {
        let ran = process::capture(self.command(arguments), Deadline::after(TIMEOUT));
        let (exited, output) = ran.map_err(|error| match error.kind() {
            io::ErrorKind::TimedOut => self.failed("timed out"),
            _ => RemoteError::NoGit(error),
        })?;
        match exited.status.success() {
            true => Ok(output),
            false => Err(self.failed(&exited.output.join("; "))),
        }
    }

    fn failed(&self, message: &str) -> RemoteError {
        // The URL may have a password.
        let message = message.replace(&self.url, &self.remote);
        RemoteError::Failed { branch: self.branch.clone(), remote: self.remote.clone(), message }
    }
}

/// Returns the URL of a remote, which the configuration of the repository at `root` has. It may contain a password.
///
/// # Errors
/// Returns [`RemoteError`] if there is no such remote, or Git cannot be run.
pub(crate) fn remote_url(root: &Path, remote: &str) -> Result<String, RemoteError> {
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
