//! Works on the entries of a run, a few at a time.

use std::collections::HashSet;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use hyperframes_ci_core::generated::{SpeechAction, SpeechPermissions, Wanted};

use super::super::Declared;
use super::budget::{Budget, Cost};
use super::entry::{Task, task};
use super::result::{Problem, report};
use crate::app::outcome::{GeneratedMedia, GenerationState};
use crate::heygen::transport::Transport;
use crate::renderers::{KeptAnswer, LedgerFile, MediaAnswers, RunOptions};
use crate::system::pool::{Message, work_on};
use crate::ui::{Console, plain};

/// A run of `media generate`.
pub(super) struct Run<'a> {
    pub(super) transport: &'a Transport,
    /// `None` once it could not be written: then nothing is requested any more.
    pub(super) ledger: Mutex<Option<LedgerFile>>,
    pub(super) answers: &'a MediaAnswers,
    pub(super) budget: Mutex<Budget>,
    /// Held while the lock file is replaced.
    pub(super) lock: Mutex<()>,
    /// Held while a video is uploaded: its translations share the asset.
    pub(super) upload: Mutex<()>,
    /// Repetitions of a request that was not taken, and of a download.
    pub(super) retries: u32,
    pub(super) permissions: SpeechPermissions,
    /// See [`super::GenerateSpec::keeps_answers`].
    pub(super) keeps_answers: bool,
    /// Time limits of clips.
    pub(super) options: RunOptions,
    /// Set after an error that applies to all entries.
    pub(super) is_stopped: AtomicBool,
}

/// News about an entry while it is worked on.
pub(super) enum News {
    /// The audio has not the format of the extension of its file.
    OtherFormat { file: String, format: &'static str },
    /// Something that the user should know.
    Warning(String),
}

/// What an entry came to before its files were written.
pub(super) struct Made {
    pub(super) kept: KeptAnswer,
    /// Whether this run is billed for it.
    pub(super) is_new: bool,
    pub(super) cost: Cost,
    /// Why its files cannot be written, although it is paid for.
    pub(super) problem: Option<Problem>,
}

impl Made {
    /// Returns what an earlier run has paid for, or what costs nothing.
    fn free(kept: KeptAnswer) -> Self {
        Self { kept, is_new: false, cost: Cost::default(), problem: None }
    }
}

pub(super) fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Run<'_> {
    /// Works on all tasks, and then on those that are made from them; returns the results in their order.
    pub(super) fn all(
        &self,
        declared: &Declared,
        tasks: &[Task],
        concurrency: usize,
        read: &dyn Fn() -> Result<Declared, crate::fault::Error>,
        console: &mut Console,
    ) -> Vec<GeneratedMedia> {
        let mut results = tasks.iter().map(|_| None).collect::<Vec<_>>();
        let (first, later): (Vec<_>, Vec<_>) =
            tasks.iter().enumerate().partition(|(_, task)| task.waits_for.is_none());
        self.wave(declared, &first, concurrency, &mut results, console);
        if later.is_empty() {
            return results.into_iter().flatten().collect();
        }
        let made = results.iter().flatten().filter(|result: &&GeneratedMedia| !result.status.is_problem());
        let made = made.map(|result| result.file.clone()).collect::<HashSet<_>>();
        // The audio is another one now, and the lock file has it.
        let fresh = read();
        let mut next = Vec::new();
        for (index, waiting) in later {
            let result = match (&fresh, waiting.waits_for.as_ref().filter(|file| !made.contains(*file))) {
                (_, Some(file)) => Err(Problem::NoAudio(file.clone())),
                (Err(error), None) => Err(Problem::Changed(error.to_string())),
                (Ok(fresh), None) => {
                    let ledger = locked(&self.ledger);
                    let earlier = ledger.as_ref().map(|ledger| (ledger, self.answers));
                    Ok(task(fresh, &waiting.entry, earlier, self.permissions))
                }
            };
            match result {
                Ok(task) => next.push((index, task)),
                Err(problem) => {
                    let result = problem.result(waiting);
                    report(&result, console);
                    results[index] = Some(result);
                }
            }
        }
        if let Ok(fresh) = &fresh {
            let next = next.iter().map(|(index, task)| (*index, task)).collect::<Vec<_>>();
            self.wave(fresh, &next, concurrency, &mut results, console);
        }
        results.into_iter().flatten().collect()
    }

    fn wave(
        &self,
        declared: &Declared,
        tasks: &[(usize, &Task)],
        concurrency: usize,
        results: &mut [Option<GeneratedMedia>],
        console: &mut Console,
    ) {
        let mut due = tasks.iter().copied();
        let work = |(index, task): (usize, &Task), news: &mut dyn FnMut(News)| {
            (index, self.one(declared, task, news))
        };
        work_on(&mut due, concurrency.max(1), &work, &mut |message| {
            match message {
                Message::Progress(News::OtherFormat { file, format }) => {
                    console.warning(&format!("{} contains {} audio", plain(&file), format.to_uppercase()));
                }
                Message::Progress(News::Warning(text)) => console.warning(&text),
                Message::Result((index, result)) => {
                    report(&result, console);
                    results[index] = Some(result);
                }
            }
            true
        });
    }

    fn one(&self, declared: &Declared, task: &Task, news: &mut dyn FnMut(News)) -> GeneratedMedia {
        if !task.is_due() {
            return task.planned();
        }
        let is_stopped = self.is_stopped.load(Ordering::SeqCst);
        let kept = task.answer.clone().filter(KeptAnswer::is_paid);
        let made = match (kept, &task.wanted) {
            (Some(kept), _) => Ok(Made::free(kept)),
            _ if is_stopped && task.action == SpeechAction::Request => Err(Problem::Skipped),
            (None, Some(Wanted::Speech(speech))) => self.speech(task, speech),
            (None, Some(Wanted::Presenter(clip))) => self.clip(declared, task, clip, news),
            (None, Some(Wanted::Translation(translation))) => {
                self.translation(declared, task, translation, news)
            }
            (None, Some(Wanted::Sound(_))) => Ok(Made::free(task.answer.clone().unwrap_or_default())),
            (None, None) => Err(Problem::Skipped),
        };
        let billed = made.as_ref().ok().filter(|made| made.is_new).map(|made| made.cost);
        let is_recovered = made.is_ok() && billed.is_none() && !matches!(task.wanted, Some(Wanted::Sound(_)));
        let saved = made.and_then(|made| match made.problem {
            Some(problem) => Err(problem),
            None => self.save(declared, task, made.kept, news),
        });
        let mut result = match saved {
            Ok(seconds) => {
                let state =
                    if is_recovered { GenerationState::Recovered } else { GenerationState::Generated };
                GeneratedMedia { seconds, ..task.result(state) }
            }
            Err(problem) => {
                if problem.is_for_all() {
                    self.is_stopped.store(true, Ordering::SeqCst);
                }
                problem.result(task)
            }
        };
        result.is_billed = billed.is_some();
        result.usd = billed.map_or(0.0, |cost| cost.usd);
        result
    }
}
