//! `data-composition-variables`: a JSON array of declarations, read tolerantly.
//!
//! Every well-formed entry counts, and everything malformed is a finding, where the official parser drops it
//! silently and strict mode then accepts anything.

use serde_json::{Map, Value};

use crate::diagnostic::{Diagnostic, Severity, Span};
use crate::html::{Attribute, Element, Offsets};

const ATTRIBUTE: &str = "data-composition-variables";

/// The types that variables have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum VariableType {
    /// Any text.
    String,
    /// A finite number.
    Number,
    /// A CSS color, as text.
    Color,
    /// True or false.
    Boolean,
    /// One of the options' values.
    Enum,
    /// A font family's name, or `{name, source}`.
    Font,
    /// A URL, or `{url}`.
    Image,
}

impl VariableType {
    const ALL: [(&'static str, Self); 7] = [
        ("string", Self::String),
        ("number", Self::Number),
        ("color", Self::Color),
        ("boolean", Self::Boolean),
        ("enum", Self::Enum),
        ("font", Self::Font),
        ("image", Self::Image),
    ];

    fn named(name: &str) -> Option<Self> {
        Self::ALL.iter().find(|(known, _)| *known == name).map(|(_, kind)| *kind)
    }

    /// Whether a default of this JavaScript type fits; values are checked elsewhere, and more strictly.
    fn takes_default(self, default: &Value) -> bool {
        match self {
            Self::Number => default.is_number(),
            Self::Boolean => default.is_boolean(),
            Self::String | Self::Color | Self::Enum | Self::Font | Self::Image => default.is_string(),
        }
    }

    /// The JavaScript type of defaults.
    fn default_type(self) -> &'static str {
        match self {
            Self::Number => "a number",
            Self::Boolean => "a boolean",
            _ => "a string",
        }
    }
}

/// One of an enum's options.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Choice {
    /// What values are compared with.
    pub value: String,
    /// What people see.
    pub label: Option<String>,
}

/// A declared variable.
#[derive(Clone, Debug, PartialEq)]
pub struct Declaration {
    /// What values name it by.
    pub id: String,
    /// What people see.
    pub label: Option<String>,
    /// Its type.
    pub kind: VariableType,
    /// Its default, where it is of the right type.
    pub default: Option<Value>,
    /// For enums: the options.
    pub choices: Vec<Choice>,
}

/// The variables that a composition declares, in its order.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Declarations {
    pub(super) entries: Vec<Declaration>,
    /// Whether an entry could not be read: then nothing is known about other names.
    pub(super) incomplete: bool,
}

impl Declarations {
    /// The declared variables. Of several with one id, the last counts, as in the official validator.
    #[must_use]
    pub fn entries(&self) -> &[Declaration] {
        &self.entries
    }

    /// Reads the declarations that `carriers` hold; the first carrier counts.
    pub(crate) fn parse<'a>(
        path: &str,
        source: &str,
        carriers: impl Iterator<Item = &'a Element>,
    ) -> (Self, Vec<Diagnostic>) {
        let mut carriers = carriers.filter_map(|element| element.attribute(ATTRIBUTE));
        let Some(attribute) = carriers.next() else { return (Self::default(), Vec::new()) };
        let mut reader =
            Reader { path, source, attribute, declarations: Self::default(), diagnostics: Vec::new() };
        reader.read();
        if let Some(second) = carriers.next() {
            reader
                .report(
                    second.span,
                    "duplicate-declarations",
                    "the variables are declared twice; only the first counts",
                )
                .help = Some("declare them on <html> only, or on the root only".to_owned());
        }
        (reader.declarations, reader.diagnostics)
    }
}

struct Reader<'a> {
    path: &'a str,
    source: &'a str,
    attribute: &'a Attribute,
    declarations: Declarations,
    diagnostics: Vec<Diagnostic>,
}

