//! The use cases `get`, `list` and `delete`: the renders of the account.

use hyperframes_ci_core::api::{
    BrokenPages, RenderDetail, RenderList, RenderPages, Request, SubmittedRender,
};

use super::outcome::{DeleteOutcome, DeletedRender, ListOutcome};
use crate::fault::Error;
use crate::heygen::environment;
use crate::heygen::transport::{CallError, Transport};
use crate::system::random;

/// Maximum number of pages to request, in case the server never ends the list.
const MAX_PAGES: u32 = 1000;

/// Returns a render of the account.
///
/// # Errors
/// Returns an error if there is no credential or the API call fails.
pub(crate) fn get(render_id: &str) -> Result<RenderDetail, Error> {
    let transport = environment::transport()?;
    let response = transport
        .call(&Request::render(render_id), environment::max_retries()?, random())
        .map_err(describe_unknown)?;
    Ok(response.data().map_err(CallError::from)?)
}

/// Describes the error of a call about an unknown render. The ID is not repeated, since it may be a pasted API key.
fn describe_unknown(error: CallError) -> CallError {
    match error {
        CallError::Api(mut error) if error.is_render_not_found() => {
            "no render with this ID in this account".clone_into(&mut error.message);
            CallError::Api(error)
        }
        error => error,
    }
}

/// Which renders to list.
#[derive(Clone, Debug, Default)]
pub(crate) struct ListSpec {
    /// Renders per page; the server's default if absent.
    pub(crate) limit: Option<u32>,
    /// The cursor of the first page.
    pub(crate) token: Option<String>,
    /// Whether to request all pages.
    pub(crate) is_all: bool,
}

/// Lists the renders of the account, newest first.
///
/// # Errors
/// Returns an error if there is no credential, an API call fails, a page has no cursor although more follow, or there
/// are more than [`MAX_PAGES`] pages.
pub(crate) fn list(spec: &ListSpec) -> Result<ListOutcome, Error> {
    let transport = environment::transport()?;
    let retries = environment::max_retries()?;
    let limit = spec.limit.or(if spec.is_all { Some(100) } else { None });
    let mut pages = RenderPages::starting_at(spec.token.clone(), limit, MAX_PAGES);
    let mut outcome = ListOutcome { renders: Vec::new(), has_more: false, next_token: None };
    while let Some(request) = pages.request() {
        let page: RenderList = transport.get(&request, retries, random())?;
        if !spec.is_all {
            let RenderList { data, has_more, next_token } = page;
            return Ok(ListOutcome { renders: data, has_more, next_token: next_token.filter(|_| has_more) });
        }
        let advanced = pages.advance(&page);
        outcome.renders.extend(page.data);
        advanced.map_err(|broken| {
            let message = match broken {
                BrokenPages::NoCursor => "the API reported more renders without a cursor",
                BrokenPages::Endless => "the API returned too many pages of renders",
            };
            CallError::Malformed { message: message.to_owned(), is_cut: false }
        })?;
    }
    Ok(outcome)
}

/// Deletes renders with the user's credential.
pub(crate) struct Deletion(Transport);

impl Deletion {
    /// Finds the credential.
    ///
    /// # Errors
    /// Returns an error if there is no credential.
    pub(crate) fn new() -> Result<Self, Error> {
        environment::transport().map(Self)
    }

    /// Deletes a render.
    ///
    /// # Errors
    /// Returns an error if the API call fails.
    pub(crate) fn delete(&self, render_id: &str) -> Result<DeleteOutcome, Error> {
        let response = self
            .0
            .call(&Request::delete_render(render_id), environment::max_retries()?, random())
            .map_err(describe_unknown)?;
        // Some servers send no body.
        let render_id = if response.body.is_empty() {
            render_id.to_owned()
        } else {
            response.data::<SubmittedRender>().map_err(CallError::from)?.render_id
        };
        Ok(DeleteOutcome { render: DeletedRender { render_id }, deleted: true })
    }
}
