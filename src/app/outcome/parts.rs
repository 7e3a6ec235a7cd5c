//! JSON Schemas of the core's types in outcomes.

use schemars::{Schema, SchemaGenerator, json_schema};
use serde_json::json;

/// Returns the schema of a render as the API describes it.
pub(crate) fn render_detail(_: &mut SchemaGenerator) -> Schema {
    json_schema!({
        "type": "object",
        "description": "A render as the API describes it; unknown members are preserved",
        "required": ["render_id", "status"],
        "properties": {
            "render_id": { "type": "string" },
            "status": { "type": "string", "description": "queued, rendering, completed, failed, or another status" },
            "format": { "type": "string" },
            "title": { "type": "string" },
            "callback_id": { "type": "string" },
            "video_url": { "type": "string" },
            "thumbnail_url": { "type": "string" },
            "subtitle_url": { "type": "string" },
            "duration": { "type": "number", "description": "Seconds" },
            "created_at": { "type": "number", "description": "Unix seconds" },
            "failure_message": { "type": "string" },
        },
    })
}

/// Returns the schema of a list of renders.
pub(crate) fn render_details(generator: &mut SchemaGenerator) -> Schema {
    let item = render_detail(generator);
    json_schema!({ "type": "array", "items": item })
}

/// Returns the schema of a list of entries that have an ID.
fn catalogue(description: &str, id: &str, properties: &serde_json::Value) -> Schema {
    let mut properties = properties.clone();
    properties[id] = json!({ "type": "string" });
    let item = json!({
        "type": "object", "description": description, "required": [id], "properties": properties,
    });
    json_schema!({ "type": "array", "items": item })
}

/// Returns the schema of voices.
pub(crate) fn voices(_: &mut SchemaGenerator) -> Schema {
    catalogue(
        "A voice as the API describes it; unknown members are preserved",
        "voice_id",
        &json!({
            "name": { "type": "string" },
            "language": { "type": "string" },
            "gender": { "type": "string" },
            "type": { "type": "string", "description": "public or private" },
        }),
    )
}

/// Returns the schema of looks of avatars.
pub(crate) fn avatars(_: &mut SchemaGenerator) -> Schema {
    catalogue(
        "A look of an avatar as the API describes it; unknown members are preserved",
        "id",
        &json!({
            "name": { "type": "string" },
            "group_id": { "type": "string" },
            "supported_api_engines": { "type": "array", "items": { "type": "string" }, "description": "Without an engine, it cannot be used" },
            "preferred_orientation": { "type": "string" },
            "default_voice_id": { "type": "string" },
        }),
    )
}

/// Returns the schema of avatars.
pub(crate) fn avatar_groups(_: &mut SchemaGenerator) -> Schema {
    catalogue(
        "An avatar as the API describes it; unknown members are preserved",
        "id",
        &json!({
            "name": { "type": "string" },
            "looks_count": { "type": "integer" },
            "default_voice_id": { "type": "string" },
        }),
    )
}

/// Returns the schema of sounds.
pub(crate) fn sounds(_: &mut SchemaGenerator) -> Schema {
    catalogue(
        "A sound as the API describes it; unknown members are preserved",
        "id",
        &json!({
            "name": { "type": "string" },
            "description": { "type": "string" },
            "duration": { "type": "number", "description": "Seconds" },
            "audio_url": { "type": "string" },
            "score": { "type": "number", "description": "How well it matches the query, 0 to 1" },
        }),
    )
}

/// Returns the schema of the properties of a video.
pub(crate) fn video(_: &mut SchemaGenerator) -> Schema {
    json_schema!({
        "type": ["object", "null"],
        "required": ["container", "codec", "width", "height", "fps", "duration", "alpha", "audio"],
        "properties": {
            "container": { "type": "string" },
            "codec": { "type": "string" },
            "width": { "type": "integer", "description": "Pixels" },
            "height": { "type": "integer", "description": "Pixels" },
            "fps": { "type": ["number", "null"] },
            "duration": { "type": ["number", "null"], "description": "Seconds" },
            "alpha": { "type": "boolean" },
            "audio": {
                "type": ["object", "null"],
                "required": ["codec", "channels", "sample_rate"],
                "properties": {
                    "codec": { "type": "string" },
                    "channels": { "type": "integer" },
                    "sample_rate": { "type": "integer", "description": "Hz" },
                },
            },
        },
        "additionalProperties": false,
    })
}

/// Returns the schema of findings.
pub(crate) fn diagnostics(_: &mut SchemaGenerator) -> Schema {
    let place = json!({
        "type": "object",
        "required": ["line", "column"],
        "properties": { "line": { "type": "integer", "minimum": 1 }, "column": { "type": "integer", "minimum": 1 } },
        "additionalProperties": false,
    });
    let span = json!({
        "type": "object",
        "description": "Byte offsets into the file",
        "required": ["start", "end"],
        "properties": { "start": { "type": "integer" }, "end": { "type": "integer" } },
        "additionalProperties": false,
    });
    json_schema!({
        "type": "array",
        "items": {
            "type": "object",
            "required": ["code", "severity", "path", "message"],
            "properties": {
                "code": { "type": "string", "description": "Code of the check; `check --explain` describes it" },
                "severity": { "enum": ["error", "warning", "note"] },
                "path": { "type": "string" },
                "span": span,
                "position": place,
                "end": place,
                "message": { "type": "string" },
                "help": { "type": "string" },
                "source": { "type": "string", "description": "`hyperframes/` and a code of the official linter" },
                "fix": {
                    "type": "object",
                    "description": "An automatic fix; `check --fix` applies it",
                    "required": ["description", "edits"],
                    "properties": {
                        "description": { "type": "string" },
                        "edits": { "type": "array", "items": {
                            "type": "object",
                            "required": ["span", "position", "end", "text"],
                            "properties": {
                                "span": span,
                                "position": place,
                                "end": place,
                                "text": { "type": "string", "description": "The new text" },
                            },
                            "additionalProperties": false,
                        } },
                    },
                    "additionalProperties": false,
                },
            },
            "additionalProperties": false,
        },
    })
}

/// Returns the schema of optional findings.
pub(crate) fn optional_diagnostics(generator: &mut SchemaGenerator) -> Schema {
    diagnostics(generator)
}
