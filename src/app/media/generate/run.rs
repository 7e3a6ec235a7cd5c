//! Works on the entries of a run, a few at a time.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use hyperframes_ci_core::api::ApiError;
use hyperframes_ci_core::generated::{SPEECH_USD_PER_SECOND, SpeechAction, SpeechAnswer, SpeechPermissions};

use super::super::Declared;
use super::budget::Budget;
use super::entry::Task;
use crate::app::outcome::{GeneratedMedia, GenerationState};
use crate::fault::Error;
use crate::heygen::transport::Transport;
use crate::renderers::{KeptAnswer, LedgerFile, SpeechAnswers};
use crate::system::abort::abort_at;
use crate::system::pool::{Message, work_on};
use crate::ui::{Console, plain};

/// A run of `media generate`.
pub(super) struct Run<'a> {
    pub(super) declared: &'a Declared,
    pub(super) transport: &'a Transport,
    /// `None` once it could not be written: then nothing is requested any more.
    pub(super) ledger: Mutex<Option<LedgerFile>>,
    pub(super) answers: &'a SpeechAnswers,
    pub(super) budget: Mutex<Budget>,
    /// Held while the lock file is replaced.
    pub(super) lock: Mutex<()>,
    /// Repetitions of a request that was not taken, and of a download.
    pub(super) retries: u32,
    pub(super) permissions: SpeechPermissions,
}

/// Audio whose format is not that of the extension of its file.
pub(super) struct OtherFormat {
    pub(super) file: String,
    pub(super) format: &'static str,
}

/// Why an entry has no media.
pub(super) enum Problem {
    /// The API refused the request.
    Refused(Box<ApiError>),
    /// The request did not reach the API.
    NotTaken(String),
    /// The request may have been billed.
    Unconfirmed(String),
    /// A limit forbids the request.
    Limited(hyperframes_ci_core::job::Refusal),
    /// The speech is paid for, and its files could not be written.
    NotSaved { message: String, help: &'static str },
    /// Anything else; nothing was requested.
    Failed(Error),
    /// Nothing is requested after an error that applies to all entries.
    Skipped,
}

pub(super) fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Run<'_> {
    /// Works on all tasks; returns the results in their order.
    pub(super) fn all(
        &self,
        tasks: &[Task],
        concurrency: usize,
        console: &mut Console,
    ) -> Vec<GeneratedMedia> {
        let mut results = tasks.iter().map(|_| None).collect::<Vec<_>>();
        let is_stopped = AtomicBool::new(false);
        let mut due = tasks.iter().enumerate();
        let work = |(index, task): (usize, &Task), warn: &mut dyn FnMut(OtherFormat)| {
            (index, self.one(task, &is_stopped, warn))
        };
        work_on(&mut due, concurrency.max(1), &work, &mut |message| {
            match message {
                Message::Progress(OtherFormat { file, format }) => {
                    console.warning(&format!("{} contains {} audio", plain(&file), format.to_uppercase()));
                }
                Message::Result((index, result)) => {
                    report(&result, console);
                    results[index] = Some(result);
                }
            }
            true
        });
        results.into_iter().flatten().collect()
    }

    fn one(&self, task: &Task, is_stopped: &AtomicBool, warn: &mut dyn FnMut(OtherFormat)) -> GeneratedMedia {
        let (kept, is_new) = match (task.action, &task.answer) {
            (SpeechAction::LeaveUnconfirmed, _) => return task.unconfirmed(),
            (SpeechAction::Finish, Some(answer)) => (Ok(answer.clone()), false),
            (SpeechAction::Request, _) if is_stopped.load(Ordering::SeqCst) => (Err(Problem::Skipped), false),
            (SpeechAction::Request, _) => (self.request(task), true),
            _ => return task.result(GenerationState::Current),
        };
        let billed = kept.as_ref().ok().filter(|_| is_new).map(|kept| length(task, &kept.answer));
        let saved = kept.and_then(|kept| self.save(task, kept, warn));
        let mut result = match saved {
            Ok(seconds) => {
                let state = if is_new { GenerationState::Generated } else { GenerationState::Recovered };
                GeneratedMedia { seconds, ..task.result(state) }
            }
            Err(problem) => {
                let is_for_all = match &problem {
                    Problem::Refused(error) => error.is_account_wide(),
                    Problem::Failed(_) | Problem::Limited(_) => true,
                    _ => false,
                };
                if is_for_all {
                    is_stopped.store(true, Ordering::SeqCst);
                }
                problem.result(task)
            }
        };
        result.is_billed = billed.is_some();
        result.usd = billed.map_or(0.0, |seconds| seconds * SPEECH_USD_PER_SECOND);
        result
    }

