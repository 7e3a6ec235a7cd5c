//! Rows of values, one render each: read one at a time, so that a file may be of any length.
//!
//! JSON Lines, a JSON array, `{"rows": […]}`, or CSV or TSV with a header. A row is an object of variables, or
//! `{"variables": {…}, "output": …, "title": …, "fps": …}` with options of its own.

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
