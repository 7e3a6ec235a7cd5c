//! What an option takes.

/// What an option takes.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Kind {
    /// True or false.
    Switch,
    /// A whole number.
    Whole {
        /// The least.
        least: i64,
        /// The most.
        most: i64,
    },
    /// A number, and the least that it may be.
    Number(f64),
    /// A text.
    Text,
    /// A path; in the configuration, one inside the repository, from its root.
    Path,
    /// One of some words.
    OneOf(fn() -> &'static [&'static str]),
    /// A table of values for variables.
    Values,
}

impl Kind {
    /// A whole number of 0 or more.
    pub(crate) const COUNT: Self = Self::Whole { least: 0, most: i64::MAX };

    /// What it takes, for people.
    pub(crate) fn description(self) -> String {
        match self {
            Self::Switch => "true or false".to_owned(),
            Self::Whole { least, most: i64::MAX } => format!("a whole number of {least} or more"),
            Self::Whole { least, most } => format!("a whole number from {least} to {most}"),
            Self::Number(least) => format!("a number of {least} or more"),
            Self::Text => "a text".to_owned(),
            Self::Path => "a path inside the repository".to_owned(),
            Self::OneOf(words) => format!("one of {}", words().join(", ")),
            Self::Values => "a table of values".to_owned(),
        }
    }

    /// Whether it is a path.
    pub(crate) fn is_path(self) -> bool {
        matches!(self, Self::Path)
    }

    /// Whether it takes no value on the command line.
    pub(crate) fn is_switch(self) -> bool {
        matches!(self, Self::Switch)
    }
}
