//! Values of flags.

use clap::builder::{PossibleValuesParser, TypedValueParser};
use hyperframes_ci_core::options::AspectRatio;
use hyperframes_ci_core::report::ReportFormat;

macro_rules! closed {
    ($name:ident, $set:ty) => {
        /// Takes the values of the set, and names them in help and errors.
        pub(super) fn $name() -> impl TypedValueParser<Value = $set> {
            PossibleValuesParser::new(<$set>::NAMES).try_map(|text| text.parse::<$set>())
        }
    };
}

closed!(aspect_ratio, AspectRatio);
closed!(report_format, ReportFormat);

/// Items per page: a whole number from 1 to 100.
pub(super) fn page_size(text: &str) -> Result<u32, String> {
    text.parse()
        .ok()
        .filter(|size| (1..=100).contains(size))
        .ok_or_else(|| "must be a whole number from 1 to 100".to_owned())
}
