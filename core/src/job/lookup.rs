//! Chooses the next step from the known renders: follow one, submit one, wait, or fail.
//! `decision.rs` has the rules.

use std::time::Duration;

use super::account::{GENERATIONS, key_of};
use super::decision::{AnswerSays, Decision, LedgerSays, ListSays, decide};
use super::state::{Absence, Call, Following, Job, Question, Submission};
use super::{AccountIndex, Action, Origin, Pause, Retry, retry_delay};
use crate::api::{Account, ApiError, RenderDetail, RenderList, RenderStatus};
use crate::job::{FailureKind, Refusal, Stage};
use crate::job::{Keys, RenderState};

/// Submissions that may be answered with earlier renders, one after the other.
const MOST_REPLAYS: u32 = 8;

/// Number of responses without a render after which it may count as deleted.
const LEAST_MISSES: u32 = 3;

/// Represents all renders of an account: the list is read as deep as allowed.
const ALL_RENDERS: u64 = 1_000;

impl Job {
    /// Starts with the state of the ledger.
    pub(super) fn look_up(&mut self, now: Duration) -> Action {
        if self.plan.keys.identity.is_none() {
            return self.prepare();
        }
        self.plan.reuse.render.take_if(|known| !known.is_plausible());
        if let Some(known) = self.plan.reuse.render.clone() {
            self.known_ids.insert(known.render_id);
            self.ledger = match known.state {
                RenderState::Submitted | RenderState::Completed if !self.plan.reuse.none => {
                    LedgerSays::Usable
                }
                RenderState::Gone if !self.plan.reuse.none => LedgerSays::Gone,
                _ => LedgerSays::Ended,
            };
            self.generation = known.generation.saturating_add(u32::from(self.ledger != LedgerSays::Usable));
        }
        self.list = match self.plan.reuse.listed {
            // A `callback_id` of the user's cannot be found there; an id can.
            ListSays::Unasked if self.has_own_callback_id() && self.ledger != LedgerSays::Gone => {
                ListSays::Nothing
            }
            listed => listed,
        };
        self.decide(now)
    }

    /// Does what follows from all that is known.
    pub(super) fn decide(&mut self, now: Duration) -> Action {
        match decide(self.ledger, self.list, self.answer(now)) {
            Decision::Search => self.search(),
            Decision::Fetch => self.fetch(now),
            Decision::Pay => self.pay(),
            Decision::Wait => self.wait_for_missing(now),
            Decision::Fail => self.abandon(),
        }
    }

    fn answer(&self, now: Duration) -> AnswerSays {
        match &self.question {
            Question::Start => AnswerSays::Nothing,
            Question::Lost(_) => AnswerSays::Lost,
            Question::KeyTaken(_) => AnswerSays::KeyTaken,
            Question::Ended(render) => AnswerSays::Ended { is_earlier: self.is_earlier(render) },
            Question::Missing(render) => {
                let is_over = self.missing.is_some_and(|missing| {
                    missing.count >= LEAST_MISSES && now.saturating_sub(missing.since) >= self.gone_grace
                });
                // Whoever asks for another render in any case has this one of an earlier run, by its key.
                let is_unwanted = self.plan.reuse.none && self.is_replaceable(render);
                AnswerSays::Missing { is_earlier: self.is_earlier(render) || is_unwanted, is_over }
            }
        }
    }

    /// Returns whether the render was known before this job submitted one.
    fn is_earlier(&self, render: &Following) -> bool {
        match render.origin {
            Origin::Ledger | Origin::Account => !render.is_replay || self.is_replaceable(render),
            Origin::Given | Origin::Submitted => false,
        }
    }

    /// Returns whether another render may be submitted if the server returned an existing one for a key. A key of the user is
    /// not changed: the existing render is the requested one.
    fn is_replaceable(&self, render: &Following) -> bool {
        let first = self.plan.reuse.render.as_ref().map_or(0, |known| known.generation);
        self.plan.keys.chosen.is_none()
            && self.plan.keys.identity.is_some()
            && render.generation < first.saturating_add(MOST_REPLAYS)
    }

