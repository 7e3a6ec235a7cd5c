//! The job itself: one call after the other, repeats, polls, the download. `lookup.rs` and `upload.rs` have the ways to a
//! render.

use std::collections::HashSet;
use std::time::Duration;

use super::decision::{LedgerSays, ListSays};
use super::state::{Because, Call, Following, Job, Question, State, Submission};
use super::{AccountIndex, Action, Event, Keys, Origin, Outcome, Pause, Plan, Retry, Source, Step};
use crate::api::{ApiError, RenderDetail, Response, ResponseError};
use crate::job::retry_delay;
use crate::job::{AssetFact, AssetState, Fact, KeyFact, RenderFact, RenderState};
use crate::job::{Failure, FailureKind, Stage};

/// How long the API must report a render as unknown before it counts as deleted, if the account's list does not
/// have it either: a replica may lag behind, and deleted renders are paid for again.
pub const GONE_GRACE: Duration = Duration::from_secs(30);

impl Job {
    /// Creates a job.
    #[must_use]
    pub fn new(plan: Plan) -> Self {
        Self {
            plan,
            state: State::Idle,
            attempt: 0,
            clock_offset: 0,
            phase: None,
            began: None,
            failed_saves: 0,
            generation: 0,
            render: None,
            detail: None,
            asset: None,
            refused_assets: Vec::new(),
            upload_round: 0,
            question: Question::Start,
            ledger: LedgerSays::Nothing,
            list: ListSays::Unasked,
            found: None,
            known_ids: HashSet::new(),
            missing: None,
            absence_reason: String::new(),
            gone_grace: GONE_GRACE,
            is_status_reported: false,
            account: AccountIndex::default(),
            facts: Vec::new(),
            notice: None,
        }
    }

    /// Sets the time after which an unknown render counts as deleted, instead of [`GONE_GRACE`].
    #[must_use]
    pub fn with_gone_grace(self, grace: Duration) -> Self {
        Self { gone_grace: grace, ..self }
    }

    /// Sets by how many seconds the server's clock is ahead of this machine's. The age of a render, which decides about its
    /// reuse, is measured by the server's clock: a machine with a wrong clock would otherwise be billed again.
    pub fn set_clock_offset(&mut self, seconds: i64) {
        self.clock_offset = seconds;
    }

    /// Returns the step that the job is at.
    #[must_use]
    pub fn stage(&self) -> Stage {
        match &self.state {
            State::Calling(call) | State::Pausing(call) => call.stage(),
            State::Idle => Stage::Lookup,
            State::Replacing(_) => Stage::Submit,
            State::Saving | State::Ended => Stage::Download,
        }
    }

    /// Returns the render, if there is one, and its origin.
    #[must_use]
    pub fn render(&self) -> Option<(&str, Origin)> {
        self.render.as_ref().map(|render| (render.id.as_str(), render.origin))
    }

    /// Returns the asset, once the archive is uploaded.
    #[must_use]
    pub fn asset_id(&self) -> Option<&str> {
        self.asset.as_ref().map(|asset| asset.id.as_str())
    }

    /// Returns whether an earlier run uploaded the asset.
    #[must_use]
    pub fn is_asset_reused(&self) -> bool {
        self.asset.as_ref().is_some_and(|asset| asset.is_old)
    }

    /// Returns the last known state of the render.
    #[must_use]
    pub fn detail(&self) -> Option<&RenderDetail> {
        self.detail.as_ref()
    }

    /// Returns the generation of the render, or of the one to submit.
    #[must_use]
    pub fn generation(&self) -> u32 {
        self.render.as_ref().map_or(self.generation, |render| render.generation)
    }

    /// Returns the key of the render, or of the one to submit; `None` for a project without an identity.
    #[must_use]
    pub fn key(&self) -> Option<crate::job::RenderKey> {
        self.plan.keys.identity.as_ref().map(|identity| identity.key(self.generation()))
    }

    /// Handles an event at `now` (time since any fixed point) and returns the next step.
    ///
    /// After [`Action::Done`] and [`Action::Fail`] the job has ended; further events give the same failure.
    pub fn step(&mut self, event: Event, now: Duration) -> Step {
        let action = self.handle(event, now);
        Step { facts: std::mem::take(&mut self.facts), notice: self.notice.take(), action }
    }

