//! Verifies credentials, and stores those that HeyGen accepts.

use hyperframes_ci_core::api::Request;
use serde_json::{Map, Value};

use super::error::SignInError;
use super::user::stored_fields;
use crate::fault::Error;
use crate::heygen::auth::{self, Credential, Provider, Session, Store, Tokens};
use crate::heygen::environment;
use crate::heygen::transport::{ApiBase, CallError};
use crate::system::random;

/// Opens the credentials file.
///
/// # Errors
/// Returns [`SignInError::NoHome`] if its directory is unknown.
pub(super) fn open() -> Result<Store, Error> {
    auth::store(&environment::variable).ok_or_else(|| SignInError::NoHome.into())
}

/// Returns the user of a credential, as HeyGen describes it.
///
/// # Errors
/// Returns [`SignInError::Rejected`] if HeyGen does not accept the credential, and [`SignInError::Unverified`] if the
/// call failed for another reason.
pub(super) fn verify(base: ApiBase, credential: Credential) -> Result<Map<String, Value>, Error> {
    let transport = environment::transport_with(base, credential)?;
    let failed = |error: CallError| match &error {
        CallError::Api(problem) if problem.is_authentication() => SignInError::Rejected(error),
        _ => SignInError::Unverified(error),
    };
    let response =
        transport.call(&Request::account(), environment::max_retries()?, random()).map_err(failed)?;
    Ok(response.data().map_err(CallError::from).map_err(failed)?)
}

/// Verifies the tokens of a sign-in and stores them; returns the user. Tokens that are not stored are revoked.
///
/// # Errors
/// Returns an error if HeyGen does not accept the tokens, or the file cannot be written.
pub(super) fn save_tokens(
    store: &Store,
    base: ApiBase,
    provider: &Provider,
    tokens: &Tokens,
) -> Result<Map<String, Value>, Error> {
    let session = Session { access_token: tokens.access.clone(), is_expired: false, store: None };
    let saved = verify(base, Credential::Session(session)).and_then(|user| {
        store.lock()?.change(|stored| {
            stored.object("oauth")?.set(tokens.all_fields())?;
            stored.object("user")?.set(stored_fields(&user))
        })?;
        Ok(user)
    });
    if saved.is_err() {
        provider.revoke_all(tokens);
    }
    saved
}