    /// Returns whether the account's list can contain the job's render.
    pub(super) fn is_searchable(&self) -> bool {
        self.plan.keys.identity.is_some() && !self.has_own_callback_id()
    }

    fn search(&mut self) -> Action {
        let account = match &self.question {
            Question::Start | Question::Ended(_) => AccountIndex::recent(1, self.since()),
            Question::Lost(_) | Question::KeyTaken(_) => AccountIndex::new(1, None),
            Question::Missing(_) => AccountIndex::new(ALL_RENDERS, None),
        };
        self.account = account.of(self.plan.product);
        self.found = None;
        self.next(Call::List)
    }

    /// Takes in a page of the list.
    pub(super) fn listed(&mut self, mut page: RenderList, now: Duration) -> Action {
        if matches!(self.question, Question::Start | Question::Ended(_)) {
            self.account.set_since(self.since());
        }
        self.account.add(&page);
        let followed = match &self.question {
            Question::Missing(render) => page
                .data
                .iter()
                .position(|detail| detail.render_id == render.id)
                .map(|at| (render.id.clone(), at)),
            _ => None,
        };
        if let Some((id, at)) = followed {
            // It exists; the earlier response was outdated.
            self.missing = None;
            return self.seen(id, page.data.swap_remove(at), now);
        }
        let says = self.evaluate();
        let is_last = self.account.request().is_none();
        self.list = match (says, &self.question) {
            (_, Question::Missing(_)) if !is_last => return self.next(Call::List),
            (_, Question::Missing(_)) if !self.account.is_whole() => ListSays::Unavailable,
            (ListSays::Nothing, _) if !is_last => return self.next(Call::List),
            (says, _) => says,
        };
        self.decide(now)
    }

    /// Evaluates the pages that were read so far.
    fn evaluate(&mut self) -> ListSays {
        let Some(identity) = self.plan.keys.identity.as_ref() else { return ListSays::Nothing };
        if matches!(self.question, Question::Lost(_) | Question::KeyTaken(_)) {
            // Renders that were there before are not what this submission led to.
            let found = self.account.find(identity, self.generation);
            self.found = found.filter(|found| !self.known_ids.contains(&found.render_id));
            return if self.found.is_some() { ListSays::Usable } else { ListSays::Nothing };
        }
        let is_gone = self.ledger == LedgerSays::Gone || matches!(self.question, Question::Missing(_));
        let mut first = self.generation;
        if is_gone && !self.plan.reuse.none {
            first = 0;
            let known = self.plan.reuse.render.as_ref();
            let known = known.filter(|known| self.account.state(&known.render_id).is_some_and(is_usable));
            self.found = self.account.find_usable(identity).or_else(|| known.cloned());
            if self.found.is_some() {
                return ListSays::Usable;
            }
        }
        match self.account.find(identity, first) {
            Some(found) if is_usable(found.state) && !self.plan.reuse.none => {
                self.found = Some(found);
                ListSays::Usable
            }
            Some(found) => {
                self.generation = self.generation.max(found.generation.saturating_add(1));
                ListSays::Ended
            }
            None => ListSays::Nothing,
        }
    }

    /// Handles a submission without a known render: searches for it after a delay, or at once if no attempts are left.
    pub(super) fn look_for_submission(
        &mut self,
        submission: Submission,
        pause: Pause,
        now: Duration,
    ) -> Action {
        let (project, is_last) = (submission.project.clone(), submission.is_last);
        let is_key_taken = matches!(&submission.failure, FailureKind::Api(error) if error.is_key_taken());
        self.question =
            if is_key_taken { Question::KeyTaken(submission) } else { Question::Lost(submission) };
        if is_last {
            self.list = ListSays::Unasked;
            return self.decide(now);
        }
        self.pause(Call::Submit(project), pause)
    }

