//! The kinds of values that options take.

use hyperframes_ci_core::options::InvalidFrameRate;

/// The kind of value that an option takes.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Kind {
    /// `true` or `false`.
    Switch,
    /// An integer within bounds.
    Integer {
        /// The minimum.
        min: i64,
        /// The maximum; `i64::MAX` means unlimited.
        max: i64,
    },
    /// A number, with its minimum.
    Number(f64),
    /// Frames per second: an integer, or a fraction as a string.
    FrameRate,
    /// A string.
    Text,
    /// A path; in the configuration, relative to the root of the repository and inside of it.
    Path,
    /// One of a set of words.
    OneOf(fn() -> &'static [&'static str]),
    /// Values of variables: a JSON object, or a table in the configuration.
    Values,
}

impl Kind {
    /// An integer of 0 or more.
    pub(crate) const COUNT: Self = Self::Integer { min: 0, max: i64::MAX };

    /// Describes the values in a message.
    pub(crate) fn description(self) -> String {
        match self {
            Self::Switch => "true or false".to_owned(),
            Self::Integer { min, max: i64::MAX } => format!("a whole number of {min} or more"),
            Self::Integer { min, max } => format!("a whole number from {min} to {max}"),
            Self::Number(min) => format!("a number of {min} or more"),
            Self::FrameRate => InvalidFrameRate.to_string().trim_start_matches("must be ").to_owned(),
            Self::Text => "a string".to_owned(),
            Self::Path => "a path inside the repository".to_owned(),
            Self::OneOf(words) => format!("one of {}", words().join(", ")),
            Self::Values => "a table of values".to_owned(),
        }
    }

    /// Returns whether the values are paths.
    pub(crate) fn is_path(self) -> bool {
        matches!(self, Self::Path)
    }

    /// Returns whether the flag takes no value.
    pub(crate) fn is_switch(self) -> bool {
        matches!(self, Self::Switch)
    }
}
