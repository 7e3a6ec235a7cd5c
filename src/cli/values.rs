//! Parsers of flag values.

use std::time::Duration;

use clap::builder::{PossibleValuesParser, TypedValueParser};
use hyperframes_ci_core::diff::{FailOn, Sensitivity};
use hyperframes_ci_core::options::AspectRatio;
use hyperframes_ci_core::report::ReportFormat;

use crate::app::options;
use crate::system::programs::is_plain_branch;

macro_rules! one_of {
    ($name:ident, $set:ty) => {
        /// Returns a parser for the values of the set, which lists them in the help and in errors.
        pub(super) fn $name() -> impl TypedValueParser<Value = $set> {
            PossibleValuesParser::new(<$set>::NAMES).try_map(|text| text.parse::<$set>())
        }
    };
}

one_of!(aspect_ratio, AspectRatio);
one_of!(fail_on, FailOn);
one_of!(report_format, ReportFormat);
one_of!(sensitivity, Sensitivity);

/// Parses a number greater than 0.
///
/// # Errors
/// Returns a message if the value is not one.
pub(super) fn positive_number(text: &str) -> Result<f64, String> {
    let number = text.parse().ok().filter(|number: &f64| number.is_finite() && *number > 0.0);
    number.ok_or_else(|| "must be a number greater than 0".to_owned())
}

/// Parses the name of a branch or a remote.
///
/// # Errors
/// Returns a message if the value is not one.
pub(super) fn git_name(text: &str) -> Result<String, String> {
    let name = Some(text.to_owned()).filter(|name| is_plain_branch(name));
    name.ok_or_else(|| "must have only letters, digits, - _ . and /".to_owned())
}

/// Parses a duration with a unit.
///
/// # Errors
/// Returns a message if the value is not one.
pub(super) fn duration(text: &str) -> Result<Duration, String> {
    options::duration(text)
}

/// Parses a number of 0 or more.
///
/// # Errors
/// Returns a message if the value is not one.
pub(super) fn amount(text: &str) -> Result<f64, String> {
    let amount = text.parse::<f64>().ok().filter(|amount| amount.is_finite() && *amount >= 0.0);
    amount.ok_or_else(|| "must be a number of 0 or more".to_owned())
}

/// Parses a number from 0 to 1.
///
/// # Errors
/// Returns a message if the value is not one.
pub(super) fn share(text: &str) -> Result<f64, String> {
    let share = text.parse::<f64>().ok().filter(|share| (0.0..=1.0).contains(share));
    share.ok_or_else(|| "must be a number from 0 to 1".to_owned())
}

/// Parses the number of items per page, 1 to 100.
///
/// # Errors
/// Returns a message if the value is not a number in this range.
pub(super) fn page_size(text: &str) -> Result<u32, String> {
    text.parse()
        .ok()
        .filter(|size| (1..=100).contains(size))
        .ok_or_else(|| "must be a whole number from 1 to 100".to_owned())
}
