//! `auth refresh`: refreshes the stored sign-in.

use super::error::SignInError;
use super::store;
use crate::app::outcome::RefreshOutcome;
use crate::fault::Error;
use crate::heygen::auth::{self, Provider, Secret};
use crate::heygen::environment::variable;
use crate::system::deadline::Deadline;
use crate::ui::Console;

/// Refreshes the stored sign-in, whether or not it has expired.
///
/// # Errors
/// Returns [`SignInError::NoSession`] if no refreshable sign-in is stored, and an error if the authorization server
/// does not issue new tokens or the file cannot be written.
pub(crate) fn refresh(console: &mut Console) -> Result<RefreshOutcome, Error> {
    let store = store::open()?;
    let stored = store.read()?.unwrap_or_default();
    let token = |name: &str| auth::text(stored.pointer(name));
    let Some(old) = token("/oauth/access_token").filter(|_| token("/oauth/refresh_token").is_some()) else {
        return Err(SignInError::NoSession.into());
    };
    let old = Secret::new(old.to_owned());
    Provider::from_environment(&variable)
        .refresh(&store, &old, Deadline::NEVER)
        .map_err(SignInError::from)?;
    let stored = store.read()?.unwrap_or_default();
    let expires_at = stored.pointer("/oauth/expires_at").cloned().unwrap_or_default();
    let until = expires_at.as_str().map_or_else(String::new, |at| format!(", valid until {at}"));
    console.done(&format!("Refreshed the sign-in{until}"));
    Ok(RefreshOutcome { refreshed: true, expires_at: Some(expires_at) })
}
