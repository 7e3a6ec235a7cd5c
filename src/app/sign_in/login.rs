//! `auth login`: verifies and stores a credential.

use std::io::IsTerminal;

use serde_json::{Map, Value, json};

use super::error::SignInError;
use super::store::{self, save_tokens, verify};
use super::user::{display_name, stored_fields};
use super::{browser, device};
use crate::app::outcome::SignInOutcome;
use crate::fault::Error;
use crate::heygen::auth::{self, Credential, Provider, Store, terminal};
use crate::heygen::environment::{self, variable};
use crate::heygen::transport::ApiBase;
use crate::ui::Console;

/// How to sign in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum SignInMethod {
    /// With a browser on this machine.
    Browser,
    /// With a browser on another device, by a code.
    Device,
    /// With an API key from the terminal or standard input.
    ApiKey,
}

/// Signs in and stores the credential once HeyGen has accepted it.
///
/// # Errors
/// Returns an error if the file of credentials cannot be read or written, the terminal is not interactive, or HeyGen rejects
/// the credential. The stored credentials are unchanged then.
pub(crate) fn sign_in(method: SignInMethod, console: &mut Console) -> Result<SignInOutcome, Error> {
    let store = store::open()?;
    // Fails early if the file cannot be locked: a sign-in that cannot be stored should not begin.
    drop(store.lock()?);
    let before = store.read()?.unwrap_or_default();
    let base = environment::base()?;
    if method == SignInMethod::ApiKey {
        let user = store_api_key(&store, base, console)?;
        return Ok(report_sign_in(&user, &Value::Null, console));
    }
    if !terminal::is_attended(&variable) {
        return Err(SignInError::NotInteractive.into());
    }
    let provider = Provider::from_environment(&variable);
    let user = if method == SignInMethod::Device {
        let tokens = device::request_tokens(&provider, console)?;
        save_tokens(&store, base, &provider, &tokens)?
    } else {
        browser::sign_in(&store, base, &provider, console)?
    };
    Ok(report_sign_in(&user, &before, console))
}

/// Reads an API key, verifies it and stores it; returns the user.
fn store_api_key(store: &Store, base: ApiBase, console: &mut Console) -> Result<Map<String, Value>, Error> {
    let is_typed = std::io::stdin().is_terminal();
    let key = match (is_typed, terminal::is_attended(&variable)) {
        (true, true) => terminal::ask_hidden("HeyGen API key (not shown): "),
        (true, false) => return Err(SignInError::NotInteractive.into()),
        (false, _) => terminal::read_line(),
    };
    let key = key.map_err(SignInError::Key)?;
    if key.expose().is_empty() {
        return Err(SignInError::NoKey.into());
    }
    let key = auth::secret(key.expose().to_owned(), "the input")?;
    let user = verify(base, Credential::ApiKey(key.clone()))?;
    let had_session = store.read()?.is_some_and(|stored| stored.pointer("/oauth/access_token").is_some());
    let fields = Map::from_iter([("api_key".to_owned(), key.expose().into())]);
    store.lock()?.change(|stored| {
        stored.set(fields)?;
        if had_session { Ok(()) } else { stored.object("user")?.set(stored_fields(&user)) }
    })?;
    if had_session {
        console.warning("the stored sign-in takes precedence; run `hyperframes-ci auth logout --keep-api-key` to remove it");
    }
    Ok(user)
}

/// Reports who is signed in; `before` is the content of the store before the sign-in.
fn report_sign_in(user: &Map<String, Value>, before: &Value, console: &mut Console) -> SignInOutcome {
    let name = display_name(user);
    let previous = before.get("user").and_then(Value::as_object).map(display_name);
    match previous.filter(|previous| *previous != name) {
        Some(previous) => console.done(&format!("Signed in as {name} (previously {previous})")),
        None => console.done(&format!("Signed in as {name}")),
    }
    if let Some(variable) = auth::overriding_variable(&variable) {
        console.warning(&format!("{variable} is set and overrides the stored credential"));
    }
    SignInOutcome { signed_in: true, user: json!(stored_fields(user)) }
}