impl Reader<'_> {
    fn report(&mut self, span: Span, code: &'static str, message: impl Into<String>) -> &mut Diagnostic {
        self.diagnostics
            .push(Diagnostic::new(code, Severity::Error, self.path, message).at(self.source, span));
        let last = self.diagnostics.len() - 1;
        &mut self.diagnostics[last]
    }

    fn read(&mut self) {
        let text = self.attribute.value.as_str();
        let entries = match serde_json::from_str(text) {
            Ok(Value::Array(entries)) => entries,
            Ok(_) => {
                self.declarations.incomplete = true;
                self.report(
                    self.attribute.span,
                    "declarations-not-array",
                    format!("{ATTRIBUTE} is no JSON array"),
                )
                .help = Some("write [{\"id\": …, \"label\": …, \"type\": …, \"default\": …}]".to_owned());
                return;
            }
            Err(error) => {
                self.declarations.incomplete = true;
                let at = Offsets::new(self.source, self.attribute).of(offset_of(
                    text,
                    error.line(),
                    error.column(),
                ));
                let span = Span { start: at, end: at };
                let message = error.to_string();
                let message =
                    message.rsplit_once(" at line").map_or(message.as_str(), |(message, _)| message);
                self.report(
                    span,
                    "declarations-invalid-json",
                    format!("{ATTRIBUTE} is not valid JSON: {message}"),
                );
                return;
            }
        };
        for (index, entry) in entries.iter().enumerate() {
            match entry {
                Value::Object(entry) => self.entry(index, entry),
                _ => {
                    self.declarations.incomplete = true;
                    let message = format!("declaration {} is no object", index + 1);
                    self.report(self.attribute.span, "declaration-not-object", message);
                }
            }
        }
    }

    fn entry(&mut self, index: usize, entry: &Map<String, Value>) {
        let span = self.attribute.span;
        let text = |name: &str| entry.get(name).and_then(Value::as_str).map(str::to_owned);
        let Some(id) = text("id").filter(|id| !id.is_empty()) else {
            self.declarations.incomplete = true;
            self.report(span, "declaration-without-id", format!("declaration {} has no id", index + 1));
            return;
        };
        let label = text("label");
        if label.is_none() {
            self.report(span, "declaration-without-label", format!("the variable {id:?} has no label"))
                .help = Some("the official parser drops it without one".to_owned());
        }
        let Some(kind) = text("type").as_deref().and_then(VariableType::named) else {
            self.declarations.incomplete = true;
            let known = VariableType::ALL.map(|(name, _)| name).join(", ");
            let message = match entry.get("type") {
                Some(given) => format!("the variable {id:?} has the unknown type {given}"),
                None => format!("the variable {id:?} has no type"),
            };
            self.report(span, "declaration-unknown-type", message).help =
                Some(format!("the types are {known}"));
            return;
        };
        let default = entry.get("default").filter(|default| kind.takes_default(default)).cloned();
        if default.is_none() {
            let message = format!("the default of the variable {id:?} is not {}", kind.default_type());
            self.report(span, "declaration-default-type", message);
        }
        let choices =
            if kind == VariableType::Enum { self.choices(&id, entry.get("options")) } else { Vec::new() };
        if let Some(Value::String(default)) = default.as_ref().filter(|_| kind == VariableType::Enum)
            && !choices.iter().any(|choice| choice.value == *default)
        {
            let message = format!("the default {default:?} of the variable {id:?} is none of its options");
            self.report(span, "declaration-default-not-in-options", message);
        }
        if let Some(earlier) = self.declarations.entries.iter_mut().find(|earlier| earlier.id == id) {
            *earlier = Declaration { id: id.clone(), label, kind, default, choices };
            self.report(
                span,
                "declaration-duplicate-id",
                format!("the variable {id:?} is declared twice; the last counts"),
            );
        } else {
            self.declarations.entries.push(Declaration { id, label, kind, default, choices });
        }
    }

    fn choices(&mut self, id: &str, options: Option<&Value>) -> Vec<Choice> {
        let span = self.attribute.span;
        let Some(options) = options.and_then(Value::as_array).filter(|options| !options.is_empty()) else {
            self.report(span, "declaration-without-options", format!("the enum {id:?} has no options"));
            return Vec::new();
        };
        let mut choices = Vec::with_capacity(options.len());
        let mut malformed = false;
        for option in options {
            let text = |name: &str| option.get(name).and_then(Value::as_str).map(str::to_owned);
            // A bare string is not what the format says, and what its author meant is clear.
            let bare = option.as_str().map(str::to_owned);
            malformed |= bare.is_some() || text("value").is_none() || text("label").is_none();
            choices
                .extend(bare.or_else(|| text("value")).map(|value| Choice { value, label: text("label") }));
        }
        if malformed {
            self.report(span, "declaration-malformed-option", format!("an option of the enum {id:?} is not {{value, label}}"))
                .help = Some("write {\"value\": \"a\", \"label\": \"A\"}; the official validator refuses every value of other forms".to_owned());
        }
        choices
    }
}

