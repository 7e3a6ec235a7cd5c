//! What the action does, and when its step fails.

use std::fmt;

use crate::ci::{Event, Subject};

/// What the action does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mode {
    /// Selects the mode by the event.
    Auto,
    /// Checks.
    Check,
    /// Checks, renders what a pull request affects, and publishes previews.
    Preview,
    /// Checks, renders, and attaches the videos to a release.
    Release,
    /// Checks and renders.
    Render,
    /// Publishes the previews that the triggering run (`workflow_run`) rendered. The input value is `publish`.
    WorkflowRun,
    /// Removes the previews of a pull request.
    Cleanup,
    /// Checks, and outputs a matrix of jobs that render what a pull request affects.
    Plan,
    /// Downloads the videos of renders that an earlier run has submitted without waiting.
    Collect,
    /// Generates media within a budget, and proposes it as a pull request. Pull requests are only checked.
    Media,
}

/// When the step fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum FailOn {
    /// If a check finds an error or a render fails.
    Error,
    /// If a check finds a warning, too.
    Warning,
    /// Only if the action itself fails.
    Never,
}

impl Mode {
    /// The values of the input `mode`.
    pub(super) const ALL: [(&'static str, Self); 10] = [
        ("auto", Self::Auto),
        ("check", Self::Check),
        ("preview", Self::Preview),
        ("release", Self::Release),
        ("render", Self::Render),
        ("publish", Self::WorkflowRun),
        ("cleanup", Self::Cleanup),
        ("plan", Self::Plan),
        ("collect", Self::Collect),
        ("media", Self::Media),
    ];

    /// Returns whether only what a pull request affects is rendered.
    pub(super) fn is_for_changes(self) -> bool {
        matches!(self, Self::Preview | Self::Plan)
    }

    /// Selects the mode by the event. A push is only checked: renders are billed, and pushes are frequent.
    pub(crate) fn for_event(self, event: &Event, release_tag: Option<&str>) -> Self {
        match (self, &event.subject) {
            (Self::Auto, Subject::PullRequest(request)) if request.is_closed => Self::Cleanup,
            (Self::Auto, Subject::PullRequest(_)) => Self::Preview,
            (Self::Auto, Subject::Run(_)) => Self::WorkflowRun,
            (Self::Auto, Subject::Release { .. }) => Self::Release,
            (Self::Auto, Subject::Other) if release_tag.is_some() => Self::Release,
            // A merge queue has no comment to write, and a comment asks for nothing before it is resolved.
            (Self::Auto, _) => Self::Check,
            (mode, _) => mode,
        }
    }
}

impl fmt::Display for Mode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let found = Self::ALL.iter().find(|(_, mode)| mode == self);
        f.write_str(found.map_or("auto", |(name, _)| name))
    }
}
