//! What `action.yml` runs: checks and renders the compositions that an event affects, and publishes the results.
//!
//! `start.rs` selects the mode, `inputs.rs` reads the inputs, `find_scope.rs` checks the projects and finds what to render,
//! `removed.rs` finds what the pull request removes, `plan.rs` distributes it to other jobs, `runner.rs` renders one composition after the other, `review/` compares it with
//! the base, `images.rs` creates preview images, `report.rs` writes Markdown,
//! `projects.rs` publishes playable projects, `outputs.rs` writes the results for programs, and `publish.rs` publishes them. The differences between the CI services
//! are behind [`CiProvider`](crate::ci::CiProvider).

mod artifact;
mod base;
mod check_run;
mod collect;
mod engine_cache;
mod error;
mod figures;
mod find_scope;
mod generate;
mod host_paths;
mod images;
pub(crate) mod inputs;
mod markdown;
mod media;
pub(crate) mod mode;
mod outputs;
mod page;
mod plan;
mod preview;
mod projects;
mod publish;
mod published;
mod removed;
mod report;
mod review;
mod runner;
mod scope;
mod start;
mod stored;
mod variable_changes;
mod workflow_run;

pub(crate) use engine_cache::step_outputs as engine_cache;
#[cfg(all(test, unix))]
pub(crate) use error::ActionError;
pub(crate) use start::run;
pub(crate) use stored::ServiceStore;
