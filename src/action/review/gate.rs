//! Whether differences fail the step.

use hyperframes_ci_core::diff::FailOn;

use super::ReviewInputs;
use crate::action::error::ActionError;
use crate::action::markdown::{code, short_code};
use crate::app::diff::DiffResult;
use crate::app::failure::DiffFailed;
use crate::ci::{Approval, CiProvider, PullRequest, short_commit};
use crate::ui::Console;

/// The decision about the differences of a run.
#[derive(Debug, Default)]
pub(in crate::action) struct Gate {
    /// Differences that the gate forbids and that are not approved.
    failed: Option<DiffFailed>,
    /// Reason for a missing approval.
    reason: Option<String>,
    /// A note for the comment and the summary.
    pub(in crate::action) note: Option<String>,
}

impl Gate {
    /// Decides. The label is looked up only if the step would fail without it.
    pub(in crate::action) fn new(
        result: Option<&DiffResult>,
        inputs: &ReviewInputs,
        provider: &dyn CiProvider,
        request: Option<&PullRequest>,
        console: &mut Console,
    ) -> Self {
        let failed = result.and_then(DiffResult::failure).filter(|failed| failed.gate != FailOn::Never);
        // Other runs compare without a gate: a release is expected to differ from the one before.
        let (Some(failed), Some(request)) = (failed, request) else { return Self::default() };
        let Some(label) = &inputs.label else {
            return Self { failed: Some(failed), ..Self::default() };
        };
        let named = code(label);
        let reason = match provider.approval(request, label) {
            Ok(Approval::Given(user)) => {
                let commit = short_commit(&request.head);
                console.done(&format!("{user} has approved the differences for {commit}"));
                let note =
                    format!("Approved for {commit} by {} with the label {named}.", short_code(&user, 60));
                return Self { note: Some(note), ..Self::default() };
            }
            Ok(Approval::Missing) => "the pull request does not have the label".to_owned(),
            Ok(Approval::Outdated) => "the label was not set for the newest commit".to_owned(),
            Ok(Approval::NotAllowed(user)) => format!("{user} set the label without write access"),
            Err(error) => {
                console.warning(&format!("cannot read the approval: {error}"));
                "the approval cannot be read".to_owned()
            }
        };
        let note = format!(
            "The differences are not approved: {}. Anyone with write access can set the label {named}; if it is set, remove it \
             first. Each push needs a new approval.",
            short_code(&reason, 160)
        );
        Self { failed: Some(failed), reason: Some(reason), note: Some(note) }
    }

    /// Returns whether the differences fail the step.
    pub(in crate::action) fn is_failed(&self) -> bool {
        self.failed.is_some()
    }

    /// Checks that the differences pass.
    ///
    /// # Errors
    /// Returns [`ActionError::Different`] if they do not.
    pub(in crate::action) fn verdict(self) -> Result<(), ActionError> {
        let reason = self.reason;
        self.failed.map_or(Ok(()), |failed| Err(ActionError::Different { failed, reason }))
    }
}
