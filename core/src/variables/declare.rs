//! Parses `data-composition-variables`, a JSON array of declarations.
//!
//! Well-formed entries are used even if others are malformed. Every malformed entry is a finding; the official parser
//! silently drops it, and strict mode then accepts any value.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::findings::{Diagnostic, Rule, Text};
use crate::lang::color::is_color;
use crate::lang::html::{Attribute, Offsets};
use crate::lang::json::{Member, Node};
use crate::project::Link;
use crate::text::{Span, nearest};

/// The attribute that holds the declarations.
pub(crate) const ATTRIBUTE: &str = "data-composition-variables";

/// Help for invalid JSON: the most common mistakes.
pub(crate) const JSON_HELP: &str =
    "JSON requires double quotes around names and strings, commas between items, and no trailing comma";

/// The types of variables.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum VariableType {
    /// Any text.
    String,
    /// A finite number.
    Number,
    /// A CSS color, as a string.
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

    /// Returns the name of the type in declarations.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        Self::ALL.iter().find(|(_, kind)| *kind == self).map_or("", |(name, _)| name)
    }

    fn named(name: &str) -> Option<Self> {
        Self::ALL.iter().find(|(known, _)| *known == name).map(|(_, kind)| *kind)
    }

    /// Returns whether a default has the right JavaScript type. Checks of values are stricter.
    fn takes_default(self, default: &Value) -> bool {
        match self {
            Self::Number => default.is_number(),
            Self::Boolean => default.is_boolean(),
            Self::String | Self::Color | Self::Enum | Self::Font | Self::Image => default.is_string(),
        }
    }

    /// Returns the JavaScript type of defaults, with its article.
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
    /// The allowed value.
    pub value: String,
    /// The label in forms.
    pub label: Option<String>,
}

/// A declared variable.
#[derive(Clone, Debug, PartialEq)]
pub struct Declaration {
    /// The name that values and bindings use.
    pub id: String,
    /// The label in forms.
    pub label: Option<String>,
    /// The type.
    pub kind: VariableType,
    /// The default; `None` if it is missing or has the wrong type.
    pub default: Option<Value>,
    /// The options of an enum; empty for other types.
    pub choices: Vec<Choice>,
    /// The description by the author.
    pub description: Option<String>,
    /// The position of the declaration in the file.
    pub span: Span,
}

/// The variables that a composition declares, in source order.
///
/// ```
/// use hyperframes_ci_core::composition::Composition;
/// use serde_json::json;
///
/// let page = r#"<html data-composition-variables='[
///     {"id": "title", "label": "Title", "type": "string", "default": "Hello"}
/// ]'>"#;
/// let declarations = Composition::parse("index.html", page).declarations;
/// assert_eq!(declarations.entries()[0].id, "title");
///
/// let values = json!({ "title": 42, "titel": "Hi" });
/// let issues = declarations.check(values.as_object().expect("an object"));
/// assert_eq!(issues[0].rule.code(), "variable-type-mismatch");
/// assert_eq!(issues[1].help.as_deref(), Some("did you mean \"title\"?"));
/// ```
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Declarations {
    entries: Vec<Declaration>,
    /// Indexes into the entries, by id.
    places: BTreeMap<String, usize>,
    /// An entry could not be read, so other variables may be declared.
    incomplete: bool,
}

impl Declarations {
    /// Returns the declared variables. If several have the same id, the last one is used, as in the official validator.
    #[must_use]
    pub fn entries(&self) -> &[Declaration] {
        &self.entries
    }

    /// Returns the variable with this id.
    #[must_use]
    pub fn get(&self, id: &str) -> Option<&Declaration> {
        self.places.get(id).map(|place| &self.entries[*place])
    }

    /// Returns whether an entry could not be read, so that other variables may be declared.
    #[must_use]
    pub fn is_incomplete(&self) -> bool {
        self.incomplete
    }

    /// Parses the declarations in `attribute`. Returns them with the findings.
    pub(crate) fn parse(text: &Text<'_>, attribute: &Attribute<'_>) -> (Self, Vec<Diagnostic>) {
        let mut reader = Reader {
            text,
            offsets: attribute.offsets(),
            declarations: Self::default(),
            diagnostics: Vec::new(),
        };
        reader.read(attribute);
        (reader.declarations, reader.diagnostics)
    }

    /// Adds the declarations of a later element, which replace earlier ones with the same id. Returns those that differ
    /// from the declaration that they replace.
    pub(crate) fn merge(&mut self, later: Self) -> Vec<Declaration> {
        self.incomplete |= later.incomplete;
        let mut changed = Vec::new();
        for declaration in later.entries {
            let copy = declaration.clone();
            if self.insert(declaration) {
                changed.push(copy);
            }
        }
        changed
    }

    /// Adds a declaration; returns whether it replaces a different one.
    fn insert(&mut self, declaration: Declaration) -> bool {
        match self.places.get(&declaration.id) {
            Some(place) => {
                let span = declaration.span;
                let earlier = std::mem::replace(&mut self.entries[*place], declaration);
                Declaration { span, ..earlier } != self.entries[*place]
            }
            None => {
                self.places.insert(declaration.id.clone(), self.entries.len());
                self.entries.push(declaration);
                false
            }
        }
    }
}

