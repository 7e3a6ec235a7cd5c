//! Catalogues: the voices, avatars, sounds and languages that media are made of.
//!
//! An entry is passed on as the API describes it. A field of an unexpected type counts as absent; only the ID is required.

use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::{Map, Number, Value};

use super::details::{id, lenient, redact_query, redact_urls};

/// An entry of a catalogue.
pub trait Catalogued: DeserializeOwned + Serialize {
    /// Path of its list.
    const PATH: &'static str;
    /// The largest number of entries on a page.
    const MOST: u32;

    /// Replaces the queries of URLs, which in presigned ones are credentials.
    fn redact(&mut self);
}

macro_rules! catalogued {
    ($name:ident, $path:literal, $most:literal) => {
        impl Catalogued for $name {
            const PATH: &'static str = $path;
            const MOST: u32 = $most;

            fn redact(&mut self) {
                redact_urls(&mut self.other);
            }
        }
    };
}

catalogued!(Voice, "/v3/voices", 100);
catalogued!(Avatar, "/v3/avatars/looks", 50);
catalogued!(AvatarGroup, "/v3/avatars", 50);

impl Catalogued for Sound {
    const PATH: &'static str = "/v3/audio/sounds";
    const MOST: u32 = 50;

    fn redact(&mut self) {
        redact_urls(&mut self.other);
        self.audio_url = self.audio_url.as_deref().map(redact_query);
    }
}

/// A voice.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Voice {
    /// ID for `voice`.
    #[serde(deserialize_with = "id")]
    pub voice_id: String,
    /// Name.
    #[serde(default, deserialize_with = "lenient")]
    pub name: String,
    /// Language, such as `English`.
    #[serde(default, deserialize_with = "lenient")]
    pub language: String,
    /// Gender.
    #[serde(default, deserialize_with = "lenient")]
    pub gender: String,
    /// `public` or `private`.
    #[serde(default, rename = "type", deserialize_with = "lenient")]
    pub kind: String,
    /// All other members.
    #[serde(flatten)]
    pub other: Map<String, Value>,
}

/// A look of an avatar, which presents a clip.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Avatar {
    /// ID for `avatar`.
    #[serde(deserialize_with = "id")]
    pub id: String,
    /// Name.
    #[serde(default, deserialize_with = "lenient")]
    pub name: String,
    /// The group that it belongs to.
    #[serde(default, deserialize_with = "lenient", skip_serializing_if = "Option::is_none")]
    pub group_id: Option<String>,
    /// Engines that can animate it; without one, it cannot be used.
    #[serde(default, deserialize_with = "lenient")]
    pub supported_api_engines: Vec<String>,
    /// `portrait` or `landscape`.
    #[serde(default, deserialize_with = "lenient", skip_serializing_if = "Option::is_none")]
    pub preferred_orientation: Option<String>,
    /// The voice that suits it.
    #[serde(default, deserialize_with = "lenient", skip_serializing_if = "Option::is_none")]
    pub default_voice_id: Option<String>,
    /// All other members.
    #[serde(flatten)]
    pub other: Map<String, Value>,
}

/// A person with looks.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AvatarGroup {
    /// ID.
    #[serde(deserialize_with = "id")]
    pub id: String,
    /// Name.
    #[serde(default, deserialize_with = "lenient")]
    pub name: String,
    /// Number of looks.
    #[serde(default, deserialize_with = "lenient", skip_serializing_if = "Option::is_none")]
    pub looks_count: Option<u64>,
    /// The voice that suits it.
    #[serde(default, deserialize_with = "lenient", skip_serializing_if = "Option::is_none")]
    pub default_voice_id: Option<String>,
    /// All other members.
    #[serde(flatten)]
    pub other: Map<String, Value>,
}

/// Music or a sound effect.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Sound {
    /// ID for `sound`.
    #[serde(deserialize_with = "id")]
    pub id: String,
    /// Name.
    #[serde(default, deserialize_with = "lenient")]
    pub name: String,
    /// Description.
    #[serde(default, deserialize_with = "lenient")]
    pub description: String,
    /// Length in seconds.
    #[serde(default, deserialize_with = "lenient", skip_serializing_if = "Option::is_none")]
    pub duration: Option<Number>,
    /// How well it matches the query, 0 to 1.
    #[serde(default, deserialize_with = "lenient", skip_serializing_if = "Option::is_none")]
    pub score: Option<Number>,
    /// Presigned URL of the file, which expires.
    #[serde(default, deserialize_with = "lenient", skip_serializing_if = "Option::is_none")]
    pub audio_url: Option<String>,
    /// All other members.
    #[serde(flatten)]
    pub other: Map<String, Value>,
}

/// The names of languages that videos are translated to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Languages(pub Vec<String>);

impl<'de> Deserialize<'de> for Languages {
    /// Reads names, or objects with a `language` or `name`; the list may be a member `languages`.
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let value = Value::deserialize(deserializer)?;
        let list = value.get("languages").unwrap_or(&value).as_array();
        let list = list.ok_or_else(|| serde::de::Error::custom("expected a list of languages"))?;
        let name = |entry: &Value| {
            let name = entry.as_str().or_else(|| entry.get("language").or(entry.get("name"))?.as_str());
            name.filter(|name| !name.is_empty()).map(str::to_owned)
        };
        Ok(Self(list.iter().filter_map(name).collect()))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::api::Page;

    #[test]
    fn an_odd_entry_hides_no_other_and_unknown_members_are_kept() {
        let page = json!({ "data": [
            { "voice_id": "v1", "name": 7, "type": "public", "new": 1, "preview_audio_url": "https://x/a?sig=s" },
            { "name": "without an ID" }, null, { "voice_id": "" },
        ], "next_token": null });
        let mut page: Page<Voice> = serde_json::from_value(page).expect("a page");
        assert_eq!((page.data.len(), page.has_more), (1, false));
        page.data[0].redact();
        assert_eq!(
            serde_json::to_value(&page.data[0]).expect("JSON"),
            json!({ "voice_id": "v1", "name": "", "language": "", "gender": "", "type": "public", "new": 1,
                "preview_audio_url": "https://x/a?[redacted]" })
        );
    }

    #[test]
    fn languages_are_read_in_every_form() {
        let names = Languages(vec!["German".to_owned(), "Spanish (Spain)".to_owned()]);
        for form in [
            json!(["German", "Spanish (Spain)"]),
            json!({ "languages": ["German", 7, "", "Spanish (Spain)"] }),
            json!([{ "language": "German" }, { "name": "Spanish (Spain)" }, {}]),
        ] {
            assert_eq!(serde_json::from_value::<Languages>(form.clone()).expect("a list"), names, "{form}");
        }
        assert!(serde_json::from_value::<Languages>(json!("German")).is_err());
    }
}
