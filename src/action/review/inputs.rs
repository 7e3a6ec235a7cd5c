//! The inputs about comparisons.

use hyperframes_ci_core::diff::FailOn;

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
    /// Golden files of the repository.
    File,
}

/// An input with an invalid value.
#[derive(Debug)]
pub(in crate::action) struct InvalidInput {
    pub(in crate::action) name: &'static str,
    pub(in crate::action) value: String,
    /// A predicate such as `must be true or false`.
    pub(in crate::action) rule: String,
}

impl Baseline {
    const ALL: [(&'static str, Self); 4] =
        [("auto", Self::Auto), ("render", Self::Render), ("release", Self::Release), ("file", Self::File)];
}

impl ReviewInputs {
    /// Reads the inputs with `read`, which returns `None` for those that are not set.
    ///
    /// # Errors
    /// Returns [`InvalidInput`] for an invalid value.
    pub(in crate::action) fn read(
        is_on: bool,
        read: impl Fn(&str) -> Option<String>,
    ) -> Result<Self, InvalidInput> {
        let invalid = |name, value: &str, allowed: &[&str]| InvalidInput {
            name,
            value: value.to_owned(),
            rule: format!("must be one of {}", allowed.join(", ")),
        };
        let gate = read("fail-on-diff")
            .map(|value| value.parse::<FailOn>().map_err(|_| invalid("fail-on-diff", &value, FailOn::NAMES)));
        let value = read("diff-baseline").unwrap_or_else(|| "auto".to_owned());
        let known = Baseline::ALL.iter().find(|(name, _)| *name == value);
        let names = Baseline::ALL.map(|(name, _)| name);
        Ok(Self {
            is_on,
            gate: gate.transpose()?,
            baseline: known
                .map(|(_, baseline)| *baseline)
                .ok_or_else(|| invalid("diff-baseline", &value, &names))?,
            label: read("approval-label"),
        })
    }
}
