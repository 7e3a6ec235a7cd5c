//! The account's list of renders, page by page: the one place that knows how it is walked.

use std::collections::BTreeSet;

use super::{RenderList, Request};

/// Default number of renders per page; the API allows 1 to 100.
const PAGE: u32 = 100;

/// A walk over `GET /v3/hyperframes/renders`, newest first.
#[derive(Clone, Debug)]
pub struct RenderPages {
    limit: Option<u32>,
    token: Option<String>,
    /// Pages that may still be asked for.
    left: u32,
    /// Cursors that were followed.
    seen: BTreeSet<String>,
    has_more: bool,
}

/// A list that cannot be walked to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BrokenPages {
    /// The server reports more renders without a cursor.
    NoCursor,
    /// The server repeats a cursor, or there are more pages than the maximum.
    Endless,
}

impl RenderPages {
    /// Returns a walk over at most `most` pages of a hundred renders.
    #[must_use]
    pub fn new(most: u32) -> Self {
        Self { limit: Some(PAGE), token: None, left: most, seen: BTreeSet::new(), has_more: true }
    }

    /// Returns a walk over at most `most` pages of `limit` renders (by default the server's), starting from a cursor.
    #[must_use]
    pub fn starting_at(token: Option<String>, limit: Option<u32>, most: u32) -> Self {
        Self { limit, token, left: most, seen: BTreeSet::new(), has_more: true }
    }

    /// Returns the request for the next page; `None` at the end of the list or of the walk.
    #[must_use]
    pub fn request(&self) -> Option<Request> {
        let is_open = self.has_more && self.left > 0;
        is_open.then(|| Request::renders(self.limit, self.token.as_deref()))
    }

    /// Moves on to the page after `page`.
    ///
    /// # Errors
    /// Returns [`BrokenPages`] if the remaining renders cannot be requested; [`RenderPages::request`] is `None` then.
    pub fn advance(&mut self, page: &RenderList) -> Result<(), BrokenPages> {
        self.left = self.left.saturating_sub(1);
        self.has_more = false;
        self.token.clone_from(&page.next_token);
        if !page.has_more {
            return Ok(());
        }
        let Some(next) = &self.token else { return Err(BrokenPages::NoCursor) };
        if !self.seen.insert(next.clone()) || self.left == 0 {
            return Err(BrokenPages::Endless);
        }
        self.has_more = true;
        Ok(())
    }

    /// Ends the walk.
    pub fn stop(&mut self) {
        self.has_more = false;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page(next: Option<&str>) -> RenderList {
        RenderList { data: Vec::new(), has_more: next.is_some(), next_token: next.map(str::to_owned) }
    }

    #[test]
    fn cursors_are_followed_to_the_end() {
        let mut pages = RenderPages::new(9);
        assert_eq!(pages.advance(&page(Some("a"))), Ok(()));
        assert!(pages.request().is_some());
        assert_eq!(pages.advance(&page(None)), Ok(()));
        assert!(pages.request().is_none());
    }

    #[test]
    fn a_list_without_an_end_is_left() {
        let mut pages = RenderPages::new(9);
        assert_eq!(pages.advance(&page(Some("a"))), Ok(()));
        assert_eq!(pages.advance(&page(Some("a"))), Err(BrokenPages::Endless));
        assert!(pages.request().is_none());
        let mut pages = RenderPages::new(1);
        assert_eq!(pages.advance(&page(Some("a"))), Err(BrokenPages::Endless));
        let more = RenderList { has_more: true, ..page(None) };
        assert_eq!(RenderPages::new(2).advance(&more), Err(BrokenPages::NoCursor));
    }
}
