//! Generated media of the repository: `[[media]]`.

use std::path::PathBuf;

use hyperframes_ci_core::generated::{
    Background, ClipFormat, ClipResolution, ClipShape, MAX_SCRIPT, MediaStore, TranslationMode,
};
use serde_json::{Map, Value, json};

/// Keys of each kind of entry.
pub(super) const SPEECH_KEYS: &[&str] =
    &["file", "text", "ssml", "script", "voice", "speed", "locale", "words", "captions", "store"];
pub(super) const PRESENTER_KEYS: &[&str] = &[
    "file",
    "avatar",
    "audio",
    "text",
    "script",
    "voice",
    "format",
    "resolution",
    "aspect-ratio",
    "background",
    "engine",
    "captions",
    "store",
];
pub(super) const SOUND_KEYS: &[&str] = &["file", "sound", "query", "store"];

/// The slowest and the fastest speech.
pub(super) const SPEEDS: std::ops::RangeInclusive<f64> = 0.5..=2.0;

/// The entries `[[media]]` of a configuration, and its text for the places of findings.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct DeclaredMedia {
    /// Path of the configuration.
    pub(crate) path: PathBuf,
    /// Its text; empty if it has no entries.
    pub(crate) text: String,
    /// The entries, in the order of the file.
    pub(crate) entries: Vec<MediaEntry>,
}

impl DeclaredMedia {
    /// Returns the files that Git ignores, since a store keeps them.
    pub(crate) fn kept_elsewhere(&self) -> Vec<String> {
        let entries = self.entries.iter().filter(|entry| entry.store != MediaStore::Git);
        entries.map(|entry| entry.file.clone()).collect()
    }
}

/// An entry `[[media]]`: a file that HeyGen generates. Paths are relative to the root of the repository.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct MediaEntry {
    /// The audio file or the clip.
    pub(crate) file: String,
    /// What it is made of.
    pub(crate) kind: MediaKind,
    /// The captions, WebVTT or SubRip.
    pub(crate) captions: Option<String>,
    /// Where the file is kept; words and captions are committed.
    pub(crate) store: MediaStore,
    /// Line where it starts, from 1.
    pub(crate) line: usize,
}

/// What the file of an entry is made of.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum MediaKind {
    /// A voice-over.
    Speech {
        /// What is spoken.
        script: Script,
        /// ID of the voice.
        voice: String,
        /// Speed; 1.0 is normal.
        speed: f64,
        /// BCP 47 tag.
        locale: Option<String>,
        /// The file with the times of the words.
        words: Option<String>,
    },
    /// A clip of a presenter.
    Presenter(Box<PresenterEntry>),
    /// A sound of the catalogue.
    Sound {
        /// ID.
        id: String,
        /// Words that find it.
        query: Option<String>,
    },
    /// A translation of the video of an entry `[[render]]`.
    Translation(TranslationEntry),
}

/// A translation of a video.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct TranslationEntry {
    /// The video, relative to the root of the repository.
    pub(crate) video: String,
    /// Name of the language in the catalogue.
    pub(crate) language: String,
    /// How it is translated.
    pub(crate) mode: TranslationMode,
}

/// A clip of a presenter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct PresenterEntry {
    /// ID of the look.
    pub(crate) avatar: String,
    /// What the presenter says.
    pub(crate) says: Says,
    /// Container.
    pub(crate) format: ClipFormat,
    /// Resolution.
    pub(crate) resolution: Option<ClipResolution>,
    /// Shape.
    pub(crate) aspect_ratio: Option<ClipShape>,
    /// Background.
    pub(crate) background: Option<Background>,
    /// Engine that animates the look.
    pub(crate) engine: Option<String>,
}

/// What a presenter says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Says {
    /// The file of another entry.
    Audio(String),
    /// A script, and the ID of the voice that speaks it.
    Script(Script, String),
}

