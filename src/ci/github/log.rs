//! The markup of GitHub's log; source: docs.github.com, "Workflow commands for GitHub Actions".

use hyperframes_ci_core::findings::{Findings, Severity};
use hyperframes_ci_core::report::{ReportFormat, plain, workflow_data, workflow_property};

use crate::ci::log::{self, LogSyntax};

/// Annotations of one severity that GitHub shows per step.
const MAX_ANNOTATIONS: usize = 10;

/// The workflow commands.
pub(super) struct WorkflowCommands;

impl LogSyntax for WorkflowCommands {
    fn group_start(&self, title: &str) -> String {
        format!("::group::{}", workflow_data(&plain(title)))
    }

    fn group_end(&self) -> Option<String> {
        Some("::endgroup::".to_owned())
    }

    /// Masks a secret of several lines line by line.
    fn mask(&self, secret: &str) -> Vec<String> {
        let lines = secret.lines().filter(|line| !line.trim().is_empty());
        lines.map(|line| format!("::add-mask::{}", workflow_data(line))).collect()
    }

    fn error(&self, title: &str, message: &str) -> String {
        error(title, message, None)
    }

    /// The runner shows it only if debug logging is on (`RUNNER_DEBUG`).
    fn debug(&self, text: &str) -> Option<String> {
        Some(format!("::debug::{}", workflow_data(&plain(text))))
    }
}

/// Returns the line of an error, which may be about a line of a file of the repository.
pub(super) fn error(title: &str, message: &str, place: Option<(&str, usize)>) -> String {
    let place = place.map(|(path, line)| format!("file={},line={line},", workflow_property(&plain(path))));
    format!(
        "::error {}title={}::{}",
        place.unwrap_or_default(),
        workflow_property(&plain(title)),
        workflow_data(&plain(message))
    )
}

/// Prints annotations, errors first, as many of each severity as GitHub shows. Returns the number of the others.
pub(super) fn annotate(findings: &Findings) -> usize {
    let mut hidden = 0;
    for severity in [Severity::Error, Severity::Warning] {
        let of_severity = findings.diagnostics.iter().filter(|found| found.severity == severity);
        let (shown, rest) =
            of_severity.cloned().enumerate().partition::<Vec<_>, _>(|(index, _)| *index < MAX_ANNOTATIONS);
        hidden += rest.len();
        let diagnostics = shown.into_iter().map(|(_, found)| found).collect();
        let part = Findings { diagnostics, ..Findings::default() };
        let text = hyperframes_ci_core::report::render(&part, ReportFormat::Github, false);
        if !text.is_empty() {
            log::print([text.trim_end().to_owned()]);
        }
    }
    hidden
}
