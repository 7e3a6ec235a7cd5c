//! The description of an option.

use std::ffi::OsStr;
use std::fmt;

use super::kind::Kind;
use crate::app::spec::RenderSpec;

/// An option of a render.
pub(crate) struct RenderOption {
    /// The name of the flag, of the key in the configuration, and of the action's input.
    pub(crate) name: &'static str,
    /// The letter of the short flag, if there is one.
    pub(crate) short: Option<char>,
    /// The name of the value in the help; derived from the name of the option if empty.
    pub(crate) value_name: &'static str,
    /// The kind of its values.
    pub(crate) kind: Kind,
    /// The help in one line, for `-h`; short enough for lines of 100 columns.
    pub(crate) help: &'static str,
    /// Further sentences, for `--help`.
    pub(crate) details: &'static str,
    /// The default.
    pub(crate) fallback: Fallback,
    /// The section of the help that lists it.
    pub(crate) heading: Heading,
    /// Where it can be set in addition to the command line.
    pub(crate) scope: Scope,
    /// Names of options that it cannot be used with.
    pub(crate) conflicts: &'static [&'static str],
    /// Whether it applies to a single render, and cannot be used with a selection of entries.
    pub(crate) is_for_single_render: bool,
    /// Parses a value into a specification.
    pub(crate) set: fn(&mut RenderSpec, &OsStr) -> Result<(), String>,
}

/// The default of an option.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Fallback {
    /// None.
    None,
    /// A value.
    Value(&'static str),
    /// A value that the server chooses.
    Server(&'static str),
    /// A description in words.
    Words(&'static str),
}

/// A section of the help.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Heading {
    /// What to render.
    Project,
    /// How to render it.
    Rendering,
    /// Values of variables.
    Variables,
    /// The video file.
    Output,
    /// Waiting for a render.
    Waiting,
    /// Uploads, requests and webhooks.
    Network,
    /// Reuse of earlier renders, and limits of the cost.
    Reuse,
    /// Batches.
    Batches,
    /// The renderer in containers.
    Docker,
    /// Renderers that divide a video into chunks.
    Distributed,
    /// The Lambda renderer.
    Lambda,
    /// The Cloud Run renderer.
    CloudRun,
    /// The HTTP renderer.
    Http,
}

impl Heading {
    /// Returns the heading.
    pub(crate) fn title(self) -> &'static str {
        match self {
            Self::Project => "Project options",
            Self::Rendering => "Rendering options",
            Self::Variables => "Variables",
            Self::Output => "Output",
            Self::Waiting => "Waiting",
            Self::Network => "Network",
            Self::Reuse => "Reuse and limits",
            Self::Batches => "Batches",
            Self::Docker => "Docker",
            Self::Distributed => "Distributed renderers",
            Self::Lambda => "AWS Lambda",
            Self::CloudRun => "Google Cloud Run",
            Self::Http => "HTTP endpoints",
        }
    }
}

/// Where an option can be set in addition to the command line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Scope {
    /// Nowhere else.
    Run,
    /// As an input of the action.
    RunAndInput,
    /// In the configuration and the environment.
    File,
    /// In the configuration, the environment, and as an input of the action.
    FileAndInput,
    /// In an entry of the configuration, under another name.
    Entry(&'static str),
}

impl Scope {
    /// Returns whether the option is a key of `[defaults]` and `[[render]]`, and an environment variable.
    pub(crate) fn is_key(self) -> bool {
        matches!(self, Self::File | Self::FileAndInput)
    }

    /// Returns whether the option is an input of the action.
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
    /// Returns the name in the configuration.
    pub(crate) fn key(&self) -> &'static str {
        match self.scope {
            Scope::Entry(name) => name,
            _ => self.name,
        }
    }

    /// Returns the name of the environment variable.
    pub(crate) fn variable(&self) -> String {
        format!("HYPERFRAMES_CI_{}", self.name.to_ascii_uppercase().replace('-', "_"))
    }

    /// Returns the complete help in one paragraph, with the default.
    pub(crate) fn description(&self) -> String {
        let details = if self.details.is_empty() { String::new() } else { format!(". {}", self.details) };
        let default = match self.fallback {
            Fallback::None => String::new(),
            Fallback::Value(value) | Fallback::Server(value) | Fallback::Words(value) => {
                format!(" [default: {value}]")
            }
        };
        format!("{}{details}{default}", self.help)
    }

    /// Returns the default as text.
    pub(crate) fn default(&self) -> &'static str {
        match self.fallback {
            Fallback::None if self.kind.is_switch() => "false",
            Fallback::None => "",
            Fallback::Value(value) | Fallback::Server(value) | Fallback::Words(value) => value,
        }
    }

    /// Returns whether this option cannot be used with `other`.
    pub(crate) fn excludes(&self, other: &Self) -> bool {
        self.conflicts.contains(&other.name) || other.conflicts.contains(&self.name)
    }
}
