//! The continuous integration around a run: what happened there, and what it is told.
//!
//! [`Host`] is all that the action knows of it. One file (or folder) per service implements it: a third service is one
//! more of them, and a line in [`detect`].

pub(crate) mod board;
mod github;
mod gitlab;
mod rest;

use crate::fault::Fault;
use std::collections::BTreeSet;
use std::fmt;
use std::path::{Path, PathBuf};

use hyperframes_ci_core::findings::Findings;

/// What set the run off.
#[derive(Clone, Debug)]
pub(crate) struct Event {
    /// The service's name of it, for messages.
    pub(crate) name: String,
    /// What it is about.
    pub(crate) subject: Subject,
    /// `owner/name`.
    pub(crate) repository: String,
    /// The commit that is checked out, as far as the service says.
    pub(crate) commit: String,
    /// Whether secrets and a token that can write are at hand while strangers decide what is in the checkout, so that
    /// nothing of theirs may decide how the run goes.
    pub(crate) is_privileged: bool,
    /// Where people read the log.
    pub(crate) run_url: String,
    /// What tells this job from others of its run: workflow and job.
    pub(crate) job: String,
}

impl Event {
    /// What an entry of the configuration calls it, where it can name it.
    pub(crate) fn kind(&self) -> &str {
        match &self.subject {
            Subject::Request(_) | Subject::Run(_) => "pull_request",
            Subject::Release { .. } => "release",
            // GitLab's word for a pipeline that somebody started by hand.
            Subject::Other if self.name == "web" => "workflow_dispatch",
            Subject::Other => &self.name,
        }
    }
}

/// What an event is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Subject {
    /// A pull or merge request.
    Request(Request),
    /// A release.
    Release {
        /// Its tag.
        tag: String,
    },
    /// Another run, which had no secrets and no token that can write, and is over.
    Run(OtherRun),
    /// Something else, such as a push.
    Other,
}

/// A run that another one speaks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct OtherRun {
    /// Its id.
    pub(crate) id: u64,
    /// The commit that it was about.
    pub(crate) head: String,
    /// The repository and the branch that the commit is on.
    pub(crate) repository: String,
    pub(crate) branch: String,
}

/// A pull or merge request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Request {
    /// Its number.
    pub(crate) number: u64,
    /// The newest commit of it that the event knows.
    pub(crate) head: String,
    /// The commit that it goes onto.
    pub(crate) base: String,
    /// Whether it comes from another repository, whose owner is a stranger.
    pub(crate) is_fork: bool,
    /// Whether it is over.
    pub(crate) is_closed: bool,
}

/// Why a service did not do what it was asked for.
#[derive(Debug)]
pub(crate) enum HostError {
    /// The event cannot be read.
    Event(String),
    /// A file of the runner's cannot be written.
    Runner(PathBuf, std::io::Error),
    /// The token may not do this.
    Forbidden(String),
    /// The service refuses, or gives no answer.
    Failed(String),
}

impl fmt::Display for HostError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Event(message) => write!(f, "the event cannot be read: {message}"),
            Self::Runner(path, error) => write!(f, "cannot write {}: {error}", path.display()),
            Self::Forbidden(message) => write!(f, "the token may not do this: {message}"),
            Self::Failed(message) => f.write_str(message),
        }
    }
}

impl Fault for HostError {
    fn code(&self) -> &str {
        match self {
            Self::Event(_) => "event_unreadable",
            Self::Runner(..) => "runner_file",
            Self::Forbidden(_) => "token_forbidden",
            Self::Failed(_) => "host_failed",
        }
    }

    fn help(&self) -> Option<String> {
        match self {
            Self::Forbidden(_) => Some("grant it under `permissions:` in the workflow".to_owned()),
            Self::Event(_) | Self::Runner(..) | Self::Failed(_) => None,
        }
    }
}

/// A part of a request's comment that one job writes.
#[derive(Clone, Debug)]
pub(crate) struct Section {
    /// What tells it from the sections of other jobs: letters and digits.
    pub(crate) key: String,
    /// The commit that it is about.
    pub(crate) commit: String,
    /// Markdown, shorter and shorter: the first that there is room for is taken.
    pub(crate) texts: Vec<String>,
}

/// A file for people to look at.
#[derive(Clone, Debug)]
pub(crate) struct Media {
    /// Its name, made of what is in it.
    pub(crate) name: String,
    /// Where it is.
    pub(crate) path: PathBuf,
}

/// A service, for one run.
pub(crate) trait Host {
    /// What set the run off.
    fn event(&self) -> &Event;

