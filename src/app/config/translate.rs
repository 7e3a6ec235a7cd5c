//! Translations of the videos of entries: `translate` and `translate-mode` of `[[render]]`.

use hyperframes_ci_core::generated::TranslationMode;
use serde_json::{Map, Value, json};

/// The keys of an entry.
pub(super) const KEYS: [&str; 2] = ["translate", "translate-mode"];

/// The longest name of a language, in characters.
pub(super) const MAX_NAME: usize = 100;

/// The languages that the video of an entry is translated to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Translate {
    /// Names of the catalogue, such as `Spanish (Spain)`.
    pub(crate) languages: Vec<String>,
    /// How it is translated.
    pub(crate) mode: TranslationMode,
    /// Line of the key, from 1.
    pub(crate) line: usize,
}

impl Translate {
    /// Returns the members of an entry in the form of the file.
    pub(crate) fn to_json(&self) -> Map<String, Value> {
        let [languages, mode] = KEYS.map(str::to_owned);
        Map::from_iter([(languages, json!(self.languages)), (mode, self.mode.as_str().into())])
    }
}

/// Returns the properties of an entry in the schema of the configuration.
pub(super) fn translate_schema() -> [(String, Value); 2] {
    let languages = json!({
        "type": "array",
        "description": "Languages that `media generate` translates the video to, such as Spanish (Spain); `media list languages` lists them",
        "items": { "type": "string", "minLength": 1, "maxLength": MAX_NAME },
        "uniqueItems": true,
    });
    let mode = json!({
        "enum": TranslationMode::NAMES,
        "description": "How the video is translated; precision is better and costs twice as much [default: speed]",
    });
    let [languages_key, mode_key] = KEYS.map(str::to_owned);
    [(languages_key, languages), (mode_key, mode)]
}
