//! The notes of a merge request.

use serde_json::{Value, json};

use super::client::Client;
use crate::ci::comment_sections::{Comments, PullState};
use crate::ci::error::ProviderError;
use crate::ci::event::PullRequest;
use crate::ci::rest::Body;
use crate::ci::sections::MARKER;

/// The notes of one merge request.
pub(super) struct MergeRequestNotes<'a> {
    pub(super) client: &'a Client,
    pub(super) request: &'a PullRequest,
}

impl MergeRequestNotes<'_> {
    fn path(&self, path: &str) -> String {
        self.client.path(&format!("/merge_requests/{}{path}", self.request.number))
    }
}

impl Comments for MergeRequestNotes<'_> {
    fn state(&self) -> Result<PullState, ProviderError> {
        let found = self.client.api.call("GET", &self.path(""), &Body::None)?.ok("the merge request")?;
        let newest = found["sha"].as_str().map_or_else(|| self.request.head.clone(), str::to_owned);
        // Artifacts are kept when a merge request is closed.
        Ok(PullState { newest, is_open: true })
    }

    fn own(&self) -> Result<Vec<(u64, String)>, ProviderError> {
        let path = self.path("/notes?per_page=100&order_by=created_at&sort=asc");
        let notes = self.client.api.list(&path, "the notes of the merge request")?;
        let marked = notes
            .iter()
            .filter(|note| note["body"].as_str().is_some_and(|body| body.trim_start().starts_with(MARKER)));
        let marked = marked.collect::<Vec<_>>();
        if marked.is_empty() {
            return Ok(Vec::new());
        }
        let user = self.client.api.call("GET", "/user", &Body::None)?.ok("the token's user")?;
        let own = marked.into_iter().filter(|note| note["author"]["username"] == user["username"]);
        let read = |note: &Value| Some((note["id"].as_u64()?, note["body"].as_str()?.to_owned()));
        Ok(own.filter_map(read).collect())
    }

    fn create(&self, text: &str) -> Result<(), ProviderError> {
        let body = json!({ "body": text });
        self.client.api.call("POST", &self.path("/notes"), &Body::Json(&body))?.ok("the note").map(|_| ())
    }

    fn edit(&self, id: u64, text: &str) -> Result<bool, ProviderError> {
        let body = json!({ "body": text });
        let response =
            self.client.api.call("PUT", &self.path(&format!("/notes/{id}")), &Body::Json(&body))?;
        if response.status == 404 { Ok(false) } else { response.ok("the note").map(|_| true) }
    }

    fn delete(&self, id: u64) {
        let _ = self.client.api.call("DELETE", &self.path(&format!("/notes/{id}")), &Body::None);
    }
}