    /// Returns whether this is the last search for the submission in this run.
    pub(super) fn is_last_look(&self) -> bool {
        matches!(&self.question, Question::Lost(submission) | Question::KeyTaken(submission) if submission.is_last)
    }

    /// Handles a list that is not available.
    pub(super) fn on_list_failed(&mut self, reason: &str, now: Duration) -> Action {
        self.notice = Some(format!("cannot search the list of the account: {reason}"));
        self.list = ListSays::Unavailable;
        self.decide(now)
    }

    /// Follows the render that was found, or the one of the ledger.
    fn fetch(&mut self, now: Duration) -> Action {
        let (found, origin) = match (self.list, self.found.take(), &self.plan.reuse.render) {
            (ListSays::Usable, Some(found), _) => (found, Origin::Account),
            (_, _, Some(known)) => (known.clone(), Origin::Ledger),
            (_, _, None) => return self.prepare(),
        };
        match std::mem::replace(&mut self.question, Question::Start) {
            // It did not exist before this submission.
            Question::Lost(_) => {
                self.phase = Some(now);
                self.follow_new(found.render_id, found.generation)
            }
            _ => self.follow(found.render_id, origin, found.generation),
        }
    }

    /// Submits: a new render, or the same once more where an answer is missing.
    fn pay(&mut self) -> Action {
        let render = match std::mem::replace(&mut self.question, Question::Start) {
            Question::Start => None,
            Question::Lost(submission) | Question::KeyTaken(submission) => {
                if submission.is_last {
                    return self.fail(Stage::Submit, submission.failure);
                }
                self.attempt = submission.attempt;
                return self.send(Call::Submit(submission.project));
            }
            Question::Missing(render) => {
                self.note_render(RenderState::Gone);
                Some(render)
            }
            Question::Ended(render) => Some(render),
        };
        self.known_ids.extend(self.account.take_ids());
        self.render = None;
        (self.missing, self.detail) = (None, None);
        if let Some(render) = render {
            self.generation = self.generation.max(render.generation.saturating_add(1));
            self.known_ids.insert(render.id);
            if render.is_replay || render.origin == Origin::Submitted {
                return self.upload();
            }
        }
        self.prepare()
    }

    /// Ends without a render, or without the one that is followed.
    pub(super) fn abandon(&mut self) -> Action {
        match std::mem::replace(&mut self.question, Question::Start) {
            Question::Lost(submission) | Question::KeyTaken(submission) => {
                self.fail(Stage::Submit, submission.failure)
            }
            Question::Missing(render) => {
                self.note_render(RenderState::Gone);
                // An id that the user gave may be misspelled, or of another account.
                let is_given = render.origin == Origin::Given;
                self.fail(Stage::Poll, if is_given { FailureKind::NotFound } else { FailureKind::Deleted })
            }
            Question::Start | Question::Ended(_) => {
                let reason = self.detail.as_ref().map(RenderDetail::failure_reason).unwrap_or_default();
                self.fail(Stage::Poll, FailureKind::RenderFailed(reason))
            }
        }
    }

    /// Handles a response that the followed render is unknown. A replica may be outdated: see
    /// [`GONE_GRACE`](super::GONE_GRACE).
    pub(super) fn on_missing(&mut self, error: &ApiError, now: Duration) -> Action {
        let Some(render) = self.render.clone() else { return self.fail(Stage::Poll, FailureKind::Deleted) };
        let before = self.missing.unwrap_or(Absence { since: now, count: 0 });
        self.missing = Some(Absence { count: before.count.saturating_add(1), ..before });
        self.absence_reason = error.to_string();
        self.question = Question::Missing(render);
        self.list = ListSays::Unasked;
        self.decide(now)
    }

