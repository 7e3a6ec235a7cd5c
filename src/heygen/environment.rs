//! The client as the environment configures it: credential, base URL, retries, timeout, proxy.

use std::time::Duration;

use hyperframes_ci_core::job::GONE_GRACE;

use super::auth::{self, Credential, Found, NoCredential, Provider};
use super::transport::{ApiBase, IDLE_TIMEOUT, Transport};
use crate::fault::Error;
use crate::system::gate::{self, Reach, limit};
use crate::system::proxy::proxy;

/// Returns an environment variable.
pub(crate) fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

/// Returns whether results are JSON by default: by `HEYGEN_OUTPUT`, or else by `output` in `config.toml` of the `heygen` CLI. A file
/// that cannot be read says nothing, since it is another program's.
pub(crate) fn wants_json() -> bool {
    let stored = || {
        let path = auth::config_folder(&variable)?.join("config.toml");
        let text = gate::read_text(&path, &Reach::anywhere(), limit::IGNORE).ok()?;
        Some(text.parse::<toml::Table>().ok()?.get("output")?.as_str()?.to_owned())
    };
    let output = variable("HEYGEN_OUTPUT").filter(|value| !value.is_empty()).or_else(stored);
    output.is_some_and(|value| value.eq_ignore_ascii_case("json"))
}

/// Returns `HEYGEN_MAX_RETRIES` for a single call; 2 by default, as in the `heygen` CLI.
///
/// # Errors
/// Returns a usage error if it is not a whole number.
pub(crate) fn max_retries() -> Result<u32, Error> {
    Ok(retries()?.unwrap_or(2))
}

/// Returns `HEYGEN_MAX_RETRIES` for each call of a render; 8 by default, which covers an outage of two minutes: a CI job is
/// not restarted automatically.
///
/// # Errors
/// As [`max_retries`].
pub(crate) fn render_retries() -> Result<u32, Error> {
    Ok(retries()?.unwrap_or(8))
}

fn retries() -> Result<Option<u32>, Error> {
    let set = variable("HEYGEN_MAX_RETRIES").filter(|value| !value.is_empty());
    set.map(|text| text.parse()).transpose().map_err(|_| {
        Error::usage(
            "HEYGEN_MAX_RETRIES must be a whole number of 0 or more",
            "set it to a number such as 5, or unset it",
        )
    })
}

/// Returns `HYPERFRAMES_CI_TIMEOUT`: the time without data after which a request fails.
///
/// # Errors
/// Returns a usage error if it is not a number of seconds, 1 or more.
pub(crate) fn idle_timeout() -> Result<Duration, Error> {
    let Some(text) = variable("HYPERFRAMES_CI_TIMEOUT").filter(|value| !value.is_empty()) else {
        return Ok(IDLE_TIMEOUT);
    };
    let digits = text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
    let seconds = text.parse::<f64>().ok().filter(|seconds| digits && *seconds >= 1.0);
    seconds.and_then(|seconds| Duration::try_from_secs_f64(seconds).ok()).ok_or_else(|| {
        Error::usage(
            "HYPERFRAMES_CI_TIMEOUT must be a number of seconds of 1 or more",
            "set it to a number such as 60, or unset it",
        )
    })
}

/// Returns `HYPERFRAMES_CI_GONE_GRACE`, for tests: how long the API must report a render as unknown before it counts as
/// deleted; [`GONE_GRACE`] by default.
///
/// # Errors
/// Returns a usage error if it is not a number of seconds.
pub(crate) fn gone_grace() -> Result<Duration, Error> {
    let Some(text) = variable("HYPERFRAMES_CI_GONE_GRACE").filter(|value| !value.is_empty()) else {
        return Ok(GONE_GRACE);
    };
    let grace = text.parse().ok().and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
    grace.ok_or_else(|| {
        Error::usage(
            "HYPERFRAMES_CI_GONE_GRACE must be a number of seconds of 0 or more",
            "set it to a number such as 30, or unset it",
        )
    })
}

/// Returns the credential, if there is one.
///
/// # Errors
/// Returns an error if a credential is set but invalid.
pub(crate) fn find_credential() -> Result<Option<Found>, Error> {
    Ok(auth::find(&variable)?)
}

/// Returns the stored sign-in, or else the credential of [`find_credential`]: some calls need an account, and an API key in the
/// environment would hide the sign-in.
///
/// # Errors
/// As [`find_credential`].
pub(crate) fn stored_or_set() -> Result<Option<Found>, Error> {
    let stored = auth::find_stored(&variable)?;
    match stored.filter(|found| matches!(found.credential, Credential::Session(_))) {
        Some(found) => Ok(Some(found)),
        None => find_credential(),
    }
}

/// Returns the credential.
///
/// # Errors
/// Returns [`NoCredential`] if there is none, and an error if a credential is set but invalid.
pub(crate) fn credential() -> Result<Found, Error> {
    find_credential()?.ok_or_else(|| NoCredential.into())
}

/// Returns the API's base URL.
///
/// # Errors
/// Returns an error if it is set but invalid.
pub(crate) fn base() -> Result<ApiBase, Error> {
    Ok(ApiBase::from_environment(&variable)?)
}

/// Returns a transport to the API with the user's credential.
///
/// # Errors
/// As [`credential`] and [`base`].
pub(crate) fn transport() -> Result<Transport, Error> {
    let base = base()?;
    transport_with(base, credential()?.credential)
}

/// Returns a transport to `base` with `credential`.
///
/// # Errors
/// As [`idle_timeout`], and a usage error if the proxy for `base` is invalid.
pub(crate) fn transport_with(base: ApiBase, credential: Credential) -> Result<Transport, Error> {
    let tokens = Provider::from_environment(&variable);
    // Validated early: otherwise every request would be retried before it fails.
    proxy(&base.to_string())
        .map_err(|message| Error::usage(message, "correct or unset the proxy variable"))?;
    Ok(Transport::new(base, Some(credential), tokens, idle_timeout()?))
}
