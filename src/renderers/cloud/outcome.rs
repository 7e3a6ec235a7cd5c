//! Ends tasks, and the whole run if a failure applies to all of its rows.

use std::sync::atomic::Ordering;
use std::time::Instant;

use hyperframes_ci_core::api::ApiError;
use hyperframes_ci_core::job::{Failure, FailureKind, Stage};

use super::CONCURRENCY;
use super::interpreter::Run;
use super::lanes::lock;
use super::task::Task;
use crate::renderers::OrderResult;

impl Run<'_> {
    /// Ends a task that failed, and the run if the failure applies to all rows.
    pub(super) fn fail(&self, mut task: Box<Task>, failure: Box<Failure>) {
        if !self.is_fatal(&task, &failure) {
            self.end_leadership(&mut task);
            self.end(task.failed(failure), task.has_permit);
            return;
        }
        // The failure applies to all orders, so none is retried.
        lock(&self.fatal).get_or_insert(failure);
        self.stop.store(true, Ordering::SeqCst);
        self.schedule.wake_sleepers();
        self.abandon(task);
    }

    /// Returns whether a failure applies to all rows.
    fn is_fatal(&self, task: &Task, failure: &Failure) -> bool {
        if task.is_leader && failure.stage == Stage::Balance {
            return true;
        }
        let is_upload = matches!(failure.stage, Stage::CreateUpload | Stage::Upload | Stage::CompleteUpload);
        let is_account_wide =
            failure.render_id.is_none() && failure.api_error().is_some_and(ApiError::is_account_wide);
        self.interpreter.context.is_batch
            && (is_upload || is_account_wide || self.is_stuck(task, failure) || self.is_outage(failure))
    }

    /// Returns whether as many tasks as are submitted at the same time have failed in a row, after all retries, because the
    /// API has an outage: every further row would take as long and fail too.
    fn is_outage(&self, failure: &Failure) -> bool {
        failure.is_outage() && self.unavailable.fetch_add(1, Ordering::SeqCst) + 1 >= CONCURRENCY
    }

    /// Returns whether `task` timed out before its submission and no other task was submitted meanwhile: the next rows would
    /// time out as well.
    fn is_stuck(&self, task: &Task, failure: &Failure) -> bool {
        let is_late = matches!(failure.kind, FailureKind::TimedOut { .. }) && failure.render_id.is_none();
        is_late && lock(&self.last_submission).is_none_or(|last| last < task.began)
    }

    /// Returns the result that reports the render of `task`; `None` after the first call.
    pub(super) fn submitted(&self, task: &mut Task) -> Option<OrderResult> {
        let result = task.submitted()?;
        self.unavailable.store(0, Ordering::SeqCst);
        if !result.is_reused {
            *lock(&self.last_submission) = Some(Instant::now());
        }
        Some(result)
    }

    /// Returns whether `task` must stop: the run ends, and the task has no render.
    pub(super) fn is_abandoned(&self, task: &Task) -> bool {
        task.job.render().is_none() && self.stop.load(Ordering::SeqCst) && lock(&self.fatal).is_some()
    }

    /// Ends a task without a result: its row stays open, and the next run finds its render if one was submitted.
    pub(super) fn abandon(&self, mut task: Box<Task>) {
        self.end_leadership(&mut task);
        self.leave(task.has_permit);
    }
}