/// Where a script is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Script {
    /// In the entry.
    Text(String),
    /// In the entry, as SSML.
    Ssml(String),
    /// In a file; SSML if its extension is `.ssml`.
    File(String),
}

impl Script {
    fn member(&self) -> (&'static str, &str) {
        match self {
            Self::Text(text) => ("text", text),
            Self::Ssml(text) => ("ssml", text),
            Self::File(path) => ("script", path),
        }
    }
}

impl MediaKind {
    /// Returns the name of the kind.
    pub(crate) fn name(&self) -> &'static str {
        match self {
            Self::Speech { .. } => "speech",
            Self::Presenter(_) => "presenter",
            Self::Sound { .. } => "sound",
            Self::Translation(_) => "translation",
        }
    }
}

impl MediaEntry {
    /// Returns the file with the times of the words.
    pub(crate) fn words(&self) -> Option<&String> {
        match &self.kind {
            MediaKind::Speech { words, .. } => words.as_ref(),
            MediaKind::Presenter(_) | MediaKind::Sound { .. } | MediaKind::Translation(_) => None,
        }
    }

    /// Returns the script.
    pub(crate) fn script(&self) -> Option<&Script> {
        match &self.kind {
            MediaKind::Speech { script, .. } => Some(script),
            MediaKind::Presenter(clip) => match &clip.says {
                Says::Script(script, _) => Some(script),
                Says::Audio(_) => None,
            },
            MediaKind::Sound { .. } | MediaKind::Translation(_) => None,
        }
    }

    /// Returns the file of another entry that it is made from.
    pub(crate) fn audio(&self) -> Option<&str> {
        match &self.kind {
            MediaKind::Presenter(clip) => match &clip.says {
                Says::Audio(path) => Some(path),
                Says::Script(..) => None,
            },
            MediaKind::Speech { .. } | MediaKind::Sound { .. } | MediaKind::Translation(_) => None,
        }
    }

    /// Returns the translation, if it is one.
    pub(crate) fn translation(&self) -> Option<&TranslationEntry> {
        match &self.kind {
            MediaKind::Translation(translation) => Some(translation),
            MediaKind::Speech { .. } | MediaKind::Presenter(_) | MediaKind::Sound { .. } => None,
        }
    }

    /// Returns the files that are generated.
    pub(crate) fn outputs(&self) -> impl Iterator<Item = &str> {
        [Some(&self.file), self.words(), self.captions.as_ref()].into_iter().flatten().map(String::as_str)
    }

    /// Returns all paths.
    pub(crate) fn paths(&self) -> impl Iterator<Item = &str> {
        let script = match self.script() {
            Some(Script::File(path)) => Some(path.as_str()),
            _ => None,
        };
        let video = self.translation().map(|translation| translation.video.as_str());
        self.outputs().chain(script).chain(self.audio()).chain(video)
    }

    /// Returns the entry in the form of the file.
    pub(crate) fn to_json(&self) -> Map<String, Value> {
        let mut members: Vec<(&str, Option<Value>)> = vec![("file", Some(self.file.clone().into()))];
        let optional = |text: &Option<String>| text.clone().map(Value::from);
        if let Some(script) = self.script() {
            let (name, text) = script.member();
            members.push((name, Some(text.into())));
        }
        match &self.kind {
            MediaKind::Speech { voice, speed, locale, words, .. } => members.extend([
                ("voice", Some(voice.clone().into())),
                ("speed", Some((*speed).into())),
                ("locale", optional(locale)),
                ("words", optional(words)),
            ]),
            MediaKind::Presenter(clip) => {
                let voice = match &clip.says {
                    Says::Audio(path) => ("audio", path),
                    Says::Script(_, voice) => ("voice", voice),
                };
                members.extend([
                    ("avatar", Some(clip.avatar.clone().into())),
                    (voice.0, Some(voice.1.clone().into())),
                    ("format", Some(clip.format.as_str().into())),
                    ("resolution", clip.resolution.map(|resolution| resolution.as_str().into())),
                    ("aspect-ratio", clip.aspect_ratio.map(|shape| shape.as_str().into())),
                    ("background", clip.background.as_ref().map(|background| background.to_string().into())),
                    ("engine", optional(&clip.engine)),
                ]);
            }
            MediaKind::Sound { id, query } => {
                members.extend([("sound", Some(id.clone().into())), ("query", optional(query))]);
            }
            // The entry `[[render]]` has its settings.
            MediaKind::Translation(_) => {}
        }
        members.push(("captions", optional(&self.captions)));
        let store = Some(self.store).filter(|store| *store != MediaStore::Git);
        members.push(("store", store.map(|store| store.as_str().into())));
        members.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?))).collect()
    }
}

