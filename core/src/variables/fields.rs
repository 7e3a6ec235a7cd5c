//! The texts of a CSV file as values of the types that a composition declares.

use serde_json::{Map, Value};

use super::declare::{Declarations, VariableType};
use crate::lang::json::Node;

/// Converts the fields of a CSV file to the types that a composition declares; a value that is neither a number nor a
/// boolean stays a string, and is found by the checks. An empty field is not set.
pub fn type_fields(variables: &mut Map<String, Value>, declarations: &Declarations) {
    variables.retain(|_, value| value.as_str() != Some(""));
    for (name, value) in variables.iter_mut() {
        let Some(text) = value.as_str() else { continue };
        let typed = match declarations.get(name).map(|declaration| declaration.kind) {
            Some(VariableType::Number) => {
                Node::parse(text.trim()).ok().map(|number| number.value()).filter(Value::is_number)
            }
            Some(VariableType::Boolean) => text.trim().parse::<bool>().ok().map(Value::from),
            _ => None,
        };
        if let Some(typed) = typed {
            *value = typed;
        }
    }
}
