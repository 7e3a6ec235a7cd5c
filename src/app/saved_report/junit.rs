//! Tests as XML in the format that JUnit's Ant task introduced.
//!
//! There is no standard. The elements and attributes here are those that Jenkins, GitLab, CircleCI, Azure Pipelines, Buildkite
//! and Bitbucket read: `testsuites`, `testsuite`, `testcase`, `failure` and `system-out`.

use std::fmt::Write;

use hyperframes_ci_core::findings::{Diagnostic, Findings, Severity};
use hyperframes_ci_core::report::plain;

/// Tests with a common name.
#[derive(Debug)]
pub(super) struct Suite {
    pub(super) name: String,
    pub(super) cases: Vec<Case>,
}

/// A test.
#[derive(Debug)]
pub(super) struct Case {
    pub(super) name: String,
    /// What CI services group it by.
    pub(super) class: String,
    pub(super) file: Option<String>,
    /// Why it failed.
    pub(super) failure: Option<Failure>,
    pub(super) output: String,
}

/// Why a test failed.
#[derive(Debug)]
pub(super) struct Failure {
    /// A stable identifier.
    pub(super) kind: String,
    /// The first line is the message.
    pub(super) text: String,
}

/// Returns the findings as tests, a suite for each file. Only errors are failures: they fail the command as well.
pub(super) fn of_findings(findings: &Findings) -> Vec<Suite> {
    let mut suites = Vec::<Suite>::new();
    for found in &findings.diagnostics {
        match suites.last_mut().filter(|suite| suite.name == found.path) {
            Some(suite) => suite.cases.push(case(found)),
            None => suites.push(Suite { name: found.path.clone(), cases: vec![case(found)] }),
        }
    }
    if suites.is_empty() {
        // A report without tests is a mistake for some services.
        let passed = Case {
            name: "no findings".to_owned(),
            class: "hyperframes-ci.check".to_owned(),
            file: None,
            failure: None,
            output: String::new(),
        };
        suites.push(Suite { name: "check".to_owned(), cases: vec![passed] });
    }
    suites
}

fn case(found: &Diagnostic) -> Case {
    let place = found.position.map(|position| format!(":{}:{}", position.line, position.column));
    let place = place.unwrap_or_default();
    let mut text = format!("{}\n{}{place}", found.message, found.path);
    text.extend(found.help.iter().map(|help| format!("\nhelp: {help}")));
    let code = found.rule.code();
    let (failure, output) = match found.severity {
        Severity::Error => (Some(Failure { kind: code.to_owned(), text }), String::new()),
        other => (None, format!("{}: {text}", other.as_str())),
    };
    let name = format!("{code}{place}");
    Case { name, class: found.path.clone(), file: Some(found.path.clone()), failure, output }
}

/// Returns the document.
pub(super) fn write(name: &str, suites: &[Suite]) -> String {
    let failed = |suite: &Suite| suite.cases.iter().filter(|case| case.failure.is_some()).count();
    let all = suites.iter().map(|suite| suite.cases.len()).sum::<usize>();
    let all_failed = suites.iter().map(failed).sum::<usize>();
    let mut out = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
    // Writing to a string cannot fail.
    let _ = writeln!(
        out,
        "<testsuites name=\"{}\" tests=\"{all}\" failures=\"{all_failed}\" errors=\"0\">",
        attribute(name)
    );
    for suite in suites {
        let (tests, failures) = (suite.cases.len(), failed(suite));
        let _ = writeln!(
            out,
            "  <testsuite name=\"{}\" tests=\"{tests}\" failures=\"{failures}\" errors=\"0\" skipped=\"0\">",
            attribute(&suite.name)
        );
        suite.cases.iter().for_each(|case| write_case(case, &mut out));
        out.push_str("  </testsuite>\n");
    }
    out.push_str("</testsuites>\n");
    out
}

fn write_case(case: &Case, out: &mut String) {
    let file = case.file.iter().map(|file| format!(" file=\"{}\"", attribute(file))).collect::<String>();
    let (name, class) = (attribute(&case.name), attribute(&case.class));
    let _ = write!(out, "    <testcase name=\"{name}\" classname=\"{class}\"{file}");
    if case.failure.is_none() && case.output.is_empty() {
        out.push_str("/>\n");
        return;
    }
    out.push_str(">\n");
    if let Some(Failure { kind, text: reason }) = &case.failure {
        let message = attribute(reason.lines().next().unwrap_or_default());
        let _ = writeln!(
            out,
            "      <failure type=\"{}\" message=\"{message}\">{}</failure>",
            attribute(kind),
            text(reason)
        );
    }
    if !case.output.is_empty() {
        let _ = writeln!(out, "      <system-out>{}</system-out>", text(&case.output));
    }
    out.push_str("    </testcase>\n");
}

/// Escapes a text as contents. Characters that XML does not have, and those that control a terminal or start a workflow
/// command, are written as their escapes.
fn text(text: &str) -> String {
    let escaped = plain(text).replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
    escaped.replace(['\u{fffe}', '\u{ffff}'], "\u{fffd}")
}

fn attribute(value: &str) -> String {
    text(value).replace('"', "&quot;").replace('\n', "&#10;")
}

#[cfg(test)]
mod tests {
    use hyperframes_ci_core::findings::Rule;

    use super::*;

    #[test]
    fn errors_are_failures_and_warnings_are_not() {
        let mut findings = Findings::default();
        let error = Diagnostic::new(Rule::MissingAsset, "a\"&.html", "no <x>\u{1b}[31m\u{0}\n::error::y");
        findings.diagnostics.extend([error.help("commit it"), {
            Diagnostic { severity: Severity::Warning, ..Diagnostic::new(Rule::UnusedVariable, "b", "z") }
        }]);
        let document = write("check", &of_findings(&findings));
        let expected = "\
<?xml version=\"1.0\" encoding=\"UTF-8\"?>
<testsuites name=\"check\" tests=\"2\" failures=\"1\" errors=\"0\">
  <testsuite name=\"a&quot;&amp;.html\" tests=\"1\" failures=\"1\" errors=\"0\" skipped=\"0\">
    <testcase name=\"missing-asset\" classname=\"a&quot;&amp;.html\" file=\"a&quot;&amp;.html\">
      <failure type=\"missing-asset\" message=\"no &lt;x&gt;\\u{1b}[31m\\u{0}\">no &lt;x&gt;\\u{1b}[31m\\u{0}
  :\u{200b}:error::y
  a\"&amp;.html
  help: commit it</failure>
    </testcase>
  </testsuite>
  <testsuite name=\"b\" tests=\"1\" failures=\"0\" errors=\"0\" skipped=\"0\">
    <testcase name=\"unused-variable\" classname=\"b\" file=\"b\">
      <system-out>warning: z
  b</system-out>
    </testcase>
  </testsuite>
</testsuites>
";
        assert_eq!(document, expected);
    }

    #[test]
    fn a_report_without_findings_has_a_test_that_passes() {
        let document = write("check", &of_findings(&Findings::default()));
        assert!(document.contains("tests=\"1\" failures=\"0\""), "{document}");
        assert!(document.contains("<testcase name=\"no findings\" classname=\"hyperframes-ci.check\"/>"));
    }
}
