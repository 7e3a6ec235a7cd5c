//! Lists of the API: one page, or all of them.

use hyperframes_ci_core::api::{BrokenPages, Page, Pages};
use serde::de::DeserializeOwned;

use crate::fault::Error;
use crate::heygen::environment;
use crate::heygen::transport::{CallError, Transport};
use crate::system::random;

/// Maximum number of pages to request, in case the server never ends the list.
pub(super) const MAX_PAGES: u32 = 1000;

/// Which part of a list to request.
#[derive(Clone, Debug, Default)]
pub(crate) struct PageSpec {
    /// Entries per page; the server's default if absent.
    pub(crate) limit: Option<u32>,
    /// The cursor of the first page.
    pub(crate) token: Option<String>,
    /// Whether to request all pages.
    pub(crate) is_all: bool,
}

impl PageSpec {
    /// Returns the number of entries per page, of which the API allows `most`.
    pub(super) fn limit(&self, most: u32) -> Option<u32> {
        self.limit.map(|limit| limit.min(most)).or(self.is_all.then_some(most))
    }
}

/// Reads one page, or all pages as one; `what` is the kind of entries in messages.
///
/// # Errors
/// Returns an error if an API call fails, a page has no cursor although more follow, or there are more than [`MAX_PAGES`]
/// pages.
pub(super) fn read_pages<T: DeserializeOwned>(
    transport: &Transport,
    pages: Pages,
    spec: &PageSpec,
    what: &str,
) -> Result<Page<T>, Error> {
    let retries = environment::max_retries()?;
    let mut pages = pages.starting_at(spec.token.clone());
    let mut all = Page { data: Vec::new(), has_more: false, next_token: None };
    while let Some(request) = pages.request() {
        let page: Page<T> = transport.get(&request, retries, random())?;
        if !spec.is_all {
            let next_token = page.next_token.filter(|_| page.has_more);
            return Ok(Page { next_token, ..page });
        }
        let advanced = pages.advance(&page);
        all.data.extend(page.data);
        advanced.map_err(|broken| {
            let message = match broken {
                BrokenPages::NoCursor => format!("the API reported more {what} without a cursor"),
                BrokenPages::Endless => format!("the API returned too many pages of {what}"),
            };
            CallError::Malformed { message, is_cut: false }
        })?;
    }
    Ok(all)
}
