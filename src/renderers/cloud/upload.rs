//! The upload that the orders of a run share: the first that needs it is the leader, and the others wait for it.

use std::collections::VecDeque;
use std::sync::Mutex;

use hyperframes_ci_core::job::{AssetFact, AssetState, RenderState, Replacement};

use super::lanes::lock;
use super::task::Task;
use crate::renderers::Order;

#[derive(Default)]
struct State {
    asset: Option<AssetFact>,
    /// Whether the upload is complete and all checks before billing have passed.
    is_open: bool,
    has_leader: bool,
    waiting: VecDeque<Order>,
    renewal: Renewal,
}

/// The replacement of an asset that the server refused, once for all orders of a run.
#[derive(Default)]
enum Renewal {
    #[default]
    Possible,
    /// A task replaces `refused`, and others wait for it.
    Running { refused: String, waiting: Vec<Task> },
    /// The replacement has ended, and `refused` is not used again.
    Over { refused: String },
}

impl State {
    fn end_renewal(&mut self) -> Vec<Task> {
        match std::mem::take(&mut self.renewal) {
            Renewal::Running { refused, waiting } => {
                self.renewal = Renewal::Over { refused };
                waiting
            }
            other => {
                self.renewal = other;
                Vec::new()
            }
        }
    }
}

/// The shared upload.
pub(super) struct SharedUpload {
    state: Mutex<State>,
    /// Whether orders share the upload.
    is_shared: bool,
    /// Whether reuse is off.
    is_reuse_off: bool,
}

/// An order that may start.
pub(super) struct Admitted {
    pub(super) order: Order,
    /// The upload, if it is known.
    pub(super) asset: Option<AssetFact>,
    pub(super) is_leader: bool,
}

impl SharedUpload {
    /// Returns the upload, with the `asset` from the ledger.
    pub(super) fn new(asset: Option<AssetFact>, is_shared: bool, is_reuse_off: bool) -> Self {
        let state = State { asset, ..State::default() };
        Self { state: Mutex::new(state), is_shared, is_reuse_off }
    }

    /// Admits an order, unless it must wait for the upload of another one.
    pub(super) fn admit(&self, mut order: Order) -> Option<Admitted> {
        let mut state = lock(&self.state);
        let is_ready = state.asset.as_ref().is_some_and(|asset| asset.state == AssetState::Ready);
        // An existing render needs no upload.
        let is_paid = order.known.as_ref().is_some_and(|known| {
            let is_reused = !self.is_reuse_off || order.limits.is_reuse_only;
            matches!(known.state, RenderState::Submitted | RenderState::Completed) && is_reused
        });
        let needs_leader =
            self.is_shared && !is_paid && !state.is_open && (!is_ready || order.limits.min_balance.is_some());
        if needs_leader && state.has_leader {
            state.waiting.push_back(order);
            return None;
        }
        state.has_leader |= needs_leader;
        if state.is_open {
            // The balance was checked for the leader.
            order.limits.min_balance = None;
        }
        Some(Admitted { order, asset: state.asset.clone(), is_leader: needs_leader })
    }

    /// Returns the orders that waited for the upload of the leader, which is complete. Without an asset, each submission
    /// includes the archive.
    pub(super) fn open(&self, asset: Option<AssetFact>) -> Vec<Order> {
        let mut state = lock(&self.state);
        state.asset = asset.or(state.asset.take());
        (state.is_open, state.has_leader) = (true, false);
        state.waiting.drain(..).collect()
    }

    /// Records the progress of an upload. An upload that replaces a refused asset is used by the following orders and by the
    /// tasks that wait for it, which are returned.
    pub(super) fn record(&self, fact: &AssetFact) -> Vec<Task> {
        let mut state = lock(&self.state);
        if !self.is_shared || fact.state != AssetState::Ready || state.asset.is_none() {
            return Vec::new();
        }
        if let Renewal::Running { refused, .. } | Renewal::Over { refused } = &state.renewal
            && *refused == fact.asset_id
        {
            return Vec::new();
        }
        state.asset = Some(fact.clone());
        state.end_renewal()
    }

    /// Returns the replacement for `task`, whose asset `refused` the server refused; `None` if it waits for another task.
    pub(super) fn replace(&self, mut task: Box<Task>, refused: String) -> Option<(Box<Task>, Replacement)> {
        let mut state = lock(&self.state);
        let newer = state
            .asset
            .as_ref()
            .filter(|asset| asset.state == AssetState::Ready && asset.asset_id != refused);
        if let Some(newer) = newer {
            return Some((task, Replacement::Use(newer.asset_id.clone())));
        }
        match &mut state.renewal {
            Renewal::Possible => {
                state.renewal = Renewal::Running { refused, waiting: Vec::new() };
                task.is_replacing = true;
                Some((task, Replacement::Upload))
            }
            Renewal::Running { waiting, .. } => {
                waiting.push(*task);
                None
            }
            Renewal::Over { .. } => Some((task, Replacement::None)),
        }
    }

    /// Returns the tasks that still wait for the replacement of a refused asset, which has ended.
    pub(super) fn end_renewal(&self) -> Vec<Task> {
        lock(&self.state).end_renewal()
    }

    /// Returns the next order, which replaces a leader that needed no upload, or failed.
    pub(super) fn next_leader(&self) -> Option<Order> {
        let mut state = lock(&self.state);
        state.has_leader = false;
        state.waiting.pop_front()
    }

    /// Returns the waiting orders, which must not be submitted.
    pub(super) fn abandon(&self) -> Vec<Order> {
        let mut state = lock(&self.state);
        state.has_leader = false;
        state.waiting.drain(..).collect()
    }
}
