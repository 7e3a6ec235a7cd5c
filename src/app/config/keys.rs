//! What `[defaults]` and `[[render]]` may set: options of `render`, under the names of their flags.

use hyperframes_ci_core::options::{AspectRatio, Format, Quality, Resolution};

/// A key and what it takes.
#[derive(Debug)]
pub(crate) struct Key {
    /// Its name in the file.
    pub(crate) name: &'static str,
    /// What it takes.
    pub(crate) kind: Kind,
}

/// What a key takes.
#[derive(Clone, Copy, Debug, PartialEq)]
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
    /// A path inside the repository, from its root.
    Path,
    /// One of some words.
    OneOf(&'static [&'static str]),
    /// A table of values for variables.
    Values,
}

impl Kind {
    /// What it takes, for people.
    pub(crate) fn shown(self) -> String {
        match self {
            Self::Switch => "true or false".to_owned(),
            Self::Whole { least, most: i64::MAX } => format!("a whole number of {least} or more"),
            Self::Whole { least, most } => format!("a whole number from {least} to {most}"),
            Self::Number(least) => format!("a number of {least} or more"),
            Self::Text => "a text".to_owned(),
            Self::Path => "a path inside the repository".to_owned(),
            Self::OneOf(words) => format!("one of {}", words.join(", ")),
            Self::Values => "a table of values".to_owned(),
        }
    }
}

const COUNT: Kind = Kind::Whole { least: 0, most: i64::MAX };

macro_rules! keys {
    ($($name:literal: $kind:expr,)*) => { &[$(Key { name: $name, kind: $kind }),*] };
}

/// Keys of `[defaults]` and `[[render]]`. A test holds them against the flags of `render`.
pub(crate) const KEYS: &[Key] = keys! {
    "composition": Kind::Text,
    "fps": Kind::Whole { least: 1, most: 240 },
    "quality": Kind::OneOf(Quality::NAMES),
    "format": Kind::OneOf(Format::NAMES),
    "resolution": Kind::OneOf(Resolution::NAMES),
    "aspect-ratio": Kind::OneOf(AspectRatio::NAMES),
    "variables": Kind::Values,
    "variables-file": Kind::Path,
    "strict-variables": Kind::Switch,
    "title": Kind::Text,
    "callback-url": Kind::Text,
    "callback-id": Kind::Text,
    "output": Kind::Path,
    "renderer": Kind::OneOf(&["auto", "cloud", "local", "lambda"]),
    "lambda-stack": Kind::Text,
    "lambda-version": Kind::Text,
    "upload": Kind::OneOf(&["auto", "direct", "proxy"]),
    "poll-interval": Kind::Number(1.0),
    "max-wait": Kind::Number(0.0001),
    "verify": Kind::Switch,
    "no-reuse": Kind::Switch,
    "reuse-window": Kind::Number(0.0),
    "ledger": Kind::Path,
    "max-renders": COUNT,
    "max-seconds": Kind::Number(0.0),
    "min-balance": Kind::Number(0.0),
    "concurrency": Kind::Whole { least: 1, most: 64 },
    "keep-going": Kind::Switch,
    "fail-fast": Kind::Switch,
    "max-failures": COUNT,
    "retry-failed": Kind::Switch,
    "manifest": Kind::Path,
};

/// The rows of an entry: the flag is called `--batch`.
pub(crate) const ROWS: Key = Key { name: "rows", kind: Kind::Path };

/// Events that an entry may be for; a pull request is a merge request elsewhere.
pub(crate) const EVENTS: &[&str] = &["pull_request", "release", "push", "schedule", "workflow_dispatch"];

impl Key {
    /// The flag of `render` that it sets, without its dashes.
    pub(crate) fn flag(&self) -> &'static str {
        if self.name == ROWS.name { "batch" } else { self.name }
    }

    /// The variable of the environment that sets it as well.
    pub(crate) fn variable(&self) -> String {
        format!("HYPERFRAMES_CI_{}", self.name.to_ascii_uppercase().replace('-', "_"))
    }
}
