//! The check run of a pull request: all findings as annotations, and the previews.

use hyperframes_ci_core::findings::Severity;

use super::inputs::Inputs;
use super::mode::Mode;
use super::preview::Preview;
use super::publish::ActionRun;
use super::report;
use super::scope::Scope;
use crate::ci::{CheckRun, Conclusion, Event, ProviderError, Subject, Trust};
use crate::ui::counted;

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

impl ActionRun<'_> {
    /// Creates the check run. Where the token may not, the findings are annotated in the log.
    pub(super) fn report_check(
        &mut self,
        scope: &Scope,
        previews: &[Preview],
        notes: &[String],
        comment_url: Option<&str>,
    ) {
        let Subject::PullRequest(request) = &self.event.subject else { return };
        let number = self.inputs.number.as_deref().filter(|number| *number != "1");
        let [errors, warnings] =
            [Severity::Error, Severity::Warning].map(|severity| scope.findings.count(severity));
        let failed = previews.iter().filter(|preview| preview.is_failed()).count();
        let parts = [(errors, "error"), (warnings, "warning"), (failed, "failed render")];
        let parts = parts.into_iter().filter(|(count, _)| *count > 0);
        let title = parts.map(|(count, noun)| counted(count, noun)).collect::<Vec<_>>().join(", ");
        let of_severity = |severity: Severity| {
            scope.findings.diagnostics.iter().filter(move |found| found.severity == severity)
        };
        let summaries = report::comment(scope, previews, notes, self.event);
        let check = CheckRun {
            name: format!(
                "HyperFrames ({}{})",
                self.event.job,
                number.map(|number| format!(" {number}")).unwrap_or_default()
            ),
            commit: &request.head,
            conclusion: match self.verdict(&scope.findings, previews) {
                Err(_) => Conclusion::Failure,
                Ok(()) if title.is_empty() => Conclusion::Success,
                Ok(()) => Conclusion::Neutral,
            },
            title: if title.is_empty() { "no findings".to_owned() } else { title },
            summary: summaries.into_iter().find(|text| text.len() <= MAX_SUMMARY).unwrap_or_default(),
            findings: of_severity(Severity::Error).chain(of_severity(Severity::Warning)).collect(),
            url: comment_url.unwrap_or(&self.event.run_url),
        };
        match self.provider.check_run(&check) {
            Ok(()) => return self.console.done(&format!("check run: {}", check.title)),
            Err(ProviderError::Unsupported(_)) => {}
            Err(ProviderError::Forbidden(message)) => {
                self.console.detail(&format!("no check run, which needs `checks: write`: {message}"));
            }
            Err(error) => self.console.warning(&format!("cannot create the check run: {error}")),
        }
        self.annotate(&scope.findings);
    }
}
