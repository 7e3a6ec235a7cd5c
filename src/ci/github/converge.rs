//! Brings the comment of a pull request to what the stored sections say.
//!
//! The API has no conditional writes of comments, so a job can overwrite the comment of another with an older one. But every
//! job, after its last write of the branch or of the comment, reads both at one time, and writes the comment again unless it
//! is what the sections say. So whichever write is the last, the comment is right after it. A job that is killed in between
//! leaves a comment that lacks something; the next job writes it.

use serde_json::json;

use super::client::Client;
use super::snapshot::{Comment, Snapshot};
use crate::ci::contention::wait_before;
use crate::ci::error::ProviderError;
use crate::ci::event::PullRequest;
use crate::ci::rest::Body;
use crate::ci::sections::{self, StoredSection};

/// Attempts of a comment that other jobs write. The last job of a large matrix ends them all.
const ATTEMPTS: u32 = 60;

/// Attempts for which a job waits for the comment of another, which has stored the first section.
const PATIENCE: u32 = 6;

/// A comment to bring to what the sections say.
pub(super) struct Convergence<'a> {
    pub(super) client: &'a Client,
    pub(super) branch: &'a str,
    pub(super) request: &'a PullRequest,
}

/// How a comment ends.
pub(super) enum Converged {
    /// The comment is right; the id is `None` if there is none, and no section for one.
    Right(Option<u64>),
    /// The pull request is closed.
    Closed,
    /// The section was deleted from the branch.
    Lost,
}

impl Convergence<'_> {
    fn read(&self) -> Result<Snapshot, ProviderError> {
        Snapshot::read(self.client, self.branch, Some(self.request))
    }

    /// Writes the comment until it is right. `known` is the state after the job has stored `own`, and `is_first` says that it
    /// has stored the first section, so that it creates the comment.
    ///
    /// # Errors
    /// Returns [`ProviderError`] if the service refuses, or other jobs write the comment all the time.
    pub(super) fn run(
        &self,
        known: Snapshot,
        own: &StoredSection,
        is_first: bool,
    ) -> Result<Converged, ProviderError> {
        let mut patience = if is_first { 0 } else { PATIENCE };
        let (mut known, mut last) = (Some(known), None);
        for attempt in 0..ATTEMPTS {
            // The second attempt checks what the first has written.
            wait_before(attempt.saturating_sub(1));
            let is_checked = known.is_none();
            let snapshot = match known.take() {
                Some(known) => known,
                None => self.read()?,
            };
            let Some(pull) = &snapshot.pull else {
                return Err(ProviderError::Forbidden("the pull request cannot be read".to_owned()));
            };
            if !pull.state.is_open {
                return Ok(Converged::Closed);
            }
            let is_stored = snapshot
                .sections()
                .get(&own.key)
                .is_some_and(|stored| stored == own || stored.time >= own.time);
            if !is_stored {
                return Ok(Converged::Lost);
            }
            let text = self.render(&snapshot);
            let present = pull.comments.as_slice();
            let is_right = match present {
                [] => snapshot.sections().has_no_texts(),
                [only] => sections::is_same(&only.text, &text),
                _ => false,
            };
            // A service that changes texts never has the right one: seeing the same twice is enough.
            let is_settled = present.len() == 1 && last.as_ref() == Some(&(text.clone(), present.to_vec()));
            if is_checked && (is_right || is_settled) {
                return Ok(Converged::Right(present.first().map(|comment| comment.id)));
            }
            if present.is_empty() && patience > 0 {
                patience -= 1;
                continue;
            }
            if !is_right {
                self.write(present, &text)?;
            }
            last = is_checked.then(|| (text, present.to_vec()));
        }
        Err(ProviderError::Failed("cannot write the comment: other jobs keep writing it".to_owned()))
    }

    /// Brings an existing comment up to date. Returns whether it was written, so that it must be checked later, and what was
    /// read.
    ///
    /// # Errors
    /// Returns [`ProviderError`] if the service refuses.
    pub(super) fn refresh(&self) -> Result<(bool, Snapshot), ProviderError> {
        let snapshot = self.read()?;
        let text = self.render(&snapshot);
        let present = snapshot.comments();
        let is_right =
            present.is_empty() || matches!(present, [only] if sections::is_same(&only.text, &text));
        if !is_right {
            self.write(present, &text)?;
        }
        Ok((!is_right, snapshot))
    }

    /// Replaces the comment of a closed pull request, if there is one.
    ///
    /// # Errors
    /// Returns [`ProviderError`] if the service refuses, or other jobs write the comment all the time.
    pub(super) fn retire(&self) -> Result<(), ProviderError> {
        for attempt in 0..ATTEMPTS {
            wait_before(attempt);
            if !self.refresh()?.0 {
                return Ok(());
            }
        }
        Err(ProviderError::Failed("cannot write the comment: other jobs keep writing it".to_owned()))
    }

    /// Returns the comment that belongs to a snapshot. Of a closed pull request, the files are deleted.
    fn render(&self, snapshot: &Snapshot) -> String {
        let present = snapshot.comments().iter().map(|comment| comment.text.as_str()).collect::<Vec<_>>();
        match &snapshot.pull {
            Some(pull) if pull.state.is_open => {
                sections::render(&snapshot.sections(), &present, &pull.state.newest)
            }
            _ => sections::retired(&present),
        }
    }

    /// Writes the first of `present`, or a comment of its own, and deletes the others: jobs may have created one each.
    fn write(&self, present: &[Comment], text: &str) -> Result<(), ProviderError> {
        let body = json!({ "body": text });
        let Some((first, others)) = present.split_first() else {
            let path = format!("/issues/{}/comments", self.request.number);
            return self.client.send("POST", &path, &body, "the comment").map(|_| ());
        };
        for comment in others {
            let _ = self.client.call("DELETE", &format!("/issues/comments/{}", comment.id), &Body::None);
        }
        let path = format!("/issues/comments/{}", first.id);
        let response = self.client.call("PATCH", &path, &Body::Json(&body))?;
        // It may have been deleted after it was read, which the next attempt sees.
        if response.status == 404 { Ok(()) } else { response.ok("the comment").map(|_| ()) }
    }
}
