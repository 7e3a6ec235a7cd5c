//! The REST API of a project on GitLab.

use crate::ci::error::ProviderError;
use crate::ci::rest::Rest;

/// The project's API.
pub(super) struct Client {
    /// The API with the user's token, if there is one. A job token cannot write notes.
    pub(super) api: Rest,
    /// The API with the job's token, which the package registry and releases accept.
    pub(super) job: Rest,
    /// The URL of the API, without a trailing slash.
    pub(super) url: String,
    /// The path of the project in the API: `/projects/<id>`.
    pub(super) project: String,
}

impl Client {
    /// Returns the path of something below the project.
    pub(super) fn path(&self, path: &str) -> String {
        format!("{}{path}", self.project)
    }

    /// Checks that there is a user's token.
    ///
    /// # Errors
    /// Returns [`ProviderError::Forbidden`] if there is none.
    pub(super) fn require_token(&self) -> Result<(), ProviderError> {
        if self.api.has_token() {
            return Ok(());
        }
        Err(ProviderError::Forbidden("comments require a project access token with the scope api".to_owned()))
    }
}
