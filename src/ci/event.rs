//! The event that started a run.

use super::trust::{ConfigSource, Trust};

/// The event that started a run.
#[derive(Clone, Debug)]
pub(crate) struct Event {
    /// The service's name of the event, for messages.
    pub(crate) name: String,
    /// The name of the event in the configuration, such as `workflow_dispatch`; the service's own name if the
    /// configuration has none. See [`Subject::kind`].
    pub(crate) kind: String,
    /// The subject of the event.
    pub(crate) subject: Subject,
    /// The repository, as `owner/name`.
    pub(crate) repository: String,
    /// The commit that is checked out; empty if unknown.
    pub(crate) commit: String,
    /// Whose code is checked out.
    pub(crate) trust: Trust,
    /// Where the configuration is read from. Of a run that is not trusted, nothing in the checkout may configure it.
    pub(crate) config: ConfigSource,
    /// The URL of the run's log.
    pub(crate) run_url: String,
    /// Whether the repository is known to be private: its pictures are not shown in e-mails and apps.
    pub(crate) is_private: bool,
    /// The workflow and the job, which distinguish this job from others of the run.
    pub(crate) job: String,
}

/// The subject of an event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Subject {
    /// A pull or merge request.
    PullRequest(PullRequest),
    /// A release.
    Release {
        /// The tag of the release.
        tag: String,
    },
    /// A group of pull requests in a merge queue.
    MergeGroup {
        /// The commit of the target branch.
        base: String,
    },
    /// A finished run without secrets, which started this one.
    Run(TriggeringRun),
    /// A comment that asks for renders, before it is known whether its author may.
    Command(Command),
    /// A comment that asked for renders and is not obeyed. Holds the reason.
    Refused(String),
    /// Anything else, such as a push.
    Other,
}

impl Subject {
    /// Returns the commit of the target branch.
    pub(crate) fn base(&self) -> Option<&str> {
        match self {
            Self::PullRequest(request) => Some(&request.base),
            Self::MergeGroup { base } => Some(base),
            _ => None,
        }
    }

    /// Returns the name of the event in the configuration, or `None` if the subject does not determine it.
    pub(crate) fn kind(&self) -> Option<&'static str> {
        match self {
            Self::PullRequest(_) | Self::Run(_) | Self::Command(_) | Self::Refused(_) => Some("pull_request"),
            Self::Release { .. } => Some("release"),
            Self::MergeGroup { .. } | Self::Other => None,
        }
    }
}

/// A comment on a pull request that asks for renders. Anyone can write one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Command {
    /// The number of the pull request.
    pub(crate) number: u64,
    /// The id of the comment.
    pub(crate) comment: u64,
    /// The name of the author.
    pub(crate) author: String,
    /// The id of the author.
    pub(crate) author_id: u64,
    /// The commit that the comment names, in lowercase; it may be anything else.
    pub(crate) argument: Option<String>,
}

/// A run whose results another run publishes, such as the one that a `workflow_run` event is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct TriggeringRun {
    /// The id of the run.
    pub(crate) id: u64,
    /// The commit of the run.
    pub(crate) head: String,
    /// The repository of the commit, as `owner/name`.
    pub(crate) repository: String,
    /// The branch of the commit.
    pub(crate) branch: String,
}

/// A pull or merge request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct PullRequest {
    /// The number of the pull request.
    pub(crate) number: u64,
    /// The newest commit that the event contains.
    pub(crate) head: String,
    /// The commit of the target branch.
    pub(crate) base: String,
    /// Whether the source is another repository, which is untrusted.
    pub(crate) is_fork: bool,
    /// Whether the pull request is closed or merged.
    pub(crate) is_closed: bool,
}

/// Returns the first seven characters of a commit.
pub(crate) fn short_commit(commit: &str) -> &str {
    commit.get(..7).unwrap_or(commit)
}
