//! Lists of the API, page by page: the one place that knows how they are walked.

use std::collections::BTreeSet;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer};
use serde_json::Value;

use super::{RENDERS, RenderDetail, Request};

/// Default number of renders per page; the API allows 1 to 100.
const PAGE: u32 = 100;

/// One page of a list.
#[derive(Clone, Debug, Deserialize)]
#[serde(bound = "T: DeserializeOwned")]
pub struct Page<T> {
    /// Entries in the order of the server, without those that cannot be read.
    #[serde(default, deserialize_with = "entries")]
    pub data: Vec<T>,
    /// Whether more pages follow.
    #[serde(default)]
    pub has_more: bool,
    /// The cursor of the next page.
    #[serde(default)]
    pub next_token: Option<String>,
}

/// One page of renders, newest first.
pub type RenderList = Page<RenderDetail>;

/// Reads the entries of a page one by one: a single entry without an ID must not hide the others, since a render that is
/// not found is paid for again.
fn entries<'de, D: Deserializer<'de>, T: DeserializeOwned>(deserializer: D) -> Result<Vec<T>, D::Error> {
    let entries = Vec::<Value>::deserialize(deserializer)?;
    Ok(entries.into_iter().filter_map(|entry| serde_json::from_value(entry).ok()).collect())
}

/// A walk over a list.
#[derive(Clone, Debug)]
pub struct Pages {
    /// Path of the list, with its filters.
    path: String,
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
    /// The server reports more entries without a cursor.
    NoCursor,
    /// The server repeats a cursor, or there are more pages than the maximum.
    Endless,
}

impl Pages {
    /// Returns a walk over at most `most` pages of a hundred renders.
    #[must_use]
    pub fn new(most: u32) -> Self {
        Self::of_renders(Some(PAGE), most)
    }

    /// Returns a walk over at most `most` pages of `limit` renders, by default the server's.
    #[must_use]
    pub fn of_renders(limit: Option<u32>, most: u32) -> Self {
        Self::of(RENDERS, &[], limit, most)
    }

    /// Returns a walk over at most `most` pages of `limit` entries (by default the server's) of the list at `path`. Filters
    /// without a value are absent from the request.
    #[must_use]
    pub fn of(path: &str, filters: &[(&str, Option<&str>)], limit: Option<u32>, most: u32) -> Self {
        let path = Request::filtered(path, filters);
        Self { path, limit, token: None, left: most, seen: BTreeSet::new(), has_more: true }
    }

    /// Returns the same walk over the list at another path.
    #[must_use]
    pub(crate) fn at(self, path: &str) -> Self {
        Self { path: path.to_owned(), ..self }
    }

    /// Starts from a cursor.
    #[must_use]
    pub fn starting_at(self, token: Option<String>) -> Self {
        Self { token, ..self }
    }

    /// Returns the request for the next page; `None` at the end of the list or of the walk.
    #[must_use]
    pub fn request(&self) -> Option<Request> {
        let is_open = self.has_more && self.left > 0;
        is_open.then(|| Request::page(&self.path, self.limit, self.token.as_deref()))
    }

    /// Moves on to the page after `page`.
    ///
    /// # Errors
    /// Returns [`BrokenPages`] if the remaining entries cannot be requested; [`Pages::request`] is `None` then.
    pub fn advance<T>(&mut self, page: &Page<T>) -> Result<(), BrokenPages> {
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
        let mut pages = Pages::new(9);
        assert_eq!(pages.advance(&page(Some("a"))), Ok(()));
        assert!(pages.request().is_some());
        assert_eq!(pages.advance(&page(None)), Ok(()));
        assert!(pages.request().is_none());
    }

    #[test]
    fn a_list_without_an_end_is_left() {
        let mut pages = Pages::new(9);
        assert_eq!(pages.advance(&page(Some("a"))), Ok(()));
        assert_eq!(pages.advance(&page(Some("a"))), Err(BrokenPages::Endless));
        assert!(pages.request().is_none());
        let mut pages = Pages::new(1);
        assert_eq!(pages.advance(&page(Some("a"))), Err(BrokenPages::Endless));
        let more = RenderList { has_more: true, ..page(None) };
        assert_eq!(Pages::new(2).advance(&more), Err(BrokenPages::NoCursor));
    }
}
