//! The REST API of a repository on GitHub.

use serde_json::Value;

use crate::ci::error::ProviderError;
use crate::ci::rest::{Body, Response, Rest};

/// The repository's API and its web pages.
pub(super) struct Client {
    /// The whole API.
    pub(super) api: Rest,
    /// The path of the repository in the API: `/repos/owner/name`.
    pub(super) path: String,
    /// The repository's URL for people: `https://github.com/owner/name`.
    pub(super) web: String,
}

impl Client {
    /// Calls `path` below the repository's API.
    pub(super) fn call(&self, method: &str, path: &str, body: &Body<'_>) -> Result<Response, ProviderError> {
        self.api.call(method, &format!("{}{path}", self.path), body)
    }

    /// Returns the JSON at `path` below the repository's API. `subject` names it in errors.
    pub(super) fn get(&self, path: &str, subject: &str) -> Result<Value, ProviderError> {
        self.call("GET", path, &Body::None)?.ok(subject)
    }

    /// Returns all items of the list at `path` below the repository's API.
    pub(super) fn list(&self, path: &str, subject: &str) -> Result<Vec<Value>, ProviderError> {
        self.api.list(&format!("{}{path}", self.path), subject)
    }

    /// Sends JSON to `path` below the repository's API.
    pub(super) fn send(
        &self,
        method: &str,
        path: &str,
        body: &Value,
        subject: &str,
    ) -> Result<Value, ProviderError> {
        self.call(method, path, &Body::Json(body))?.ok(subject)
    }

    /// Checks that there is a token.
    ///
    /// # Errors
    /// Returns [`ProviderError::Forbidden`] if there is none.
    pub(super) fn require_token(&self) -> Result<(), ProviderError> {
        if self.api.has_token() {
            Ok(())
        } else {
            Err(ProviderError::Forbidden("no token; pass one with the input token".to_owned()))
        }
    }
}
