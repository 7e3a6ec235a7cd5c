//! The process that looks at executions and fetches their videos, with the official SDK.

use std::io::Write as _;
use std::path::Path;
use std::time::Duration;

use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::error::LambdaError;
use crate::system::programs::process::{self, ProcessEvent, RunningProcess};

/// How the follower is waited for.
const TICK: Duration = Duration::from_millis(200);

/// What it does, for messages.
pub(super) const FOLLOWING: &str = "following the executions";

/// The process that follows executions.
pub(super) struct Follower {
    running: RunningProcess,
    input: std::process::ChildStdin,
    errors: process::OutputTail,
}

/// What the follower says.
#[derive(Debug, Deserialize)]
pub(super) struct News {
    pub(super) id: u64,
    /// Of the render, 0 to 1.
    pub(super) progress: Option<f64>,
    /// The size of the video, which is in place, in bytes.
    pub(super) saved: Option<u64>,
    /// What the execution cost, in dollars, by the tooling's estimate.
    pub(super) cost: Option<f64>,
    pub(super) failed: Option<Problem>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Problem {
    pub(super) name: String,
    pub(super) message: String,
}

impl Follower {
    /// A process that follows nothing yet.
    pub(super) fn new(running: RunningProcess, input: std::process::ChildStdin) -> Self {
        Self { running, input, errors: process::OutputTail::default() }
    }

    /// Begins to follow an execution, whose video goes to `path`. One that began before `since`, in seconds since 1970, is
    /// of no use.
    pub(super) fn follow(
        &mut self,
        id: u64,
        execution: &str,
        key: &str,
        path: &Path,
        since: Option<i64>,
    ) -> Result<(), LambdaError> {
        let mut task = Map::new();
        task.insert("id".to_owned(), id.into());
        task.insert("execution".to_owned(), execution.into());
        task.insert("key".to_owned(), key.into());
        let path = std::path::absolute(path).map_err(LambdaError::Folder)?;
        task.insert("path".to_owned(), path.to_string_lossy().into());
        task.extend(since.map(|since| ("since".to_owned(), since.into())));
        self.say(&Value::Object(task))
    }

    /// Ends following.
    pub(super) fn forget(&mut self, id: u64) -> Result<(), LambdaError> {
        self.say(&json!({ "forget": id }))
    }

    fn say(&mut self, task: &Value) -> Result<(), LambdaError> {
        let said = writeln!(self.input, "{task}").and_then(|()| self.input.flush());
        said.map_err(|error| LambdaError::of_tool(FOLLOWING, error.to_string()))
    }

    /// Waits for news, for a moment.
    pub(super) fn hear(&mut self) -> Result<Option<News>, LambdaError> {
        let failed = |error: std::io::Error| LambdaError::of_tool(FOLLOWING, error.to_string());
        match self.running.next_event(TICK).map_err(failed)? {
            ProcessEvent::Stdout(line) => Ok(serde_json::from_str(&line).ok()),
            ProcessEvent::Stderr(line) => {
                self.errors.push(&line);
                Ok(None)
            }
            ProcessEvent::Idle => Ok(None),
            ProcessEvent::Exited(_) => {
                let said = std::mem::take(&mut self.errors).into_lines().join("\n");
                Err(LambdaError::of_tool(FOLLOWING, said))
            }
        }
    }
}
