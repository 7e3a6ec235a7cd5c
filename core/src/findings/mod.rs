//! Findings: the table of rules, diagnostics with their places, and severities.

mod config;
mod diagnostic;
mod fix;
mod levels;
mod list;
mod rule;
mod severity;

pub use config::{CONFIG_FILE, CheckConfig};
pub use diagnostic::{Diagnostic, Text, limited};
pub(crate) use fix::apply;
pub use fix::{Edit, Fix};
pub use levels::{Level, Levels};
pub use list::Findings;
pub use rule::{Group, Rule, UnknownRule};
pub use severity::Severity;
