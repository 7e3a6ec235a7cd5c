//! Values of flags, and what the environment adds to them.

use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::builder::{PossibleValuesParser, TypedValueParser};
use hyperframes_ci_core::api::IdempotencyKey;
use hyperframes_ci_core::job::Wait;
use hyperframes_ci_core::options::{AspectRatio, Format, Quality, Resolution};
use hyperframes_ci_core::report::ReportFormat;

use crate::fault::Error;
use crate::heygen::auth;
use crate::heygen::auth::{Credential, Found, Provider};
use crate::heygen::transport::{ApiBase, IDLE_TIMEOUT, Transport};

macro_rules! closed {
    ($name:ident, $set:ty) => {
        /// Takes the values of the set, and names them in help and errors.
        pub(super) fn $name() -> impl TypedValueParser<Value = $set> {
            PossibleValuesParser::new(<$set>::NAMES).try_map(|text| text.parse::<$set>())
        }
    };
}

closed!(quality, Quality);
closed!(format, Format);
closed!(resolution, Resolution);
closed!(aspect_ratio, AspectRatio);
closed!(report_format, ReportFormat);

/// Frames per second: a whole number from 1 to 240.
pub(super) fn fps(text: &str) -> Result<u32, String> {
    text.parse()
        .ok()
        .filter(|fps| (1..=240).contains(fps))
        .ok_or_else(|| "must be a whole number from 1 to 240".to_owned())
}

/// Items per page: a whole number from 1 to 100.
pub(super) fn page_size(text: &str) -> Result<u32, String> {
    text.parse()
        .ok()
        .filter(|size| (1..=100).contains(size))
        .ok_or_else(|| "must be a whole number from 1 to 100".to_owned())
}

/// A number of seconds, 1 or more.
pub(super) fn seconds(text: &str) -> Result<Duration, String> {
    number(text, 1.0).and_then(duration)
}

/// A number of minutes, 0.0001 or more.
pub(super) fn minutes(text: &str) -> Result<Duration, String> {
    number(text, 0.0001).and_then(|minutes| duration(minutes * 60.0))
}

/// A number of days, 0 or more.
pub(super) fn days(text: &str) -> Result<Duration, String> {
    number(text, 0.0).and_then(|days| duration(days * 86_400.0))
}

/// An amount, 0 or more.
pub(super) fn amount(text: &str) -> Result<f64, String> {
    number(text, 0.0)
}

fn number(text: &str, least: f64) -> Result<f64, String> {
    let digits = text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
    let value = text.parse::<f64>().ok().filter(|value| digits && *value >= least);
    value.ok_or_else(|| format!("must be a number of {least} or more"))
}

fn duration(seconds: f64) -> Result<Duration, String> {
    Duration::try_from_secs_f64(seconds).map_err(|_| "is too large".to_owned())
}

/// An HTTPS URL.
pub(super) fn https_url(text: &str) -> Result<String, String> {
    let uri = text.parse::<ureq::http::Uri>().ok();
    let usable = uri.is_some_and(|uri| uri.scheme_str() == Some("https") && uri.host().is_some());
    if usable { Ok(text.to_owned()) } else { Err("must be an https:// URL".to_owned()) }
}

/// A key for `Idempotency-Key`.
pub(super) fn idempotency_key(text: &str) -> Result<IdempotencyKey, String> {
    text.parse().map_err(|error: hyperframes_ci_core::api::InvalidIdempotencyKey| error.to_string())
}

/// How to wait for a render.
#[derive(Debug, clap::Args)]
pub(super) struct WaitArgs {
    /// Longest pause between two polls, in seconds; polling starts faster
    #[arg(long, value_name = "SECONDS", default_value = "10", value_parser = seconds)]
    poll_interval: Duration,
    /// How long to wait for the render, in minutes; also how long to try to submit it, and to download it
    #[arg(long, value_name = "MINUTES", default_value = "60", value_parser = minutes)]
    pub(super) max_wait: Duration,
}

impl WaitArgs {
    /// Waits and downloads.
    pub(super) fn wait(&self) -> Wait {
        Wait { poll_interval: self.poll_interval, download: true, is_watched: false }
    }
}

