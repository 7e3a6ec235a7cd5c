//! Presenter clips: what is asked for, and its identity.
//!
//! The key is the [`MediaKey`] of these lines in UTF-8, each ended by a line feed:
//!
//! ```text
//! hyperframes-ci media 1
//! presenter <canonical JSON>
//! ```
//!
//! Canonical JSON is that of RFC 8785. Its members are `aspect_ratio`, `audio_sha256`, `avatar_id`, `background`, `caption`
//! (whether captions are declared), `engine`, `output_format`, `resolution`, `script` and `voice_id`. Whatever is not set is null.
//! The identity of the job that makes the clip is that of the same lines, followed by its generation.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::MediaKey;
use super::speech::{normalized, spoken_seconds};
use crate::lang::json::canonical;
use crate::options::{UnknownValue, closed_set};

/// The longest audio that the API accepts, in seconds.
pub const MAX_AUDIO: f64 = 600.0;

closed_set! {
    /// The container of a clip.
    ClipFormat {
        /// The default.
        Mp4 = "mp4",
        /// With transparency.
        Webm = "webm",
    }
}

closed_set! {
    /// The resolution of a clip.
    ClipResolution {
        /// 720 lines.
        Hd = "720p",
        /// 1080 lines.
        FullHd = "1080p",
        /// 2160 lines.
        UltraHd = "4k",
    }
}

closed_set! {
    /// The shape of a clip.
    ClipShape {
        /// Landscape.
        Wide = "16:9",
        /// Portrait.
        Tall = "9:16",
        /// Portrait for feeds.
        Portrait = "4:5",
        /// Landscape for feeds.
        Landscape = "5:4",
        /// Square.
        Square = "1:1",
        /// That of the avatar.
        Auto = "auto",
    }
}

/// What the presenter says.
#[derive(Clone, Debug, PartialEq)]
pub enum PresenterVoice {
    /// An audio file.
    Audio {
        /// SHA-256 of the file in lowercase hexadecimal; `None` if it does not exist yet.
        sha256: Option<String>,
        /// Its length in seconds; `None` if it is unknown.
        seconds: Option<f64>,
    },
    /// A script that a voice of the API speaks.
    Script {
        /// The script; see [`PresenterVoice::script`].
        text: String,
        /// ID of the voice.
        voice: String,
    },
}

impl PresenterVoice {
    /// Returns a script with line feeds only, and without those at its end.
    #[must_use]
    pub fn script(text: &str, voice: &str) -> Self {
        Self::Script { text: normalized(text), voice: voice.to_owned() }
    }
}

/// What is behind the presenter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Background {
    /// A color such as `#00ff00`.
    Color(String),
    /// The URL of an image.
    Image(String),
}

impl Background {
    /// Parses `#RRGGBB` or an HTTPS URL.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        if let Some(digits) = text.strip_prefix('#') {
            let is_color = digits.len() == 6 && digits.bytes().all(|byte| byte.is_ascii_hexdigit());
            return is_color.then(|| Self::Color(text.to_ascii_lowercase()));
        }
        let host = text.strip_prefix("https://")?.split('/').next()?;
        let is_url = !host.is_empty() && !text.contains(char::is_whitespace);
        is_url.then(|| Self::Image(text.to_owned()))
    }

    fn json(&self) -> Value {
        match self {
            Self::Color(color) => json!({ "type": "color", "value": color }),
            Self::Image(url) => json!({ "type": "image", "url": url }),
        }
    }
}

impl fmt::Display for Background {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Color(text) | Self::Image(text) => f.write_str(text),
        }
    }
}

/// A presenter clip to make.
#[derive(Clone, Debug, PartialEq)]
pub struct Presenter {
    /// ID of the look.
    pub avatar: String,
    /// What is said.
    pub voice: PresenterVoice,
    /// Container.
    pub format: ClipFormat,
    /// Resolution; the API's default if absent.
    pub resolution: Option<ClipResolution>,
    /// Shape; the API's default if absent.
    pub aspect_ratio: Option<ClipShape>,
    /// Background; that of the look if absent.
    pub background: Option<Background>,
    /// Engine that animates the look; the API's choice if absent.
    pub engine: Option<String>,
    /// Whether captions are needed.
    pub has_captions: bool,
}

impl Presenter {
    /// Returns the body of the submission, without the asset of the audio. Options that are not set are absent.
    #[must_use]
    pub fn body(&self) -> Map<String, Value> {
        let mut body = Map::new();
        let mut set = |name: &str, value: Value| body.insert(name.to_owned(), value);
        set("type", "avatar".into());
        set("avatar_id", self.avatar.clone().into());
        set("output_format", self.format.as_str().into());
        if let PresenterVoice::Script { text, voice } = &self.voice {
            set("script", text.clone().into());
            set("voice_id", voice.clone().into());
        }
        let options = [
            ("resolution", self.resolution.map(|resolution| resolution.as_str().into())),
            ("aspect_ratio", self.aspect_ratio.map(|shape| shape.as_str().into())),
            ("background", self.background.as_ref().map(Background::json)),
            ("engine", self.engine.as_ref().map(|engine| json!({ "type": engine }))),
            ("caption", self.has_captions.then(|| json!({ "file_format": "srt" }))),
        ];
        for (name, value) in options {
            if let Some(value) = value {
                set(name, value);
            }
        }
        body
    }

