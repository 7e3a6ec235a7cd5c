//! The client as the environment configures it: credential, base URL, retries, timeout, proxy.

use std::time::Duration;

use hyperframes_ci_core::job::GONE_GRACE;

use super::auth::{self, Credential, Found, NoCredential, Provider};
use super::transport::{ApiBase, IDLE_TIMEOUT, Transport};
use crate::fault::Error;
use crate::system::proxy::proxy;

/// A variable of the environment.
pub(crate) fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

/// `HEYGEN_MAX_RETRIES`, for a single call; 2 by default, as in the `heygen` CLI.
///
/// # Errors
/// Returns a usage error if it is not a whole number.
pub(crate) fn max_retries() -> Result<u32, Error> {
    Ok(retries()?.unwrap_or(2))
}

/// `HEYGEN_MAX_RETRIES`, for each call of a render; 8 by default, which outlives two minutes without a server: a job in
/// CI has nobody who starts it again.
///
/// # Errors
/// As [`max_retries`].
pub(crate) fn render_retries() -> Result<u32, Error> {
    Ok(retries()?.unwrap_or(8))
}

fn retries() -> Result<Option<u32>, Error> {
    let set = variable("HEYGEN_MAX_RETRIES").filter(|value| !value.is_empty());
    set.map(|text| text.parse()).transpose().map_err(|_| {
        Error::usage("HEYGEN_MAX_RETRIES is not a whole number", "set it to 0 or more, or leave it out")
    })
}

/// `HYPERFRAMES_CI_TIMEOUT`: how many seconds a server may say nothing.
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
            "HYPERFRAMES_CI_TIMEOUT must be a number of 1 or more",
            "a number of seconds, such as 60",
        )
    })
}

/// `HYPERFRAMES_CI_GONE_GRACE`, in seconds, for tests: how long the API must say that it does not know a render before it
/// is taken for deleted; [`GONE_GRACE`] by default.
///
/// # Errors
/// Returns a usage error if it is not a number of seconds.
pub(crate) fn gone_grace() -> Result<Duration, Error> {
    let Some(text) = variable("HYPERFRAMES_CI_GONE_GRACE").filter(|value| !value.is_empty()) else {
        return Ok(GONE_GRACE);
    };
    let grace = text.parse().ok().and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
    grace.ok_or_else(|| {
        Error::usage("HYPERFRAMES_CI_GONE_GRACE must be a number of 0 or more", "a number of seconds")
    })
}

/// The credential, where there is one.
///
/// # Errors
/// Returns an error if one is set and cannot be used.
pub(crate) fn find_credential() -> Result<Option<Found>, Error> {
    Ok(auth::find(&variable)?)
}

/// The credential, or the error that says where to get one.
///
/// # Errors
/// Returns [`NoCredential`], or an error if one is set and cannot be used.
pub(crate) fn credential() -> Result<Found, Error> {
    find_credential()?.ok_or_else(|| NoCredential.into())
}

/// The API's base URL.
///
/// # Errors
/// Returns an error if it is set and cannot be used.
pub(crate) fn base() -> Result<ApiBase, Error> {
    Ok(ApiBase::from_environment(&variable)?)
}

/// A transport to the API with the user's credential.
///
/// # Errors
/// As [`credential`] and [`base`].
pub(crate) fn transport() -> Result<Transport, Error> {
    let base = base()?;
    transport_with(base, credential()?.credential)
}

/// A transport to `base` with `credential`.
///
/// # Errors
/// As [`idle_timeout`], and if the proxy for `base` cannot be used.
pub(crate) fn transport_with(base: ApiBase, credential: Credential) -> Result<Transport, Error> {
    let tokens = Provider::from_environment(&variable);
    // Otherwise every request would be repeated, to say the same in the end.
    proxy(&base.to_string()).map_err(|message| Error::usage(message, "check the proxy variables"))?;
    Ok(Transport::new(base, Some(credential), tokens, idle_timeout()?))
}
