//! Findings as text: for people, for programs, for the pages of a code host.
//!
//! Whatever comes from a file may be hostile: no format lets it command a terminal or a workflow.

mod format;
mod github;
mod human;
mod plain;
mod sarif;

pub use format::{ReportFormat, render};
pub use github::{workflow_data, workflow_property};
pub use human::excerpt;
pub use plain::plain;
