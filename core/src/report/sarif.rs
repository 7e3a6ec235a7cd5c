//! Findings as SARIF 2.1.0; source: the OASIS standard.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Map, Value, json};

use crate::findings::{Diagnostic, Rule, Severity};
use crate::text::Position;

/// Returns a SARIF log with one run and all rules that have findings.
pub(crate) fn sarif(diagnostics: &[Diagnostic]) -> Value {
    let is_found = |rule: &Rule| diagnostics.iter().any(|found| found.rule == *rule);
    let rules = Rule::ALL.iter().copied().filter(is_found).collect::<Vec<_>>();
    let results = diagnostics.iter().map(|found| result(found, &rules)).collect::<Vec<_>>();
    json!({
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [{
            "tool": { "driver": {
                "name": "hyperframes-ci",
                "semanticVersion": env!("CARGO_PKG_VERSION"),
                "informationUri": "https://github.com/hyperframes-ci/hyperframes-ci",
                "rules": rules.iter().map(|rule| descriptor(*rule)).collect::<Vec<_>>(),
            }},
            "columnKind": "unicodeCodePoints",
            "results": results,
        }],
    })
}

fn descriptor(rule: Rule) -> Value {
    let explanation = rule.explanation();
    let full = if explanation.is_empty() { rule.summary().to_owned() } else { explanation };
    json!({
        "id": rule.code(),
        "shortDescription": { "text": rule.summary() },
        "fullDescription": { "text": full.replace('\n', " ") },
        "helpUri": rule.url(),
        "defaultConfiguration": { "level": level(rule.severity()) },
    })
}

fn level(severity: Severity) -> &'static str {
    // SARIF uses the same names.
    severity.as_str()
}

fn result(found: &Diagnostic, rules: &[Rule]) -> Value {
    let mut place = Map::new();
    place.insert("artifactLocation".to_owned(), json!({ "uri": uri(&found.path), "uriBaseId": "%SRCROOT%" }));
    if let (Some(start), Some(end)) = (found.position, found.end) {
        place.insert("region".to_owned(), region(start, end));
    }
    let mut result = json!({
        "ruleId": found.rule.code(),
        "ruleIndex": rules.iter().position(|rule| *rule == found.rule),
        "level": level(found.severity),
        "message": { "text": found.whole_message() },
        "locations": [{ "physicalLocation": place }],
    });
    if let Some(fix) = &found.fix {
        let replacements = fix.edits.iter().map(|edit| {
            json!({
                "deletedRegion": region(edit.position, edit.end),
                "insertedContent": { "text": edit.text },
            })
        });
        result["fixes"] = json!([{
            "description": { "text": fix.description },
            "artifactChanges": [{
                "artifactLocation": { "uri": uri(&found.path), "uriBaseId": "%SRCROOT%" },
                "replacements": replacements.collect::<Vec<_>>(),
            }],
        }]);
    }
    result
}

fn region(start: Position, end: Position) -> Value {
    json!({
        "startLine": start.line,
        "startColumn": start.column,
        "endLine": end.line,
        "endColumn": end.column,
    })
}

/// Characters that are not encoded in a path; source: RFC 3986, without `:`, so that no first segment looks like a
/// scheme.
const UNRESERVED: &AsciiSet =
    &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~').remove(b'/');

/// Returns a path as a relative URI.
fn uri(path: &str) -> String {
    utf8_percent_encode(path, UNRESERVED).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::findings::Text;
    use crate::text::Span;

    #[test]
    fn results_lead_to_their_rules_and_places() {
        let text = Text::new("a b/c:ä.html", "<p>\n<img src=x.png>");
        let log = sarif(&[
            text.finding(Rule::MissingAsset, Span { start: 13, end: 18 }, "file not found")
                .help("commit it")
                .fix(&text, "Rename it", [(Span { start: 13, end: 14 }, "y".to_owned())]),
            Diagnostic::new(Rule::DimensionsMissing, "index.html", "no size"),
        ]);
        let run = &log["runs"][0];
        let results = run["results"].as_array().expect("results");
        for result in results {
            let index = usize::try_from(result["ruleIndex"].as_u64().expect("an index")).expect("small");
            assert_eq!(run["tool"]["driver"]["rules"][index]["id"], result["ruleId"]);
        }
        let place = &results[0]["locations"][0]["physicalLocation"];
        assert_eq!(place["artifactLocation"]["uri"], "a%20b/c%3A%C3%A4.html");
        assert_eq!(
            place["region"],
            json!({ "startLine": 2, "startColumn": 10, "endLine": 2, "endColumn": 15 })
        );
        assert_eq!(results[1]["level"], "warning");
        assert_eq!(
            results[0]["fixes"][0]["artifactChanges"][0]["replacements"][0],
            json!({
                "deletedRegion": { "startLine": 2, "startColumn": 10, "endLine": 2, "endColumn": 11 },
                "insertedContent": { "text": "y" },
            })
        );
        assert!(results[1]["locations"][0]["physicalLocation"].get("region").is_none());
    }
}
