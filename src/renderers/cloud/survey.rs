//! Which renders the account has already, asked once for a whole batch.

use std::collections::HashMap;

use hyperframes_ci_core::api::{RenderList, RenderStatus, Request};
use hyperframes_ci_core::job::{RenderFact, RenderIdentity, RenderState};

use crate::heygen::transport::{CallError, Transport};

/// Pages of a hundred renders that are looked at.
const MOST_PAGES: usize = 200;

/// Generations of one row that are looked for.
const GENERATIONS: u32 = 16;

/// What the account has, by render key.
#[derive(Debug, Default)]
pub(crate) struct Survey {
    renders: HashMap<String, (String, RenderState)>,
}

impl Survey {
    /// Asks for the account's renders, newest first, as far back as `since` (unix seconds).
    ///
    /// # Errors
    /// When the API refuses.
    pub(crate) fn of(transport: &Transport, since: i64, retries: u32) -> Result<Self, CallError> {
        let mut survey = Self::default();
        let mut token: Option<String> = None;
        for _ in 0..MOST_PAGES {
            let response = transport.call(
                &Request::renders(Some(100), token.as_deref()),
                retries,
                crate::system::random(),
            )?;
            let page: RenderList = response.whole().map_err(CallError::from)?;
            for detail in &page.data {
                if detail.created().is_some_and(|created| created < since) {
                    return Ok(survey);
                }
                let Some(key) = detail.callback_id.as_ref().filter(|id| id.starts_with("hfci_")) else {
                    continue;
                };
                let state = match detail.status() {
                    RenderStatus::Completed => RenderState::Completed,
                    RenderStatus::Failed => RenderState::Failed,
                    RenderStatus::Queued | RenderStatus::Rendering | RenderStatus::Unknown => {
                        RenderState::Submitted
                    }
                };
                // The newest comes first.
                survey.renders.entry(key.clone()).or_insert_with(|| (detail.render_id.clone(), state));
            }
            token = page.next_token.filter(|_| page.has_more);
            if token.is_none() {
                break;
            }
        }
        Ok(survey)
    }

    /// The render of the highest generation of an identity.
    pub(crate) fn find(&self, identity: &RenderIdentity) -> Option<RenderFact> {
        let mut found = None;
        for generation in 0..GENERATIONS {
            let Some((render_id, state)) = self.renders.get(identity.key(generation).as_str()) else {
                // Generations have no gaps, unless one fell out of the window.
                if found.is_some() || self.renders.is_empty() {
                    break;
                }
                continue;
            };
            let (identity, render_id, state) = (identity.key(0).to_string(), render_id.clone(), *state);
            found = Some(RenderFact { identity, generation, render_id, state });
        }
        found
    }
}