/// Returns whether a text is the same in JSON, in an attribute and on its own.
fn is_plain(text: &str) -> bool {
    !text.contains(['"', '\'', '&', '<', '>', '\\', '`']) && !text.contains(char::is_control)
}

struct Reader<'a> {
    text: &'a Text<'a>,
    offsets: Offsets,
    declarations: Declarations,
    diagnostics: Vec<Diagnostic>,
}

/// The fields of an entry.
struct Fields<'a>(&'a [Member]);

impl<'a> Fields<'a> {
    fn get(&self, name: &str) -> Option<&'a Member> {
        self.0.iter().find(|member| member.key == name)
    }

    fn text(&self, name: &str) -> Option<String> {
        match self.get(name)?.value.value() {
            Value::String(text) => Some(text),
            _ => None,
        }
    }

    /// Returns the position of a field's value, or of the whole entry if the field is missing.
    fn span(&self, name: &str, entry: &Node) -> Span {
        self.get(name).map_or(entry.span(), |member| member.value.span())
    }
}

impl Reader<'_> {
    /// Reports a finding at a position in the decoded attribute.
    fn report(&mut self, span: Span, rule: Rule, message: impl Into<String>, help: Option<String>) {
        let mut found = self.text.finding(rule, self.offsets.span(span), message);
        found = found.with_help(help);
        self.diagnostics.push(found);
    }

    /// Corrects the last finding: the string at a position becomes another one.
    fn correct(&mut self, span: Span, value: Option<&str>, description: &str) {
        let Some(value) = value.filter(|value| is_plain(value)) else { return };
        self.edit(span, span, description, |quote| format!("{quote}{value}{quote}"));
    }

    /// Corrects the last finding: `span` becomes the text that `new` makes with the quotes of `string`.
    fn edit(&mut self, string: Span, span: Span, description: &str, new: impl Fn(&str) -> String) {
        let string = self.offsets.span(string);
        let source = self.text.source.get(string.start..string.end).unwrap_or_default();
        let is_within = |quote: &str| {
            source.len() >= 2 * quote.len() && source.starts_with(quote) && source.ends_with(quote)
        };
        let Some(quote) = ["\"", "&quot;", "&#34;"].into_iter().find(|quote| is_within(quote)) else {
            return;
        };
        if let Some(found) = self.diagnostics.pop() {
            let edit = (self.offsets.span(span), new(quote));
            self.diagnostics.push(found.fix(self.text, description, [edit]));
        }
    }

    fn read(&mut self, attribute: &Attribute<'_>) {
        let node = match Node::parse(&attribute.value) {
            Ok(node) => node,
            Err(error) => {
                self.declarations.incomplete = true;
                let span = Span { start: error.offset, end: error.offset };
                let message = format!("{ATTRIBUTE} is not valid JSON: {}", error.message);
                return self.report(span, Rule::DeclarationsInvalidJson, message, Some(JSON_HELP.to_owned()));
            }
        };
        let Some(entries) = node.items() else {
            self.declarations.incomplete = true;
            let message = format!("{ATTRIBUTE} is not a JSON array");
            let help = "write [{\"id\": …, \"label\": …, \"type\": …, \"default\": …}]".to_owned();
            return self.report(node.span(), Rule::DeclarationsNotArray, message, Some(help));
        };
        for (index, entry) in entries.iter().enumerate() {
            match entry.members() {
                Some(members) => self.entry(index, entry, &Fields(members)),
                None => {
                    self.declarations.incomplete = true;
                    let message = format!("declaration {} is not an object", index + 1);
                    self.report(entry.span(), Rule::DeclarationNotObject, message, None);
                }
            }
        }
    }

    fn entry(&mut self, index: usize, entry: &Node, fields: &Fields<'_>) {
        let Some(id) = fields.text("id").filter(|id| !id.is_empty()) else {
            self.declarations.incomplete = true;
            let number = index + 1;
            let message = if fields.get("id").is_some() {
                format!("the id of declaration {number} must be a string that is not empty")
            } else {
                format!("declaration {number} has no id")
            };
            return self.report(fields.span("id", entry), Rule::DeclarationWithoutId, message, None);
        };
        let label = fields.text("label");
        if label.is_none() {
            let help = Some("add a label; the official parser drops declarations without one".to_owned());
            let message = format!("the variable {id:?} has no label");
            self.report(fields.span("label", entry), Rule::DeclarationWithoutLabel, message, help);
            if fields.get("label").is_none() && is_plain(&id) {
                // After the brace.
                let start = entry.span().start + 1;
                let place = Span { start, end: start };
                self.edit(fields.span("id", entry), place, "Use the id as its label", |quote| {
                    format!("{quote}label{quote}: {quote}{id}{quote}, ")
                });
            }
        }
        let Some(kind) = fields.text("type").as_deref().and_then(VariableType::named) else {
            self.declarations.incomplete = true;
            return self.unknown_type(&id, entry, fields);
        };
        let given = fields.get("default").map(|member| member.value.value());
        let default = given.filter(|default| kind.takes_default(default));
        if default.is_none() {
            let (message, help) = if fields.get("default").is_some() {
                (format!("the default of the variable {id:?} must be {}", kind.default_type()), None)
            } else {
                let help = format!("add \"default\", which must be {}", kind.default_type());
                (format!("the variable {id:?} has no default"), Some(help))
            };
            self.report(fields.span("default", entry), Rule::DeclarationDefaultType, message, help);
        }
        let choices = if kind == VariableType::Enum { self.choices(&id, entry, fields) } else { Vec::new() };
        if let Some(Value::String(default)) = &default {
            self.default_text(&id, kind, default, &choices, fields.span("default", entry));
        }
        let span = self.offsets.span(entry.span());
        let description = fields.text("description");
        let declaration = Declaration { id, label, kind, default, choices, description, span };
        let id = declaration.id.clone();
        if self.declarations.insert(declaration) {
            let message = format!("the variable {id:?} is declared twice; the last declaration is used");
            self.report(fields.span("id", entry), Rule::DeclarationDuplicateId, message, None);
        }
    }

    fn unknown_type(&mut self, id: &str, entry: &Node, fields: &Fields<'_>) {
        let names = VariableType::ALL.map(|(name, _)| name);
        let mut help = format!("the types are {}", names.join(", "));
        let mut near = None;
        let message = match fields.get("type") {
            Some(given) => {
                let given = given.value.value();
                near = given.as_str().and_then(|given| match given {
                    "select" if fields.get("options").is_some() => Some("enum"),
                    "text" => Some("string"),
                    other => nearest(other, names.into_iter()),
                });
                if let Some(near) = near {
                    help = format!("did you mean {near:?}? {help}");
                }
                format!("the variable {id:?} has the unknown type {given}")
            }
            None => format!("the variable {id:?} has no type"),
        };
        let span = fields.span("type", entry);
        self.report(span, Rule::DeclarationUnknownType, message, Some(help));
        self.correct(span, near, "Use the name of the type");
    }

    /// Checks the value of a default that has the right type.
    fn default_text(&mut self, id: &str, kind: VariableType, default: &str, choices: &[Choice], span: Span) {
        match kind {
            VariableType::Enum
                if !choices.is_empty() && !choices.iter().any(|choice| choice.value == default) =>
            {
                let message =
                    format!("the default {default:?} of the variable {id:?} is not one of its options");
                let only = (choices.len() == 1).then(|| choices[0].value.as_str());
                let near =
                    only.or_else(|| nearest(default, choices.iter().map(|choice| choice.value.as_str())));
                let help = near.map(|near| format!("write {near:?}"));
                self.report(span, Rule::DeclarationDefaultNotInOptions, message, help);
                self.correct(span, near, "Use the option with this name");
            }
            VariableType::Color if !default.is_empty() && !is_color(default) => {
                let message =
                    format!("the default {default:?} of the variable {id:?} is not a valid CSS color");
                let help = "write a color name, #rrggbb, or a function such as rgb(0 0 0)".to_owned();
                self.report(span, Rule::DeclarationInvalidColor, message, Some(help));
            }
            VariableType::Image if !Link::is_safe_media(default) => {
                let message = format!("the runtime rejects the default {default:?} of the variable {id:?}");
                let help = "write a relative path, an https: URL or a data:image/… URL".to_owned();
                self.report(span, Rule::DeclarationUnsafeUrl, message, Some(help));
            }
            _ => {}
        }
    }

    fn choices(&mut self, id: &str, entry: &Node, fields: &Fields<'_>) -> Vec<Choice> {
        let options = fields.get("options").and_then(|member| member.value.items());
        let Some(options) = options.filter(|options| !options.is_empty()) else {
            let message = format!("the enum {id:?} has no options");
            let help = Some("write \"options\": [{\"value\": \"a\", \"label\": \"A\"}]".to_owned());
            self.report(fields.span("options", entry), Rule::DeclarationWithoutOptions, message, help);
            return Vec::new();
        };
        let mut choices = Vec::with_capacity(options.len());
        for option in options {
            let option_value = option.value();
            let text = |name: &str| option_value.get(name).and_then(Value::as_str).map(str::to_owned);
            // A bare string is invalid, but its meaning is clear.
            let bare = option_value.as_str().map(str::to_owned);
            if text("value").is_none() || text("label").is_none() {
                let message = format!("an option of the enum {id:?} is not a {{value, label}} object");
                let help = "write {\"value\": \"a\", \"label\": \"A\"}; the official validator rejects every other form";
                self.report(option.span(), Rule::DeclarationMalformedOption, message, Some(help.to_owned()));
                if let Some(bare) = bare.as_deref().filter(|bare| is_plain(bare)) {
                    self.edit(option.span(), option.span(), "Write the value with a label", |quote| {
                        let member = |name: &str| format!("{quote}{name}{quote}: {quote}{bare}{quote}");
                        format!("{{{}, {}}}", member("value"), member("label"))
                    });
                }
            }
            choices
                .extend(bare.or_else(|| text("value")).map(|value| Choice { value, label: text("label") }));
        }
        choices
    }
}
