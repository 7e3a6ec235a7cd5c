//! What compositions declare, and values against it.

use hyperframes_ci_core::composition::Composition;
use hyperframes_ci_core::text::Position;
use hyperframes_ci_core::variables::Declarations;
use serde_json::{Map, Value, json};

fn codes(declarations: &str) -> Vec<&'static str> {
    let escaped = declarations.replace('&', "&amp;").replace('"', "&quot;");
    let source = format!("<html data-composition-variables=\"{escaped}\"><div data-composition-id=a>");
    Composition::parse("a.html", &source).diagnostics.into_iter().map(|found| found.rule.code()).collect()
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
    assert_eq!(one(r#"{"id":"a","label":"A","type":"select","default":""}"#), ["declaration-unknown-type"]);
    assert_eq!(one(r#"{"id":"a","label":"A","type":"number","default":"1"}"#), ["declaration-default-type"]);
    assert_eq!(one(r#"{"id":"a","label":"A","type":"enum","default":"x"}"#), ["declaration-without-options"]);
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
fn declarations_of_all_elements_merge_and_the_last_one_wins() {
    let declared = |source: &str| {
        let composition = Composition::parse("a.html", source);
        let entries = composition.declarations.entries().iter();
        let entries = entries.map(|entry| (entry.id.clone(), entry.default.clone().unwrap_or_default()));
        let codes = composition.diagnostics.into_iter().map(|found| found.rule.code());
        (entries.collect::<Vec<_>>(), codes.collect::<Vec<_>>())
    };
    let entry = |id: &str, default: &str| {
        format!(
            r#"data-composition-variables='[{{"id":"{id}","label":"","type":"string","default":"{default}"}}]'"#
        )
    };
    let variable = |id: &str, default: &str| (id.to_owned(), json!(default));
    let (a, b) = (entry("a", "1"), entry("b", "2"));
    assert_eq!(declared(&format!("<template><div data-composition-id=x {a}>")).0, [variable("a", "1")]);
    let both = [variable("a", "1"), variable("b", "2")];
    assert_eq!(declared(&format!("<html {a}><div data-composition-id=x {b}>")), (both.to_vec(), vec![]));
    assert_eq!(declared(&format!("<div data-composition-id=x {a}><p {b}><p {a}>")), (both.to_vec(), vec![]));
    let changed = entry("a", "3");
    assert_eq!(
        declared(&format!("<html {a}><p {changed}>")),
        (vec![variable("a", "3")], vec!["duplicate-declarations"])
    );
}

#[test]
fn identical_copies_in_one_declaration_are_silent() {
    let one = r#"{"id":"a","label":"A","type":"string","default":""}"#;
    assert!(codes(&format!("[{one},{one}]")).is_empty());
}

fn declared() -> Declarations {
    let source = r##"<html data-composition-variables='[
        {"id":"title","label":"T","type":"string","default":"x"},
        {"id":"size","label":"S","type":"number","default":1},
        {"id":"dark","label":"D","type":"boolean","default":false},
        {"id":"accent","label":"A","type":"color","default":"#fff"},
        {"id":"face","label":"F","type":"font","default":"Inter"},
        {"id":"logo","label":"L","type":"image","default":"l.png"},
        {"id":"mood","label":"M","type":"enum","default":"calm","options":[{"value":"calm","label":"Calm"}]}]'>"##;
    Composition::parse("a.html", source).declarations
}

fn verdict(values: &Value) -> Vec<&'static str> {
    declared()
        .check(values.as_object().expect("an object"))
        .into_iter()
        .map(|issue| issue.rule.code())
        .collect()
}

#[test]
fn what_fits() {
    assert!(verdict(&json!({
        "title": "", "size": -1.5e3, "dark": true, "accent": "not checked here", "face": {"name": "A", "source": "b"},
        "logo": {"url": "x", "more": 1}, "mood": "calm"
    }))
    .is_empty());
    assert!(verdict(&json!({"face": "A", "logo": "b.png"})).is_empty());
    assert!(Declarations::default().check(json!({"any": 1}).as_object().expect("an object")).is_empty());
}

#[test]
fn what_does_not_fit() {
    for (id, value) in [
        ("title", json!(1)),
        ("size", json!("1")),
        ("dark", json!("true")),
        ("accent", json!(null)),
        ("face", json!({"name": "A"})),
        ("face", json!([])),
        ("logo", json!({"url": 1})),
        ("mood", json!(1)),
    ] {
        let mut values = Map::new();
        values.insert(id.to_owned(), value.clone());
        let issues = declared().check(&values);
        assert_eq!(
            issues.first().map(|issue| issue.rule.code()),
            Some("variable-type-mismatch"),
            "{id} {value}"
        );
    }
    assert_eq!(verdict(&json!({"mood": "wild"})), ["variable-not-in-enum"]);
    assert_eq!(verdict(&json!({"nope": 1, "Titel": 2})), ["undeclared-variable", "undeclared-variable"]);
}

#[test]
fn a_near_miss_is_named() {
    let issues = declared().check(json!({"Tilte": "", "zzzz": 1}).as_object().expect("an object"));
    assert_eq!(issues[0].help.as_deref(), Some("did you mean \"title\"?"));
    assert!(
        issues[1].help.as_deref().is_some_and(|help| help.starts_with("declared variables: title, size"))
    );
}

#[test]
fn every_type_has_its_schema() {
    let declarations = json!([
        { "id": "title", "label": "Title", "type": "string", "default": "Hi", "description": "Big text" },
        { "id": "mood", "label": "Mood", "type": "enum", "default": "calm",
          "options": [{ "value": "calm", "label": "Calm" }, { "value": "wild", "label": "Wild" }] },
        { "id": "logo", "label": "Logo", "type": "image", "default": "a.png" },
    ]);
    let html = format!("<html data-composition-variables='{declarations}'><div data-composition-id=a></div>");
    let schema = Composition::parse("index.html", &html).declarations.schema();
    assert_eq!(schema["additionalProperties"], false);
    assert_eq!(
        schema["properties"]["title"],
        json!({ "title": "Title", "description": "Big text", "default": "Hi", "x-hyperframes-type": "string", "type": "string" })
    );
    assert_eq!(schema["properties"]["mood"]["enum"], json!(["calm", "wild"]));
    assert_eq!(schema["properties"]["mood"]["x-hyperframes-labels"]["wild"], "Wild");
    assert_eq!(schema["properties"]["logo"]["anyOf"][1]["required"], json!(["url"]));
    let nothing = Composition::parse("index.html", "<p>").declarations.schema();
    assert_eq!((&nothing["properties"], &nothing["additionalProperties"]), (&json!({}), &json!(true)));
}