/// A version of a package: three numbers, and no range, tag or address.
pub(super) fn version(text: &str) -> Result<String, String> {
    let parts = text.split('.').collect::<Vec<_>>();
    let is_number = |part: &&str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    let is_version = parts.len() == 3 && parts.iter().all(is_number);
    if is_version { Ok(text.to_owned()) } else { Err("must be a version such as 1.2.3".to_owned()) }
}

/// The whole path of a file that the user names, by which findings name it.
pub(super) fn whole(path: &Path) -> String {
    let whole = path.canonicalize().or_else(|_| std::path::absolute(path));
    whole.unwrap_or_else(|_| path.to_owned()).display().to_string()
}

/// A variable of the environment.
pub(super) fn environment(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

/// Returns the directory of the checkout in CI.
pub(super) fn workspace() -> Option<PathBuf> {
    crate::ci::workspace(&environment)
}

/// `HEYGEN_MAX_RETRIES`, for a single call; 2 by default, as in the `heygen` CLI.
///
/// # Errors
/// When it is set to something else than a whole number.
pub(super) fn max_retries() -> Result<u32, Error> {
    Ok(retries()?.unwrap_or(2))
}

/// `HEYGEN_MAX_RETRIES`, for each call of a render; 8 by default, which outlives two minutes without a server: a job in
/// CI has nobody who starts it again.
///
/// # Errors
/// As [`max_retries`].
pub(super) fn render_retries() -> Result<u32, Error> {
    Ok(retries()?.unwrap_or(8))
}

fn retries() -> Result<Option<u32>, Error> {
    let set = environment("HEYGEN_MAX_RETRIES").filter(|value| !value.is_empty());
    set.map(|text| text.parse()).transpose().map_err(|_| {
        Error::usage("HEYGEN_MAX_RETRIES is not a whole number", "set it to 0 or more, or leave it out")
    })
}

/// `HYPERFRAMES_CI_TIMEOUT`: how many seconds a server may say nothing.
///
/// # Errors
/// When it is set to something else than a number of seconds, 1 or more.
pub(super) fn silence() -> Result<Duration, Error> {
    match environment("HYPERFRAMES_CI_TIMEOUT").filter(|value| !value.is_empty()) {
        None => Ok(IDLE_TIMEOUT),
        Some(text) => seconds(&text).map_err(|rule| {
            Error::usage(format!("HYPERFRAMES_CI_TIMEOUT {rule}"), "a number of seconds, such as 60")
        }),
    }
}

/// The credential, or the error that says where to get one.
///
/// # Errors
/// When there is none, or one that cannot be used.
pub(super) fn credential() -> Result<Found, Error> {
    auth::find(&environment)?.ok_or_else(|| auth::NoCredential.into())
}

/// A transport to the API with the user's credential.
///
/// # Errors
/// As [`credential`], and when the base URL is not usable.
pub(super) fn transport() -> Result<Transport, Error> {
    transport_with(ApiBase::from_environment(&environment)?, credential()?.credential)
}

/// A transport to `base` with `credential`.
///
/// # Errors
/// When the environment sets an unusable timeout.
pub(super) fn transport_with(base: ApiBase, credential: Credential) -> Result<Transport, Error> {
    let tokens = Provider::from_environment(&environment);
    Ok(Transport::new(base, Some(credential), tokens, silence()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_with_something_behind_them_are_refused() {
        for bad in ["0", "241", "30abc", "", "-1", "29.97", "1e2"] {
            assert!(fps(bad).is_err(), "{bad}");
        }
        assert_eq!(fps("240"), Ok(240));
        for bad in ["0.5", "10abc", "inf", "NaN", "1e5", "-3", "99999999999999999999999"] {
            assert!(seconds(bad).is_err(), "{bad}");
        }
        assert_eq!(seconds("2.5"), Ok(Duration::from_millis(2500)));
        assert_eq!(minutes("0.5"), Ok(Duration::from_secs(30)));
    }

    #[test]
    fn urls_are_https() {
        assert!(https_url("https://hooks.example/x?y=1").is_ok());
        for bad in ["http://hooks.example", "ftp://x", "hooks.example", "https://", "javascript:alert(1)"] {
            assert!(https_url(bad).is_err(), "{bad}");
        }
    }
}
