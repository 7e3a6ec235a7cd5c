//! Check runs: a result next to those of jobs, with all findings as annotations. A job shows 10 of each severity only.
//!
//! Source: docs.github.com, "REST API endpoints for check runs".

use hyperframes_ci_core::findings::{Diagnostic, Severity};
use hyperframes_ci_core::report::plain;
use serde_json::{Value, json};

use super::client::Client;
use crate::ci::error::ProviderError;
use crate::ci::provider::{CheckRun, Conclusion};

/// Annotations of one request at most.
const BATCH: usize = 50;

/// Batches of one check run. The step summary and the report have the other findings.
const MAX_BATCHES: usize = 10;

/// Longest texts, in bytes: those of an annotation may have 64 KB, and many of them make a large request.
const MAX_MESSAGE: usize = 4000;
const MAX_SUMMARY: usize = 65_000;
const MAX_TITLE: usize = 250;

/// Creates a check run, and adds the annotations that do not fit into one request.
///
/// # Errors
/// Returns [`ProviderError`] if the API refuses.
pub(super) fn create(client: &Client, check: &CheckRun<'_>) -> Result<(), ProviderError> {
    const SUBJECT: &str = "the check run";
    let annotations = check.findings.iter().filter_map(|found| annotation(found)).collect::<Vec<_>>();
    let mut batches = annotations.chunks(BATCH);
    let (title, summary) = (cut(&check.title, MAX_TITLE), cut(&check.summary, MAX_SUMMARY));
    let output = |batch: &[Value]| json!({ "title": title, "summary": summary, "annotations": batch });
    let conclusion = match check.conclusion {
        Conclusion::Success => "success",
        Conclusion::Neutral => "neutral",
        Conclusion::Failure => "failure",
    };
    let created = client.send(
        "POST",
        "/check-runs",
        &json!({
            "name": check.name,
            "head_sha": check.commit,
            "status": "completed",
            "conclusion": conclusion,
            "details_url": check.url,
            "output": output(batches.next().unwrap_or_default()),
        }),
        SUBJECT,
    )?;
    let id = created["id"].as_u64().unwrap_or_default();
    for batch in batches.take(MAX_BATCHES - 1) {
        client.send("PATCH", &format!("/check-runs/{id}"), &json!({ "output": output(batch) }), SUBJECT)?;
    }
    Ok(())
}

/// Returns the annotation of an error or a warning.
fn annotation(found: &Diagnostic) -> Option<Value> {
    let level = match found.severity {
        Severity::Error => "failure",
        Severity::Warning => "warning",
        Severity::Note => return None,
    };
    let start = found.position.map_or(1, |start| start.line);
    let end = found.end.map_or(start, |end| end.line.max(start));
    let mut annotation = json!({
        "path": found.path,
        "start_line": start,
        "end_line": end,
        "annotation_level": level,
        "title": found.rule.code(),
        "message": cut(&plain(&found.whole_message()), MAX_MESSAGE),
    });
    // Columns are only valid within one line; the end column is inclusive.
    if let (Some(from), Some(to), true) = (found.position, found.end, start == end) {
        annotation["start_column"] = from.column.into();
        annotation["end_column"] = to.column.saturating_sub(1).max(from.column).into();
    }
    Some(annotation)
}

/// Truncates a text to `limit` bytes.
fn cut(text: &str, limit: usize) -> &str {
    let end = (0..=limit.min(text.len())).rev().find(|end| text.is_char_boundary(*end));
    &text[..end.unwrap_or_default()]
}
