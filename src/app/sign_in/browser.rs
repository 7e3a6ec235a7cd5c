//! Sign-in with a browser on this machine, which returns to a local port.

use std::time::Duration;

use serde_json::{Map, Value};

use super::error::SignInError;
use super::store::save_tokens;
use super::user::display_name;
use crate::fault::Error;
use crate::heygen::auth::{Loopback, ProofKey, Provider, Store, random_token, terminal};
use crate::heygen::environment::variable;
use crate::heygen::transport::ApiBase;
use crate::ui::Console;

/// How long to wait for the browser to return.
const BROWSER_TIMEOUT: Duration = Duration::from_secs(120);

/// Signs in with the browser and returns the user.
///
/// # Errors
/// Returns an error if the session is remote and `BROWSER` is not set, the browser does not return a code, or the
/// tokens cannot be obtained, verified or stored.
pub(super) fn sign_in(
    store: &Store,
    base: ApiBase,
    provider: &Provider,
    console: &mut Console,
) -> Result<Map<String, Value>, Error> {
    let has_browser = variable("BROWSER").is_some_and(|browser| !browser.is_empty());
    if terminal::is_remote(&variable) && !has_browser {
        return Err(SignInError::RemoteSession.into());
    }
    let loopback = Loopback::bind().map_err(|error| SignInError::Callback(error.into()))?;
    let (key, state) = ProofKey::new()
        .and_then(|key| Ok((key, random_token()?)))
        .map_err(|error| SignInError::Callback(error.into()))?;
    let redirect_uri = loopback.redirect_uri();
    let url = provider.authorize_url(&redirect_uri, &state, &key).map_err(SignInError::from)?;
    if terminal::open_browser(&url, &variable) {
        // Without the query: until the sign-in ends, its state must stay secret.
        let address = url.split('?').next().unwrap_or_default();
        console.step(&format!("Opened {address} in the browser; sign in there"));
    } else {
        console.step("Open this URL in a browser to sign in:");
        console.detail(&url);
    }
    let callback = loopback.wait(&state, BROWSER_TIMEOUT).map_err(SignInError::Callback)?;
    let tokens = provider
        .exchange(&callback.code, &redirect_uri, &key)
        .map_err(|error| SignInError::from(error).into());
    match tokens.and_then(|tokens| save_tokens(store, base, provider, &tokens)) {
        Ok(user) => {
            callback.finish(Ok(&display_name(&user)));
            Ok(user)
        }
        Err(error) => {
            callback.finish(Err("The sign-in failed. See the terminal for details."));
            Err(error)
        }
    }
}
