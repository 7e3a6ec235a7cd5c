//! JSON Schemas of results, by command: `schema output`.

use schemars::generate::SchemaSettings;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde_json::{Value, json};

use super::batch::RowOutcome;
use super::outcome::{
    BatchOutcome, CheckOutcome, ConfigOutcome, DeleteOutcome, DetailOutcome, DryRunOutcome, EmulatorOutcome,
    EntriesOutcome, ErrorOutcome, ListOutcome, Outcome, PackOutcome, RefreshOutcome, RenderOutcome,
    RuleOutcome, SignInOutcome, SignOutOutcome, StatusOutcome,
};

/// Where a schema of a command's results comes from.
type Describe = fn(&mut SchemaGenerator) -> Schema;

/// The results of commands, under the names that `schema output` takes.
pub(crate) const RESULTS: &[(&str, Describe)] = &[
    ("render", render),
    ("render-row", of::<RowOutcome>),
    ("render-all", of::<EntriesOutcome>),
    ("check", of::<CheckOutcome>),
    ("check-explain", of::<RuleOutcome>),
    ("pack", of::<PackOutcome>),
    ("get", of::<DetailOutcome>),
    ("get-wait", get_wait),
    ("list", of::<ListOutcome>),
    ("delete", of::<DeleteOutcome>),
    ("auth-login", of::<SignInOutcome>),
    ("auth-status", of::<StatusOutcome>),
    ("auth-refresh", of::<RefreshOutcome>),
    ("auth-logout", of::<SignOutOutcome>),
    ("emulator", of::<EmulatorOutcome>),
    ("config-show", of::<ConfigOutcome>),
    ("error", of::<ErrorOutcome>),
];

fn of<T: JsonSchema>(generator: &mut SchemaGenerator) -> Schema {
    generator.subschema_for::<T>()
}

/// A render, or as much as is known of one that came to nothing.
fn render(generator: &mut SchemaGenerator) -> Schema {
    let (outcome, detail) = (of::<Outcome>(generator), of::<DetailOutcome>(generator));
    json_schema!({ "anyOf": [outcome, detail] })
}

/// As [`render`], for one that exists.
fn get_wait(generator: &mut SchemaGenerator) -> Schema {
    let (outcome, detail) = (of::<RenderOutcome>(generator), of::<DetailOutcome>(generator));
    json_schema!({ "anyOf": [outcome, detail] })
}

/// What became of entries: the members of each outcome beside the entry's name.
pub(crate) fn entry_renders(generator: &mut SchemaGenerator) -> Schema {
    let outcomes: [Describe; 4] = [
        RenderOutcome::json_schema,
        BatchOutcome::json_schema,
        DryRunOutcome::json_schema,
        ErrorOutcome::json_schema,
    ];
    let named = outcomes.map(|describe| {
        let mut schema = describe(generator).to_value();
        schema["properties"]["entry"] = json!({ "type": "string", "description": "The entry's name." });
        if let Some(required) = schema["required"].as_array_mut() {
            required.insert(0, "entry".into());
        }
        schema
    });
    json_schema!({ "type": "array", "items": { "anyOf": named } })
}

/// The schema of one command's result, or of all of them by name.
pub(crate) fn output(command: Option<&str>) -> Value {
    let mut generator = SchemaSettings::draft2020_12().for_serialize().into_generator();
    let chosen = RESULTS.iter().filter(|(name, _)| command.is_none_or(|command| command == *name));
    let mut schemas =
        chosen.map(|(name, describe)| (*name, describe(&mut generator).to_value())).collect::<Vec<_>>();
    let mut document = match (command, schemas.pop()) {
        (Some(_), Some((_, schema))) => schema,
        (_, last) => {
            schemas.extend(last);
            let properties = schemas.into_iter().map(|(name, schema)| (name.to_owned(), schema));
            json!({
                "description": "What commands print with --json, by command",
                "type": "object",
                "properties": properties.collect::<serde_json::Map<_, _>>(),
            })
        }
    };
    document["$schema"] = "https://json-schema.org/draft/2020-12/schema".into();
    document["title"] = "hyperframes-ci output".into();
    document["$defs"] = Value::Object(generator.take_definitions(true).into_iter().collect());
    document
}

/// A render as the API describes it. Members that this version does not know are passed on.
pub(crate) fn render_detail(_: &mut SchemaGenerator) -> Schema {
    json_schema!({
        "type": "object",
        "description": "A render as the API describes it; members that this version does not know are passed on",
        "required": ["render_id", "status"],
        "properties": {
            "render_id": { "type": "string" },
            "status": { "type": "string", "description": "queued, rendering, completed, failed, or a later word" },
            "format": { "type": "string" },
            "title": { "type": "string" },
            "callback_id": { "type": "string" },
            "video_url": { "type": "string" },
            "thumbnail_url": { "type": "string" },
            "duration": { "type": "number", "description": "Seconds" },
            "created_at": { "type": "number", "description": "Unix seconds" },
            "failure_message": { "type": "string" },
        },
    })
}

/// Renders as the API describes them.
pub(crate) fn render_details(generator: &mut SchemaGenerator) -> Schema {
    let item = render_detail(generator);
    json_schema!({ "type": "array", "items": item })
}

/// What a video is, by its headers.
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

/// Findings of checks.
pub(crate) fn diagnostics(_: &mut SchemaGenerator) -> Schema {
    let place = json!({
        "type": "object",
        "required": ["line", "column"],
        "properties": { "line": { "type": "integer", "minimum": 1 }, "column": { "type": "integer", "minimum": 1 } },
        "additionalProperties": false,
    });
    json_schema!({
        "type": "array",
        "items": {
            "type": "object",
            "required": ["code", "severity", "path", "message"],
            "properties": {
                "code": { "type": "string", "description": "The rule; docs/checks.md lists them" },
                "severity": { "enum": ["error", "warning", "note"] },
                "path": { "type": "string" },
                "span": {
                    "type": "object",
                    "description": "Byte offsets into the file",
                    "required": ["start", "end"],
                    "properties": { "start": { "type": "integer" }, "end": { "type": "integer" } },
                    "additionalProperties": false,
                },
                "position": place,
                "end": place,
                "message": { "type": "string" },
                "help": { "type": "string" },
            },
            "additionalProperties": false,
        },
    })
}

/// Findings of checks, where they are the reason.
pub(crate) fn optional_diagnostics(generator: &mut SchemaGenerator) -> Schema {
    diagnostics(generator)
}
