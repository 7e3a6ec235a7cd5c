//! `auth status`: the credential in use, its user, and the account's balance.

use hyperframes_ci_core::api::{Account, Request};
use serde_json::{Map, Value, json};

use super::error::SignInError;
use super::store;
use super::user::{display_name, stored_fields};
use crate::app::outcome::{CredentialOutcome, StatusOutcome};
use crate::fault::Error;
use crate::heygen::auth::{self, Credential};
use crate::heygen::environment::{self, variable};
use crate::heygen::transport::CallError;
use crate::system::random;

/// The status of the credential.
#[derive(Debug)]
pub(crate) struct Status {
    /// For programs.
    pub(crate) outcome: StatusOutcome,
    /// For people: names and values. Empty without a credential.
    pub(crate) rows: Vec<Vec<String>>,
    /// `Ok` if HeyGen accepts the credential, otherwise the reason.
    pub(crate) verdict: Result<(), Error>,
}

/// Finds the credential in use and asks HeyGen about its account.
///
/// # Errors
/// Returns an error if a setting in the environment or the file of credentials is invalid. A missing or rejected
/// credential is in [`Status::verdict`].
pub(crate) fn status() -> Result<Status, Error> {
    let Some(found) = auth::find(&variable)? else {
        let verdict = Err(auth::NoCredential.into());
        return Ok(Status { outcome: StatusOutcome::default(), rows: Vec::new(), verdict });
    };
    let is_session = matches!(found.credential, Credential::Session(_));
    let is_stored = auth::overriding_variable(&variable).is_none();
    let base = environment::base()?;
    let transport = environment::transport_with(base, found.credential)?;
    let response = transport.call(&Request::account(), environment::max_retries()?, random());
    let account =
        response.and_then(|response| response.data::<Map<String, Value>>().map_err(CallError::from));
    // Read after the call, which refreshes an expired sign-in.
    let stored = if is_stored { store::open()?.read()?.unwrap_or_default() } else { Value::Null };
    let expires_at = stored.pointer("/oauth/expires_at").filter(|_| is_session);
    let stored_user = stored.get("user").and_then(Value::as_object);
    let user = account.as_ref().ok().or(stored_user).cloned().unwrap_or_default();
    let billing = account
        .as_ref()
        .ok()
        .and_then(|account| serde_json::from_value::<Account>(account.clone().into()).ok());
    let left = billing.as_ref().and_then(Account::balance).filter(|left| left.is_finite());
    let sections = ["billing_type", "wallet", "subscription", "usage_based"];
    let sections = sections.iter().filter_map(|name| Some(((*name).to_owned(), user.get(*name)?.clone())));
    let outcome = StatusOutcome {
        configured: true,
        valid: account.is_ok(),
        credential: Some(CredentialOutcome {
            source: found.source.clone(),
            kind: if is_session { "oauth" } else { "api_key" },
            expires_at: expires_at.cloned(),
            user: json!(stored_fields(&user)),
            billing: sections.collect(),
            left,
        }),
    };
    let source = format!("{} from {}", if is_session { "sign-in" } else { "API key" }, found.source);
    let is_refreshable = stored.pointer("/oauth/refresh_token").is_some();
    let rows = [
        Some(("account", if user.is_empty() { "unknown".to_owned() } else { display_name(&user) })),
        Some(("credential", source)),
        expires_at.and_then(Value::as_str).map(|at| ("expires", expiry(at, is_refreshable))),
        billing.and_then(|billing| billing.billing_type).map(|kind| ("billing", balance(&kind, left))),
    ];
    let rows = rows.into_iter().flatten().map(|(name, value)| vec![name.to_owned(), value]);
    let verdict = account.map(|_| ()).map_err(|error| match &error {
        CallError::Api(problem) if problem.is_authentication() => SignInError::Rejected(error).into(),
        _ => error.into(),
    });
    Ok(Status { outcome, rows: rows.collect(), verdict })
}

/// Formats when a sign-in expires.
fn expiry(expires_at: &str, is_refreshable: bool) -> String {
    let then = if is_refreshable { ", refreshed automatically" } else { "" };
    format!("{expires_at}{then}")
}

/// Formats how the account is billed, and its balance if that is known.
fn balance(billing_type: &str, left: Option<f64>) -> String {
    let left = left.map_or_else(String::new, |left| format!(", {left} left"));
    format!("{billing_type}{left}")
}
