//! Options of a check.

use serde_json::{Map, Value};

use crate::options::{AspectRatio, Format};

/// The largest number of findings of one rule in one file.
pub(super) const MAX_FINDINGS: usize = 1000;

/// Options of a check.
#[derive(Clone, Debug, Default)]
pub struct CheckOptions {
    /// The entries, as project paths; `index.html` if empty.
    pub compositions: Vec<String>,
    /// Values for the variables of the entries.
    pub values: Vec<Values>,
    /// The aspect ratio that the user requested.
    pub aspect_ratio: Option<AspectRatio>,
    /// The container that the user requested.
    pub format: Option<Format>,
    /// The entries are rendered now: errors in files that they do not use are warnings.
    pub is_render: bool,
    /// The entries are parts that are not rendered on their own, such as the blocks of a library: `index.html` need not
    /// exist.
    pub is_partial: bool,
    /// The renderer is distributed (AWS Lambda, Google Cloud Run): it does not replace fonts that it lacks.
    pub is_distributed: bool,
}

/// Values for a composition's variables.
#[derive(Clone, Debug)]
pub enum Values {
    /// One set of values without a file; findings point to the composition.
    Inline(Map<String, Value>),
    /// One set of values in a JSON file.
    Object {
        /// The path in findings.
        path: String,
        /// The JSON text.
        text: String,
    },
    /// Many sets of values in a file: a JSON array, `{"rows": […]}`, or one object per line; a table with a header if
    /// the path ends in `.csv` or `.tsv`.
    Rows {
        /// The path in findings.
        path: String,
        /// The text of the file.
        text: String,
    },
}

impl Values {
    /// Returns whether no value is set. Rows are not examined.
    pub(super) fn is_empty(&self) -> bool {
        match self {
            Self::Inline(values) => values.is_empty(),
            Self::Object { text, .. } => text.trim() == "{}",
            Self::Rows { .. } => false,
        }
    }
}
