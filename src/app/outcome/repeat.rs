//! The outcome of `render --repeat`.

use hyperframes_ci_core::findings::Diagnostic;
use schemars::JsonSchema;
use serde::Serialize;

use super::diff::DiffRange;
use super::parts;
use crate::app::failure::NotRepeatable;

/// Several renders of the same project.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub(crate) struct RepeatOutcome {
    /// Number of renders.
    pub(crate) renders: u32,
    /// Comparisons with the first render, whose video is kept.
    pub(crate) comparisons: Vec<RepeatComparison>,
    /// Findings of the checks that explain differences, the most likely one first; empty if there are none.
    #[schemars(schema_with = "parts::diagnostics")]
    pub(crate) causes: Vec<Diagnostic>,
}

/// A comparison of a render with the first one.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub(crate) struct RepeatComparison {
    /// Number of the render, from 2.
    pub(crate) render: u32,
    /// Whether both videos have the same frames and sound, bit by bit.
    #[serde(rename = "identical")]
    pub(crate) is_identical: bool,
    /// Whether the videos differ more than encoders do.
    #[serde(rename = "visible")]
    pub(crate) is_visible: bool,
    /// Number of compared frames; 0 if none had to be decoded.
    pub(crate) frames: usize,
    /// Number of frames that differ visibly.
    pub(crate) frames_changed: usize,
    /// Ranges of time that differ visibly.
    pub(crate) ranges: Vec<DiffRange>,
    /// One line for people.
    pub(crate) summary: String,
}

impl RepeatOutcome {
    /// Checks that the renders look the same.
    ///
    /// # Errors
    /// Returns [`NotRepeatable`] if they do not.
    pub(crate) fn verdict(&self) -> Result<(), NotRepeatable> {
        let visible = self.comparisons.iter().filter(|comparison| comparison.is_visible);
        let differences = visible.map(|comparison| comparison.summary.clone()).collect::<Vec<_>>();
        if differences.is_empty() {
            return Ok(());
        }
        Err(NotRepeatable { differences, has_cause: !self.causes.is_empty() })
    }
}
