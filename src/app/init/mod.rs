//! The use case `init`: writes a workflow, a configuration and hooks for a repository.
//!
//! [`Repository::find`] looks at the repository, [`Plan::new`] decides on the files without writing any, and
//! [`Plan::write`] writes them.

mod choices;
mod configuration;
mod error;
mod gitlab;
mod hooks;
mod plan;
mod repository;
mod steps;
mod workflow;

pub(crate) use choices::{CiService, Events, HookManager};
pub(crate) use error::InitError;
pub(crate) use plan::Plan;
pub(crate) use repository::Repository;

/// URL of this project.
const REPOSITORY: &str = "https://github.com/hyperframes-ci/hyperframes-ci";

/// URL of the documentation.
const DOCS: &str = "https://github.com/hyperframes-ci/hyperframes-ci/blob/main";

/// The project that is suggested if there is none.
const EXAMPLE_PROJECT: &str = "videos/launch";

/// The events without `--on`.
pub(crate) const DEFAULT_EVENTS: &str = "pull_request,release";

/// The choices of the user.
#[derive(Clone, Debug)]
pub(crate) struct InitSpec {
    /// The CI service.
    pub(crate) ci: CiService,
    /// The hook manager, if hooks are wanted.
    pub(crate) hooks: Option<HookManager>,
    /// The renderer, as `--renderer` names it.
    pub(crate) renderer: String,
    /// The events of the workflow and of the entries.
    pub(crate) events: Events,
    /// Whether existing files are replaced.
    pub(crate) replaces: bool,
}

/// Limits of one run of the workflow.
#[derive(Clone, Copy, Debug)]
struct Limits {
    /// New renders.
    renders: usize,
    /// Seconds of video.
    seconds: usize,
}

impl Limits {
    /// Returns limits that let every project be rendered once, with room for several compositions or rows.
    fn for_projects(count: usize) -> Self {
        Self { renders: count.max(10) * 2, seconds: 600.max(count * 60) }
    }
}
