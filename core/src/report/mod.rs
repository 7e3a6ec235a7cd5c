//! Findings as text: for people, for programs, for the pages of a code host.
//!
//! Text from files may be hostile: in no format can it control a terminal or start a workflow command.

mod format;
mod github;
mod human;
mod plain;
mod sarif;

pub use format::{ReportFormat, render};
pub use github::{workflow_data, workflow_property};
pub use human::excerpt;
pub use plain::plain;
