//! Options of a check.

use serde_json::{Map, Value};

use crate::options::AspectRatio;

/// The largest number of findings of one rule in one file.
pub(super) const MAX_FINDINGS: usize = 1000;

/// Options of a check.
#[derive(Clone, Debug, Default)]
pub struct CheckOptions {
    /// The entries, as project paths; `index.html` where there are none.
    pub compositions: Vec<String>,
    /// Values for the variables of the entries.
    pub values: Vec<Values>,
    /// The shape that the user asked for.
    pub aspect_ratio: Option<AspectRatio>,
}

/// Values for a composition's variables.
#[derive(Clone, Debug)]
pub enum Values {
    /// One set, without a place: findings name the composition.
    Inline(Map<String, Value>),
    /// One set in a text.
    Object {
        /// The path in findings.
        path: String,
        /// JSON.
        text: String,
    },
    /// Many sets in a text: a JSON array, `{"rows": […]}`, or one object a line; a table with a header if the path ends in
    /// `.csv` or `.tsv`.
    Rows {
        /// The path in findings.
        path: String,
        /// The rows.
        text: String,
    },
}
