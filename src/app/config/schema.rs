//! The configuration as a JSON Schema, for editors; draft 7, which the TOML language servers know.

use hyperframes_ci_core::findings::Rule;
use serde_json::{Map, Value, json};

use super::diff::diff_schema;
use super::file::EVENTS;
use super::media::media_schema;
use super::publish::publish_schema;
use super::translate::translate_schema;
use crate::app::options::{Kind, OPTIONS, RenderOption, Scope};

/// URL of the published schema.
const ID: &str =
    "https://raw.githubusercontent.com/hyperframes-ci/hyperframes-ci/main/docs/hyperframes-ci.schema.json";

/// Returns the schema.
pub(crate) fn schema() -> Value {
    json!({
        "$schema": "http://json-schema.org/draft-07/schema#",
        "$id": ID,
        "title": "hyperframes-ci.toml",
        "type": "object",
        "additionalProperties": false,
        "properties": {
            "check": { "$ref": "#/definitions/check" },
            "defaults": {
                "type": "object",
                "description": "Default options of all renders; overridden by entries, environment variables and command-line options",
                "additionalProperties": false,
                "properties": option_properties().chain([diff_property()]).collect::<Map<_, _>>(),
            },
            "publish": publish_schema(),
            "render": {
                "type": "array",
                "description": "Videos of the repository, used by `render --all`, `check --all` and the action",
                "items": {
                    "type": "object",
                    "additionalProperties": false,
                    "required": ["project"],
                    "properties": entry_properties(),
                },
            },
            "media": {
                "type": "array",
                "description": "Files that HeyGen generates, for the `media` commands",
                "items": media_schema(),
            },
        },
        "definitions": { "check": check_schema(), "diff": diff_schema() },
    })
}

/// Returns the properties that defaults and entries have in common, by key.
fn option_properties() -> impl Iterator<Item = (String, Value)> {
    let keys = OPTIONS.iter().filter(|option| option.scope.is_key());
    keys.map(|option| (option.name.to_owned(), property(option)))
}

/// Returns the property of comparisons, which defaults and entries have in common.
fn diff_property() -> (String, Value) {
    let description = "How `diff` compares the video with that of another revision; false = not at all";
    ("diff".to_owned(), json!({ "$ref": "#/definitions/diff", "description": description }))
}

/// Returns the properties of an entry, by key.
fn entry_properties() -> Map<String, Value> {
    let text = |description: &str| json!({ "type": "string", "description": description });
    let mut entry = Map::from_iter([
        ("name".to_owned(), text("Unique name of the entry [default: derived from project and composition]")),
        ("project".to_owned(), text("Project directory, relative to the repository root")),
        (
            "on".to_owned(),
            json!({
                "description": "Events that the action renders the entry for [default: all]",
                "oneOf": [
                    { "enum": EVENTS },
                    { "type": "array", "items": { "enum": EVENTS }, "uniqueItems": true },
                ],
            }),
        ),
        ("check".to_owned(), json!({ "$ref": "#/definitions/check" })),
    ]);
    let entry_options = OPTIONS.iter().filter(|option| matches!(option.scope, Scope::Entry(_)));
    entry.extend(entry_options.map(|option| (option.key().to_owned(), property(option))));
    entry.extend(option_properties());
    entry.extend([diff_property()]);
    entry.extend(translate_schema());
    entry
}

/// Returns the schema of a table of severities.
fn check_schema() -> Value {
    let codes = Rule::ALL.iter().map(|rule| rule.code()).collect::<Vec<_>>();
    let codes = json!({ "type": "array", "items": { "enum": codes } });
    json!({
        "type": "object",
        "description": "Severities of findings",
        "additionalProperties": false,
        "properties": {
            "deny": codes,
            "warn": codes,
            "allow": codes,
            "strict": { "type": "boolean", "description": "Treat all warnings as errors" },
        },
    })
}

/// Returns the schema of an option.
fn property(option: &RenderOption) -> Value {
    let mut schema = match option.kind {
        Kind::Switch => json!({ "type": "boolean" }),
        Kind::Integer { min, max: i64::MAX } => json!({ "type": "integer", "minimum": min }),
        Kind::Integer { min, max } => json!({ "type": "integer", "minimum": min, "maximum": max }),
        Kind::Number(min) => json!({ "type": "number", "minimum": min }),
        Kind::FrameRate => json!({
            "type": ["integer", "string"],
            "minimum": 1,
            "maximum": 240,
            "pattern": "^[0-9]+/[0-9]+$",
        }),
        Kind::Text => json!({ "type": "string" }),
        // Approximates `config::is_inside`, which a pattern cannot express in full.
        Kind::Path => json!({ "type": "string", "pattern": "^[^/]" }),
        Kind::OneOf(words) => json!({ "enum": words() }),
        Kind::Values => json!({ "type": "object" }),
    };
    schema["description"] = option.description().into();
    schema
}
