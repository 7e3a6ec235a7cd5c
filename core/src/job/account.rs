//! Which renders an account has already, from its list: the one place that decides how deep to look.

use std::collections::{HashMap, HashSet};

use super::RenderIdentity;
use super::ledger::{RenderFact, RenderState};
use crate::api::{Pages, Product, RenderDetail, RenderList, RenderStatus, Request};

/// Generations of one identity that are looked for where none is found. There is no limit to those that are found: a project
/// that does not change has one more for each run with `--no-reuse`.
pub const GENERATIONS: u32 = 64;

/// The prefix of every render key.
const PREFIX: &str = "hfci_";

/// Returns the key that a render or a clip was submitted for, if this program did so.
pub(super) fn key_of(detail: &RenderDetail) -> Option<&str> {
    let marks = [&detail.callback_id, &detail.title];
    marks.into_iter().flatten().map(String::as_str).find(|mark| mark.starts_with(PREFIX))
}

/// How much older than the newest renders of the account a render may be to be looked for, in seconds: 30 days. Both times
/// are the server's own, so that a wrong clock hides nothing.
const RECENT: i64 = 30 * 86_400;

/// The start of the year 10000, in unix seconds: a creation beyond it is in another unit, or none.
const YEAR_10000: i64 = 253_402_300_800;

/// Returns the lower and the upper median of the plausible creations on a page. One odd value moves neither beyond all others.
fn median_creations(page: &RenderList) -> Option<(i64, i64)> {
    let plausible = |created: &i64| (-YEAR_10000..YEAR_10000).contains(created);
    let mut created =
        page.data.iter().filter_map(RenderDetail::created).filter(plausible).collect::<Vec<_>>();
    created.sort_unstable();
    Some((*created.get(created.len().checked_sub(1)? / 2)?, *created.get(created.len() / 2)?))
}

/// Pages of a hundred renders that are read to find `renders` renders: 10 for one, up to 200 for many.
fn depth(renders: u64) -> u32 {
    u32::try_from(renders.saturating_mul(10).clamp(10, 200)).unwrap_or(200)
}

/// The account's renders by render key.
#[derive(Clone, Debug)]
pub struct AccountIndex {
    renders: HashMap<String, (String, RenderState)>,
    /// All renders that were read, by id.
    states: HashMap<String, RenderState>,
    pages: Pages,
    since: Option<i64>,
    /// Whether to stop at renders that are not [`RECENT`].
    is_recent_only: bool,
    /// Creation time of the newest renders: the median of the first page that reports times.
    newest: Option<i64>,
    /// Whether reading stopped before the end of the list.
    is_cut: bool,
}

impl Default for AccountIndex {
    /// Returns an empty index that requests no pages.
    fn default() -> Self {
        let mut pages = Pages::new(0);
        pages.stop();
        let (renders, states) = (HashMap::new(), HashMap::new());
        Self { renders, states, pages, since: None, is_recent_only: false, newest: None, is_cut: false }
    }
}

impl AccountIndex {
    /// Returns an empty index to look up `renders` renders; those that were created before `since` (unix seconds) count as failed.
    #[must_use]
    pub fn new(renders: u64, since: Option<i64>) -> Self {
        Self { pages: Pages::new(depth(renders)), since, ..Self::default() }
    }

    /// Looks for clips instead of renders.
    #[must_use]
    pub(super) fn of(self, product: Product) -> Self {
        Self { pages: self.pages.at(product.path()), ..self }
    }

    /// Sets from when on renders count, in unix seconds, for the pages to come.
    pub fn set_since(&mut self, since: Option<i64>) {
        self.since = since;
    }

    /// Returns an index like [`AccountIndex::new`], of renders not much older than the newest of the account.
    #[must_use]
    pub fn recent(renders: u64, since: Option<i64>) -> Self {
        Self { is_recent_only: true, ..Self::new(renders, since) }
    }

    /// Returns whether the list was read to its end.
    #[must_use]
    pub fn is_whole(&self) -> bool {
        !self.is_cut && self.request().is_none()
    }

    /// Returns the state of the render with this id, if it was read.
    #[must_use]
    pub fn state(&self, render_id: &str) -> Option<RenderState> {
        self.states.get(render_id).copied()
    }

    /// Returns the ids of all renders that were read, which are forgotten here.
    pub(super) fn take_ids(&mut self) -> HashSet<String> {
        std::mem::take(&mut self.states).into_keys().collect()
    }

    /// Returns the request for the next page of the account's list; `None` if no further page is needed.
    #[must_use]
    pub fn request(&self) -> Option<Request> {
        self.pages.request()
    }

    /// Takes in the page that [`AccountIndex::request`] asked for.
    pub fn add(&mut self, page: &RenderList) {
        // A list with broken cursors ends here: the idempotency keys still keep the server from rendering twice.
        self.is_cut |= self.pages.advance(page).is_err();
        if let Some((lower, upper)) = median_creations(page) {
            let newest = *self.newest.get_or_insert(lower);
            let is_old = self.is_recent_only && upper < newest.saturating_sub(RECENT);
            if is_old || self.since.is_some_and(|since| upper < since) {
                // The pages after it are older.
                self.pages.stop();
            }
        }
        for detail in &page.data {
            let state = match detail.status() {
                _ if self.is_past(detail) => RenderState::Failed,
                RenderStatus::Completed => RenderState::Completed,
                RenderStatus::Failed => RenderState::Failed,
                RenderStatus::Queued | RenderStatus::Rendering | RenderStatus::Unknown => {
                    RenderState::Submitted
                }
            };
            self.states.insert(detail.render_id.clone(), state);
            let Some(key) = key_of(detail) else { continue };
            // The newest comes first.
            self.renders.entry(key.to_owned()).or_insert_with(|| (detail.render_id.clone(), state));
        }
    }

