//! The check run of a pull request: all findings as annotations, and the previews.

use hyperframes_ci_core::findings::Severity;

use super::inputs::Inputs;
use super::mode::Mode;
use super::preview::Preview;
use super::report;
use super::scope::Scope;
use crate::ci::{CheckRun, CiProvider, Conclusion, Event, ProviderError, Subject, Trust};
use crate::ui::{Console, counted};

/// The longest summary, in bytes.
const MAX_SUMMARY: usize = 60_000;

/// Returns whether a run reports its findings by a check run instead of the log. The token of a fork is read-only, and the jobs
/// of a plan leave it to the plan.
pub(super) fn is_wanted(inputs: &Inputs, mode: Mode, event: &Event) -> bool {
    inputs.check_run
        && inputs.token.is_some()
        && inputs.targets.is_none()
        && event.trust != Trust::Fork
        && matches!(mode, Mode::Preview | Mode::Plan | Mode::Check)
        && matches!(event.subject, Subject::PullRequest(_))
}

/// What a check run reports.
pub(super) struct CheckReport<'a> {
    pub(super) inputs: &'a Inputs,
    pub(super) event: &'a Event,
    pub(super) scope: &'a Scope,
    pub(super) previews: &'a [Preview],
    pub(super) notes: &'a [String],
    pub(super) comment_url: Option<&'a str>,
    /// Whether the step fails.
    pub(super) is_failure: bool,
}

impl CheckReport<'_> {
    /// Creates the check run. Returns whether that succeeded: the token may not have the permission.
    pub(super) fn send(&self, provider: &dyn CiProvider, console: &mut Console) -> bool {
        let Subject::PullRequest(request) = &self.event.subject else { return false };
        let check = self.check_run(&request.head);
        match provider.check_run(&check) {
            Ok(()) => {
                console.done(&format!("check run: {}", check.title));
                return true;
            }
            Err(ProviderError::Unsupported(_)) => {}
            Err(ProviderError::Forbidden(message)) => {
                console.detail(&format!("no check run, which needs `checks: write`: {message}"));
            }
            Err(error) => console.warning(&format!("cannot create the check run: {error}")),
        }
        false
    }

    fn check_run<'a>(&'a self, commit: &'a str) -> CheckRun<'a> {
        let findings = &self.scope.findings;
        let [errors, warnings] =
            [Severity::Error, Severity::Warning].map(|severity| findings.count(severity));
        let failed = self.previews.iter().filter(|preview| preview.is_failed()).count();
        let parts = [(errors, "error"), (warnings, "warning"), (failed, "failed render")];
        let parts = parts.into_iter().filter(|(count, _)| *count > 0);
        let mut parts = parts.map(|(count, noun)| counted(count, noun)).collect::<Vec<_>>();
        let has_findings = !parts.is_empty();
        let reviews = self.previews.iter().filter_map(|preview| preview.review.as_ref());
        let changed = reviews.filter(|review| review.is_changed()).count();
        // A video may change: only the gate decides whether that is a failure.
        parts.extend((changed > 0).then(|| counted(changed, "changed video")));
        let title = parts.join(", ");
        let of_severity =
            |severity: Severity| findings.diagnostics.iter().filter(move |found| found.severity == severity);
        let summaries = report::check_run(self.scope, self.previews, self.notes, self.event);
        let number = self.inputs.number.as_deref().filter(|number| *number != "1");
        let number = number.map(|number| format!(" {number}")).unwrap_or_default();
        CheckRun {
            name: format!("HyperFrames ({}{number})", self.event.job),
            commit,
            conclusion: match has_findings {
                _ if self.is_failure => Conclusion::Failure,
                false => Conclusion::Success,
                true => Conclusion::Neutral,
            },
            title: if title.is_empty() { "no findings".to_owned() } else { title },
            summary: summaries.into_iter().find(|text| text.len() <= MAX_SUMMARY).unwrap_or_default(),
            findings: of_severity(Severity::Error).chain(of_severity(Severity::Warning)).collect(),
            url: self.comment_url.unwrap_or(&self.event.run_url),
        }
    }
}
