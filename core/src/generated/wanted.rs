//! What an entry asks for, of any kind.

use serde_json::json;

use super::{MediaKey, PRESENTER_USD_PER_SECOND, Presenter, SPEECH_USD_PER_SECOND, Speech, Translation};
use crate::lang::json::canonical;

/// What an entry asks for.
#[derive(Clone, Debug, PartialEq)]
pub enum Wanted {
    /// A speech.
    Speech(Speech),
    /// A presenter clip.
    Presenter(Presenter),
    /// A sound of the catalogue, which is not billed.
    Sound(SoundChoice),
    /// A translation of a video.
    Translation(Translation),
}

/// A sound of the catalogue.
///
/// The key is the [`MediaKey`] of these lines in UTF-8, each ended by a line feed:
///
/// ```text
/// hyperframes-ci media 1
/// sound <canonical JSON>
/// ```
///
/// Canonical JSON is that of RFC 8785; its one member is `id`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SoundChoice {
    /// ID in the catalogue.
    pub id: String,
    /// The words that find it, since the API finds no sound by its ID; not part of the key.
    pub query: Option<String>,
}

impl SoundChoice {
    fn key(&self) -> MediaKey {
        MediaKey::of(&format!("hyperframes-ci media 1\nsound {}\n", canonical(&json!({ "id": self.id }))))
    }
}

impl Wanted {
    /// Returns the key; `None` if it depends on a file that does not exist yet.
    #[must_use]
    pub fn key(&self) -> Option<MediaKey> {
        match self {
            Self::Speech(speech) => Some(speech.key()),
            Self::Presenter(presenter) => presenter.key(),
            Self::Sound(sound) => Some(sound.key()),
            Self::Translation(translation) => translation.key(),
        }
    }

    /// Returns the estimated length in seconds of what is billed.
    #[must_use]
    pub fn estimated_seconds(&self) -> f64 {
        match self {
            Self::Speech(speech) => speech.estimated_seconds(),
            Self::Presenter(presenter) => presenter.estimated_seconds(),
            Self::Sound(_) => 0.0,
            Self::Translation(translation) => translation.estimated_seconds(),
        }
    }

    /// Returns the text that identifies the job that makes it; `None` without a job, or if it depends on a file that does not exist yet.
    #[must_use]
    pub fn job_text(&self) -> Option<String> {
        match self {
            Self::Presenter(presenter) => presenter.text(),
            Self::Translation(translation) => translation.text(),
            Self::Speech(_) | Self::Sound(_) => None,
        }
    }

    /// Returns the price in US dollars per second.
    #[must_use]
    pub fn usd_per_second(&self) -> f64 {
        match self {
            Self::Speech(_) => SPEECH_USD_PER_SECOND,
            Self::Presenter(_) => PRESENTER_USD_PER_SECOND,
            Self::Sound(_) => 0.0,
            Self::Translation(translation) => translation.usd_per_second(),
        }
    }

    /// Returns the estimated price in US dollars.
    #[must_use]
    pub fn estimated_usd(&self) -> f64 {
        self.estimated_seconds() * self.usd_per_second()
    }
}

#[cfg(test)]
mod tests {
    use sha2::{Digest, Sha256};

    use super::*;
    use crate::archive::hex;

    /// Computed by hand from the definition: `printf` and `sha256sum` give the same.
    #[test]
    fn the_key_of_a_sound_is_the_documented_one() {
        let text = "hyperframes-ci media 1\nsound {\"id\":\"s1\"}\n";
        let expected = format!("hfcm_{}", hex(&Sha256::digest(text)));
        for query in [None, Some("calm".to_owned())] {
            let sound = Wanted::Sound(SoundChoice { id: "s1".to_owned(), query });
            assert_eq!(sound.key().as_ref().map(MediaKey::as_str), Some(expected.as_str()));
            assert!(sound.estimated_usd().abs() < f64::EPSILON);
        }
    }
}