    fn handle(&mut self, event: Event, now: Duration) -> Action {
        self.phase.get_or_insert(now);
        self.began.get_or_insert(now);
        match (std::mem::replace(&mut self.state, State::Ended), event) {
            (State::Idle, _) => self.start(now),
            (State::Calling(call), Event::Answered(response)) => self.answered(call, &response, now),
            (State::Calling(call), Event::Unreachable(message)) => {
                self.retry(call, None, now, FailureKind::Unreachable(message))
            }
            (State::Pausing(Call::Poll(id)), Event::Seen(detail)) => self.seen(id, *detail, now),
            // Before a submission is retried, its render is searched.
            (State::Pausing(Call::Submit(_)), _)
                if matches!(self.question, Question::Lost(_) | Question::KeyTaken(_)) =>
            {
                self.list = ListSays::Unasked;
                self.decide(now)
            }
            (State::Pausing(call), _) => self.send(call),
            (State::Saving, Event::Saved) => match self.detail.clone() {
                Some(detail) => Action::Done(Outcome::Completed(Box::new(detail))),
                None => self.fail(Stage::Download, FailureKind::NoVideo),
            },
            (State::Saving, Event::NotSaved(error)) => self.not_saved(error, now),
            (State::Replacing(error), Event::Replaced(replacement)) => self.replaced(error, replacement, now),
            (State::Calling(_) | State::Replacing(_) | State::Saving | State::Ended, event) => {
                let message = format!("unexpected event {event:?}");
                self.fail(self.stage(), FailureKind::Malformed(message))
            }
        }
    }

    fn start(&mut self, now: Duration) -> Action {
        match self.plan.source.clone() {
            Source::Render(id) => self.follow(id, Origin::Given, 0),
            Source::Archive(_) | Source::Project(_) | Source::Body => self.look_up(now),
        }
    }

    /// Continues with an existing render.
    pub(super) fn follow(&mut self, id: String, origin: Origin, generation: u32) -> Action {
        self.detail = None;
        self.missing = None;
        self.render = Some(Following { id: id.clone(), origin, generation, is_replay: false });
        self.next(Call::Poll(id))
    }

    /// Continues with a render that this job submitted, although its response was lost.
    pub(super) fn follow_new(&mut self, id: String, generation: u32) -> Action {
        let action = self.follow(id, Origin::Submitted, generation);
        self.note_render(RenderState::Submitted);
        action
    }

    /// Continues with a new call.
    pub(super) fn next(&mut self, call: Call) -> Action {
        self.attempt = 0;
        self.send(call)
    }

    pub(super) fn pause(&mut self, call: Call, pause: Pause) -> Action {
        self.state = State::Pausing(call);
        Action::Sleep(pause)
    }

    pub(super) fn send(&mut self, call: Call) -> Action {
        let request = match self.request(&call) {
            Ok(request) => request,
            Err(message) => {
                return self.fail(call.stage(), FailureKind::Malformed(message.to_owned()));
            }
        };
        if matches!(call, Call::Submit(_)) {
            let fact = self.new_key();
            self.facts.extend(fact.map(Fact::Key));
        }
        self.state = State::Calling(call);
        Action::Send(request)
    }

    /// Returns the fact about the use of the user's idempotency key, if it is not in the ledger.
    fn new_key(&mut self) -> Option<KeyFact> {
        let Keys {
            identity: Some(identity), chosen: Some(key), chosen_for, is_chosen_for_many: false, ..
        } = &mut self.plan.keys
        else {
            return None;
        };
        let identity = identity.key(0).to_string();
        chosen_for.is_none().then(|| *chosen_for = Some(identity.clone()))?;
        Some(KeyFact { key: key.as_str().to_owned(), identity })
    }

    fn answered(&mut self, call: Call, response: &Response, now: Duration) -> Action {
        match self.advance(call.clone(), response, now) {
            Ok(action) => action,
            Err(ResponseError::Malformed { message, is_cut, .. }) => match call {
                // A page may come from a gateway that is just being restarted: a poll has time for that.
                call if is_cut || matches!(call, Call::Poll(_)) => {
                    self.retry(call, None, now, FailureKind::Malformed(message))
                }
                Call::List => self.on_list_failed(&message, now),
                call => self.fail(call.stage(), FailureKind::Malformed(message)),
            },
            Err(ResponseError::Api(error)) => self.refused(call, error, now),
        }
    }

