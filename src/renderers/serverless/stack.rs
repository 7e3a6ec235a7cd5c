//! What differs between the stacks of platforms.

use std::time::Duration;

use hyperframes_ci_core::api::RenderRequest;
use hyperframes_ci_core::job::RenderFact;
use hyperframes_ci_core::options::Format;

use super::error::ServerlessError;
use super::follower::Follower;
use super::platform::Platform;
use crate::system::deadline::Deadline;

/// An execution to start.
#[derive(Clone, Debug)]
pub(in crate::renderers) struct Start {
    /// Its name: a name is started once.
    pub(in crate::renderers) name: String,
    pub(in crate::renderers) options: RenderRequest,
}

/// The result of starting an execution.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::renderers) enum Started {
    /// It was started, and has this id.
    New(String),
    /// Its name had been started before, with this id.
    Found(String),
    /// It was not started: the error of the tooling.
    Failed(String),
}

/// A stack and its tooling, prepared for one project.
pub(in crate::renderers) trait Stack: Send + Sync {
    /// Returns what the stack runs on.
    fn platform(&self) -> &'static Platform;

    /// Returns the name and the id of an execution that an earlier run recorded under `key`, if it is one of this stack.
    fn recorded(&self, fact: &RenderFact, key: String) -> Option<(String, String)>;

    /// Starts executions; returns the result of each, in their order. The project is uploaded before the first one.
    ///
    /// # Errors
    /// Returns an error if the tooling fails as a whole.
    fn start(&self, starts: &[Start], deadline: Deadline) -> Result<Vec<Started>, ServerlessError>;

    /// Starts the process that follows executions, with at most `pause` between two polls.
    ///
    /// # Errors
    /// Returns an error if it cannot be started.
    fn follower(&self, pause: Duration) -> Result<Follower, ServerlessError>;
}

/// Returns the key of the video of an execution in the bucket.
pub(in crate::renderers) fn video_key(name: &str, format: Format) -> String {
    format!("renders/{name}/output.{format}")
}
