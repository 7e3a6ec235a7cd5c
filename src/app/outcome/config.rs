//! Outcomes of `config show` and `emulator`.

use schemars::JsonSchema;
use serde::Serialize;
use serde_json::{Map, Value};

/// A running emulator.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub(crate) struct EmulatorOutcome {
    /// Base URL of the API.
    pub(crate) url: String,
    /// The API key that was generated; null if one was given.
    pub(crate) api_key: Option<String>,
    /// Whether renders are replaced by built-in clips.
    pub(crate) placeholder: bool,
}

/// The settings and where they are set.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub(crate) struct ConfigOutcome {
    /// Path of the configuration file.
    pub(crate) path: String,
    /// Whether the file exists.
    pub(crate) exists: bool,
    /// Settings by name.
    #[schemars(with = "std::collections::BTreeMap<String, SettingOutcome>")]
    pub(crate) settings: Map<String, Value>,
    /// Entries, unless one was selected.
    pub(crate) entries: Vec<EntryOutcome>,
    /// Generated media, unless an entry was selected.
    pub(crate) media: Vec<MediaEntryOutcome>,
}

/// An entry of generated media.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub(crate) struct MediaEntryOutcome {
    /// Path of the file from the root of the repository.
    pub(crate) file: String,
    /// Line where the entry starts, from 1.
    pub(crate) line: usize,
    /// Settings of the entry.
    pub(crate) settings: Map<String, Value>,
}

/// A setting.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub(crate) struct SettingOutcome {
    /// Effective value: a number, a boolean or an object for settings of that kind, otherwise a string.
    pub(crate) value: Value,
    /// Place where it is set.
    pub(crate) origin: String,
}

/// An entry of the configuration.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub(crate) struct EntryOutcome {
    /// Name of the entry.
    pub(crate) name: String,
    /// Project directory.
    pub(crate) project: String,
    /// Events that the entry is rendered for; all events if empty.
    pub(crate) on: Vec<String>,
    /// Line where the entry starts, from 1.
    pub(crate) line: usize,
    /// Settings of the entry.
    pub(crate) settings: Map<String, Value>,
}
