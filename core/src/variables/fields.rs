//! Converts fields of a table to the types that a composition declares.

use serde_json::{Map, Value};

use super::declare::{Declarations, VariableType};
use crate::lang::json::Node;

/// Converts the fields of a table to the types that a composition declares. Booleans are `true` and `false` in any
/// case, as spreadsheets write them. A field that cannot be converted stays a string, and the checks report it. Empty
/// fields are removed.
pub fn type_fields(variables: &mut Map<String, Value>, declarations: &Declarations) {
    variables.retain(|_, value| value.as_str() != Some(""));
    for (name, value) in variables.iter_mut() {
        let Some(text) = value.as_str() else { continue };
        let typed = match declarations.get(name).map(|declaration| declaration.kind) {
            Some(VariableType::Number) => {
                Node::parse(text.trim()).ok().map(|number| number.value()).filter(Value::is_number)
            }
            Some(VariableType::Boolean) => {
                text.trim().to_ascii_lowercase().parse::<bool>().ok().map(Value::from)
            }
            _ => None,
        };
        if let Some(typed) = typed {
            *value = typed;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn booleans_and_numbers_are_read_as_spreadsheets_write_them() {
        let page = r#"<html data-composition-variables='[{"id":"ok","label":"O","type":"boolean","default":true},
            {"id":"n","label":"N","type":"number","default":1}]'></html>"#;
        let declarations = crate::composition::Composition::parse("index.html", page).declarations;
        for (ok, n, expected) in [
            ("TRUE", "3", json!({"ok": true, "n": 3})),
            (" False ", " 1.5", json!({"ok": false, "n": 1.5})),
            ("true", "", json!({"ok": true})),
            ("yes", "1,5", json!({"ok": "yes", "n": "1,5"})),
            ("1", "x", json!({"ok": "1", "n": "x"})),
        ] {
            let mut values = Map::from_iter([("ok".to_owned(), ok.into()), ("n".to_owned(), n.into())]);
            type_fields(&mut values, &declarations);
            assert_eq!(Value::Object(values), expected);
        }
    }
}