    fn wait_for_missing(&mut self, now: Duration) -> Action {
        let (Question::Missing(render), Some(missing)) =
            (std::mem::replace(&mut self.question, Question::Start), self.missing)
        else {
            return self.abandon();
        };
        let delay = retry_delay(missing.count.min(5), None, self.plan.seed);
        let (_, left) = self.time(now);
        let retry = Retry {
            stage: Stage::Poll,
            reason: self.absence_reason.clone(),
            attempt: missing.count.saturating_add(1),
            of: None,
            left,
        };
        if self.plan.wait.is_some() || left.is_zero() {
            return self.pause_poll(render.id, Some((delay, retry)), now);
        }
        self.pause(Call::Poll(render.id), Pause { delay: delay.min(left), retry: Some(retry) })
    }

    /// Returns whether a render is too old to be reused.
    fn is_past(&self, detail: &RenderDetail) -> bool {
        self.since().zip(detail.created()).is_some_and(|(since, created)| created < since)
    }

    /// Returns the creation time from which renders may be reused, by the server's clock.
    fn since(&self) -> Option<i64> {
        self.plan.reuse.since.map(|since| since.saturating_add(self.clock_offset))
    }

    /// Returns whether to wait for the render, when it is seen for the first time.
    pub(super) fn is_acceptable(&self, detail: &RenderDetail, render: &Following) -> bool {
        let status = detail.status();
        let is_unwanted = self.plan.reuse.none && status.is_final();
        if self.is_of_another(detail) {
            return false;
        }
        !self.is_earlier(render) || (status != RenderStatus::Failed && !self.is_past(detail) && !is_unwanted)
    }

    /// Returns whether the render was submitted for something else, by its `callback_id`: the server answered a key that was
    /// used before, on another machine.
    pub(super) fn is_of_another(&self, detail: &RenderDetail) -> bool {
        let Some(identity) = self.plan.keys.identity.as_ref().filter(|_| !self.has_own_callback_id()) else {
            return false;
        };
        let Some(id) = key_of(detail) else { return false };
        let generations = self.generation.saturating_add(GENERATIONS);
        let is_own = identity.key(self.generation).as_str() == id
            || identity.keys(0).take(generations as usize).any(|(_, key)| key.as_str() == id);
        !is_own
    }

    /// Continues without a render that must not be used.
    pub(super) fn skip(&mut self, detail: &RenderDetail, render: Following, now: Duration) -> Action {
        if detail.status() == RenderStatus::Failed {
            self.note_render(RenderState::Failed);
        }
        match render.origin {
            // Another machine may have continued already.
            Origin::Ledger => self.ledger = LedgerSays::Ended,
            Origin::Account | Origin::Given | Origin::Submitted => self.list = ListSays::Ended,
        }
        self.generation = self.generation.max(render.generation.saturating_add(1));
        self.question = Question::Ended(render);
        self.decide(now)
    }

    /// Handles the lack of a usable render: a new one would be billed.
    pub(super) fn prepare(&mut self) -> Action {
        if let Some(refusal) = self.plan.limits.exceeded.clone() {
            return self.fail(Stage::Submit, FailureKind::Limit(refusal));
        }
        if self.plan.limits.is_reuse_only {
            return self.fail(Stage::Submit, FailureKind::EqualFailed);
        }
        if let Keys { identity: Some(identity), chosen: Some(key), chosen_for: Some(used), .. } =
            &self.plan.keys
            && *used != identity.key(0).as_str()
        {
            let key = key.as_str().to_owned();
            return self.fail(Stage::Submit, FailureKind::KeyUsed(key));
        }
        match self.plan.limits.min_balance {
            Some(_) => self.next(Call::Balance),
            None => self.upload(),
        }
    }

    /// Continues if the balance is sufficient.
    pub(super) fn on_balance(&mut self, account: &Account) -> Action {
        let least = self.plan.limits.min_balance.unwrap_or_default();
        match account.balance() {
            Some(balance) if balance >= least => self.upload(),
            balance => self.fail(Stage::Balance, FailureKind::Limit(Refusal::Balance { balance, least })),
        }
    }
}

fn is_usable(state: RenderState) -> bool {
    matches!(state, RenderState::Submitted | RenderState::Completed)
}
