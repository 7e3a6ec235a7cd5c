//! From the text of a value to a value. Errors are the end of a sentence that begins with the option.

use std::ffi::OsStr;
use std::fmt;
use std::time::Duration;

use hyperframes_ci_core::options::UnknownValue;

pub(super) fn put<T>(member: &mut Option<T>, value: T) -> Result<(), String> {
    *member = Some(value);
    Ok(())
}

pub(super) fn replace<T>(member: &mut T, value: T) -> Result<(), String> {
    *member = value;
    Ok(())
}

pub(super) fn switch(member: &mut bool, value: &OsStr) -> Result<(), String> {
    *member = match text(value)?.trim() {
        "true" | "1" => true,
        "false" | "0" => false,
        _ => return Err("is true or false".to_owned()),
    };
    Ok(())
}

pub(super) fn text(value: &OsStr) -> Result<&str, String> {
    value.to_str().ok_or_else(|| "is not valid Unicode".to_owned())
}

pub(super) fn word<T: std::str::FromStr<Err = UnknownValue>>(value: &OsStr) -> Result<T, String> {
    text(value)?.parse::<T>().map_err(|error| format!("is one of {}", error.allowed.join(", ")))
}

/// A whole number between two bounds.
pub(super) fn whole<T>(value: &OsStr, least: T, most: T) -> Result<T, String>
where
    T: std::str::FromStr + PartialOrd + fmt::Display + Copy + Into<u64> + TryFrom<u64>,
{
    let parsed = text(value)?.trim().parse().ok().filter(|number| *number >= least && *number <= most);
    parsed.ok_or_else(|| match most.into() {
        u64::MAX => format!("must be a whole number of {least} or more"),
        most => format!("must be a whole number from {least} to {most}"),
    })
}

/// A number of at least `least`, without a sign, an exponent or words such as "inf".
pub(super) fn number(value: &OsStr, least: f64) -> Result<f64, String> {
    let text = text(value)?.trim();
    let digits = text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
    let value = text.parse::<f64>().ok().filter(|value| digits && *value >= least);
    value.ok_or_else(|| format!("must be a number of {least} or more"))
}

pub(super) fn seconds(seconds: f64) -> Result<Duration, String> {
    Duration::try_from_secs_f64(seconds).map_err(|_| "is too large".to_owned())
}

/// An HTTPS URL.
pub(crate) fn https_url(text: &str) -> Result<String, String> {
    let uri = text.parse::<ureq::http::Uri>().ok();
    let usable = uri.is_some_and(|uri| uri.scheme_str() == Some("https") && uri.host().is_some());
    if usable { Ok(text.to_owned()) } else { Err("must be an https:// URL".to_owned()) }
}

/// A version of a package: three numbers, and no range, tag or address.
pub(super) fn version(text: &str) -> Result<String, String> {
    let parts = text.split('.').collect::<Vec<_>>();
    let is_number = |part: &&str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    let is_version = parts.len() == 3 && parts.iter().all(is_number);
    if is_version { Ok(text.to_owned()) } else { Err("must be a version such as 1.2.3".to_owned()) }
}
