//! One row: values for the variables of a composition, and options of its own.

use serde_json::{Map, Value};

use crate::lang::json::json_object;

/// Members of a row with options, as the API spells them, and as JavaScript does.
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

/// One render to be.
#[derive(Clone, Debug, PartialEq)]
pub struct Row {
    /// Its place, from 0.
    pub index: u64,
    /// The line that it begins on, from 1.
    pub line: u64,
    /// Values for the composition's variables.
    pub variables: Map<String, Value>,
    /// Options of the request, as the API spells them.
    pub options: Map<String, Value>,
    /// Path of the output file.
    pub output: Option<String>,
}

/// A mistake in a row, or in the file from there on.
#[derive(Debug)]
pub struct RowError {
    /// The row's place, from 0.
    pub index: u64,
    /// The line that it begins on, from 1.
    pub line: u64,
    /// The problem, as a sentence without its subject.
    pub message: String,
    /// The rows after it cannot be read.
    pub is_fatal: bool,
}

/// The form of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RowFormat {
    /// JSON in one of its three forms.
    Json,
    /// A table with a header, separated by commas, semicolons or tabs; source: RFC 4180.
    Csv,
    /// A table with a header, separated by tabs.
    Tsv,
}

impl RowFormat {
    /// The form that a file's name tells.
    #[must_use]
    pub fn of(path: &str) -> Self {
        let ending = path.rsplit_once('.').map(|(_, ending)| ending.to_ascii_lowercase());
        match ending.as_deref() {
            Some("csv") => Self::Csv,
            Some("tsv") => Self::Tsv,
            _ => Self::Json,
        }
    }

    /// Returns whether it is a table with a header, whose values are texts.
    #[must_use]
    pub fn is_table(self) -> bool {
        self != Self::Json
    }
}

impl Row {
    /// Reads a row from a JSON object.
    ///
    /// # Errors
    /// Says what is wrong, as a sentence without its subject: the text is not a JSON object, or a member beside
    /// `variables` is not an option of a row.
    pub(super) fn from_json(index: u64, line: u64, text: &str) -> Result<Self, String> {
        let mut variables = json_object(text.trim())?;
        let (mut options, mut output) = (Map::new(), None);
        if let Some(Value::Object(nested)) = variables.get_mut("variables") {
            let nested = std::mem::take(nested);
            for (name, value) in std::mem::replace(&mut variables, nested) {
                match name.as_str() {
                    "variables" => {}
                    "output" => {
                        output = Some(value.as_str().ok_or("has an output that is no text")?.to_owned());
                    }
                    _ => {
                        let (_, option) =
                            OPTIONS.iter().find(|(known, _)| *known == name).ok_or_else(|| {
                                format!(
                                    "has the member {name:?} beside \"variables\", which is no option of a row"
                                )
                            })?;
                        options.insert((*option).to_owned(), value);
                    }
                }
            }
        }
        Ok(Self { index, line, variables, options, output })
    }

    /// Makes a row of a CSV record.
    ///
    /// # Errors
    /// Says that the record does not have as many fields as the header.
    pub(super) fn from_record(
        index: u64,
        line: u64,
        header: &[String],
        record: Vec<String>,
    ) -> Result<Self, String> {
        if record.len() != header.len() {
            return Err(format!("has {} fields, and the header has {}", record.len(), header.len()));
        }
        let members = header.iter().zip(record).filter(|(name, _)| !name.is_empty());
        let variables = members.map(|(name, value)| (name.clone(), value.into())).collect();
        Ok(Self { index, line, variables, options: Map::new(), output: None })
    }
}
