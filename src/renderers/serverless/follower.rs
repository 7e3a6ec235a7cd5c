//! The process that polls executions and downloads their videos with the official SDK.

use std::io::Write as _;
use std::path::Path;
use std::time::Duration;

use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::error::ServerlessError;
use super::platform::Platform;
use crate::system::programs::process::{self, ProcessEvent, RunningProcess};

/// How long to wait for an event of the process.
const EVENT_TIMEOUT: Duration = Duration::from_millis(200);

/// Description of the process, for errors.
pub(super) const FOLLOWING: &str = "following the executions";

/// The process that follows executions.
pub(in crate::renderers) struct Follower {
    platform: &'static Platform,
    running: RunningProcess,
    input: std::process::ChildStdin,
    errors: process::OutputTail,
}

/// An execution to follow.
#[derive(Clone, Copy, Debug)]
pub(super) struct Execution<'a> {
    /// Index of the order.
    pub(super) id: u64,
    /// Its id.
    pub(super) execution: &'a str,
    /// Key of the video in the bucket.
    pub(super) key: &'a str,
}

/// A message of the process about an execution.
#[derive(Debug, Deserialize)]
pub(super) struct Update {
    /// Index of the order.
    pub(super) id: u64,
    /// Progress of the render, 0 to 1.
    pub(super) progress: Option<f64>,
    /// Size of the downloaded video in bytes.
    pub(super) saved: Option<u64>,
    /// Estimated cost of the execution in US dollars.
    pub(super) cost: Option<f64>,
    /// The error of an execution or download that failed.
    pub(super) failed: Option<FollowError>,
}

/// An error of an execution or of its download.
#[derive(Debug, Deserialize)]
pub(super) struct FollowError {
    pub(super) name: String,
    pub(super) message: String,
}

impl Follower {
    /// Returns a follower of no executions.
    pub(super) fn new(
        platform: &'static Platform,
        running: RunningProcess,
        input: std::process::ChildStdin,
    ) -> Self {
        Self { platform, running, input, errors: process::OutputTail::default() }
    }

    /// Follows an execution and saves its video to `path`. An execution that started before `since`, in Unix seconds, fails
    /// as `TooOld`.
    pub(super) fn follow(
        &mut self,
        execution: Execution<'_>,
        path: &Path,
        since: Option<i64>,
    ) -> Result<(), ServerlessError> {
        let mut task = Map::new();
        task.insert("id".to_owned(), execution.id.into());
        task.insert("execution".to_owned(), execution.execution.into());
        task.insert("key".to_owned(), execution.key.into());
        let path =
            std::path::absolute(path).map_err(|error| ServerlessError::Folder(self.platform, error))?;
        task.insert("path".to_owned(), path.to_string_lossy().into());
        task.extend(since.map(|since| ("since".to_owned(), since.into())));
        self.send(&Value::Object(task))
    }

    /// Stops following an execution.
    pub(super) fn forget(&mut self, id: u64) -> Result<(), ServerlessError> {
        self.send(&json!({ "forget": id }))
    }

    /// Sends a task to the process.
    fn send(&mut self, task: &Value) -> Result<(), ServerlessError> {
        let sent = writeln!(self.input, "{task}").and_then(|()| self.input.flush());
        sent.map_err(|error| ServerlessError::of_tool(self.platform, FOLLOWING, error.to_string()))
    }

    /// Waits up to [`EVENT_TIMEOUT`] for an update.
    ///
    /// # Errors
    /// Returns an error if the process has exited.
    pub(super) fn next_update(&mut self) -> Result<Option<Update>, ServerlessError> {
        let failed =
            |error: std::io::Error| ServerlessError::of_tool(self.platform, FOLLOWING, error.to_string());
        match self.running.next_event(EVENT_TIMEOUT).map_err(failed)? {
            ProcessEvent::Stdout(line) => Ok(serde_json::from_str(&line).ok()),
            ProcessEvent::Stderr(line) => {
                self.errors.push(&line);
                Ok(None)
            }
            ProcessEvent::Idle => Ok(None),
            ProcessEvent::Exited(_) => {
                let output = std::mem::take(&mut self.errors).into_lines().join("\n");
                Err(ServerlessError::of_tool(self.platform, FOLLOWING, output))
            }
        }
    }
}
