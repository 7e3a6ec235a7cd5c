//! JSON Schema of the variables of a composition, for forms and editors.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

use super::declare::{Declaration, Declarations, VariableType};

impl Declarations {
    /// Returns a JSON Schema (draft 2020-12) that accepts the same values as [`check`](Declarations::check). The
    /// title of a variable is its label, `x-hyperframes-type` its declared type, and `x-hyperframes-labels` the
    /// labels of an enum's options. Other variables are accepted if there are no declarations, or if a declaration
    /// cannot be read.
    #[must_use]
    pub fn schema(&self) -> Value {
        let properties = self.entries().iter().map(|entry| (entry.id.clone(), property(entry)));
        json!({
            "$schema": "https://json-schema.org/draft/2020-12/schema",
            "type": "object",
            "properties": properties.collect::<Map<_, _>>(),
            "additionalProperties": self.entries().is_empty() || self.is_incomplete(),
        })
    }
}

fn property(entry: &Declaration) -> Value {
    let mut schema = Map::new();
    let mut put = |name: &str, value: Value| {
        schema.insert(name.to_owned(), value);
    };
    if let Some(label) = &entry.label {
        put("title", json!(label));
    }
    if let Some(description) = &entry.description {
        put("description", json!(description));
    }
    if let Some(default) = &entry.default {
        put("default", default.clone());
    }
    put("x-hyperframes-type", json!(entry.kind.as_str()));
    let text = json!({ "type": "string" });
    let object = |fields: &[&str]| {
        let properties =
            fields.iter().map(|field| ((*field).to_owned(), text.clone())).collect::<Map<_, _>>();
        json!([text, { "type": "object", "properties": properties, "required": fields }])
    };
    match entry.kind {
        VariableType::String => put("type", json!("string")),
        VariableType::Color => {
            put("type", json!("string"));
            put("format", json!("color"));
        }
        VariableType::Number => put("type", json!("number")),
        VariableType::Boolean => put("type", json!("boolean")),
        VariableType::Enum => {
            put("type", json!("string"));
            let (mut values, mut seen) = (Vec::<&str>::new(), BTreeSet::new());
            let mut labels = Map::new();
            for choice in &entry.choices {
                if seen.insert(&choice.value) {
                    values.push(&choice.value);
                    let label = choice.label.as_ref().unwrap_or(&choice.value);
                    labels.insert(choice.value.clone(), json!(label));
                }
            }
            put("enum", json!(values));
            put("x-hyperframes-labels", Value::Object(labels));
        }
        VariableType::Font => put("anyOf", object(&["name", "source"])),
        VariableType::Image => put("anyOf", object(&["url"])),
    }
    Value::Object(schema)
}