    /// Returns the text that identifies it; `None` if its audio does not exist yet.
    #[must_use]
    pub fn text(&self) -> Option<String> {
        let (audio, script, voice) = match &self.voice {
            PresenterVoice::Audio { sha256, .. } => (Some(sha256.clone()?), None, None),
            PresenterVoice::Script { text, voice } => (None, Some(text), Some(voice)),
        };
        let request = json!({
            "aspect_ratio": self.aspect_ratio,
            "audio_sha256": audio,
            "avatar_id": self.avatar,
            "background": self.background.as_ref().map(Background::json),
            "caption": self.has_captions,
            "engine": self.engine,
            "output_format": self.format,
            "resolution": self.resolution,
            "script": script,
            "voice_id": voice,
        });
        Some(format!("hyperframes-ci media 1\npresenter {}\n", canonical(&request)))
    }

    /// Returns the key; the module's documentation defines it byte by byte. `None` if its audio does not exist yet.
    #[must_use]
    pub fn key(&self) -> Option<MediaKey> {
        self.text().map(|text| MediaKey::of(&text))
    }

    /// Returns the estimated length in seconds. Audio of an unknown length counts as the longest.
    #[must_use]
    pub fn estimated_seconds(&self) -> f64 {
        match &self.voice {
            PresenterVoice::Audio { seconds, .. } => seconds.unwrap_or(MAX_AUDIO),
            PresenterVoice::Script { text, .. } => spoken_seconds(text, false),
        }
    }
}

#[cfg(test)]
mod tests {
    use sha2::{Digest, Sha256};

    use super::*;
    use crate::archive::hex;

    fn clip() -> Presenter {
        Presenter {
            avatar: "a1".to_owned(),
            voice: PresenterVoice::Audio { sha256: Some("00ff".to_owned()), seconds: Some(2.5) },
            format: ClipFormat::Mp4,
            resolution: None,
            aspect_ratio: None,
            background: None,
            engine: None,
            has_captions: false,
        }
    }

    /// Computed by hand from the definition: `printf` and `sha256sum` give the same.
    #[test]
    fn the_key_is_the_documented_one() {
        let text = "hyperframes-ci media 1\npresenter {\"aspect_ratio\":\"9:16\",\"audio_sha256\":\"00ff\",\
            \"avatar_id\":\"a1\",\"background\":{\"type\":\"color\",\"value\":\"#00ff00\"},\"caption\":false,\
            \"engine\":null,\"output_format\":\"mp4\",\"resolution\":null,\"script\":null,\"voice_id\":null}\n";
        let clip = Presenter {
            aspect_ratio: Some(ClipShape::Tall),
            background: Background::parse("#00FF00"),
            ..clip()
        };
        let key = clip.key().expect("a key");
        assert_eq!(key.as_str(), format!("hfcm_{}", hex(&Sha256::digest(text))));
        assert!((clip.estimated_seconds() - 2.5).abs() < 1e-9);
    }

    #[test]
    fn what_changes_the_clip_changes_the_key() {
        let audio = |sha256: Option<&str>, seconds| PresenterVoice::Audio {
            sha256: sha256.map(str::to_owned),
            seconds,
        };
        let script = PresenterVoice::script("Hello\r\n", "v1");
        let others = [
            Presenter { avatar: "a2".to_owned(), ..clip() },
            Presenter { voice: audio(Some("00fe"), None), ..clip() },
            Presenter { voice: script.clone(), ..clip() },
            Presenter { voice: PresenterVoice::script("Hello", "v2"), ..clip() },
            Presenter { format: ClipFormat::Webm, ..clip() },
            Presenter { resolution: Some(ClipResolution::UltraHd), ..clip() },
            Presenter { aspect_ratio: Some(ClipShape::Auto), ..clip() },
            Presenter { background: Background::parse("https://x.example/a.png"), ..clip() },
            Presenter { engine: Some("avatar_v".to_owned()), ..clip() },
            Presenter { has_captions: true, ..clip() },
        ];
        let keys =
            others.iter().chain([&clip()]).map(Presenter::key).collect::<std::collections::HashSet<_>>();
        assert_eq!(keys.len(), others.len() + 1);
        // The length of the audio follows from its bytes.
        assert_eq!(Presenter { voice: audio(Some("00ff"), None), ..clip() }.key(), clip().key());
        assert_eq!(Presenter { voice: audio(None, Some(1.0)), ..clip() }.key(), None);
        let body = Value::Object(Presenter { voice: script, ..clip() }.body());
        let expected = json!({ "type": "avatar", "avatar_id": "a1", "output_format": "mp4", "script": "Hello", "voice_id": "v1" });
        assert_eq!(body, expected);
    }

    #[test]
    fn a_background_is_a_color_or_a_url() {
        for wrong in
            ["", "#fff", "#gggggg", "red", "http://x.example/a", "https://", "https:///a", "https://x/a b"]
        {
            assert_eq!(Background::parse(wrong), None, "{wrong}");
        }
        let image = Background::parse("https://x.example/a.png").map(|image| image.json());
        assert_eq!(image, Some(json!({ "type": "image", "url": "https://x.example/a.png" })));
    }
}