/// Returns the schema of an entry.
pub(super) fn media_schema() -> Value {
    let path =
        |description: &str| json!({ "type": "string", "pattern": "^[^/]", "description": description });
    let text = |description: &str| json!({ "type": "string", "minLength": 1, "description": description });
    let script = |description: &str| json!({ "type": "string", "minLength": 1, "maxLength": MAX_SCRIPT, "description": description });
    let one_of = |names: &'static [&'static str], description: &str| json!({ "enum": names, "description": description });
    let required = |keys: &[&str]| json!({ "required": keys });
    json!({
        "type": "object",
        "additionalProperties": false,
        "required": ["file"],
        "oneOf": [
            { "required": ["voice"], "oneOf": [required(&["text"]), required(&["ssml"]), required(&["script"])],
              "not": { "anyOf": [required(&["avatar"]), required(&["sound"])] } },
            { "required": ["avatar"], "oneOf": [required(&["audio"]), required(&["text", "voice"]), required(&["script", "voice"])],
              "not": { "anyOf": [required(&["sound"]), required(&["ssml"])] } },
            { "required": ["sound"], "not": { "anyOf": [required(&["avatar"]), required(&["voice"])] } },
        ],
        "properties": {
            "file": path("Audio file or clip, relative to the repository root"),
            "text": script("Script"),
            "ssml": script("Script as SSML"),
            "script": path("File with the script, relative to the repository root; SSML if its extension is .ssml"),
            "voice": text("ID of the voice"),
            "speed": { "type": "number", "minimum": SPEEDS.start(), "maximum": SPEEDS.end(), "description": "Speed of the speech [default: 1.0]" },
            "locale": { "type": "string", "pattern": "^[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})*$", "description": "Language and region, such as en-US [default: detected from the script]" },
            "words": path("File for the times of the words, such as transcript.json"),
            "captions": { "type": "string", "pattern": "^[^/].*\\.([vV][tT][tT]|[sS][rR][tT])$", "description": "File for captions, .vtt or .srt" },
            "avatar": text("ID of the look of an avatar, for a presenter clip"),
            "audio": path("What the presenter says: the file of a speech or a sound"),
            "format": one_of(ClipFormat::NAMES, "Container of the clip [default: that of the extension of the file]"),
            "resolution": one_of(ClipResolution::NAMES, "Resolution of the clip [default: chosen by HeyGen]"),
            "aspect-ratio": one_of(ClipShape::NAMES, "Shape of the clip [default: chosen by HeyGen]"),
            "background": { "type": "string", "pattern": "^(#[0-9A-Fa-f]{6}|https://[^/\\s]\\S*)$", "description": "Background of the clip: a color such as #00ff00, or the HTTPS URL of an image" },
            "engine": { "type": "string", "pattern": "^[a-z0-9_]+$", "description": "Engine that animates the look, such as avatar_iv [default: chosen by HeyGen]" },
            "sound": text("ID of a sound of the catalogue"),
            "store": one_of(MediaStore::NAMES, "Where the file is kept: committed, or ignored by Git and kept on the previews branch or in a release on GitHub [default: git]"),
            "query": text("Words that find the sound, as for `media list sounds` [default: its ID]"),
        },
    })
}
