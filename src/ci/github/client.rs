//! The REST API of a repository on GitHub.

use std::cell::OnceCell;

use serde_json::Value;

use crate::ci::error::ProviderError;
use crate::ci::event::PullRequest;
use crate::ci::rest::{Body, Response, Rest};
use crate::system::secret::Secret;

const HEADERS: &[(&str, &str)] =
    &[("accept", "application/vnd.github+json"), ("x-github-api-version", "2022-11-28")];

/// The prefix of an app's token, such as that of a workflow; source: docs.github.com, "GitHub's token formats".
const APP_TOKEN: &str = "ghs_";

/// The repository's API and its web pages.
pub(super) struct Client {
    /// The whole API.
    pub(super) api: Rest,
    /// The URL of the GraphQL API.
    pub(super) graph: String,
    /// The path of the repository in the API: `/repos/owner/name`.
    pub(super) path: String,
    /// The repository's URL for people: `https://github.com/owner/name`.
    pub(super) web: String,
    /// The result of [`Client::login`].
    pub(super) login: OnceCell<Option<String>>,
}

impl Client {
    /// Creates a client for a repository `owner/name`, with the API at `base` and the web pages at `server`.
    ///
    /// # Errors
    /// Returns [`ProviderError::Event`] if `base` is not a safe origin for the token.
    pub(super) fn new(
        base: &str,
        server: &str,
        repository: &str,
        token: Option<Secret>,
    ) -> Result<Self, ProviderError> {
        Ok(Self {
            api: Rest::new(base, token, ("authorization", "Bearer "), HEADERS)?,
            graph: graph_url(base),
            path: format!("/repos/{repository}"),
            web: format!("{}/{repository}", server.trim_end_matches('/')),
            login: OnceCell::new(),
        })
    }

    /// Returns the name of the token's owner, which is requested once; `None` for the token of an app, which is a bot and
    /// cannot ask.
    ///
    /// # Errors
    /// Returns [`ProviderError`] if there is no response.
    pub(super) fn login(&self) -> Result<Option<&str>, ProviderError> {
        if self.login.get().is_none() {
            let login = match self.is_app() {
                true => None,
                false => {
                    let user = self.api.call("GET", "/user", &Body::None)?;
                    user.json["login"].as_str().filter(|_| user.status == 200).map(str::to_owned)
                }
            };
            let _ = self.login.set(login);
        }
        Ok(self.login.get().and_then(Option::as_deref))
    }

    /// Returns whether the token is that of an app, which is a bot.
    pub(super) fn is_app(&self) -> bool {
        self.api.token_starts_with(APP_TOKEN)
    }

    /// Returns the URL of a comment.
    pub(super) fn comment_url(&self, request: &PullRequest, id: u64) -> String {
        format!("{}/pull/{}#issuecomment-{id}", self.web, request.number)
    }

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

    /// Returns all items of the member `name` of the object at `path`, page by page.
    pub(super) fn list_in(&self, path: &str, name: &str, subject: &str) -> Result<Vec<Value>, ProviderError> {
        self.api.list_in(&format!("{}{path}", self.path), Some(name), subject)
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
            Err(ProviderError::Forbidden(
                "no token; pass one with the input token, or on the command line with GITHUB_TOKEN"
                    .to_owned(),
            ))
        }
    }
}

/// Returns the URL of the GraphQL API that belongs to the REST API at `base`; source: docs.github.com, "Forming calls with
/// GraphQL".
fn graph_url(base: &str) -> String {
    let base = base.trim_end_matches('/');
    format!("{}/graphql", base.strip_suffix("/v3").unwrap_or(base))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_url_is_beside_that_of_the_rest_api() {
        assert_eq!(graph_url("https://api.github.com"), "https://api.github.com/graphql");
        assert_eq!(graph_url("https://ghes.example/api/v3/"), "https://ghes.example/api/graphql");
    }
}
