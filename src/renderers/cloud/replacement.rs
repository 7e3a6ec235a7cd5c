//! Sharing of an asset by the tasks of a run: they record its state, and replace it once if the server
//! refuses it.

use std::sync::atomic::Ordering;

use hyperframes_ci_core::job::{Event as JobEvent, Fact, Replacement};

use super::interpreter::Run;
use super::lanes::lock;
use super::task::Task;
use crate::renderers::Event;

impl Run<'_> {
    /// Writes a fact to the ledger. If that fails, the next run must search the account; this render is not affected.
    pub(super) fn remember(&self, fact: Fact) {
        let asset = match &fact {
            Fact::Asset(asset) => Some(asset.clone()),
            _ => None,
        };
        let appended = lock(self.interpreter.ledger).as_mut().map(|ledger| ledger.append(fact));
        if let Some(Err(error)) = appended {
            self.say(Event::Warning(format!(
                "{error}; the next run can only find renders in the list of the account"
            )));
        }
        if let Some(asset) = asset {
            for task in self.upload.record(&asset) {
                self.answer(Box::new(task), Replacement::Use(asset.asset_id.clone()));
            }
        }
    }

    /// Finds another asset for a task of which the server refused the shared one.
    pub(super) fn replace_asset(&self, task: Box<Task>, refused: String) {
        if let Some((task, replacement)) = self.upload.replace(task, refused) {
            self.answer(task, replacement);
        }
    }

    fn answer(&self, mut task: Box<Task>, replacement: Replacement) {
        let step = task.step(JobEvent::Replaced(replacement));
        self.route(task, step);
    }

    /// Ends the tasks that wait for `task` to replace a refused asset, if it failed.
    pub(super) fn end_replacement(&self, task: &mut Task) {
        if !std::mem::take(&mut task.is_replacing) {
            return;
        }
        for waiting in self.upload.end_renewal() {
            if self.stop.load(Ordering::SeqCst) {
                self.leave(waiting.has_permit);
            } else {
                self.answer(Box::new(waiting), Replacement::None);
            }
        }
    }
}
