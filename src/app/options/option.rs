//! What an option is.

use std::ffi::OsStr;
use std::fmt;

use super::kind::Kind;
use crate::app::spec::RenderSpec;

/// An option of a render.
pub(crate) struct RenderOption {
    /// The name of its flag, of its key in the configuration, and of the action's input.
    pub(crate) name: &'static str,
    /// The letter of its short flag.
    pub(crate) short: Option<char>,
    /// What help calls its value; derived from the name where it is empty.
    pub(crate) value_name: &'static str,
    /// What it takes.
    pub(crate) kind: Kind,
    /// One line of help.
    pub(crate) help: &'static str,
    /// What holds where nobody sets it.
    pub(crate) fallback: Fallback,
    /// Where help lists it.
    pub(crate) heading: Heading,
    /// Where it can be set beside the command line.
    pub(crate) scope: Scope,
    /// Options that it excludes.
    pub(crate) conflicts: &'static [&'static str],
    /// Whether it is for one render and not for those that the configuration names.
    pub(crate) is_for_one: bool,
    /// Puts a value into a specification.
    pub(crate) set: fn(&mut RenderSpec, &OsStr) -> Result<(), String>,
}

/// What holds where nobody sets an option.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Fallback {
    /// Nothing.
    None,
    /// A value of ours.
    Value(&'static str),
    /// A value of the server's.
    Server(&'static str),
    /// Something that is best said in words.
    Words(&'static str),
}

/// Where help lists an option.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Heading {
    /// Under "Options".
    Options,
    /// Which earlier renders may be used.
    EarlierRenders,
    /// What a render may cost.
    Limits,
    /// For batches only.
    Batches,
    /// For Lambda.
    Lambda,
}

impl Heading {
    /// The heading; `None` for the first.
    pub(crate) fn title(self) -> Option<&'static str> {
        match self {
            Self::Options => None,
            Self::EarlierRenders => Some("Earlier renders"),
            Self::Limits => Some("Limits"),
            Self::Batches => Some("Batches"),
            Self::Lambda => Some("Lambda"),
        }
    }
}

/// Where an option can be set beside the command line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Scope {
    /// Nowhere: it is for one run.
    Run,
    /// For one run, and as an input of the action.
    RunAndInput,
    /// In the configuration and the environment.
    File,
    /// In the configuration, the environment, and as an input of the action.
    FileAndInput,
    /// In an entry of the configuration only, under another name.
    Entry(&'static str),
}

impl Scope {
    /// Whether it is a key of `[defaults]` and `[[render]]`, and a variable of the environment.
    pub(crate) fn is_key(self) -> bool {
        matches!(self, Self::File | Self::FileAndInput)
    }

    /// Whether it is an input of the action that means the same.
    pub(crate) fn is_input(self) -> bool {
        matches!(self, Self::RunAndInput | Self::FileAndInput)
    }
}

impl fmt::Debug for RenderOption {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name)
    }
}

impl RenderOption {
    /// The name in the configuration.
    pub(crate) fn key(&self) -> &'static str {
        match self.scope {
            Scope::Entry(name) => name,
            _ => self.name,
        }
    }

    /// The variable of the environment that sets it as well.
    pub(crate) fn variable(&self) -> String {
        format!("HYPERFRAMES_CI_{}", self.name.to_ascii_uppercase().replace('-', "_"))
    }

    /// The help with what the server does, but without a value of ours.
    pub(crate) fn description(&self) -> String {
        match self.fallback {
            Fallback::None | Fallback::Value(_) => self.help.to_owned(),
            Fallback::Server(value) => format!("{} [server default: {value}]", self.help),
            Fallback::Words(words) => format!("{} [default: {words}]", self.help),
        }
    }

    /// What holds where nobody sets it, for people.
    pub(crate) fn default(&self) -> &'static str {
        match self.fallback {
            Fallback::None if self.kind.is_switch() => "false",
            Fallback::None => "",
            Fallback::Value(value) | Fallback::Server(value) | Fallback::Words(value) => value,
        }
    }

    /// Whether it and another one exclude each other.
    pub(crate) fn excludes(&self, other: &Self) -> bool {
        self.conflicts.contains(&other.name) || other.conflicts.contains(&self.name)
    }
}
