//! The variables of a composition: what it declares, and whether values fit.

mod check;
mod declare;

pub use check::{ValueIssue, json_kind};
pub use declare::{Choice, Declaration, Declarations, VariableType};
