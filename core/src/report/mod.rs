//! Formats findings: text, JSON, workflow commands and SARIF.
//!
//! Text from files is untrusted: in every format, it cannot control a terminal or start a workflow command.

mod format;
mod github;
mod human;
mod plain;
mod sarif;

pub use format::{MAX_FINDINGS, ReportFormat, render, render_for_people};
pub use github::{workflow_data, workflow_property};
pub use human::excerpt;
pub use plain::{disarm_json, plain, plain_lines};
