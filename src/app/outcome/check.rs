//! Outcomes of checks.

use hyperframes_ci_core::findings::{Diagnostic, Findings, Severity};
use schemars::JsonSchema;
use serde::Serialize;

use super::parts;

/// What checks found.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub(crate) struct CheckOutcome {
    /// The findings, by path and place.
    #[schemars(schema_with = "parts::diagnostics")]
    pub(crate) diagnostics: Vec<Diagnostic>,
    /// How many of them are errors.
    pub(crate) errors: usize,
    /// How many of them are warnings.
    pub(crate) warnings: usize,
    /// How many of them are notes.
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

/// What a check is about.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub(crate) struct RuleOutcome {
    /// The rule's code.
    pub(crate) code: String,
    /// `error`, `warning` or `note`, unless the user says otherwise.
    pub(crate) severity: &'static str,
    /// Which part of a project it is about.
    pub(crate) group: &'static str,
    /// One sentence.
    pub(crate) summary: &'static str,
    /// Why, and what to do about it.
    pub(crate) explanation: String,
    /// Where the documentation has it.
    pub(crate) url: String,
}
