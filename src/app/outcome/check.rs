//! Outcomes of checks.

use hyperframes_ci_core::findings::{Diagnostic, Findings, Severity};
use schemars::JsonSchema;
use serde::Serialize;

use super::parts;

/// The findings of the checks.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub(crate) struct CheckOutcome {
    /// Findings, sorted by path and position.
    #[schemars(schema_with = "parts::diagnostics")]
    pub(crate) diagnostics: Vec<Diagnostic>,
    /// Number of errors.
    pub(crate) errors: usize,
    /// Number of warnings.
    pub(crate) warnings: usize,
    /// Number of notes.
    pub(crate) notes: usize,
}

impl From<&Findings> for CheckOutcome {
    fn from(findings: &Findings) -> Self {
        Self {
            diagnostics: findings.diagnostics.clone(),
            errors: findings.count(Severity::Error),
            warnings: findings.count(Severity::Warning),
            notes: findings.count(Severity::Note),
        }
    }
}

/// The description of a check.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub(crate) struct RuleOutcome {
    /// Code of the rule.
    pub(crate) code: String,
    /// Default severity: `error`, `warning` or `note`.
    pub(crate) severity: &'static str,
    /// Group of the rule.
    pub(crate) group: &'static str,
    /// Summary in one sentence.
    pub(crate) summary: &'static str,
    /// Explanation and remedy.
    pub(crate) explanation: String,
    /// URL of the documentation.
    pub(crate) url: String,
}
