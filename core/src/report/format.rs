//! Report formats.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::github::github;
use super::human::human;
use super::plain::disarm_json;
use super::sarif::sarif;
use crate::findings::{Diagnostic, Findings};
use crate::options::{UnknownValue, closed_set};
use crate::text::Position;

closed_set! {
    /// A report format.
    ReportFormat {
        /// Text with excerpts, like the errors of a compiler.
        Human = "human",
        /// One JSON object.
        Json = "json",
        /// Workflow commands, which GitHub shows as annotations on a pull request.
        Github = "github",
        /// SARIF 2.1.0, for code scanning.
        Sarif = "sarif",
    }
}

/// The number of findings of one kind that a text for people has in full, unless the user sets another.
pub const MAX_FINDINGS: usize = 20;

/// The number of further places that are listed.
const MAX_PLACES: usize = 5;

/// Formats findings as text with excerpts. At most `most` findings of one kind (the same rule and severity) are written
/// in full; the others are one finding with their number and the first places. `None` sets no limit.
#[must_use]
pub fn render_for_people(findings: &Findings, color: bool, most: Option<usize>) -> String {
    let mut text = String::new();
    let mut rests = BTreeMap::<_, (usize, Vec<&Diagnostic>)>::new();
    let mut order = Vec::new();
    for found in &findings.diagnostics {
        let kind = (found.rule, found.severity);
        let (count, rest) = rests.entry(kind).or_default();
        *count += 1;
        if most.is_none_or(|most| *count <= most) {
            let source = findings.sources.get(&found.path).map(String::as_str);
            human(found, source, color, &mut text);
        } else {
            if rest.is_empty() {
                order.push(kind);
            }
            rest.push(found);
        }
    }
    for kind in order {
        let Some((_, rest)) = rests.get(&kind) else { continue };
        let places = rest.iter().take(MAX_PLACES).map(|found| match found.position {
            Some(Position { line, column }) => format!("{}:{line}:{column}", found.path),
            None => found.path.clone(),
        });
        let mut places = places.collect::<Vec<_>>().join(", ");
        if rest.len() > MAX_PLACES {
            places.push_str(", …");
        }
        let findings = if rest.len() == 1 { "finding" } else { "findings" };
        let message = format!("{} more {findings} of this kind", rest.len());
        let more = Diagnostic { severity: kind.1, ..Diagnostic::new(kind.0, places, message) };
        human(&more, None, color, &mut text);
    }
    text
}

/// Formats findings as a text that ends with a newline. For `human`, as [`render_for_people`] with a limit of
/// [`MAX_FINDINGS`]. Without findings, the text is empty for `human` and `github`.
/// `color` enables terminal colors for `human`.
///
/// ```
/// use hyperframes_ci_core::findings::{Diagnostic, Findings, Rule};
/// use hyperframes_ci_core::report::{ReportFormat, render};
///
/// let found = Diagnostic::new(Rule::MissingAsset, "index.html", "file not found: a.png");
/// let findings = Findings { diagnostics: vec![found], ..Findings::default() };
/// assert_eq!(
///     render(&findings, ReportFormat::Github, false),
///     "::error file=index.html,title=missing-asset::file not found: a.png\n"
/// );
/// ```
#[must_use]
pub fn render(findings: &Findings, format: ReportFormat, color: bool) -> String {
    render_at_most(findings, format, color, Some(MAX_FINDINGS))
}

/// Formats findings like [`render`], with another limit for `human`.
#[must_use]
pub fn render_at_most(findings: &Findings, format: ReportFormat, color: bool, most: Option<usize>) -> String {
    let mut text = String::new();
    match format {
        ReportFormat::Human => text = render_for_people(findings, color, most),
        ReportFormat::Github => findings.diagnostics.iter().for_each(|found| github(found, &mut text)),
        ReportFormat::Json => text = disarm_json(&format!("{:#}\n", findings.to_json())),
        ReportFormat::Sarif => {
            text = disarm_json(&format!("{:#}\n", sarif(&findings.diagnostics)));
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::findings::Rule;

    #[test]
    fn a_flood_is_one_finding_with_its_number_and_first_places() {
        let mut findings = Findings::default();
        for index in 0..9 {
            findings.diagnostics.push(Diagnostic::new(Rule::MissingAsset, format!("{index}.html"), "gone"));
        }
        findings.diagnostics.push(Diagnostic::new(Rule::UnusedVariable, "z.html", "unused"));
        let text = render_for_people(&findings, false, Some(2));
        assert_eq!(text.matches("gone").count(), 2);
        assert!(text.contains("unused"));
        let rest = "error[missing-asset]: 7 more findings of this kind\n --> 2.html, 3.html, 4.html, 5.html, 6.html, …\n";
        assert!(text.ends_with(&format!("{rest}\n")), "{text}");
        assert_eq!(render_for_people(&findings, false, None).matches("gone").count(), 9);
    }
}
