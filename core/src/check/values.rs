//! Checks of values against the declared variables.

use serde_json::Value;

use super::options::{MAX_FINDINGS, Values};
use super::page::{Page, Pages};
use crate::composition::Mount;
use crate::findings::{Diagnostic, Rule, Text};
use crate::lang::json::{Node, SyntaxError};
use crate::text::Span;
use crate::variables::{
    Declarations, JSON_HELP, Row, RowError, RowFormat, Rows, ValueIssue, json_kind, type_fields,
};

/// One set of values in a JSON file with several.
#[derive(Clone, Debug, PartialEq)]
struct Object {
    /// The JSON of the object, as written.
    text: String,
    /// The offset in the file, in bytes.
    start: usize,
}

/// Splits a file into sets of values: a JSON array, `{"rows": […]}`, or one object per line. Does not check that each
/// row is an object.
///
/// # Errors
/// Returns findings about `path` if the file has none of these forms.
fn rows(path: &str, source: &str) -> Result<Vec<Object>, Vec<Diagnostic>> {
    let text = Text::new(path, source);
    let row = |node: &Node, start: usize| {
        let Span { start: from, end } = node.span();
        Object { text: source[start + from..start + end].to_owned(), start: start + from }
    };
    let whole = Node::parse(source);
    match &whole {
        Ok(node) => {
            let inside = node.member("rows");
            let items = node.items().or_else(|| inside?.items());
            return Ok(items.map_or_else(
                || vec![row(node, 0)],
                |items| items.iter().map(|item| row(item, 0)).collect(),
            ));
        }
        Err(error) if source.trim_start_matches('\u{feff}').trim_start().starts_with('[') => {
            return Err(vec![syntax(&text, error, 0)]);
        }
        Err(_) => {}
    }
    let mut found = Vec::new();
    let mut errors = Vec::new();
    let mut start = 0;
    // Strings in JSON contain neither character unescaped, so each of them ends a line.
    for line in source.split_inclusive(['\n', '\r']) {
        if !line.trim().is_empty() {
            match Node::parse(line.trim_end()) {
                Ok(node) => found.push(row(&node, start)),
                Err(error) => errors.push(syntax(&text, &error, start)),
            }
        }
        start += line.len();
    }
    if errors.is_empty() { Ok(found) } else { Err(errors) }
}

fn syntax(text: &Text<'_>, error: &SyntaxError, start: usize) -> Diagnostic {
    let at = start + error.offset;
    let message = format!("the rows are not valid JSON: {}", error.message);
    text.finding(Rule::ValuesInvalidJson, Span { start: at, end: at }, message).help(JSON_HELP)
}

/// Checks the values that the user set for an entry.
pub(super) fn entry(page: &Page, values: &[Values]) -> Vec<Diagnostic> {
    let declarations = &page.composition.declarations;
    let mut found = Vec::new();
    if declarations.entries().is_empty()
        && !declarations.is_incomplete()
        && !values.iter().all(Values::is_empty)
    {
        let message = "the composition declares no variables, so the values are not checked";
        let help = "declare the variables in data-composition-variables";
        found.push(Diagnostic::new(Rule::ValuesNotChecked, &page.path, message).help(help));
    }
    let own = page.text();
    for values in values {
        match values {
            Values::Inline(map) => found.extend(declarations.check(map).into_iter().map(|issue| {
                let place = declarations.get(&issue.variable).map(|declaration| declaration.span);
                let located = match place {
                    Some(span) => own.finding(issue.rule, span, issue.message),
                    None => Diagnostic::new(issue.rule, &page.path, issue.message),
                };
                located.with_help(issue.help)
            })),
            Values::Object { path, text } => {
                found.extend(object(&Text::new(path, text), text, &|span| span, declarations, false));
            }
            Values::Rows { path, text } if RowFormat::of(path).is_table() => {
                found.extend(table(&Text::new(path, text), RowFormat::of(path), declarations));
            }
            Values::Rows { path, text } => match rows(path, text) {
                Err(errors) => found.extend(errors),
                Ok(rows) => {
                    let whole = Text::new(path, text);
                    for row in rows {
                        let place = |span: Span| span.after(row.start);
                        found.extend(object(&whole, &row.text, &place, declarations, true));
                    }
                }
            },
        }
    }
    found
}

/// Checks the rows of a table with a header; findings point to the line.
fn table(text: &Text<'_>, format: RowFormat, declarations: &Declarations) -> Vec<Diagnostic> {
    let starts = line_starts(text.source);
    let at_line = |line: u64| {
        let start = usize::try_from(line - 1).ok().and_then(|line| starts.get(line).copied());
        let start = start.unwrap_or(text.source.len());
        let length = text.source[start..].split(['\r', '\n']).next().map_or(0, str::len);
        Span { start, end: start + length }
    };
    let unreadable = |what: &str, error: RowError| {
        let message = format!("the {what} {}", error.message);
        text.finding(Rule::ValuesInvalidJson, at_line(error.line), message)
    };
    let mut rows = match Rows::new(text.source.as_bytes(), format) {
        Ok(rows) => rows,
        Err(error) => return vec![unreadable("file", error)],
    };
    let hint = rows.hint().map(str::to_owned);
    let mut found = Vec::new();
    for row in &mut rows {
        match row {
            Err(error) => found.push(unreadable("row", error)),
            Ok(Row { line, mut variables, .. }) => {
                type_fields(&mut variables, declarations);
                for ValueIssue { rule, message, help, .. } in declarations.check(&variables) {
                    let help = hint.clone().or(help);
                    found.push(text.finding(rule, at_line(line), message).with_help(help));
                }
            }
        }
    }
    found
}

