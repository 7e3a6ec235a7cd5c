//! Speech: what is asked for, and its identity.
//!
//! The key is `hfcm_` and the SHA-256, in lowercase hexadecimal, of these lines in UTF-8, each ended by a line feed:
//!
//! ```text
//! hyperframes-ci media 1
//! speech <canonical JSON>
//! words <yes | no>
//! ```
//!
//! Canonical JSON is that of RFC 8785. It is the body of the request with all defaults: `input_type`, `locale` (null where it
//! is not set), `speed`, `text` and `voice_id`. The text has line feeds only, and none at its end. `words` is `yes` if a
//! words file or captions are declared: their times come with the speech and are not available later.

use serde_json::{Map, Value, json};

use super::MediaKey;
use crate::lang::json::canonical;

/// The longest script that the API accepts, in characters.
pub const MAX_SCRIPT: usize = 5000;

/// Characters that a voice speaks in a second, on average: 150 English words in a minute.
const CHARACTERS_PER_SECOND: f64 = 14.5;

/// A speech to generate.
#[derive(Clone, Debug, PartialEq)]
pub struct Speech {
    /// The script.
    text: String,
    /// Whether the script is SSML.
    pub is_ssml: bool,
    /// ID of the voice.
    pub voice: String,
    /// Speed, 0.5 to 2.0; 1.0 is normal.
    pub speed: f64,
    /// BCP 47 tag, such as `en-US`.
    pub locale: Option<String>,
    /// Whether the times of words are needed, for a words file or captions.
    pub has_words: bool,
}

impl Speech {
    /// Returns plain speech at normal speed. Line endings of `text` become line feeds, and a byte order mark and line feeds
    /// at its end are removed, so that a checkout on Windows has the same key.
    #[must_use]
    pub fn new(text: &str, voice: &str) -> Self {
        Self {
            text: normalized(text),
            is_ssml: false,
            voice: voice.to_owned(),
            speed: 1.0,
            locale: None,
            has_words: false,
        }
    }

    /// Returns the script as it is sent.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Returns the length of the script in characters.
    #[must_use]
    pub fn length(&self) -> usize {
        self.text.chars().count()
    }

    /// Returns the body of the request. Options that have their defaults are absent.
    #[must_use]
    pub fn body(&self) -> Map<String, Value> {
        let mut body = Map::new();
        body.insert("text".to_owned(), self.text.clone().into());
        body.insert("voice_id".to_owned(), self.voice.clone().into());
        if self.is_ssml {
            body.insert("input_type".to_owned(), "ssml".into());
        }
        if (self.speed - 1.0).abs() > f64::EPSILON {
            body.insert("speed".to_owned(), self.speed.into());
        }
        body.extend(self.locale.iter().map(|locale| ("locale".to_owned(), locale.clone().into())));
        body
    }

    /// Returns the key; the module's documentation defines it byte by byte.
    #[must_use]
    pub fn key(&self) -> MediaKey {
        let request = json!({
            "input_type": if self.is_ssml { "ssml" } else { "text" },
            "locale": self.locale,
            "speed": self.speed,
            "text": self.text,
            "voice_id": self.voice,
        });
        let words = if self.has_words { "yes" } else { "no" };
        MediaKey::of(&format!("hyperframes-ci media 1\nspeech {}\nwords {words}\n", canonical(&request)))
    }

    /// Returns the estimated length in seconds.
    #[must_use]
    pub fn estimated_seconds(&self) -> f64 {
        spoken_seconds(&self.text, self.is_ssml) / self.speed
    }
}

/// Returns a script with line feeds only and none at its end, without a byte order mark.
pub(super) fn normalized(text: &str) -> String {
    let text = text.trim_start_matches('\u{feff}').replace("\r\n", "\n").replace('\r', "\n");
    text.trim_end_matches('\n').to_owned()
}

/// Returns how long it takes to speak a script at normal speed, in seconds.
pub(super) fn spoken_seconds(text: &str, is_ssml: bool) -> f64 {
    let mut is_tag = false;
    let spoken = text.chars().filter(|character| {
        let was_tag = is_tag;
        is_tag = is_ssml && (*character == '<' || is_tag && *character != '>');
        !is_tag && !was_tag
    });
    spoken.count() as f64 / CHARACTERS_PER_SECOND
}

#[cfg(test)]
mod tests {
    use sha2::{Digest, Sha256};

    use super::*;
    use crate::archive::hex;

    /// Computed by hand from the definition: `printf` and `sha256sum` give the same.
    #[test]
    fn the_key_is_the_documented_one() {
        let text = "hyperframes-ci media 1\n\
            speech {\"input_type\":\"text\",\"locale\":null,\"speed\":1,\"text\":\"Hello,\\nworld.\",\"voice_id\":\"v1\"}\n\
            words no\n";
        let speech = Speech::new("\u{feff}Hello,\r\nworld.\r\n", "v1");
        assert_eq!(speech.key().as_str(), format!("hfcm_{}", hex(&Sha256::digest(text))));
        assert_eq!(Value::Object(speech.body()), json!({ "text": "Hello,\nworld.", "voice_id": "v1" }));
    }

    #[test]
    fn what_changes_the_speech_changes_the_key() {
        let plain = Speech::new("Hello", "v1");
        let others = [
            Speech::new("Hello!", "v1"),
            Speech::new("Hello", "v2"),
            Speech { is_ssml: true, ..plain.clone() },
            Speech { speed: 1.1, ..plain.clone() },
            Speech { locale: Some("en-GB".to_owned()), ..plain.clone() },
            Speech { has_words: true, ..plain.clone() },
        ];
        let keys = others.iter().chain([&plain]).map(Speech::key).collect::<std::collections::HashSet<_>>();
        assert_eq!(keys.len(), others.len() + 1);
    }

    #[test]
    fn markup_is_not_spoken() {
        let spoken = Speech::new("abcd", "v").estimated_seconds();
        let markup = Speech { is_ssml: true, ..Speech::new("<speak>ab<break time=\"1s\"/>cd</speak>", "v") };
        assert!((markup.estimated_seconds() - spoken).abs() < 1e-9);
    }
}
