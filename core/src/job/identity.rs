//! The render key, which identifies identical renders.
//!
//! The key is `hfci_` and the SHA-256, in lowercase hexadecimal, of these lines in UTF-8, each ended by a line feed:
//!
//! ```text
//! hyperframes-ci render 1
//! project <digest <manifest digest> | asset <asset id>>
//! composition <entry inside the project>
//! options <canonical JSON>
//! variables <canonical JSON>
//! generation <number in decimal>
//! ```
//!
//! Canonical JSON is that of RFC 8785. The options are all other members of the request's body, whether or not this
//! version knows them, with the server's defaults for `aspect_ratio`, `format`, `fps`, `quality` and `resolution` where
//! they are not set. Members without influence on the video are omitted: `title`, `callback_id`, `callback_url`, and
//! `project`, which stands in a line of its own. No variables are `{}`, and no composition is `index.html`. The
//! generation is 0, and one more for each render of this identity that cannot be used: it failed, or its user deleted it or
//! asked for another.
//!
//! The project's path and name, the machine, the time and the order of flags are not part of it. A project at a URL has no
//! identity, since its contents may change.

use std::fmt;

use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};

use crate::api::IdempotencyKey;
use crate::archive::hex;
use crate::lang::json::canonical;
use crate::project::DEFAULT_COMPOSITION;

/// The project, as part of the key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ProjectIdentity<'a> {
    /// A packed directory, by its manifest digest.
    Digest(&'a str),
    /// An archive that was uploaded before.
    Asset(&'a str),
}

impl fmt::Display for ProjectIdentity<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Digest(digest) => write!(f, "digest {digest}"),
            Self::Asset(id) => write!(f, "asset {id}"),
        }
    }
}

/// The identity of a render, without its generation: equal identities produce the same video.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RenderIdentity {
    /// The text that is hashed, up to the generation.
    text: String,
}

/// Members of the body without influence on the video, or with their own line.
const NO_OPTIONS: &[&str] = &["title", "callback_id", "callback_url", "project", "composition", "variables"];

impl RenderIdentity {
    /// Returns the identity of the render that `body` requests; the module's documentation defines it byte by byte.
    #[must_use]
    pub fn new(project: ProjectIdentity<'_>, body: &Map<String, Value>) -> Self {
        let mut options = Map::new();
        let defaults = [
            ("aspect_ratio", json!("16:9")),
            ("format", json!("mp4")),
            ("fps", json!(30)),
            ("quality", json!("standard")),
            ("resolution", json!("1080p")),
        ];
        options.extend(defaults.map(|(name, value)| (name.to_owned(), value)));
        let given =
            body.iter().filter(|(name, value)| !NO_OPTIONS.contains(&name.as_str()) && !value.is_null());
        options.extend(given.map(|(name, value)| (name.clone(), value.clone())));
        let composition = body.get("composition").and_then(Value::as_str).unwrap_or(DEFAULT_COMPOSITION);
        let variables = body.get("variables").filter(|variables| !variables.is_null());
        let variables = variables.map_or_else(|| "{}".to_owned(), canonical);
        let text = format!(
            "hyperframes-ci render 1\nproject {project}\ncomposition {composition}\noptions {}\nvariables {variables}\n",
            canonical(&Value::Object(options)),
        );
        Self { text }
    }

    /// Returns the identity of generated media that `text` describes, which ends with a line feed.
    #[must_use]
    pub fn of_media(text: String) -> Self {
        Self { text }
    }

    /// Returns the key of one generation.
    #[must_use]
    pub fn key(&self, generation: u32) -> RenderKey {
        RenderKey::of(Sha256::new_with_prefix(&self.text), generation)
    }

    /// Returns the keys of all generations from `first` on; the text before the generation is hashed once.
    pub fn keys(&self, first: u32) -> impl Iterator<Item = (u32, RenderKey)> + use<> {
        let text = Sha256::new_with_prefix(&self.text);
        (first..=u32::MAX).map(move |generation| (generation, RenderKey::of(text.clone(), generation)))
    }
}

/// The key of a render: of its identity and its generation.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RenderKey(String);

impl RenderKey {
    /// The beginning of every key.
    pub const PREFIX: &str = "hfci_";

    fn of(text: Sha256, generation: u32) -> Self {
        let hash = text.chain_update(format!("generation {generation}\n")).finalize();
        Self(format!("{}{}", Self::PREFIX, hex(&hash)))
    }

    /// Returns the key as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Returns the key for the `Idempotency-Key` header.
    #[must_use]
    pub fn idempotency_key(&self) -> IdempotencyKey {
        self.0.parse().expect("hexadecimal digits and an underscore are allowed")
    }
}

