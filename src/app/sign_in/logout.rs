//! `auth logout`: revokes and removes the stored credentials.

use serde_json::{Map, Value};

use super::error::SignInError;
use super::store;
use super::user::USER_FIELDS;
use crate::app::outcome::SignOutOutcome;
use crate::fault::Error;
use crate::heygen::auth::{self, Provider, STORED_FIELDS, Secret, terminal};
use crate::heygen::environment::variable;
use crate::ui::Console;

/// Which credentials to remove, and whether to ask first.
#[derive(Clone, Copy, Debug)]
pub(crate) struct SignOutSpec {
    /// Whether to keep the stored API key.
    pub(crate) keeps_api_key: bool,
    /// Whether the user has confirmed on the command line.
    pub(crate) is_confirmed: bool,
}

/// Revokes the stored sign-in and removes the stored credentials. They are removed even if the server does not revoke
/// them.
///
/// # Errors
/// Returns a usage error if confirmation is needed and the terminal is not interactive, [`SignInError::Declined`] if the user
/// declines, and an error if the file of credentials cannot be read or written.
pub(crate) fn sign_out(spec: SignOutSpec, console: &mut Console) -> Result<SignOutOutcome, Error> {
    let store = store::open()?;
    let stored = store.read()?.unwrap_or_default();
    let has_key = auth::text(stored.pointer("/api_key")).is_some();
    let tokens = tokens(&stored);
    let removes_key = has_key && !spec.keeps_api_key;
    if tokens.is_empty() && !removes_key {
        console.done("No stored credentials");
        return Ok(SignOutOutcome { signed_out: false, revoked: None });
    }
    if !spec.is_confirmed {
        confirm(!tokens.is_empty(), removes_key, console)?;
    }
    let provider = Provider::from_environment(&variable);
    // Each token is revoked, also after one that was not.
    let revoked =
        tokens.iter().map(|(hint, token)| provider.revoke(token, hint)).filter(|done| !done).count() == 0;
    store.lock()?.change(|stored| {
        stored.clear("oauth", STORED_FIELDS)?;
        if removes_key {
            stored.set(Map::from_iter([("api_key".to_owned(), Value::Null)]))?;
        }
        if removes_key || !has_key { stored.clear("user", USER_FIELDS) } else { Ok(()) }
    })?;
    if !revoked {
        console.warning("cannot revoke the sign-in on the server; it remains valid until it expires");
    }
    console.done("Signed out");
    if let Some(variable) = auth::overriding_variable(&variable) {
        console.warning(&format!("{variable} is set and is still used"));
    }
    Ok(SignOutOutcome { signed_out: true, revoked: Some(revoked) })
}

/// Returns the stored tokens, each with the `token_type_hint` of its revocation (RFC 7009).
fn tokens(stored: &Value) -> Vec<(&'static str, Secret)> {
    let token = |hint: &'static str| {
        let token = auth::text(stored.pointer(&format!("/oauth/{hint}")))?;
        Some((hint, Secret::new(token.to_owned())))
    };
    ["access_token", "refresh_token"].into_iter().filter_map(token).collect()
}

/// Asks the user whether to remove the credentials.
fn confirm(removes_session: bool, removes_key: bool, console: &Console) -> Result<(), Error> {
    if console.is_json() || !terminal::is_attended(&variable) {
        return Err(Error::usage(
            "cannot ask for confirmation: not running in an interactive terminal",
            "add --yes to sign out without confirmation",
        ));
    }
    let what = match (removes_session, removes_key) {
        (true, true) => "the stored sign-in and API key, which other HeyGen tools also use",
        (true, false) => "the stored sign-in, which other HeyGen tools also use",
        (false, _) => "the stored API key, which other HeyGen tools also use",
    };
    if !terminal::confirm(&format!("Remove {what}?")) {
        return Err(SignInError::Declined.into());
    }
    Ok(())
}