/// Returns the offset of each line; lines end with LF, CR LF or CR.
fn line_starts(source: &str) -> Vec<usize> {
    let bytes = source.as_bytes();
    let is_end =
        |at: &usize| bytes[*at] == b'\n' || (bytes[*at] == b'\r' && bytes.get(at + 1) != Some(&b'\n'));
    std::iter::once(0).chain((0..bytes.len()).filter(is_end).map(|end| end + 1)).collect()
}

/// Checks the values that compositions set on mounts against the mounted file.
pub(super) fn mounted(pages: &Pages<'_>) -> Vec<Diagnostic> {
    let mut found = Vec::new();
    for page in pages.all() {
        let text = page.text();
        for mount in &page.composition.mounts {
            let target = pages.mounted(page, mount.source_span);
            found.extend(mount_values(&text, mount, target.map(|target| &target.composition.declarations)));
        }
    }
    found
}

fn mount_values(text: &Text<'_>, mount: &Mount, declarations: Option<&Declarations>) -> Vec<Diagnostic> {
    let Some(values) = &mount.values else { return Vec::new() };
    let nothing = Declarations::default();
    let declarations = declarations.unwrap_or(&nothing);
    object(text, &values.text, &|span| values.offsets.span(span), declarations, false)
}

/// Checks one object. `place` maps spans of its text to spans of the file. A row may have its values under
/// `variables`, next to options of the render.
fn object(
    whole: &Text<'_>,
    text: &str,
    place: &dyn Fn(Span) -> Span,
    declarations: &Declarations,
    is_row: bool,
) -> Vec<Diagnostic> {
    let node = match Node::parse(text) {
        Ok(node) => node,
        Err(error) => {
            let span = place(Span { start: error.offset, end: error.offset });
            let message = format!("the values are not valid JSON: {}", error.message);
            return vec![whole.finding(Rule::ValuesInvalidJson, span, message).help(JSON_HELP)];
        }
    };
    let Some(mut members) = node.members() else {
        let message = format!("the values must be a JSON object, not {}", json_kind(&node.value()));
        let found = whole.finding(Rule::ValuesNotObject, place(node.span()), message);
        return vec![
            found.help("write an object with variable ids as names, such as {\"title\": \"Hello\"}"),
        ];
    };
    if is_row && declarations.get("variables").is_none() {
        let nested = members.iter().find(|member| member.key == "variables");
        if let Some(nested) = nested.and_then(|member| member.value.members()) {
            members = nested;
        }
    }
    let mut found = Vec::new();
    for member in members {
        let value: Value = member.value.value();
        let Some(ValueIssue { rule, message, help, .. }) =
            declarations.check_one(&member.key, &value, found.len() < MAX_FINDINGS)
        else {
            continue;
        };
        let span = if rule == Rule::UndeclaredVariable { member.key_span } else { member.value.span() };
        found.push(whole.finding(rule, place(span), message).with_help(help));
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(source: &str) -> Vec<String> {
        rows("rows.json", source)
            .expect("rows")
            .into_iter()
            .map(|row| {
                assert!(source[row.start..].starts_with(&row.text));
                row.text
            })
            .collect()
    }

    #[test]
    fn the_three_forms_of_rows() {
        assert_eq!(texts(" [ {\"a\": 1}, {} ] "), ["{\"a\": 1}", "{}"]);
        assert_eq!(texts("{\"rows\": [{\"a\": 1}]}"), ["{\"a\": 1}"]);
        assert_eq!(texts("{\"a\": 1}\n\n {\"a\": 2}\r\n"), ["{\"a\": 1}", "{\"a\": 2}"]);
        assert_eq!(texts("\u{feff}{\"a\": 1}\r{\"a\": 2}\r"), ["{\"a\": 1}", "{\"a\": 2}"]);
        assert_eq!(texts("{\"a\": 1}"), ["{\"a\": 1}"]);
        assert_eq!(texts(""), Vec::<String>::new());
    }

    #[test]
    fn every_bad_line_is_named() {
        let errors = rows("rows.jsonl", "{}\n{\"a\":}\n{}\n{\n").expect_err("bad");
        let lines = errors.iter().map(|found| found.position.expect("a place").line).collect::<Vec<_>>();
        assert_eq!(lines, [2, 4]);
        assert_eq!(rows("rows.json", "[{}, ").expect_err("bad").len(), 1);
        assert_eq!(rows("rows.json", "\u{feff}[{},\n").expect_err("bad").len(), 1);
    }

    #[test]
    fn findings_of_tables_name_the_line_and_the_wrong_separator() {
        let page = r#"<html data-composition-variables='[{"id":"n","label":"N","type":"number","default":1}]'></html>"#;
        let declarations = crate::composition::Composition::parse("index.html", page).declarations;
        let told = |path: &str, source: &str| {
            let found = table(&Text::new(path, source), RowFormat::of(path), &declarations);
            found
                .into_iter()
                .map(|found| (found.span.expect("a place").start, found.help))
                .collect::<Vec<_>>()
        };
        for end in ["\n", "\r\n", "\r"] {
            let source = ["n;m", "1;", "x;", ""].join(end);
            assert_eq!(told("rows.csv", &source), [(source.find('x').expect("a row"), None)], "{source:?}");
        }
        assert!(told("rows.tsv", "n;m\n1;2\n")[0].1.as_ref().is_some_and(|help| help.contains("sep=;")));
    }
}
