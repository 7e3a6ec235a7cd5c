//! Use cases about the account's renders: `get`, `list`, `delete`.

use hyperframes_ci_core::api::{
    BrokenPages, RenderDetail, RenderList, RenderPages, Request, SubmittedRender,
};

use super::outcome::{DeleteOutcome, DeletedRender, ListOutcome};
use crate::fault::Error;
use crate::heygen::environment;
use crate::heygen::transport::{CallError, Transport};
use crate::system::random;

/// Pages that are followed at most: a server that hands out cursors for ever must not hold a job for ever.
const MOST_PAGES: u32 = 1000;

/// One render.
///
/// # Errors
/// Returns an error if there is no credential, or the API refuses.
pub(crate) fn get(render_id: &str) -> Result<RenderDetail, Error> {
    let transport = environment::transport()?;
    let response = transport.call(&Request::render(render_id), environment::max_retries()?, random())?;
    Ok(response.data().map_err(CallError::from)?)
}

/// Which renders are listed.
#[derive(Clone, Debug, Default)]
pub(crate) struct ListSpec {
    /// Renders per page; the server's default where there is none.
    pub(crate) limit: Option<u32>,
    /// The cursor of the first page.
    pub(crate) token: Option<String>,
    /// Whether to follow the cursors to the end.
    pub(crate) is_all: bool,
}

/// The account's renders, newest first.
///
/// # Errors
/// Returns an error if there is no credential, the API refuses, or its pages do not come to an end.
pub(crate) fn list(spec: &ListSpec) -> Result<ListOutcome, Error> {
    let transport = environment::transport()?;
    let retries = environment::max_retries()?;
    let limit = spec.limit.or(if spec.is_all { Some(100) } else { None });
    let mut pages = RenderPages::starting_at(spec.token.clone(), limit, MOST_PAGES);
    let mut outcome = ListOutcome { renders: Vec::new(), has_more: false, next_token: None };
    while let Some(request) = pages.request() {
        let page: RenderList =
            transport.call(&request, retries, random())?.whole().map_err(CallError::from)?;
        if !spec.is_all {
            let RenderList { data, has_more, next_token } = page;
            return Ok(ListOutcome { renders: data, has_more, next_token: next_token.filter(|_| has_more) });
        }
        let advanced = pages.advance(&page);
        outcome.renders.extend(page.data);
        advanced.map_err(|broken| {
            CallError::Malformed(match broken {
                BrokenPages::NoCursor => "the API says that there are more renders and not where".to_owned(),
                BrokenPages::Endless => "the API's pages do not come to an end".to_owned(),
            })
        })?;
    }
    Ok(outcome)
}

/// A way to delete renders.
pub(crate) struct Deletion(Transport);

impl Deletion {
    /// A way to delete renders, with the user's credential.
    ///
    /// # Errors
    /// Returns an error if there is no credential.
    pub(crate) fn new() -> Result<Self, Error> {
        environment::transport().map(Self)
    }

    /// Deletes a render.
    ///
    /// # Errors
    /// Returns an error if the API refuses.
    pub(crate) fn delete(&self, render_id: &str) -> Result<DeleteOutcome, Error> {
        let response =
            self.0.call(&Request::delete_render(render_id), environment::max_retries()?, random())?;
        // Some servers answer a deletion with no body; the id is known either way.
        let render_id = if response.body.is_empty() {
            render_id.to_owned()
        } else {
            response.data::<SubmittedRender>().map_err(CallError::from)?.render_id
        };
        Ok(DeleteOutcome { render: DeletedRender { render_id }, deleted: true })
    }
}
