//! The inputs about comparisons.

use hyperframes_ci_core::diff::FailOn;

use crate::action::inputs::{InputReader, invalid};
use crate::fault::Error;

/// Settings of comparisons.
#[derive(Debug)]
pub(in crate::action) struct ReviewInputs {
    /// Whether videos are compared.
    pub(in crate::action) is_on: bool,
    /// Differences that fail the step; by default, what the configuration says.
    pub(in crate::action) gate: Option<FailOn>,
    /// Where the videos of the base are from.
    pub(in crate::action) baseline: Baseline,
    /// The label that approves differences.
    pub(in crate::action) label: Option<String>,
}

/// Where the videos of the base are from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::action) enum Baseline {
    /// A published or earlier render, or one on this machine.
    Auto,
    /// As `Auto`, and what is missing is rendered in the cloud, too.
    Render,
    /// The videos of the latest release.
    Release,
}

impl Baseline {
    const ALL: [(&'static str, Self); 3] =
        [("auto", Self::Auto), ("render", Self::Render), ("release", Self::Release)];
}

impl ReviewInputs {
    /// Reads the inputs.
    ///
    /// # Errors
    /// Returns a usage error for an invalid value.
    pub(in crate::action) fn read(inputs: InputReader<'_>) -> Result<Self, Error> {
        let gate = inputs.trimmed("fail-on-diff").map(|value| {
            let rule = format!("must be one of {}", FailOn::NAMES.join(", "));
            value.parse::<FailOn>().map_err(|_| invalid("fail-on-diff", &value, &rule))
        });
        let value = inputs.trimmed("diff-baseline").unwrap_or_else(|| "auto".to_owned());
        let known = Baseline::ALL.iter().find(|(name, _)| *name == value);
        let rule = format!("must be one of {}", Baseline::ALL.map(|(name, _)| name).join(", "));
        Ok(Self {
            is_on: inputs.switch("diff", true)?,
            gate: gate.transpose()?,
            baseline: known
                .map(|(_, baseline)| *baseline)
                .ok_or_else(|| invalid("diff-baseline", &value, &rule))?,
            label: inputs.trimmed("approval-label"),
        })
    }
}
