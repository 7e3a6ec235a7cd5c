//! The use cases `get`, `list` and `delete`: the renders of the account.

use hyperframes_ci_core::api::{Page, Pages, RenderDetail, Request, SubmittedRender};

use super::outcome::{DeleteOutcome, DeletedRender, ListOutcome};
use super::pages::{MAX_PAGES, PageSpec, read_pages};
use crate::fault::Error;
use crate::heygen::environment;
use crate::heygen::transport::{CallError, Transport};
use crate::system::random;

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

/// Lists the renders of the account, newest first.
///
/// # Errors
/// Returns an error if there is no credential, and as [`read_pages`].
pub(crate) fn list(spec: &PageSpec) -> Result<ListOutcome, Error> {
    let transport = environment::transport()?;
    let pages = Pages::of_renders(spec.limit(100), MAX_PAGES);
    let Page { data, has_more, next_token } = read_pages(&transport, pages, spec, "renders")?;
    Ok(ListOutcome { renders: data, has_more, next_token })
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
