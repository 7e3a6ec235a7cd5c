//! Findings of the official linter, merged with ours.

use std::collections::BTreeMap;
use std::time::Duration;

use hyperframes_ci_core::findings::{Diagnostic, Findings, Levels, Rule, Severity, Text};
use hyperframes_ci_core::project::{DEFAULT_COMPOSITION, Tree as _, join};
use hyperframes_ci_core::text::Span;

use crate::engine::{Engine, LintFinding};
use crate::fault::Error;
use crate::project::pack::ArchiveContents;
use crate::project::tree::DiskTree;
use crate::system::deadline::Deadline;

/// How long the official linter may take for one project.
const TIMEOUT: Duration = Duration::from_secs(120);

/// Codes whose projects render as they should; proven by rendering with 0.8.170.
const HARMLESS: &[&str] = &["duplicate_media_id", "media_missing_id", "subcomposition_root_styled_by_class"];

/// Codes that may name another file than our finding: the mounting file, or the mounted one.
const OF_EITHER_FILE: &[&str] = &["duplicate_composition_id", "missing_or_empty_sub_composition"];

/// Runs the official linter, and adds what only it finds.
///
/// # Errors
/// Returns an error if the project cannot be packed, or the linter cannot be run.
pub(super) fn add(
    findings: &mut Findings,
    tree: &DiskTree,
    levels: &Levels,
    engine: &Engine,
) -> Result<(), Error> {
    // It needs the page that every project has.
    if tree.packed(DEFAULT_COMPOSITION).is_none() {
        return Ok(());
    }
    let archive = ArchiveContents::of(tree)?.zip(&mut |_| {})?;
    let Some(found) = engine.lint(archive.path(), Deadline::after(TIMEOUT))? else { return Ok(()) };
    merge(findings, &found, levels, tree.project(), &|path| {
        tree.read(path).and_then(|bytes| String::from_utf8(bytes).ok())
    });
    tree.check_readable()?;
    Ok(())
}

/// Adds what our rules do not report: neither at the same element, nor because the user allows it.
fn merge(
    findings: &mut Findings,
    official: &[LintFinding],
    levels: &Levels,
    project: &str,
    read: &dyn Fn(&str) -> Option<String>,
) {
    let mut sources = BTreeMap::<String, Option<String>>::new();
    for found in official {
        let file = if found.file.is_empty() { DEFAULT_COMPOSITION } else { &found.file };
        let path = join(project, file);
        let pairs = Rule::ALL.iter().filter(|rule| rule.official().contains(&found.code.as_str()));
        let pairs = pairs.copied().collect::<Vec<_>>();
        let is_allowed = !pairs.is_empty()
            && pairs.iter().all(|rule| levels.severity(&Diagnostic::new(*rule, "", "")).is_none());
        let source = sources.entry(path.clone()).or_insert_with(|| read(&path)).as_deref();
        let is_either = OF_EITHER_FILE.contains(&found.code.as_str());
        let is_ours = findings.diagnostics.iter().any(|ours| {
            pairs.contains(&ours.rule) && (is_either || (ours.path == path && is_at(ours, found, source)))
        });
        if is_allowed || is_ours {
            continue;
        }
        let text = source.map(|source| Text::new(&path, source));
        let message = format!("{}: {}", found.code, found.message);
        let mut merged = match text.as_ref().and_then(|text| Some((text, place(text.source, found)?))) {
            Some((text, span)) => text.finding(Rule::Official, span, message),
            None => Diagnostic::new(Rule::Official, &path, message),
        };
        merged.severity = match found.severity.as_str() {
            _ if HARMLESS.contains(&found.code.as_str()) => Severity::Note,
            "error" => Severity::Error,
            "warning" => Severity::Warning,
            _ => Severity::Note,
        };
        merged.help.clone_from(&found.fix_hint);
        merged.source = Some(format!("hyperframes/{}", found.code));
        findings.diagnostics.push(merged);
    }
    for (path, source) in sources {
        if let Some(source) = source {
            findings.sources.entry(path).or_insert(source);
        }
    }
    findings.sort();
}

/// Returns whether our finding is at the element that the official linter means, or one of them has no element.
fn is_at(ours: &Diagnostic, found: &LintFinding, source: Option<&str>) -> bool {
    let (Some(span), Some(id), Some(source)) = (ours.span, &found.element_id, source) else { return true };
    let marked = source.get(span.start..span.end).unwrap_or_default();
    // A finding about another element with an id is another finding.
    !marked.starts_with('<') || !marked.contains("id=") || marked.contains(id.as_str())
}

/// Returns the place of a finding: its snippet, the start tag with its id, or its line.
fn place(source: &str, found: &LintFinding) -> Option<Span> {
    let snippet = found.snippet.as_deref().unwrap_or_default();
    let first = snippet.split(['\n', '…']).next().unwrap_or_default().trim_end_matches("...").trim();
    if first.len() > 3
        && let Some(start) = source.find(first)
    {
        return Some(Span { start, end: start + first.len() });
    }
    if let Some(id) = &found.element_id
        && let Some(at) = [format!("id=\"{id}\""), format!("id='{id}'")].iter().find_map(|id| source.find(id))
    {
        let start = source[..at].rfind('<')?;
        let end = source[at..].find('>').map_or(source.len(), |end| at + end + 1);
        return Some(Span { start, end });
    }
    let before = found.line?.checked_sub(1)?;
    let start = source.split_inclusive('\n').take(before).map(str::len).sum::<usize>();
    let line = source.get(start..)?.lines().next()?;
    let start = start + (line.len() - line.trim_start().len());
    Some(Span { start, end: start + line.trim().len() })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(code: &str, id: &str) -> LintFinding {
        LintFinding {
            code: code.to_owned(),
            severity: "error".to_owned(),
            message: "m".to_owned(),
            file: "index.html".to_owned(),
            element_id: Some(id.to_owned()),
            ..LintFinding::default()
        }
    }

    #[test]
    fn what_ours_has_at_the_element_is_dropped() {
        let source = "<a id=\"one\">\n<video id=\"two\" />\n<video id=\"three\" />";
        let text = Text::new("p/index.html", source);
        let mut findings = Findings::default();
        let span = Span { start: 13, end: 31 };
        findings.diagnostics.push(text.finding(Rule::SelfClosingMedia, span, "ours"));
        let official = [
            found("self_closing_media_tag", "two"),
            found("self_closing_media_tag", "three"),
            found("media_missing_id", "one"),
            found("negative_z_index", "one"),
        ];
        let mut levels = Levels::default();
        levels.set(Rule::NegativeZIndex, hyperframes_ci_core::findings::Level::Allow);
        merge(&mut findings, &official, &levels, "p", &|path| {
            assert_eq!(path, "p/index.html");
            Some(source.to_owned())
        });
        let told = findings.diagnostics.iter().map(|found| {
            (
                found.position.map_or(0, |position| position.line),
                found.rule,
                found.severity,
                found.message.as_str(),
            )
        });
        assert_eq!(
            told.collect::<Vec<_>>(),
            [
                (1, Rule::Official, Severity::Note, "media_missing_id: m"),
                (2, Rule::SelfClosingMedia, Severity::Error, "ours"),
                (3, Rule::Official, Severity::Error, "self_closing_media_tag: m"),
            ]
        );
        assert_eq!(findings.diagnostics[2].source.as_deref(), Some("hyperframes/self_closing_media_tag"));
    }
}
