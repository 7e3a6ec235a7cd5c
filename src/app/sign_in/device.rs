//! Sign-in with a browser on another device, by a code.

use super::error::SignInError;
use crate::fault::Error;
use crate::heygen::auth::{DeviceAuthorization, Provider, Tokens};
use crate::ui::Console;

/// Shows the address and the code, and waits for the tokens.
///
/// # Errors
/// Returns [`SignInError::OAuth`] if the authorization server does not issue tokens in time.
pub(super) fn request_tokens(provider: &Provider, console: &mut Console) -> Result<Tokens, Error> {
    let authorization = provider.authorize_device().map_err(SignInError::from)?;
    let DeviceAuthorization { url, code, lifetime, .. } = &authorization;
    console.step(&format!("Open {url} in a browser"));
    if let Some(code) = code {
        console.detail(&format!("and enter the code {code}"));
    }
    console.detail(&format!("waiting for up to {} minutes", lifetime.as_secs().div_ceil(60)));
    Ok(provider.poll_device(&authorization).map_err(SignInError::from)?)
}