    /// The files that the request changes, deleted ones among them, as repository paths.
    fn changed_files(&self, request: &Request) -> Result<BTreeSet<String>, HostError>;

    /// The text of a file at a commit; `None` where there is none.
    fn file_at(&self, commit: &str, path: &str) -> Result<Option<String>, HostError>;

    /// Keeps a text out of the log.
    fn mask(&self, secret: &str);

    /// Begins a part of the log that can be folded.
    fn begin_group(&self, title: &str);

    /// Ends it.
    fn end_group(&self);

    /// Shows findings at their places, as many as the service shows; gives back how many it does not.
    fn annotate(&self, findings: &Findings) -> usize;

    /// An error that is about no file, such as a render that failed.
    fn annotate_error(&self, title: &str, message: &str);

    /// Hands a value to the steps that follow.
    fn output(&self, name: &str, value: &str) -> Result<(), HostError>;

    /// Adds markdown to what people see of the run first.
    fn summary(&self, markdown: &str) -> Result<(), HostError>;

    /// A line for whoever has asked for all of them.
    fn debug(&self, text: &str);

    /// Says in the request's comment, where there is one, that what it holds about older commits is out of date.
    fn mark_out_of_date(&self, request: &Request) -> Result<(), HostError>;

    /// Writes a section of the request's one comment, and gives back the comment's URL. `None` where a newer commit has
    /// written it already.
    fn comment(&self, request: &Request, section: &Section) -> Result<Option<String>, HostError>;

    /// Puts files where comments can show them, for as long as the request lives; gives back their names and URLs. What is
    /// too large is left out.
    fn publish(&self, request: Option<&Request>, media: &[Media])
    -> Result<Vec<(String, String)>, HostError>;

    /// The URLs of files that were published before, by name; missing ones are left out.
    fn published(&self, names: &[String]) -> Result<Vec<(String, String)>, HostError>;

    /// Attaches files to the release of a tag; files of the same name are replaced where they differ. Gives back their
    /// URLs in order.
    fn attach(&self, tag: &str, files: &[Media]) -> Result<Vec<String>, HostError>;

    /// Where people read the log of another run.
    fn run_url(&self, run: &OtherRun) -> String;

    /// The open request that another run was about, found by the service and not by what the run says, and the archive
    /// that the run left under a name, written to `archive`. `None` where there is no such request any more.
    fn request_of(&self, run: &OtherRun, name: &str, archive: &Path) -> Result<Option<Request>, HostError>;

    /// Takes away what was published for the request.
    fn clean_up(&self, request: &Request) -> Result<(), HostError>;
}

/// The service that this process runs in.
///
/// # Errors
/// When there is one and its event cannot be read.
pub(crate) fn detect(
    environment: &dyn Fn(&str) -> Option<String>,
    settings: &Settings,
) -> Result<Option<Box<dyn Host>>, HostError> {
    let is_set = |name: &str| environment(name).is_some_and(|value| !value.is_empty());
    if is_set("GITHUB_ACTIONS") || is_set("GITHUB_EVENT_PATH") {
        return Ok(Some(Box::new(github::GitHub::from_environment(environment, settings)?)));
    }
    if is_set("GITLAB_CI") {
        return Ok(Some(Box::new(gitlab::GitLab::from_environment(environment, settings)?)));
    }
    Ok(None)
}

/// Where output goes unless the user says otherwise: where the service finds it, and out of the projects' way.
pub(crate) fn default_output(environment: &dyn Fn(&str) -> Option<String>, workspace: &Path) -> PathBuf {
    let set = |name: &str| environment(name).filter(|value| !value.is_empty());
    match (set("RUNNER_TEMP"), set("GITLAB_CI")) {
        (Some(folder), _) => PathBuf::from(folder).join("hyperframes-ci"),
        (None, Some(_)) => gitlab::default_output(workspace),
        (None, None) => std::env::temp_dir().join("hyperframes-ci"),
    }
}

/// Before another try against jobs that write at the same time.
fn wait_for_others(attempt: u32) {
    if attempt > 0 {
        let milliseconds = 100 + crate::system::random() % (400 << attempt.min(3));
        std::thread::sleep(std::time::Duration::from_millis(milliseconds));
    }
}

/// What the user decides about the service.
#[derive(Clone, Debug)]
pub(crate) struct Settings {
    /// A token for the service's API.
    pub(crate) token: Option<crate::system::secret::Secret>,
    /// The branch that holds what comments show.
    pub(crate) preview_branch: String,
    /// Where files for the steps that follow go.
    pub(crate) output_dir: PathBuf,
}

/// The name of a file in a path.
pub(crate) fn file_name(path: &Path) -> String {
    path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default()
}
