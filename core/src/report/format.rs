//! Report formats.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::github::github;
use super::human::human;
use super::sarif::sarif;
use crate::findings::Findings;
use crate::options::{UnknownValue, closed_set};

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

/// Formats findings as a text that ends with a newline. Without findings, the text is empty for `human` and `github`.
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
    let mut text = String::new();
    match format {
        ReportFormat::Human => {
            for found in &findings.diagnostics {
                let source = findings.sources.get(&found.path).map(String::as_str);
                human(found, source, color, &mut text);
            }
        }
        ReportFormat::Github => findings.diagnostics.iter().for_each(|found| github(found, &mut text)),
        ReportFormat::Json => text = format!("{:#}\n", findings.to_json()),
        ReportFormat::Sarif => text = format!("{:#}\n", sarif(&findings.diagnostics)),
    }
    text
}
