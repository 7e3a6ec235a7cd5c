//! What checks find: the table of rules, findings with their places, and how much they matter to the user.

mod config;
mod diagnostic;
mod levels;
mod list;
mod rule;
mod severity;

pub use config::{CONFIG_FILE, CheckConfig};
pub use diagnostic::{Diagnostic, Text};
pub use levels::{Level, Levels};
pub use list::Findings;
pub use rule::{Group, Rule, UnknownRule};
pub use severity::Severity;
