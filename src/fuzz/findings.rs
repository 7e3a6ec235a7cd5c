//! Properties of findings and of every report about them.

use std::collections::BTreeMap;

use hyperframes_ci_core::check::{CheckOptions, Values, check};
use hyperframes_ci_core::findings::{Diagnostic, Findings};
use hyperframes_ci_core::project::{Contents, MemoryTree};
use hyperframes_ci_core::report::{MAX_FINDINGS, ReportFormat, render, render_for_people};
use serde_json::Value;

/// The longest message of a finding, in bytes: messages quote, but not whole files.
const LONGEST_MESSAGE: usize = 4096;

/// Checks a project that consists of these files, and its report.
pub(super) fn check_project(files: &[(&str, &[u8])], values: Vec<Values>) {
    let contents = files.iter().map(|(path, bytes)| ((*path).to_owned(), Contents::Whole(bytes.to_vec())));
    let tree = MemoryTree::new(contents.collect(), "");
    let mut sources = files.iter().copied().collect::<BTreeMap<_, _>>();
    let texts = values.clone();
    for values in &texts {
        if let Values::Object { path, text } | Values::Rows { path, text } = values {
            sources.insert(path, text.as_bytes());
        }
    }
    let report = check(&tree, &CheckOptions { values, is_render: true, ..CheckOptions::default() });
    for found in &report.findings.diagnostics {
        place(found, &sources);
    }
    reports(&report.findings);
}

/// A finding is about a place inside its file.
fn place(found: &Diagnostic, sources: &BTreeMap<&str, &[u8]>) {
    let length = found.message.len() + found.help.as_deref().map_or(0, str::len);
    assert!(length <= LONGEST_MESSAGE, "{length} bytes: {}", found.rule.code());
    let Some(source) = sources.get(found.path.as_str()) else {
        assert_eq!(found.position, None, "{found:?}");
        return;
    };
    let source = String::from_utf8_lossy(source);
    if let Some(span) = found.span {
        assert!(span.start <= span.end && span.end <= source.len(), "{found:?} of {} bytes", source.len());
        assert!(source.is_char_boundary(span.start) && source.is_char_boundary(span.end), "{found:?}");
    }
    let lines = 1 + source.matches('\n').count();
    for position in [found.position, found.end].into_iter().flatten() {
        assert!((1..=lines).contains(&position.line) && position.column >= 1, "{found:?} of {lines} lines");
    }
    if let (Some(start), Some(end)) = (found.position, found.end) {
        assert!((start.line, start.column) <= (end.line, end.column), "{found:?}");
    }
}

/// Reports are valid, control no terminal, and start no workflow command that is not a finding.
fn reports(findings: &Findings) {
    let plain = |text: &str| {
        let unsafe_character = |character: char| character.is_control() && character != '\n';
        assert!(!text.contains(unsafe_character), "{text:?}");
    };
    plain(&render_for_people(findings, false, Some(MAX_FINDINGS)));
    let github = render(findings, ReportFormat::Github, false);
    plain(&github);
    for line in github.lines() {
        let known = ["::error ", "::warning ", "::notice "];
        assert!(known.iter().any(|command| line.starts_with(command)), "{line:?}");
    }
    for format in [ReportFormat::Json, ReportFormat::Sarif] {
        let text = render(findings, format, false);
        plain(&text);
        assert!(!text.contains("##["), "{text}");
        assert!(serde_json::from_str::<Value>(&text).is_ok(), "{format}: {text}");
    }
}
