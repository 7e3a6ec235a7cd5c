//! Requests the state of many renders at once from the account's list.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use hyperframes_ci_core::api::{Pages, RenderDetail, RenderList};
use hyperframes_ci_core::job::retry_delay;

use crate::heygen::transport::{CallError, Transport};
use crate::system::deadline::Deadline;
use crate::system::random;

/// Returns the details of the renders with these IDs, from as few pages as possible, and the delay that the server requests.
/// Renders that cannot be read are omitted.
pub(super) fn list(
    transport: &Transport,
    mut missing: HashSet<String>,
    deadline: Deadline,
) -> (HashMap<String, Box<RenderDetail>>, Option<Duration>) {
    let mut seen = HashMap::new();
    // Other runs of the account may have submitted renders as well.
    let most = missing.len().div_ceil(100) + 2;
    let mut pages = Pages::new(u32::try_from(most).unwrap_or(u32::MAX));
    while let Some(request) = pages.request().filter(|_| !missing.is_empty()) {
        let page = match transport
            .call_by(&request, 0, random(), deadline, |response| response.whole::<RenderList>())
        {
            Ok(page) => page,
            Err(CallError::Api(error)) if error.status == 429 => {
                return (seen, Some(retry_delay(1, error.retry_after, random())));
            }
            Err(_) => break,
        };
        let _ = pages.advance(&page);
        for detail in page.data {
            if missing.remove(&detail.render_id) {
                seen.insert(detail.render_id.clone(), Box::new(detail));
            }
        }
    }
    (seen, None)
}
