//! Generated media of the repository: `[[media]]`.

use hyperframes_ci_core::generated::MAX_SCRIPT;
use serde_json::{Map, Value, json};

/// Keys of the table.
pub(super) const MEDIA_KEYS: &[&str] =
    &["file", "text", "ssml", "script", "voice", "speed", "locale", "words", "captions"];

/// The slowest and the fastest speech.
pub(super) const SPEEDS: std::ops::RangeInclusive<f64> = 0.5..=2.0;

/// An entry `[[media]]`: a file that HeyGen generates. Paths are relative to the root of the repository.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct MediaEntry {
    /// The audio file.
    pub(crate) file: String,
    /// What is spoken.
    pub(crate) script: Script,
    /// ID of the voice.
    pub(crate) voice: String,
    /// Speed; 1.0 is normal.
    pub(crate) speed: f64,
    /// BCP 47 tag.
    pub(crate) locale: Option<String>,
    /// The file with the times of the words.
    pub(crate) words: Option<String>,
    /// The captions, WebVTT or SubRip.
    pub(crate) captions: Option<String>,
    /// Line where it starts, from 1.
    pub(crate) line: usize,
}

/// Where the script of a speech is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Script {
    /// In the entry.
    Text(String),
    /// In the entry, as SSML.
    Ssml(String),
    /// In a file; SSML if its extension is `.ssml`.
    File(String),
}

impl MediaEntry {
    /// Returns the files that are generated.
    pub(crate) fn outputs(&self) -> impl Iterator<Item = &str> {
        [Some(&self.file), self.words.as_ref(), self.captions.as_ref()]
            .into_iter()
            .flatten()
            .map(String::as_str)
    }

    /// Returns all paths.
    pub(crate) fn paths(&self) -> impl Iterator<Item = &str> {
        let script = match &self.script {
            Script::File(path) => Some(path.as_str()),
            Script::Text(_) | Script::Ssml(_) => None,
        };
        self.outputs().chain(script)
    }

    /// Returns the entry in the form of the file.
    pub(crate) fn to_json(&self) -> Map<String, Value> {
        let (key, script) = match &self.script {
            Script::Text(text) => ("text", text),
            Script::Ssml(text) => ("ssml", text),
            Script::File(path) => ("script", path),
        };
        let mut entry = Map::new();
        entry.insert("file".to_owned(), self.file.clone().into());
        entry.insert(key.to_owned(), script.clone().into());
        entry.insert("voice".to_owned(), self.voice.clone().into());
        entry.insert("speed".to_owned(), self.speed.into());
        let optional = [("locale", &self.locale), ("words", &self.words), ("captions", &self.captions)];
        let set = optional.into_iter().filter_map(|(key, value)| Some((key, value.clone()?)));
        entry.extend(set.map(|(key, value)| (key.to_owned(), value.into())));
        entry
    }
}

/// Returns the schema of an entry.
pub(super) fn media_schema() -> Value {
    let path =
        |description: &str| json!({ "type": "string", "pattern": "^[^/]", "description": description });
    let script = |description: &str| json!({ "type": "string", "minLength": 1, "maxLength": MAX_SCRIPT, "description": description });
    let one_of = ["text", "ssml", "script"].map(|key| json!({ "required": [key] }));
    json!({
        "type": "object",
        "additionalProperties": false,
        "required": ["file", "voice"],
        "oneOf": one_of,
        "properties": {
            "file": path("Audio file, relative to the repository root"),
            "text": script("Script"),
            "ssml": script("Script as SSML"),
            "script": path("File with the script, relative to the repository root; SSML if its extension is .ssml"),
            "voice": { "type": "string", "minLength": 1, "description": "ID of the voice" },
            "speed": { "type": "number", "minimum": SPEEDS.start(), "maximum": SPEEDS.end(), "description": "Speed of the speech [default: 1.0]" },
            "locale": { "type": "string", "pattern": "^[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})*$", "description": "Language and region, such as en-US [default: detected from the script]" },
            "words": path("File for the times of the words, such as transcript.json"),
            "captions": { "type": "string", "pattern": "^[^/].*\\.([vV][tT][tT]|[sS][rR][tT])$", "description": "File for captions, .vtt or .srt" },
        },
    })
}
