//! Errors of the action.

use std::fmt;

use crate::app::failure::DiffFailed;
use crate::ci::{self, ProviderError};
use crate::fault::{Exit, Fault};

/// An error of the action as a whole.
#[derive(Debug)]
pub(crate) enum ActionError {
    /// No CI service was detected.
    NoProvider,
    /// A request to the CI service failed.
    Provider(ProviderError),
    /// Renders failed, or the checks have findings that fail the step.
    Failed {
        /// Number of failed renders.
        renders: usize,
        /// Number of findings that fail the step.
        findings: usize,
        /// Whether all failed renders exceeded a limit.
        is_limit: bool,
    },
    /// Videos differ from those of the base, which the gate forbids.
    Different {
        /// The differences.
        failed: DiffFailed,
        /// Why they are not approved; `None` if no label can approve them.
        reason: Option<String>,
    },
}

impl fmt::Display for ActionError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoProvider => write!(f, "not running in {}", ci::provider_names()),
            Self::Provider(error) => error.fmt(f),
            Self::Different { failed, reason } => {
                let what = if failed.is_incomplete { "differences or failures" } else { "differences" };
                let total = crate::ui::counted(failed.total, "comparison");
                write!(f, "{what} in {} of {total}; fail-on-diff is {}", failed.failing, failed.gate)?;
                reason.as_ref().map_or(Ok(()), |reason| write!(f, "; not approved: {reason}"))
            }
            Self::Failed { renders, findings, .. } => {
                let counted = |count: &usize, noun| crate::ui::counted(*count, noun);
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
            Self::Different { failed, .. } => failed.code(),
        }
    }

    fn help(&self) -> Option<String> {
        match self {
            Self::NoProvider => {
                Some("use `hyperframes-ci render` or `hyperframes-ci check` instead".to_owned())
            }
            Self::Provider(error) => error.help(),
            Self::Different { reason: None, .. } => {
                Some("see the comment or the report in the artifact; the input approval-label lets a label approve differences".to_owned())
            }
            Self::Different { .. } => {
                Some("see the comment or the report in the artifact, then set the label of the input approval-label to approve the newest commit".to_owned())
            }
            Self::Failed { .. } => {
                Some("see the job summary or report.json for details; the input fail-on sets which results fail the step".to_owned())
            }
        }
    }

    fn exit(&self) -> Exit {
        match self {
            Self::NoProvider => Exit::Usage,
            Self::Different { failed, .. } => failed.exit(),
            Self::Failed { is_limit: true, .. } => Exit::Limit,
            Self::Failed { renders: 0, .. } => Exit::Preflight,
            Self::Provider(error) => error.exit(),
            Self::Failed { .. } => Exit::General,
        }
    }
}

impl From<ProviderError> for ActionError {
    fn from(error: ProviderError) -> Self {
        Self::Provider(error)
    }
}
