//! What a run checks and renders.

use std::path::PathBuf;

use hyperframes_ci_core::composition::Composition;
use hyperframes_ci_core::findings::Findings;
use hyperframes_ci_core::project::{DEFAULT_COMPOSITION, join};

use super::base::BaseCheckout;
use crate::app::config::{self, Settings};
use crate::app::outcome::MediaOutcome;
use crate::ci::{Event, Trust};

/// What a run checks and renders.
#[derive(Default)]
pub(super) struct Scope {
    /// Compositions to render.
    pub(super) targets: Vec<RenderTarget>,
    /// Display names of compositions that the pull request does not affect.
    pub(super) unchanged: Vec<String>,
    /// Names of compositions and entries that the pull request removes.
    pub(super) removed: Vec<String>,
    /// The findings of all projects.
    pub(super) findings: Findings,
    /// The repository has no project, and the inputs and the configuration do not name one.
    pub(super) has_no_project: bool,
    /// Notes for the comment and the summary.
    pub(super) notes: Vec<String>,
    /// The configuration; that of the base if the run has access to secrets.
    pub(super) settings: Settings,
    /// The generated media of the configuration, compared with the lock file.
    pub(super) media: Option<MediaOutcome>,
    /// A checkout of the base of the pull request.
    pub(super) base: Option<BaseCheckout>,
}

impl Scope {
    /// Returns a scope with nothing to render, whose unchanged compositions are `names`.
    pub(super) fn unchanged(names: Vec<String>) -> Self {
        Self { unchanged: names, ..Self::default() }
    }
}

/// A composition to render.
pub(super) struct RenderTarget {
    /// The project's directory.
    pub(super) directory: PathBuf,
    /// Path of the project in its repository.
    pub(super) prefix: String,
    /// Path of the composition in the project; `None` for `index.html`.
    pub(super) composition: Option<String>,
    /// The name in reports.
    pub(super) display_name: String,
    /// The parsed composition.
    pub(super) parsed: Composition,
    /// Errors in the project; the composition is not rendered if there are any.
    pub(super) errors: usize,
    /// The entry of the configuration, if it is from there.
    pub(super) entry: Option<config::Entry>,
}

impl RenderTarget {
    /// Returns a name that no other target of the run has.
    pub(super) fn unique_name(&self) -> String {
        self.entry.as_ref().map_or_else(|| self.path(), |entry| entry.name.clone())
    }

    /// Returns the path of the composition in the repository.
    pub(super) fn path(&self) -> String {
        join(&self.prefix, self.composition.as_deref().unwrap_or(DEFAULT_COMPOSITION))
    }
}

/// Returns whether the run may have access to secrets while its code may be from a fork.
pub(super) fn is_exposed(event: &Event) -> bool {
    event.trust == Trust::Exposed
}