impl fmt::Display for RenderKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const DIGEST: ProjectIdentity<'_> = ProjectIdentity::Digest("00ff");

    fn key(body: &Value) -> RenderKey {
        RenderIdentity::new(DIGEST, body.as_object().expect("an object")).key(0)
    }

    /// Computed by hand from the definition: `printf` and `sha256sum` give the same.
    #[test]
    fn the_key_is_the_documented_one() {
        let text = "hyperframes-ci render 1\nproject digest 00ff\ncomposition a.html\n\
            options {\"aspect_ratio\":\"9:16\",\"format\":\"mp4\",\"fps\":24,\"quality\":\"standard\",\"resolution\":\"1080p\"}\n\
            variables {\"a\":1,\"b\":\"x\"}\ngeneration 2\n";
        let body = json!({ "variables": { "b": "x", "a": 1.0 }, "fps": 24, "aspect_ratio": "9:16", "composition": "a.html" });
        let key = RenderIdentity::new(DIGEST, body.as_object().expect("an object")).key(2);
        assert_eq!(key.as_str(), format!("hfci_{}", hex(&Sha256::digest(text))));
        assert_eq!(key.idempotency_key().as_str(), key.as_str());
    }

    #[test]
    fn the_identity_of_media_is_its_text_and_the_generation() {
        let key = RenderIdentity::of_media("presenter {}\n".to_owned()).key(1);
        let expected = hex(&Sha256::digest("presenter {}\ngeneration 1\n"));
        assert_eq!(key.as_str(), format!("hfci_{expected}"));
    }

    #[test]
    fn generations_end() {
        let keys = RenderIdentity::new(DIGEST, &Map::new()).keys(u32::MAX - 1);
        assert_eq!(keys.map(|(generation, _)| generation).collect::<Vec<_>>(), [u32::MAX - 1, u32::MAX]);
    }

    #[test]
    fn what_does_not_change_the_video_does_not_change_the_key() {
        let plain = key(&json!({}));
        for same in [
            json!({ "title": "x", "callback_id": "y", "callback_url": "https://z.example" }),
            json!({ "fps": 30, "quality": "standard", "format": "mp4", "resolution": "1080p", "aspect_ratio": "16:9" }),
            json!({ "fps": 30.0, "quality": null, "variables": {}, "composition": "index.html" }),
            json!({ "project": { "type": "asset_id", "asset_id": "a" } }),
        ] {
            assert_eq!(key(&same), plain, "{same}");
        }
    }

    #[test]
    fn what_changes_the_video_changes_the_key() {
        let bodies = [
            json!({}),
            json!({ "fps": 60 }),
            json!({ "quality": "high" }),
            json!({ "format": "webm" }),
            json!({ "resolution": "4k" }),
            json!({ "aspect_ratio": "1:1" }),
            json!({ "composition": "other.html" }),
            json!({ "variables": { "title": "" } }),
            json!({ "variables": { "title": null } }),
            json!({ "variables": { "title": "x" } }),
            json!({ "variables": { "title": ["x"] } }),
            json!({ "new_option": true }),
        ];
        let mut keys = bodies.iter().map(key).collect::<Vec<_>>();
        let empty = Map::new();
        for project in [ProjectIdentity::Digest("00fe"), ProjectIdentity::Asset("00ff")] {
            keys.push(RenderIdentity::new(project, &empty).key(0));
        }
        keys.push(RenderIdentity::new(DIGEST, &empty).key(1));
        let distinct = keys.iter().collect::<std::collections::HashSet<_>>();
        assert_eq!(distinct.len(), keys.len());
    }

    fn any_json() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i32>().prop_map(Value::from),
            (-1e9..1e9_f64).prop_map(Value::from),
            "\\PC{0,6}".prop_map(Value::from),
        ];
        leaf.prop_recursive(3, 24, 4, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
                prop::collection::vec(("\\PC{0,4}", inner), 0..4)
                    .prop_map(|members| Value::Object(members.into_iter().collect())),
            ]
        })
    }

    /// The same value with its members in the opposite order, and whole numbers spelled as floating point numbers.
    fn respelled(value: &Value) -> Value {
        match value {
            Value::Array(items) => Value::Array(items.iter().map(respelled).collect()),
            Value::Object(members) => Value::Object(
                members.iter().rev().map(|(name, value)| (name.clone(), respelled(value))).collect(),
            ),
            Value::Number(number) => number.as_f64().map_or(Value::Null, Value::from),
            other => other.clone(),
        }
    }

    proptest! {
        #[test]
        fn neither_order_nor_spelling_matters(variables in any_json()) {
            let body = json!({ "variables": variables, "fps": 24 });
            prop_assert_eq!(key(&body), key(&respelled(&body)));
        }

        #[test]
        fn other_variables_are_another_key(a in any_json(), b in any_json()) {
            prop_assume!(canonical(&a) != canonical(&b) && !a.is_null() && !b.is_null());
            prop_assert_ne!(key(&json!({ "variables": { "v": a } })), key(&json!({ "variables": { "v": b } })));
        }

        /// No text can pretend to be another line.
        #[test]
        fn lines_cannot_be_forged(composition in "[a-z]{1,3}(\n|generation 1|options|\\PC){0,3}") {
            let body = json!({ "composition": composition });
            prop_assume!(composition != DEFAULT_COMPOSITION);
            prop_assert_ne!(key(&body), key(&json!({})));
        }
    }
}
