//! Formats findings: text, JSON, workflow commands, SARIF and Code Quality.
//!
//! Text from files is untrusted: in every format, it cannot control a terminal or start a workflow command.

mod code_quality;
mod format;
mod github;
mod human;
mod plain;
mod sarif;

pub use code_quality::code_quality;
pub use format::{MAX_FINDINGS, ReportFormat, render, render_at_most, render_for_people};
pub use github::{workflow_data, workflow_property};
pub use human::excerpt;
pub use plain::{disarm_json, plain, plain_lines};
