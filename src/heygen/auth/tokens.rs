//! The tokens of a sign-in.

use hyperframes_ci_core::time::format_rfc3339;
use serde_json::{Map, Value};

use super::endpoint::OAuthError;
use super::store::text;
use crate::system::clock::unix_now;
use crate::system::secret::Secret;

/// The members of `oauth` in the credentials file.
pub(crate) const STORED_FIELDS: &[&str] =
    &["access_token", "refresh_token", "expires_at", "scope", "token_type"];

/// The shortest lifetime of an access token, in seconds. A shorter one would cause a refresh before every request.
const MIN_LIFETIME: i64 = 30;

/// Tokens that are not stored yet.
#[derive(Debug)]
pub(crate) struct Tokens {
    /// The access token.
    pub(crate) access: Secret,
    /// The refresh token, if the server issued one.
    pub(super) refresh: Option<Secret>,
    /// `expires_at`, `scope` and `token_type`, as they are stored.
    metadata: Map<String, Value>,
}

impl Tokens {
    /// Reads a token response.
    ///
    /// # Errors
    /// Returns [`OAuthError::Refused`] if the access token is missing, or a text cannot be sent in a header.
    pub(super) fn from_response(response: &Map<String, Value>) -> Result<Self, OAuthError> {
        let text = |name: &str| text(response.get(name));
        let access = header_token(text("access_token").unwrap_or_default())?;
        let refresh = text("refresh_token").map(header_token).transpose()?;
        let mut metadata = Map::new();
        for name in ["scope", "token_type"] {
            if let Some(text) = text(name) {
                header_token(text)?;
                metadata.insert(name.to_owned(), text.into());
            }
        }
        // Removes the stored lifetime of the previous token.
        metadata.insert("expires_at".to_owned(), Value::Null);
        let lifetime = response.get("expires_in").and_then(Value::as_f64);
        if let Some(seconds) = lifetime.filter(|seconds| *seconds < 1e10) {
            #[expect(clippy::cast_possible_truncation, reason = "casts saturate, and it is below 1e10")]
            let expires = unix_now() + (seconds as i64).max(MIN_LIFETIME);
            metadata.insert("expires_at".to_owned(), format_rfc3339(expires).into());
        }
        Ok(Self { access, refresh, metadata })
    }

    /// Returns the members to store after a refresh. A member that the server did not send is missing and stays stored.
    pub(super) fn updated_fields(&self) -> Map<String, Value> {
        let mut fields = self.metadata.clone();
        fields.insert("access_token".to_owned(), self.access.expose().into());
        fields.extend(self.refresh.as_ref().map(|token| ("refresh_token".to_owned(), token.expose().into())));
        fields
    }

    /// Returns the members to store after a new sign-in. A member that the server did not send is null, which removes it.
    pub(crate) fn all_fields(&self) -> Map<String, Value> {
        let removed = STORED_FIELDS.iter().map(|name| ((*name).to_owned(), Value::Null));
        removed.chain(self.updated_fields()).collect()
    }
}

/// Wraps a token.
///
/// # Errors
/// Returns [`OAuthError::Refused`] if it is empty or cannot be sent in a header.
pub(super) fn header_token(token: &str) -> Result<Secret, OAuthError> {
    let usable = Some(token.to_owned()).filter(|token| !token.is_empty()).and_then(Secret::for_header);
    usable.ok_or_else(|| OAuthError::Refused("the server returned an invalid token".to_owned()))
}