    /// Requests the speech and keeps the answer.
    fn request(&self, task: &Task) -> Result<KeptAnswer, Problem> {
        let Some(speech) = &task.speech else { return Err(Problem::Skipped) };
        let estimated = task.estimated_seconds();
        locked(&self.budget).reserve(estimated).map_err(Problem::Limited)?;
        let answer = self.speak(speech);
        let actual = match &answer {
            Ok(answer) => length(task, answer),
            // It may have been billed.
            Err(Problem::Unconfirmed(_)) => estimated,
            Err(_) => 0.0,
        };
        locked(&self.budget).settle(estimated, actual);
        let kept = KeptAnswer { answer: answer?, files: Default::default(), is_expired: false };
        abort_at("received");
        self.keep_answer(speech.key().as_str(), &kept);
        abort_at("answered");
        Ok(kept)
    }
}

/// Returns the length that is billed.
fn length(task: &Task, answer: &SpeechAnswer) -> f64 {
    answer
        .duration
        .filter(|seconds| seconds.is_finite() && *seconds >= 0.0)
        .unwrap_or(task.estimated_seconds())
}

impl Problem {
    fn result(self, task: &Task) -> GeneratedMedia {
        let with = |status, message: String, help: Option<String>| GeneratedMedia {
            message: Some(message),
            help,
            seconds: 0.0,
            ..task.result(status)
        };
        match self {
            Self::Refused(error) => GeneratedMedia {
                http_status: Some(error.status),
                ..with(GenerationState::Failed, error.to_string(), error.help().map(str::to_owned))
            },
            Self::NotTaken(message) => with(
                GenerationState::Failed,
                format!("the request did not reach the API: {message}"),
                Some("nothing was billed; run the same command again".to_owned()),
            ),
            Self::Unconfirmed(message) => GeneratedMedia {
                seconds: 0.0,
                message: Some(format!(
                    "the answer was lost, and the request may have been billed: {message}"
                )),
                ..task.unconfirmed()
            },
            Self::Limited(refusal) => GeneratedMedia {
                code: Some(refusal.code()),
                ..with(GenerationState::Limited, refusal.to_string(), None)
            },
            Self::NotSaved { message, help } => {
                with(GenerationState::NotSaved, message, Some(help.to_owned()))
            }
            Self::Failed(error) => with(GenerationState::Failed, error.to_string(), error.help()),
            Self::Skipped => with(
                GenerationState::Skipped,
                "not requested after an error that applies to all entries".to_owned(),
                None,
            ),
        }
    }
}

fn report(media: &GeneratedMedia, console: &mut Console) {
    let file = plain(&media.file);
    match media.status {
        GenerationState::Current | GenerationState::Planned => {}
        GenerationState::Generated => {
            console.done(&format!("{file}: {:.1} s, ${:.4}", media.seconds, media.usd));
        }
        GenerationState::Recovered => {
            console.done(&format!("{file}: {:.1} s, paid for by an earlier run", media.seconds));
        }
        _ => {
            let message = media.message.as_deref().unwrap_or(media.status.as_str());
            console.not_done(&format!("{file}: {message}"));
            if let Some(help) = &media.help {
                console.detail(&format!("help: {help}"));
            }
        }
    }
}