/// The byte offset of a line and a column, both from 1, in bytes, as serde_json counts them.
fn offset_of(text: &str, line: usize, column: usize) -> usize {
    let start = text.split_inclusive('\n').take(line.saturating_sub(1)).map(str::len).sum::<usize>();
    (start + column.saturating_sub(1)).min(text.len())
}

#[cfg(test)]
mod tests {
    use crate::{Composition, Position};

    fn codes(declarations: &str) -> Vec<&'static str> {
        let escaped = declarations.replace('&', "&amp;").replace('"', "&quot;");
        let source = format!("<html data-composition-variables=\"{escaped}\"><div data-composition-id=a>");
        Composition::parse("a.html", &source).diagnostics.into_iter().map(|found| found.code).collect()
    }

    #[test]
    fn a_complete_declaration_has_no_finding() {
        assert!(
            codes(
                r#"[{"id":"a","label":"A","type":"string","default":"x"},
                {"id":"b","label":"B","type":"number","default":1},
                {"id":"c","label":"C","type":"boolean","default":false},
                {"id":"d","label":"D","type":"color","default":"red"},
                {"id":"e","label":"E","type":"font","default":"Inter"},
                {"id":"f","label":"F","type":"image","default":"f.png","maxLines":2},
                {"id":"g","label":"G","type":"enum","default":"x","options":[{"value":"x","label":"X"}]}]"#
            )
            .is_empty()
        );
    }

    #[test]
    fn everything_malformed_is_reported() {
        let one = |entry: &str| codes(&format!("[{entry}]"));
        assert_eq!(codes("[1"), ["declarations-invalid-json"]);
        assert_eq!(codes("{\"id\":\"a\"}"), ["declarations-not-array"]);
        assert_eq!(one("1"), ["declaration-not-object"]);
        assert_eq!(one(r#"{"label":"A","type":"string","default":""}"#), ["declaration-without-id"]);
        assert_eq!(one(r#"{"id":"a","type":"string","default":""}"#), ["declaration-without-label"]);
        assert_eq!(
            one(r#"{"id":"a","label":"A","type":"select","default":""}"#),
            ["declaration-unknown-type"]
        );
        assert_eq!(
            one(r#"{"id":"a","label":"A","type":"number","default":"1"}"#),
            ["declaration-default-type"]
        );
        assert_eq!(
            one(r#"{"id":"a","label":"A","type":"enum","default":"x"}"#),
            ["declaration-without-options", "declaration-default-not-in-options"]
        );
        assert_eq!(
            one(r#"{"id":"a","label":"A","type":"enum","default":"x","options":["x"]}"#),
            ["declaration-malformed-option"]
        );
        assert_eq!(
            codes(
                r#"[{"id":"a","label":"A","type":"string","default":""},{"id":"a","label":"A","type":"number","default":1}]"#
            ),
            ["declaration-duplicate-id"]
        );
    }

    #[test]
    fn the_position_of_bad_json_is_in_the_file() {
        let source = "<html\n data-composition-variables='[{\"id\": \"&amp;&amp;\",\n   \"label\" \"A\"}]'>";
        let found = Composition::parse("a.html", source).diagnostics;
        assert_eq!(found[0].position, Some(Position { line: 3, column: 12 }));
    }

    #[test]
    fn the_root_may_carry_the_declarations_and_html_comes_first() {
        let declared = |source: &str| {
            let composition = Composition::parse("a.html", source);
            let ids =
                composition.declarations.entries().iter().map(|entry| entry.id.clone()).collect::<Vec<_>>();
            (ids, composition.diagnostics.into_iter().map(|found| found.code).collect::<Vec<_>>())
        };
        let entry = |id: &str| {
            format!(
                r#"data-composition-variables='[{{"id":"{id}","label":"","type":"string","default":""}}]'"#
            )
        };
        let (on_root, on_html) = (entry("root"), entry("html"));
        assert_eq!(declared(&format!("<template><div data-composition-id=x {on_root}>")).0, ["root"]);
        assert_eq!(
            declared(&format!("<html {on_html}><div data-composition-id=x {on_root}>")),
            (vec!["html".to_owned()], vec!["duplicate-declarations"])
        );
        assert!(declared(&format!("<p {on_root}>")).0.is_empty());
    }
}
