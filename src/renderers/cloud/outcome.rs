//! How tasks fail: alone, or with the whole run.

use std::sync::atomic::Ordering;

use hyperframes_ci_core::job::{Failure, Stage};

use super::interpreter::Run;
use super::lanes::lock;
use super::task::Task;

impl Run<'_> {
    /// Ends a task that failed, and the run if the failure holds for all rows.
    pub(super) fn fail(&self, mut task: Box<Task>, failure: Box<Failure>) {
        let is_fatal = self.is_fatal(&task, &failure);
        if is_fatal {
            // It holds for all of them, and nobody repeats it.
            self.stop.store(true, Ordering::SeqCst);
        }
        self.end_leadership(&mut task);
        if is_fatal {
            lock(&self.fatal).get_or_insert(failure);
            self.leave(task.has_permit);
        } else {
            self.end(task.failed(failure), task.has_permit);
        }
    }

    /// Returns whether a failure holds for all rows.
    fn is_fatal(&self, task: &Task, failure: &Failure) -> bool {
        let is_upload = matches!(failure.stage, Stage::CreateUpload | Stage::Upload | Stage::CompleteUpload);
        (task.is_leader && failure.stage == Stage::Balance)
            || (self.interpreter.context.is_batch && is_upload)
    }
}
