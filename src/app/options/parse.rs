//! Parses the values of options. Errors complete a sentence that starts with the name of the option.

use std::ffi::OsStr;
use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use hyperframes_ci_core::options::{FrameRate, InvalidFrameRate, UnknownValue};

/// Sets an optional member.
pub(super) fn put<T>(member: &mut Option<T>, value: T) -> Result<(), String> {
    *member = Some(value);
    Ok(())
}

/// Replaces a member.
pub(super) fn replace<T>(member: &mut T, value: T) -> Result<(), String> {
    *member = value;
    Ok(())
}

/// Parses a boolean into a member.
pub(super) fn switch(member: &mut bool, value: &OsStr) -> Result<(), String> {
    *member = match text(value)?.trim() {
        "true" | "1" => true,
        "false" | "0" => false,
        _ => return Err("must be true or false".to_owned()),
    };
    Ok(())
}

/// Returns a value as a string.
pub(super) fn text(value: &OsStr) -> Result<&str, String> {
    value.to_str().ok_or_else(|| "must be valid Unicode".to_owned())
}

/// Returns a value as a path.
pub(super) fn path(value: &OsStr) -> Result<PathBuf, String> {
    if value.is_empty() { Err("must not be empty".to_owned()) } else { Ok(PathBuf::from(value)) }
}

/// Parses one of a set of words.
pub(super) fn word<T: std::str::FromStr<Err = UnknownValue>>(value: &OsStr) -> Result<T, String> {
    text(value)?.parse::<T>().map_err(|error| format!("must be one of {}", error.allowed.join(", ")))
}

/// Parses an integer from `min` to `max`.
pub(super) fn integer<T>(value: &OsStr, min: T, max: T) -> Result<T, String>
where
    T: std::str::FromStr + PartialOrd + fmt::Display + Copy + Into<u64> + TryFrom<u64>,
{
    let parsed = text(value)?.trim().parse().ok().filter(|number| *number >= min && *number <= max);
    parsed.ok_or_else(|| match max.into() {
        u64::MAX => format!("must be a whole number of {min} or more"),
        max => format!("must be a whole number from {min} to {max}"),
    })
}

/// Parses a number of at least `min`, without a sign, an exponent or words such as "inf".
pub(super) fn number(value: &OsStr, min: f64) -> Result<f64, String> {
    let text = text(value)?.trim();
    let is_plain = text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
    let value = text.parse::<f64>().ok().filter(|value| is_plain && *value >= min);
    value.ok_or_else(|| format!("must be a number of {min} or more"))
}

/// Converts seconds to a duration.
pub(super) fn seconds(seconds: f64) -> Result<Duration, String> {
    Duration::try_from_secs_f64(seconds).map_err(|_| "is too large".to_owned())
}

/// Parses a duration with a unit: `90s`, `10m` or `1.5h`.
///
/// # Errors
/// Returns the end of a sentence if the unit is missing, or the number is not greater than 0.
pub(crate) fn duration(text: &str) -> Result<Duration, String> {
    let units = [("ms", 0.001), ("s", 1.0), ("m", 60.0), ("h", 3600.0)];
    let text = text.trim();
    let parsed = units.iter().find_map(|(unit, factor)| {
        let number = text.strip_suffix(unit)?;
        let is_plain = number.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
        number.parse::<f64>().ok().filter(|number| is_plain && *number > 0.0).map(|number| number * factor)
    });
    seconds(parsed.ok_or_else(|| "must be a duration such as 90s, 10m or 1h".to_owned())?)
}

/// Validates an HTTPS URL.
///
/// # Errors
/// Returns the end of a sentence if the scheme is not `https` or there is no host.
pub(crate) fn https_url(text: &str) -> Result<String, String> {
    let uri = text.parse::<ureq::http::Uri>().ok();
    let is_https = uri.is_some_and(|uri| uri.scheme_str() == Some("https") && uri.host().is_some());
    if is_https { Ok(text.to_owned()) } else { Err("must be an https:// URL".to_owned()) }
}

/// Parses a frame rate.
pub(super) fn frame_rate(value: &OsStr) -> Result<FrameRate, String> {
    text(value)?.trim().parse().map_err(|error: InvalidFrameRate| error.to_string())
}

/// The highest bitrate in bits per second: encoders fail beyond it, after the frames were captured.
const MAX_BITRATE: f64 = 2e9;

/// Validates a bitrate as FFmpeg takes it: a number, possibly with a unit.
pub(crate) fn bitrate(text: &str) -> Result<String, String> {
    let number = text.strip_suffix(['k', 'K', 'M', 'G']).unwrap_or(text);
    let unit = match text.as_bytes().last() {
        Some(b'k' | b'K') => 1e3,
        Some(b'M') => 1e6,
        Some(b'G') => 1e9,
        _ => 1.0,
    };
    let is_plain = number.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
    let is_rate = |number: f64| (1.0..=MAX_BITRATE).contains(&(number * unit));
    match is_plain && number.parse::<f64>().is_ok_and(is_rate) {
        true => Ok(text.to_owned()),
        false => Err("must be a bitrate such as 10M or 800k, at most 2G".to_owned()),
    }
}

/// Validates the version of a package: three numbers, not a range, tag or URL.
pub(super) fn version(text: &str) -> Result<String, String> {
    let parts = text.split('.').collect::<Vec<_>>();
    let is_number = |part: &&str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    let is_version = parts.len() == 3 && parts.iter().all(is_number);
    if is_version { Ok(text.to_owned()) } else { Err("must be a version such as 1.2.3".to_owned()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bitrate_is_one_that_encoders_take() {
        for text in ["10M", "800k", "1", "1.5M", "2G"] {
            assert_eq!(bitrate(text), Ok(text.to_owned()));
        }
        for text in ["", "M", "0", "0.4", "-5M", "1e3", "5Mb", "2.1G", "999999999999M", "inf", "1 M"] {
            assert!(bitrate(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_duration_has_a_unit() {
        for (text, seconds) in [("90s", 90.0), ("10m", 600.0), ("1.5h", 5400.0), (" 500ms ", 0.5)] {
            assert_eq!(duration(text), Ok(Duration::from_secs_f64(seconds)), "{text}");
        }
        for text in ["", "10", "m", "0s", "-1m", "1e3s", "10 min", "infs", "10M"] {
            assert!(duration(text).is_err(), "{text}");
        }
    }
}
