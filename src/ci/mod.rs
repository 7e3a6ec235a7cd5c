//! Continuous integration: the service that a run belongs to.
//!
//! [`CiProvider`] is the interface that the action uses. Everything that differs between services is behind it and its
//! [`ProviderDescription`](provider::ProviderDescription): detection, the event, the workspace, the output directory, the
//! markup of the log, comments, previews and releases. No other module reads variables of a service.
//!
//! To support another service, add one file (or folder) with its [`CiProvider`] and `DESCRIPTION`, its `mod` below,
//! and one line in the list `PROVIDERS` of `registry.rs`. Only the event, the log, outputs and the summary are
//! required; every other method has a default for services without the feature. `example.rs` is a minimal one, which
//! exists in tests.

mod approval;
mod checkout;
mod comment_sections;
mod contention;
mod error;
mod event;
#[cfg(test)]
mod example;
mod github;
mod gitlab;
mod log;
mod project_marks;
mod provider;
mod registry;
mod release_notes;
mod rest;
mod sections;
#[cfg(test)]
mod tests;
mod trust;
#[cfg(test)]
mod trust_tests;

pub(crate) use approval::Approval;
pub(crate) use error::ProviderError;
pub(crate) use event::{Event, PullRequest, Subject, TriggeringRun, short_commit};
pub(crate) use project_marks::ProjectMark;
pub(crate) use provider::{
    Artifact, CheckRun, CiProvider, Conclusion, EarlierRelease, FileStore, Media, Proposal, Proposed,
    Publication, Section, SectionWriter, Settings, Written, file_name,
};
pub(crate) use registry::{
    annotate_error, default_output, detect, provider_names, release_store, temporary, workspace,
};
pub(crate) use trust::{ConfigSource, Trust};
