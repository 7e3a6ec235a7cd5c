//! Outcomes of `config show` and `emulator`.

use schemars::JsonSchema;
use serde::Serialize;
use serde_json::{Map, Value};

/// A running emulator.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub(crate) struct EmulatorOutcome {
    /// The API's base URL.
    pub(crate) url: String,
    /// Whether renders are built-in clips.
    pub(crate) placeholder: bool,
}

/// What is set, and where.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub(crate) struct ConfigOutcome {
    /// The configuration file.
    pub(crate) path: String,
    /// Whether it exists.
    pub(crate) exists: bool,
    /// Every setting by its name.
    #[schemars(with = "std::collections::BTreeMap<String, SettingOutcome>")]
    pub(crate) settings: Map<String, Value>,
    /// The entries, unless one was chosen.
    pub(crate) entries: Vec<EntryOutcome>,
}

/// A setting that counts.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub(crate) struct SettingOutcome {
    /// Its value.
    pub(crate) value: String,
    /// Where it was set.
    pub(crate) origin: String,
}

/// An entry of the configuration.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub(crate) struct EntryOutcome {
    /// Its name.
    pub(crate) name: String,
    /// The project's directory.
    pub(crate) project: String,
    /// Events that it is for; all where there are none.
    pub(crate) on: Vec<String>,
    /// The line that it begins on.
    pub(crate) line: usize,
    /// What it sets.
    pub(crate) settings: Map<String, Value>,
}
