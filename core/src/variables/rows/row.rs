//! One row: values of variables, and render options.

use serde_json::{Map, Value};

use crate::lang::json::exact_object;

/// Option names of a row, in the spelling of the API and in camel case.
const OPTIONS: &[(&str, &str)] = &[
    ("title", "title"),
    ("fps", "fps"),
    ("quality", "quality"),
    ("format", "format"),
    ("resolution", "resolution"),
    ("aspect_ratio", "aspect_ratio"),
    ("aspectRatio", "aspect_ratio"),
    ("callback_id", "callback_id"),
    ("callbackId", "callback_id"),
    ("callback_url", "callback_url"),
    ("callbackUrl", "callback_url"),
];

/// One row, which describes one render.
#[derive(Clone, Debug, PartialEq)]
pub struct Row {
    /// The index, from 0.
    pub index: u64,
    /// The first line, from 1.
    pub line: u64,
    /// Values for the composition's variables.
    pub variables: Map<String, Value>,
    /// Options of the request, as the API spells them.
    pub options: Map<String, Value>,
    /// Path of the output file.
    pub output: Option<String>,
}

/// An invalid row, or an error that ends the file.
#[derive(Debug)]
pub struct RowError {
    /// The index of the row, from 0.
    pub index: u64,
    /// The first line, from 1.
    pub line: u64,
    /// The problem, as a predicate such as `is not valid JSON`.
    pub message: String,
    /// The rest of the file cannot be read.
    pub is_fatal: bool,
}

/// The format of a rows file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RowFormat {
    /// JSON Lines, a JSON array, or `{"rows": […]}`.
    Json,
    /// A table with a header, delimited by commas, semicolons or tabs; source: RFC 4180.
    Csv,
    /// A table with a header, delimited by tabs.
    Tsv,
}

impl RowFormat {
    /// Returns the format for the extension of a path; JSON unless it is `.csv` or `.tsv`.
    #[must_use]
    pub fn of(path: &str) -> Self {
        let ending = path.rsplit_once('.').map(|(_, ending)| ending.to_ascii_lowercase());
        match ending.as_deref() {
            Some("csv") => Self::Csv,
            Some("tsv") => Self::Tsv,
            _ => Self::Json,
        }
    }

    /// Returns whether the format is a table with a header, whose values are strings.
    #[must_use]
    pub fn is_table(self) -> bool {
        self != Self::Json
    }
}

impl Row {
    /// Parses a row from a JSON object.
    ///
    /// # Errors
    /// Returns the problem, as a predicate, if the text is not a JSON object, has a member twice or a number that is too large,
    /// `output` is not a string, or a member next to `variables` is not an option of a row.
    pub(super) fn from_json(index: u64, line: u64, text: &str) -> Result<Self, String> {
        let mut variables = exact_object(text.trim())?;
        let (mut options, mut output) = (Map::new(), None);
        if let Some(Value::Object(nested)) = variables.get_mut("variables") {
            let nested = std::mem::take(nested);
            for (name, value) in std::mem::replace(&mut variables, nested) {
                match name.as_str() {
                    "variables" => {}
                    "output" => {
                        output =
                            Some(value.as_str().ok_or("has an \"output\" that is not a string")?.to_owned());
                    }
                    _ => {
                        let (_, option) =
                            OPTIONS.iter().find(|(known, _)| *known == name).ok_or_else(|| {
                                let known = "output, title, fps, quality, format, resolution, aspectRatio, \
                                             callbackId, callbackUrl";
                                format!("has the unknown option {name:?}; the options are {known}")
                            })?;
                        options.insert((*option).to_owned(), value);
                    }
                }
            }
        }
        Ok(Self { index, line, variables, options, output })
    }

    /// Creates a row from a CSV record.
    ///
    /// # Errors
    /// Returns the problem, as a predicate, if the record and the header have a different number of fields.
    pub(super) fn from_record(
        index: u64,
        line: u64,
        header: &[String],
        record: Vec<String>,
    ) -> Result<Self, String> {
        if record.len() != header.len() {
            let noun = if record.len() == 1 { "field" } else { "fields" };
            return Err(format!("has {} {noun}, but the header has {}", record.len(), header.len()));
        }
        let members = header.iter().zip(record).filter(|(name, _)| !name.is_empty());
        let variables = members.map(|(name, value)| (name.clone(), value.into())).collect();
        Ok(Self { index, line, variables, options: Map::new(), output: None })
    }
}
