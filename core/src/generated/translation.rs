//! Translations of videos: what is asked for, and its identity.
//!
//! The key is the [`MediaKey`] of these lines in UTF-8, each ended by a line feed:
//!
//! ```text
//! hyperframes-ci media 1
//! translation <canonical JSON>
//! ```
//!
//! Canonical JSON is that of RFC 8785. Its members are `language`, `mode` and `video_sha256`. Captions are always requested. The
//! identity of the job that makes the translation is that of the same lines, followed by its generation.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::{MAX_AUDIO, MediaKey, PRECISE_TRANSLATION_USD_PER_SECOND, TRANSLATION_USD_PER_SECOND};
use crate::lang::json::canonical;
use crate::options::{UnknownValue, closed_set};

closed_set! {
    /// How a video is translated.
    TranslationMode {
        /// The default.
        Speed = "speed",
        /// Better, at twice the price.
        Precision = "precision",
    }
}

/// A translation of a video into one language.
#[derive(Clone, Debug, PartialEq)]
pub struct Translation {
    /// SHA-256 of the video in lowercase hexadecimal; `None` if it does not exist.
    pub video_sha256: Option<String>,
    /// Length of the video in seconds; `None` if it is unknown.
    pub seconds: Option<f64>,
    /// Name of the language in the catalogue, such as `Spanish (Spain)`.
    pub language: String,
    /// How it is translated.
    pub mode: TranslationMode,
}

impl Translation {
    /// Returns the body of the submission, without the asset of the video.
    #[must_use]
    pub fn body(&self) -> Map<String, Value> {
        Map::from_iter([
            ("output_languages".to_owned(), json!([self.language])),
            ("mode".to_owned(), self.mode.as_str().into()),
            ("enable_caption".to_owned(), true.into()),
        ])
    }

    /// Returns the text that identifies it; `None` if its video does not exist.
    #[must_use]
    pub fn text(&self) -> Option<String> {
        let video = self.video_sha256.as_ref()?;
        let request = json!({ "language": self.language, "mode": self.mode, "video_sha256": video });
        Some(format!("hyperframes-ci media 1\ntranslation {}\n", canonical(&request)))
    }

    /// Returns the key; the module's documentation defines it byte by byte. `None` if its video does not exist.
    #[must_use]
    pub fn key(&self) -> Option<MediaKey> {
        self.text().map(|text| MediaKey::of(&text))
    }

    /// Returns the estimated length in seconds. A video of an unknown length counts as ten minutes.
    #[must_use]
    pub fn estimated_seconds(&self) -> f64 {
        self.seconds.unwrap_or(MAX_AUDIO)
    }

    /// Returns the price in US dollars per second.
    #[must_use]
    pub fn usd_per_second(&self) -> f64 {
        match self.mode {
            TranslationMode::Speed => TRANSLATION_USD_PER_SECOND,
            TranslationMode::Precision => PRECISE_TRANSLATION_USD_PER_SECOND,
        }
    }
}

#[cfg(test)]
mod tests {
    use sha2::{Digest, Sha256};

    use super::*;
    use crate::archive::hex;

    fn translation() -> Translation {
        Translation {
            video_sha256: Some("00ff".to_owned()),
            seconds: Some(2.5),
            language: "Spanish (Spain)".to_owned(),
            mode: TranslationMode::Speed,
        }
    }

    /// Computed by hand from the definition: `printf` and `sha256sum` give the same.
    #[test]
    fn the_key_is_the_documented_one() {
        let text = "hyperframes-ci media 1\n\
            translation {\"language\":\"Spanish (Spain)\",\"mode\":\"speed\",\"video_sha256\":\"00ff\"}\n";
        let key = translation().key().expect("a key");
        assert_eq!(key.as_str(), format!("hfcm_{}", hex(&Sha256::digest(text))));
    }

    #[test]
    fn what_changes_the_translation_changes_the_key() {
        let others = [
            Translation { video_sha256: Some("00fe".to_owned()), ..translation() },
            Translation { language: "German".to_owned(), ..translation() },
            Translation { mode: TranslationMode::Precision, ..translation() },
        ];
        for other in others {
            assert_ne!(other.key(), translation().key(), "{other:?}");
        }
        // The length follows from the bytes.
        assert_eq!(Translation { seconds: None, ..translation() }.key(), translation().key());
        assert_eq!(Translation { video_sha256: None, ..translation() }.key(), None);
        let body = Value::Object(translation().body());
        let expected =
            json!({ "output_languages": ["Spanish (Spain)"], "mode": "speed", "enable_caption": true });
        assert_eq!(body, expected);
    }
}
