//! How the action can fail.

use std::fmt;

use crate::ci::{self, ProviderError};
use crate::fault::{Exit, Fault};

/// Why the action as a whole failed, after it has reported everything.
#[derive(Debug)]
pub(crate) enum ActionError {
    /// No CI service is detected.
    NoProvider,
    /// The service refused.
    Provider(ProviderError),
    /// Renders that failed, and findings that are errors.
    Failed {
        /// How many renders.
        renders: usize,
        /// How many findings.
        findings: usize,
        /// Whether all that failed did so for a limit.
        is_limit: bool,
    },
}

impl fmt::Display for ActionError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoProvider => write!(f, "this is no job of {}", ci::provider_names()),
            Self::Provider(error) => error.fmt(f),
            Self::Failed { renders, findings, .. } => {
                let counted = |count: &usize, what| crate::ui::counted(*count, what);
                match (renders, findings) {
                    (0, findings) => write!(f, "{} in the checks", counted(findings, "finding")),
                    (renders, 0) => write!(f, "{} failed", counted(renders, "render")),
                    (renders, findings) => {
                        write!(
                            f,
                            "{} failed, {} in the checks",
                            counted(renders, "render"),
                            counted(findings, "finding")
                        )
                    }
                }
            }
        }
    }
}

impl Fault for ActionError {
    fn code(&self) -> &str {
        match self {
            Self::NoProvider => "no_host",
            Self::Provider(error) => error.code(),
            Self::Failed { .. } => "action_failed",
        }
    }

    fn help(&self) -> Option<String> {
        match self {
            Self::NoProvider => {
                Some("`hyperframes-ci render` and `hyperframes-ci check` work anywhere".to_owned())
            }
            Self::Provider(error) => error.help(),
            Self::Failed { .. } => {
                Some("the summary and report.json say more about each; the input fail-on decides".to_owned())
            }
        }
    }

    fn exit(&self) -> Exit {
        match self {
            Self::NoProvider => Exit::Usage,
            Self::Failed { is_limit: true, .. } => Exit::Limit,
            Self::Failed { renders: 0, .. } => Exit::Preflight,
            Self::Provider(_) | Self::Failed { .. } => Exit::General,
        }
    }
}

impl From<ProviderError> for ActionError {
    fn from(error: ProviderError) -> Self {
        Self::Provider(error)
    }
}
