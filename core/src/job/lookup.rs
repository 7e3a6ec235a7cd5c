//! Whether there is a render already: first in the ledger, then in the account's list, newest first.

use super::machine::{Call, Following, Job};
use super::{AccountIndex, Action, Origin};
use crate::api::{Account, RenderDetail, RenderList, RenderStatus};
use crate::job::RenderState;
use crate::job::{FailureKind, Refusal, Stage};

/// A render whose creation lies this many seconds before its submission was submitted earlier: the server answered the
/// key with what it gave the first time. Clocks of one server differ less.
const REPLAYED: i64 = 60;

/// Submissions that may be answered with renders of the past, one after the other.
const MOST_REPLAYS: u32 = 8;

impl Job {
    /// Begins with what the ledger knows.
    pub(super) fn look(&mut self) -> Action {
        if self.plan.keys.identity.is_none() {
            return self.prepare();
        }
        let Some(known) = self.plan.reuse.render.clone() else { return self.list() };
        self.generation = known.generation;
        match known.state {
            RenderState::Failed | RenderState::Gone => self.generation += 1,
            RenderState::Submitted | RenderState::Completed if self.plan.reuse.none => self.generation += 1,
            RenderState::Submitted | RenderState::Completed => {
                return self.follow(known.render_id, Origin::Ledger, known.generation);
            }
        }
        self.list()
    }

    /// Asks for the account's renders. A `callback_id` of the user's cannot be found there.
    pub(super) fn list(&mut self) -> Action {
        if self.has_own_callback_id() || self.plan.reuse.is_searched {
            return self.prepare();
        }
        self.account = AccountIndex::new(1, self.plan.reuse.since);
        self.next(Call::List)
    }

    /// Looks for the newest render of the identity on a page.
    pub(super) fn listed(&mut self, page: &RenderList) -> Action {
        let Some(identity) = self.plan.keys.identity.clone() else { return self.prepare() };
        self.account.add(page);
        match self.account.find(&identity, self.generation) {
            Some(found) if found.state == RenderState::Failed || self.plan.reuse.none => {
                self.generation = found.generation + 1;
                self.prepare()
            }
            // The list may lag behind, and its URLs age.
            Some(found) => self.follow(found.render_id, Origin::Account, found.generation),
            None if self.account.request().is_some() => self.next(Call::List),
            None => self.prepare(),
        }
    }

    /// Whether a render is too old to be looked at.
    fn is_past(&self, detail: &RenderDetail) -> bool {
        self.plan.reuse.since.zip(detail.created()).is_some_and(|(since, created)| created < since)
    }

    /// The list is not to be had: that costs the search, not the render. The key still keeps the server from rendering
    /// twice, as long as it remembers it.
    pub(super) fn not_listed(&mut self, reason: &str) -> Action {
        self.notice = Some(format!("the account's renders cannot be searched: {reason}"));
        self.prepare()
    }

    /// Whether the render, seen for the first time, is the one to wait for.
    pub(super) fn will_do(&self, detail: &RenderDetail, render: &Following) -> bool {
        let is_failed = detail.status() == RenderStatus::Failed;
        match render.origin {
            Origin::Given => true,
            Origin::Ledger | Origin::Account => !is_failed && !self.is_past(detail),
            Origin::Submitted => {
                let submitted_earlier = render
                    .submitted
                    .zip(detail.created())
                    .is_some_and(|(now, created)| created < now - REPLAYED);
                let is_of_no_use = is_failed
                    || (detail.status().is_final() && (self.plan.reuse.none || self.is_past(detail)));
                !(submitted_earlier && is_of_no_use && self.may_go_on(render))
            }
        }
    }

    /// Whether a submission that was answered with a render of no use may be followed by one of the next generation. A
    /// key that the user chose is theirs: what it is answered with is what they asked for.
    pub(super) fn may_go_on(&self, render: &Following) -> bool {
        let first = self.plan.reuse.render.as_ref().map_or(0, |known| known.generation);
        render.origin == Origin::Submitted
            && self.plan.keys.chosen.is_none()
            && self.plan.keys.identity.is_some()
            && render.generation < first.saturating_add(MOST_REPLAYS)
    }

    /// Goes on without a render that will not do.
    pub(super) fn pass_over(&mut self, detail: &RenderDetail, render: &Following) -> Action {
        if detail.status() == RenderStatus::Failed {
            self.note_render(RenderState::Failed);
        }
        self.give_up(render)
    }

    /// Goes on without a render that will not do, in the next generation.
    pub(super) fn give_up(&mut self, render: &Following) -> Action {
        self.render = None;
        self.generation = render.generation + 1;
        match render.origin {
            // Another machine may have gone on already.
            Origin::Ledger => self.list(),
            Origin::Account | Origin::Given => self.prepare(),
            Origin::Submitted => self.upload(),
        }
    }

    /// There is no render that will do: a new one is about to cost something.
    pub(super) fn prepare(&mut self) -> Action {
        if let Some(refusal) = self.plan.limits.exceeded.clone() {
            return self.fail(Stage::Submit, FailureKind::Limit(refusal));
        }
        match self.plan.limits.min_balance {
            Some(_) => self.next(Call::Balance),
            None => self.upload(),
        }
    }

    /// Goes on if there is enough left to spend.
    pub(super) fn weighed(&mut self, account: &Account) -> Action {
        let least = self.plan.limits.min_balance.unwrap_or_default();
        match account.balance() {
            Some(balance) if balance >= least => self.upload(),
            balance => self.fail(Stage::Balance, FailureKind::Limit(Refusal::Balance { balance, least })),
        }
    }
}
