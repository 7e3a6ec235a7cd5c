//! Checks values against declarations, with the rules of the official validator.

use serde_json::{Map, Value};

use super::declare::{Declaration, Declarations, VariableType};
use crate::findings::Rule;
use crate::text::nearest;

/// A value that does not fit its declaration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ValueIssue {
    /// One of the three rules about values.
    pub rule: Rule,
    /// The id of the variable.
    pub variable: String,
    /// The problem.
    pub message: String,
    /// How to fix it.
    pub help: Option<String>,
}

impl Declarations {
    /// Checks `values` in order. A composition without declarations accepts everything.
    #[must_use]
    pub fn check(&self, values: &Map<String, Value>) -> Vec<ValueIssue> {
        values.iter().filter_map(|(id, value)| self.check_one(id, value, true)).collect()
    }

    /// Checks the value of one variable. Creating the help is slow if many variables are declared.
    #[must_use]
    pub fn check_one(&self, id: &str, value: &Value, with_help: bool) -> Option<ValueIssue> {
        let issue = |rule, message, help| Some(ValueIssue { rule, variable: id.to_owned(), message, help });
        let Some(declaration) = self.get(id) else {
            // A declaration that could not be read may be this one, and has its own finding.
            if self.entries().is_empty() || self.is_incomplete() {
                return None;
            }
            return issue(
                Rule::UndeclaredVariable,
                format!("the variable {id:?} is not declared"),
                with_help.then(|| self.advice(id)),
            );
        };
        let expected = match mismatch(declaration, value) {
            None => return None,
            Some(Mismatch::Type(expected)) => expected,
            Some(Mismatch::Enum) => {
                let allowed = declaration
                    .choices
                    .iter()
                    .map(|choice| format!("{:?}", choice.value))
                    .collect::<Vec<_>>();
                return issue(
                    Rule::VariableNotInEnum,
                    format!("invalid value {value} for the variable {id:?}"),
                    Some(format!("the allowed values are {}", allowed.join(", "))),
                );
            }
        };
        let found = json_kind(value);
        issue(
            Rule::VariableTypeMismatch,
            format!("the variable {id:?} must be {expected}, not {found}"),
            None,
        )
    }

    /// Returns the help for an undeclared variable: the declared id most similar to `id`, or all declared ids.
    #[must_use]
    pub fn advice(&self, id: &str) -> String {
        // Longer lists do not help, and take time to compare.
        const MOST: usize = 1000;
        const LISTED: usize = 20;
        let ids = || self.entries().iter().map(|entry| entry.id.as_str());
        match (nearest(id, ids().take(MOST)), self.entries().len()) {
            (Some(near), _) => format!("did you mean {near:?}?"),
            (None, count) if count > LISTED => format!("{count} other variables are declared"),
            (None, _) => format!("declared variables: {}", ids().collect::<Vec<_>>().join(", ")),
        }
    }
}

enum Mismatch {
    Type(&'static str),
    Enum,
}

/// The rules of the official `validateVariables`.
fn mismatch(declaration: &Declaration, value: &Value) -> Option<Mismatch> {
    let text_at = |name: &str| value.get(name).is_some_and(Value::is_string);
    let (fits, expected) = match declaration.kind {
        VariableType::String => (value.is_string(), "a string"),
        VariableType::Color => (value.is_string(), "a color, as a string"),
        VariableType::Number => (value.is_number(), "a number"),
        VariableType::Boolean => (value.is_boolean(), "a boolean"),
        VariableType::Enum => match value.as_str() {
            Some(text) if !declaration.choices.iter().any(|choice| choice.value == text) => {
                return Some(Mismatch::Enum);
            }
            text => (text.is_some(), "one of its options, as a string"),
        },
        VariableType::Font => (
            value.is_string() || (text_at("name") && text_at("source")),
            "a string or {name: string, source: string}",
        ),
        VariableType::Image => (value.is_string() || text_at("url"), "a string or {url: string}"),
    };
    (!fits).then_some(Mismatch::Type(expected))
}

/// Returns the type of a JSON value with its article, for messages.
#[must_use]
pub fn json_kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "a string",
        Value::Array(_) => "an array",
        Value::Object(_) => "an object",
    }
}
