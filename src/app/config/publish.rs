//! How projects are published: `[publish]`.

use serde_json::{Value, json};

/// Keys of the table.
pub(super) const KEYS: &[&str] = &["space", "public"];

/// Longest ID of a project or a space.
const LONGEST_ID: usize = 64;

/// Returns whether an ID of a project or a space can be written into URLs, headers and Markdown.
pub(crate) fn is_plain_id(id: &str) -> bool {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_".contains(&byte);
    (1..=LONGEST_ID).contains(&id.len()) && id.bytes().all(is_plain)
}

/// Settings of `publish`; `None` where the file has none.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct PublishConfig {
    /// ID of a shared space.
    pub(crate) space: Option<String>,
    /// Whether anyone with the URL may open projects. Those of pull requests are always private.
    pub(crate) is_public: Option<bool>,
    /// Line of the table, from 1; 0 if it is not from a file.
    pub(crate) line: usize,
}

impl PublishConfig {
    /// Returns the settings in the form of the file.
    pub(crate) fn to_json(&self) -> Value {
        let mut keys = json!({});
        if let Some(space) = &self.space {
            keys["space"] = space.as_str().into();
        }
        if let Some(is_public) = self.is_public {
            keys["public"] = is_public.into();
        }
        keys
    }
}

/// Returns the schema of the table.
pub(super) fn publish_schema() -> Value {
    json!({
        "type": "object",
        "description": "How `publish` publishes projects",
        "additionalProperties": false,
        "properties": {
            "space": { "type": "string", "pattern": "^[A-Za-z0-9_-]{1,64}$", "description": "ID of the shared space to publish to" },
            "public": { "type": "boolean", "description": "Let anyone with the URL open projects; those of pull requests are always private [default: false]" },
        },
    })
}
