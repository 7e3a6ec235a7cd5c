//! Outcomes of checks.

use hyperframes_ci_core::findings::{Diagnostic, Findings, Severity};
use schemars::JsonSchema;
use serde::Serialize;

use super::parts;
use crate::app::fix::FixedFile;
use crate::ui::unified;

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
    /// Corrected files, with `--fix`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) fixed: Vec<FixedOutcome>,
}

/// A file that `--fix` corrected, or would correct.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub(crate) struct FixedOutcome {
    /// The file.
    pub(crate) path: String,
    /// The changes, as a unified diff.
    pub(crate) diff: String,
}

impl From<&FixedFile> for FixedOutcome {
    fn from(file: &FixedFile) -> Self {
        Self { path: file.path.clone(), diff: unified(&file.path, &file.before, &file.after) }
    }
}

impl From<&Findings> for CheckOutcome {
    fn from(findings: &Findings) -> Self {
        Self {
            diagnostics: findings.diagnostics.clone(),
            errors: findings.count(Severity::Error),
            warnings: findings.count(Severity::Warning),
            notes: findings.count(Severity::Note),
            fixed: Vec::new(),
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
    /// Whether `check --fix` can correct it.
    #[serde(rename = "fixable")]
    pub(crate) is_fixable: bool,
}