    /// Handles a successful response.
    fn advance(&mut self, call: Call, response: &Response, now: Duration) -> Result<Action, ResponseError> {
        Ok(match call {
            Call::List => self.listed(self.plan.product.read_list(response)?, now),
            Call::Balance => {
                let account = response.data()?;
                self.on_balance(&account)
            }
            Call::CreateUpload => {
                let upload = response.data()?;
                self.on_upload_created(upload)
            }
            Call::Put { asset_id, .. } => {
                response.check_stored()?;
                self.note_asset(&asset_id, AssetState::Stored);
                self.next(Call::Complete { asset_id, because: Because::Stored })
            }
            Call::Complete { because, asset_id } => {
                let asset: crate::api::Asset = response.data()?;
                self.completed(asset_id, asset.asset_id, because)
            }
            Call::ProxyUpload => {
                let asset: crate::api::Asset = response.data()?;
                self.received(asset.asset_id)
            }
            Call::Submit(_) => {
                let (id, generation) =
                    (self.plan.product.read_submitted(response)?.render_id, self.generation);
                self.detail = None;
                self.phase = Some(now);
                let is_replay = self.known_ids.contains(&id);
                let in_ledger = self.plan.reuse.render.as_ref().is_some_and(|known| known.render_id == id);
                let origin = match (is_replay, in_ledger) {
                    (false, _) => Origin::Submitted,
                    (true, true) => Origin::Ledger,
                    (true, false) => Origin::Account,
                };
                self.render = Some(Following { id: id.clone(), origin, generation, is_replay });
                self.note_render(RenderState::Submitted);
                match self.plan.wait {
                    None => Action::Done(Outcome::Submitted { render_id: id }),
                    Some(wait) if wait.is_watched => self.pause_poll(id, None, now),
                    Some(_) => self.next(Call::Poll(id)),
                }
            }
            Call::Poll(id) => {
                let detail = self.plan.product.read_detail(response)?;
                if detail.render_id != id {
                    let reason = format!("the response is about another {}", self.plan.product.noun());
                    return Ok(self.retry(Call::Poll(id), None, now, FailureKind::Malformed(reason)));
                }
                self.polled(detail, now)
            }
        })
    }

    /// Returns the time since the current phase started, and the time left until the limit.
    pub(super) fn time(&self, now: Duration) -> (Duration, Duration) {
        (now.saturating_sub(self.phase.unwrap_or(now)), self.time_left(now))
    }

    /// Returns the time left at `now`: every request ends by then. The limit holds for the whole job; for one of many,
    /// which waits for the others, it holds for each phase: the way to the submission, the render, and the download.
    #[must_use]
    pub fn time_left(&self, now: Duration) -> Duration {
        self.plan.max_wait.saturating_sub(self.time_spent(now))
    }

    /// Returns the time that counts towards the limit, at most the limit.
    pub(super) fn time_spent(&self, now: Duration) -> Duration {
        let is_watched = self.plan.wait.is_some_and(|wait| wait.is_watched);
        let since = if is_watched { self.phase } else { self.began };
        now.saturating_sub(since.unwrap_or(now)).min(self.plan.max_wait)
    }

    fn refused(&mut self, call: Call, error: Box<ApiError>, now: Duration) -> Action {
        let is_awaited = match call {
            Call::Submit(_) => error.is_key_taken() && (error.is_in_progress() || self.is_searchable()),
            Call::CreateUpload | Call::ProxyUpload | Call::Complete { .. } => error.is_in_progress(),
            Call::List | Call::Balance | Call::Put { .. } | Call::Poll(_) => false,
        };
        if error.is_transient() || is_awaited {
            let retry_after = error.retry_after;
            let kind = match call {
                Call::Put { .. } => FailureKind::Storage(error),
                _ => FailureKind::Api(error),
            };
            return self.retry(call, retry_after, now, kind);
        }
        match call {
            Call::Poll(_) if error.is_render_not_found() => self.on_missing(&error, now),
            // A proxy's page, or a gateway that does not know the way at the moment.
            Call::Poll(_) if error.status == 404 => self.retry(call, None, now, FailureKind::Api(error)),
            Call::List if !error.is_authentication() => self.on_list_failed(&error.to_string(), now),
            Call::CreateUpload | Call::ProxyUpload | Call::Put { .. } | Call::Complete { .. } => {
                self.upload_refused(call, error, now)
            }
            Call::Submit(_) => self.submission_refused(error),
            Call::Poll(_) | Call::List | Call::Balance => self.fail(call.stage(), FailureKind::Api(error)),
        }
    }

