//! Requests speech: repeated only where the request was surely not taken.

use std::time::Duration;

use hyperframes_ci_core::api::Request;
use hyperframes_ci_core::generated::{SPEECH_USD_PER_SECOND, Speech, SpeechAnswer, SpeechReply, SpeechState};
use hyperframes_ci_core::job::{Fact, SpeechFact, retry_delay};

use super::budget::Cost;
use super::entry::Task;
use super::result::Problem;
use super::run::{Made, Run, locked};
use crate::app::media::MediaError;
use crate::renderers::KeptAnswer;
use crate::system::abort::abort_at;
use crate::system::clock::pause;
use crate::system::deadline::Deadline;
use crate::system::random;

impl Run<'_> {
    /// Requests the speech of a task and keeps the answer.
    pub(super) fn speech(&self, task: &Task, speech: &Speech) -> Result<Made, Problem> {
        let estimated = task.estimate();
        locked(&self.budget).reserve(estimated).map_err(Problem::Limited)?;
        let answer = self.speak(speech);
        let actual = match &answer {
            Ok(answer) => cost(answer, estimated),
            // It may have been billed.
            Err(Problem::Unconfirmed(_)) => estimated,
            Err(_) => Cost::default(),
        };
        locked(&self.budget).settle(estimated, actual);
        let kept = KeptAnswer { speech: Some(answer?), ..KeptAnswer::default() };
        abort_at("received");
        self.keep_answer(speech.key().as_str(), &kept);
        abort_at("answered");
        Ok(Made { kept, is_new: true, cost: actual, problem: None })
    }

    /// Requests a speech.
    fn speak(&self, speech: &Speech) -> Result<SpeechAnswer, Problem> {
        let request = Request::speech(&speech.body());
        let identity = speech.key();
        let note = |state| self.note(identity.as_str(), state);
        let mut attempt = 0;
        loop {
            attempt += 1;
            // Without this line, a lost answer would be paid for again.
            note(SpeechState::Submitted)?;
            abort_at("submitted");
            let reply = match self.transport.attempt(&request, None, Deadline::NEVER, &mut |_| {}) {
                Ok(response) => SpeechReply::of(&response),
                Err(error) if error.is_unsent => {
                    SpeechReply::NotTaken { message: error.message, retry_after: None }
                }
                Err(error) => SpeechReply::Unconfirmed(error.message),
            };
            let (message, retry_after): (String, Option<Duration>) = match reply {
                SpeechReply::Answered(answer) => return Ok(*answer),
                SpeechReply::Unconfirmed(message) => return Err(Problem::Unconfirmed(message)),
                SpeechReply::Refused(error) => {
                    note(SpeechState::NotTaken)?;
                    return Err(Problem::Refused(error));
                }
                SpeechReply::NotTaken { message, retry_after } => (message, retry_after),
            };
            note(SpeechState::NotTaken)?;
            if attempt > self.retries {
                return Err(Problem::NotTaken(message));
            }
            std::thread::sleep(pause(retry_delay(attempt, retry_after, random())));
        }
    }

    /// Writes a line to the ledger.
    fn note(&self, identity: &str, state: SpeechState) -> Result<(), Problem> {
        let mut ledger = locked(&self.ledger);
        let fact = Fact::Speech(SpeechFact { identity: identity.to_owned(), state });
        let written = match ledger.as_mut() {
            Some(ledger) => ledger.append(fact).map_err(Into::into),
            None => Err(MediaError::NoLedger.into()),
        };
        written.map_err(|error| {
            *ledger = None;
            Problem::Failed(error)
        })
    }

    /// Keeps an answer on disk. If that fails, the files are written nevertheless.
    fn keep_answer(&self, identity: &str, kept: &KeptAnswer) {
        if self.answers.keep(identity, kept).is_ok() {
            // With the answer on disk, a missing line has no effect.
            let _ = self.note(identity, SpeechState::Answered);
        }
    }
}

/// Returns what is billed.
fn cost(answer: &SpeechAnswer, estimated: Cost) -> Cost {
    let seconds = answer.duration.filter(|seconds| seconds.is_finite() && *seconds >= 0.0);
    let seconds = seconds.unwrap_or(estimated.seconds);
    Cost { seconds, usd: seconds * SPEECH_USD_PER_SECOND }
}