    fn is_past(&self, detail: &RenderDetail) -> bool {
        self.since.zip(detail.created()).is_some_and(|(since, created)| created < since)
    }

    /// Returns the render of the highest generation of `identity` that has not failed.
    #[must_use]
    pub(super) fn find_usable(&self, identity: &RenderIdentity) -> Option<RenderFact> {
        let is_usable = |state| matches!(state, RenderState::Submitted | RenderState::Completed);
        let mut usable = None;
        let mut last = GENERATIONS;
        for (generation, key) in identity.keys(0) {
            if generation >= last {
                break;
            }
            let Some((render_id, state)) = self.renders.get(key.as_str()) else { continue };
            last = generation.saturating_add(GENERATIONS);
            if is_usable(*state) {
                usable = Some((generation, render_id.clone(), *state));
            }
        }
        let (generation, render_id, state) = usable?;
        Some(RenderFact { identity: identity.key(0).to_string(), generation, render_id, state })
    }

    /// Returns the render of the highest generation of `identity`, from generation `first` on.
    #[must_use]
    pub fn find(&self, identity: &RenderIdentity, first: u32) -> Option<RenderFact> {
        if self.renders.is_empty() {
            return None;
        }
        let mut found = None;
        for (generation, key) in identity.keys(first) {
            match self.renders.get(key.as_str()) {
                Some((render_id, state)) => found = Some((generation, render_id.clone(), *state)),
                // Generations have no gaps, unless the first ones fell out of the window.
                None if found.is_some() || generation - first >= GENERATIONS => break,
                None => {}
            }
        }
        let (generation, render_id, state) = found?;
        Some(RenderFact { identity: identity.key(0).to_string(), generation, render_id, state })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Map, Value, json};

    use super::*;
    use crate::job::ProjectIdentity;

    fn page(details: &[Value]) -> RenderList {
        serde_json::from_value(json!({ "data": details, "has_more": true, "next_token": "t" }))
            .expect("a list")
    }

    #[test]
    fn the_highest_generation_counts_and_the_window_ends_the_walk() {
        let identity = RenderIdentity::new(ProjectIdentity::Digest("d"), &Map::new());
        let render = |generation: u32, status: &str, created: i64| {
            json!({ "render_id": format!("r{generation}"), "status": status, "created_at": created,
                "callback_id": identity.key(generation).as_str() })
        };
        let mut index = AccountIndex::new(1, Some(10));
        index.add(&page(&[render(2, "rendering", 30), render(1, "failed", 20)]));
        assert!(index.request().is_some());
        let found = index.find(&identity, 0).expect("found");
        assert_eq!(
            (found.generation, found.render_id.as_str(), found.state),
            (2, "r2", RenderState::Submitted)
        );
        assert!(index.find(&identity, 3).is_none());
        index.add(&page(&[render(0, "completed", 9)]));
        assert!(index.request().is_none());
        assert!(AccountIndex::default().request().is_none());
    }

    #[test]
    fn how_far_the_walk_goes_depends_on_the_clock_of_the_server_only() {
        let identity = RenderIdentity::new(ProjectIdentity::Digest("d"), &Map::new());
        let render = |generation: u32, created: i64| {
            json!({ "render_id": "r", "status": "completed", "created_at": created,
                "callback_id": identity.key(generation).as_str() })
        };
        let mut index = AccountIndex::recent(1, None);
        index.add(&page(&[render(1, 5)]));
        assert!(index.request().is_some(), "1970 is as good as any other time");
        index.add(&page(&[render(0, 5 - RECENT - 1)]));
        assert!(index.request().is_none());
        assert_eq!(index.find(&identity, 0).map(|found| found.state), Some(RenderState::Completed));
    }

    #[test]
    fn one_odd_creation_does_not_end_the_walk() {
        let now = 1_795_176_000_i64;
        let render =
            |created: Value| json!({ "render_id": "r", "status": "completed", "created_at": created });
        let odd =
            [json!(now + 100 * RECENT), json!(now * 1000), json!(1e300), json!(0), json!(-1e300), json!("x")];
        for (odd, at) in odd.iter().flat_map(|odd| [0, 1, 2].map(|at| (odd, at))) {
            let page = |first: i64, token: &str| {
                let mut details = [first, first - 10, first - 20].map(|created| render(json!(created)));
                details[at] = render(odd.clone());
                RenderList { next_token: Some(token.to_owned()), ..page(&details) }
            };
            for mut index in [AccountIndex::recent(1, None), AccountIndex::new(1, Some(now - RECENT))] {
                for (first, token) in [(now, "a"), (now - 100, "b"), (now - RECENT + 100, "c")] {
                    index.add(&page(first, token));
                    assert!(index.request().is_some(), "{odd} at {at}, page {token}");
                }
                index.add(&page(now - RECENT - 100, "d"));
                assert!(index.request().is_none(), "{odd} at {at}");
            }
        }
    }

    #[test]
    fn more_renders_are_looked_for_deeper() {
        assert_eq!([0, 1, 5, 1000].map(depth), [10, 10, 50, 200]);
    }
}