    /// Retries a request after a transient error; a poll is retried until its time limit.
    pub(super) fn retry(
        &mut self,
        call: Call,
        retry_after: Option<Duration>,
        now: Duration,
        kind: FailureKind,
    ) -> Action {
        self.attempt += 1;
        let delay = retry_delay(self.attempt, retry_after, self.plan.seed);
        let (_, left) = self.time(now);
        // A render that is paid for is not given up before the time is over.
        let is_about_followed =
            matches!(call, Call::Poll(_)) || matches!(self.question, Question::Missing(_));
        let is_patient = is_about_followed && self.plan.wait.is_some();
        // A server that responds and requests a delay is waited for.
        let is_rate_limit =
            matches!(&kind, FailureKind::Api(error) | FailureKind::Storage(error) if error.status == 429);
        let most = self.plan.max_retries.saturating_add(1);
        let is_in_progress = matches!(&kind, FailureKind::Api(error) if error.is_in_progress());
        let is_bounded = !is_patient && !is_rate_limit && !is_in_progress;
        let (attempt, of) = (self.attempt.saturating_add(1), is_bounded.then_some(most));
        let (stage, reason) = (call.stage(), kind.reason());
        let retry = Retry { stage, reason, attempt, of, left };
        if let Call::Poll(id) = &call
            && is_patient
        {
            return self.pause_poll(id.clone(), Some((delay, retry)), now);
        }
        // No pause may be requested at all (`Retry-After: 0`).
        let is_late = delay > left || left.is_zero();
        let is_over = (is_bounded && self.attempt > self.plan.max_retries) || is_late;
        if matches!(call, Call::List) && self.is_last_look() {
            return self.abandon();
        }
        if let Call::Submit(project) = &call
            && self.is_searchable()
            && kind.leaves_a_render_possible()
        {
            let (project, attempt) = (project.clone(), self.attempt);
            let kind = if is_over { self.ended_by_time(kind, is_late, now) } else { kind };
            let submission = Submission { project, attempt, failure: kind, is_last: is_over };
            return self.look_for_submission(submission, Pause { delay, retry: Some(retry) }, now);
        }
        if is_over {
            let kind = self.ended_by_time(kind, is_late, now);
            return match (call, kind) {
                (Call::Put { .. }, FailureKind::Unreachable(reason)) => self.storage_unreachable(reason),
                (call, kind) => self.fail(call.stage(), kind),
            };
        }
        self.pause(call, Pause { delay, retry: Some(retry) })
    }

    /// Converts a failure to a timeout if the time limit caused it: a transient error without time for a retry, or a response
    /// that was incomplete when the time limit was reached.
    fn ended_by_time(&self, kind: FailureKind, is_late: bool, now: Duration) -> FailureKind {
        match kind {
            FailureKind::Unreachable(_) | FailureKind::Malformed(_) if self.time_left(now).is_zero() => {
                self.timed_out(Some(kind.reason()), now)
            }
            FailureKind::Api(error) if is_late => self.timed_out(Some(error.to_string()), now),
            kind => kind,
        }
    }

    pub(super) fn timed_out(&self, reason: Option<String>, now: Duration) -> FailureKind {
        let is_unknown = self.missing.is_some() && matches!(self.plan.source, Source::Render(_));
        FailureKind::TimedOut { waited: self.time_spent(now), reason, is_unknown }
    }

    /// Leaves for the ledger how far the render is.
    pub(super) fn note_render(&mut self, state: RenderState) {
        let Some((identity, render)) = self.plan.keys.identity.as_ref().zip(self.render.as_ref()) else {
            return;
        };
        let fact = RenderFact {
            identity: identity.key(0).as_str().to_owned(),
            generation: render.generation,
            render_id: render.id.clone(),
            state,
        };
        if self.plan.reuse.render.as_ref() != Some(&fact) {
            self.facts.push(Fact::Render(fact));
        }
    }

    /// Leaves for the ledger how far the upload is.
    pub(super) fn note_asset(&mut self, asset_id: &str, state: AssetState) {
        if let Source::Archive(archive) = &self.plan.source {
            let (digest, asset_id) = (archive.digest.clone(), asset_id.to_owned());
            self.facts.push(Fact::Asset(AssetFact { digest, asset_id, state }));
        }
    }

    pub(super) fn fail(&mut self, stage: Stage, kind: FailureKind) -> Action {
        self.state = State::Ended;
        Action::Fail(Box::new(Failure {
            product: self.plan.product,
            stage,
            render_id: self.render.as_ref().map(|render| render.id.clone()),
            detail: self.detail.clone(),
            kind,
        }))
    }
}
