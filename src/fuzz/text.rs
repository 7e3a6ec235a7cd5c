//! Texts of compositions: HTML, CSS, scripts, declarations and values.

use hyperframes_ci_core::check::Values;
use hyperframes_ci_core::composition::Composition;
use hyperframes_ci_core::lang::json::{canonical, json_object};
use hyperframes_ci_core::project::{TextKind, references, rewrite};
use hyperframes_ci_core::refusal;
use hyperframes_ci_core::variables::{Row, RowFormat, Rows};
use serde_json::Value;

use super::findings::check_project;

const PAGE: &str = "<!doctype html><html><head><link rel=stylesheet href=style.css><script src=script.js></script></head>\
    <body><div data-composition-id=main data-width=1920 data-height=1080 data-duration=5 data-start=0></div></body></html>";

/// A document that is the whole project.
pub(super) fn html(input: &[u8]) {
    let text = String::from_utf8_lossy(input);
    check_references(TextKind::Html, &text);
    let _ = Composition::parse("index.html", &text).shape();
    check_project(&[("index.html", input), ("a.png", b"x")], Vec::new());
}

/// A style sheet of a document.
pub(super) fn css(input: &[u8]) {
    check_references(TextKind::Css, &String::from_utf8_lossy(input));
    let embedded = [PAGE.as_bytes(), b"<style>", input, b"</style>"].concat();
    check_project(&[("index.html", &embedded)], Vec::new());
    check_project(&[("index.html", PAGE.as_bytes()), ("style.css", input)], Vec::new());
}

/// A script of a document.
pub(super) fn script(input: &[u8]) {
    check_references(TextKind::Script, &String::from_utf8_lossy(input));
    let embedded = [PAGE.as_bytes(), b"<script>", input, b"</script>"].concat();
    check_project(&[("index.html", &embedded)], Vec::new());
    check_project(&[("index.html", PAGE.as_bytes()), ("script.js", input)], Vec::new());
}

/// References are in order inside their text, and are what is written in their place.
fn check_references(kind: TextKind, text: &str) {
    let found = references(kind, text);
    let (mut end, mut are_apart) = (0, true);
    for reference in &found {
        let span = reference.span;
        assert!(span.start <= span.end && text.get(span.start..span.end).is_some(), "{reference:?}");
        are_apart &= end <= span.start;
        end = span.end;
    }
    if are_apart {
        let replaced = found.iter().map(|reference| (reference, "./new name.png")).collect::<Vec<_>>();
        let again = references(kind, &rewrite(text, &replaced));
        assert_eq!(again.len(), found.len(), "{text:?}");
    }
    for refused in refusal::references(kind, "index.html", text, &|_| false) {
        assert!(refused.span.start <= refused.span.end && refused.span.end <= text.len(), "{refused:?}");
    }
    // Every path that the engine could read is found by the reader of everything, too.
    let suspects = refusal::suspects(text);
    assert!(suspects.len() <= 1 + text.len(), "{} of {} bytes", suspects.len(), text.len());
}

/// JSON as declarations of variables and as values.
pub(super) fn json(input: &[u8]) {
    let text = String::from_utf8_lossy(input);
    let value = serde_json::from_str::<Value>(&text);
    if let Ok(value) = &value {
        let written = canonical(value);
        let again = serde_json::from_str::<Value>(&written).expect("canonical JSON is JSON");
        assert_eq!(canonical(&again), written);
    }
    if let Ok(object) = json_object(&text) {
        let written = canonical(&Value::Object(object.clone()));
        assert_eq!(json_object(&written).map(|object| canonical(&Value::Object(object))), Ok(written));
    }
    let escaped = text.replace('&', "&amp;").replace('"', "&quot;");
    let page = format!(
        "<html data-composition-variables=\"{escaped}\"><div data-composition-id=main data-width=1920 data-height=1080>"
    );
    let declared = Composition::parse("index.html", &page).declarations;
    let schema = declared.schema();
    assert!(schema.is_object());
    let path = || "values.json".to_owned();
    let values = [
        Values::Object { path: path(), text: text.clone().into_owned() },
        Values::Rows { path: "rows.jsonl".to_owned(), text: text.into_owned() },
    ];
    for values in values {
        check_project(&[("index.html", page.as_bytes())], vec![values]);
    }
    let rows = Rows::new(input, RowFormat::Json).into_iter().flatten().flatten();
    for Row { variables, .. } in rows {
        let issues = declared.check(&variables);
        assert!(issues.len() <= variables.len() + declared.entries().len());
    }
}
