//! Outcomes of entries of the configuration.

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::Serialize;
use serde_json::json;

use super::batch::BatchOutcome;
use super::error::ErrorOutcome;
use super::render::{DryRunOutcome, Outcome, RenderOutcome};

/// Renders of the entries of the configuration.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub(crate) struct EntriesOutcome {
    /// In the order of the file.
    #[schemars(schema_with = "entry_renders")]
    pub(crate) renders: Vec<EntryRender>,
}

/// The result of an entry.
#[derive(Debug, Serialize)]
pub(crate) struct EntryRender {
    /// Name of the entry.
    pub(crate) entry: String,
    /// Its outcome, or its error.
    #[serde(flatten)]
    pub(crate) result: EntryResult,
}

/// The render of an entry.
#[derive(Debug, Serialize)]
#[serde(untagged)]
pub(crate) enum EntryResult {
    /// Its outcome.
    Outcome(Outcome),
    /// The error envelope.
    Failed(ErrorOutcome),
}

/// Returns the schema of the results of entries: the members of each outcome and the name of the entry.
fn entry_renders(generator: &mut SchemaGenerator) -> Schema {
    let outcomes: [fn(&mut SchemaGenerator) -> Schema; 4] = [
        <RenderOutcome as JsonSchema>::json_schema,
        BatchOutcome::json_schema,
        DryRunOutcome::json_schema,
        ErrorOutcome::json_schema,
    ];
    let named = outcomes.map(|describe| {
        let mut schema = describe(generator).to_value();
        schema["properties"]["entry"] = json!({ "type": "string", "description": "Name of the entry." });
        if let Some(required) = schema["required"].as_array_mut() {
            required.insert(0, "entry".into());
        }
        schema
    });
    json_schema!({ "type": "array", "items": { "anyOf": named } })
}
