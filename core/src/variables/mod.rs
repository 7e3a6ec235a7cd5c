//! Variables of a composition: declarations, checks of values, rows and JSON Schema.

mod check;
mod declare;
mod fields;
mod rows;
mod schema;

pub use check::{ValueIssue, json_kind};
pub(crate) use declare::{ATTRIBUTE, JSON_HELP};
pub use declare::{Choice, Declaration, Declarations, VariableType};
pub use fields::type_fields;
pub use rows::{Row, RowError, RowFormat, Rows, fill};
