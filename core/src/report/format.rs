//! The formats that findings are told in.

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
        /// As a compiler tells errors: with an excerpt and a caret.
        Human = "human",
        /// As one JSON object.
        Json = "json",
        /// As workflow commands, which GitHub shows at the lines of a pull request.
        Github = "github",
        /// As SARIF 2.1.0, for code scanning.
        Sarif = "sarif",
    }
}

/// Returns the findings as a text that ends with a new line; empty for people and for GitHub if there are none. `color`
/// is for terminals.
///
/// ```
/// use hyperframes_ci_core::findings::{Diagnostic, Findings, Rule};
/// use hyperframes_ci_core::report::{ReportFormat, render};
///
/// let found = Diagnostic::new(Rule::MissingAsset, "index.html", "there is no file a.png");
/// let findings = Findings { diagnostics: vec![found], ..Findings::default() };
/// assert_eq!(
///     render(&findings, ReportFormat::Github, false),
///     "::error file=index.html,title=missing-asset::there is no file a.png\n"
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
