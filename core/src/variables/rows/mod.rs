//! Rows of variable values, one per render. Rows are read one at a time, so a file can have any size.
//!
//! A file is JSON Lines, a JSON array, `{"rows": […]}`, or CSV or TSV with a header. A row is an object of variables,
//! or `{"variables": {…}, "output": …, "title": …, "fps": …}` with render options.

mod csv;
mod json;
mod output;
mod reader;
mod row;
mod separator;
mod source;

pub use output::fill;
pub use reader::Rows;
pub use row::{Row, RowError, RowFormat};
