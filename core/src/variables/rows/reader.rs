//! Reads rows, one at a time.

use std::io::BufRead;

use super::csv::Records;
use super::json;
use super::row::{Row, RowError, RowFormat};
use super::source::Source;

enum Form {
    /// One object after the other.
    Stream,
    /// Elements of an array, up to its bracket.
    Array,
    /// Records, with the names of their fields.
    Csv(Records, Vec<String>),
    /// The end, or an error after which nothing can be read.
    Ended,
}

/// The rows of a file.
///
/// ```
/// use hyperframes_ci_core::variables::{RowFormat, Rows};
///
/// let csv = "name,city\nAda,London\n\"Grace, H.\",New York\n";
/// let rows = Rows::new(csv.as_bytes(), RowFormat::Csv).map_err(|error| error.message)?;
/// let names = rows.map(|row| row.map(|row| row.variables["name"].clone()).map_err(|error| error.message));
/// assert_eq!(names.collect::<Result<Vec<_>, _>>()?, ["Ada", "Grace, H."]);
/// # Ok::<(), String>(())
/// ```
pub struct Rows<R> {
    source: Source<R>,
    form: Form,
    index: u64,
}

impl<R: BufRead> Rows<R> {
    /// Reads the beginning of a file.
    ///
    /// # Errors
    /// Returns a fatal [`RowError`] if the file cannot be read, or if it is CSV without a header.
    pub fn new(reader: R, format: RowFormat) -> Result<Self, RowError> {
        let mut source = Source::new(reader);
        let form = match format {
            RowFormat::Json => json::begins_array(&mut source).map(|is_array| match is_array {
                true => Form::Array,
                false => Form::Stream,
            }),
            RowFormat::Csv => {
                let mut records = Records::new();
                records.next(&mut source).and_then(|header| {
                    let header = header.map(|(_, header)| header).unwrap_or_default();
                    let header = header.iter().map(|name| name.trim().to_owned()).collect::<Vec<_>>();
                    if header.iter().all(String::is_empty) {
                        return Err("has no header".to_owned());
                    }
                    Ok(Form::Csv(records, header))
                })
            }
        };
        match form {
            Ok(form) => Ok(Self { source, form, index: 0 }),
            Err(message) => Err(RowError { index: 0, line: source.line(), message, is_fatal: true }),
        }
    }

    /// Reads the next row; `None` at the end. The inner result is that of the row, the outer one that of the file.
    fn read(&mut self) -> Result<Option<Result<Row, RowError>>, String> {
        let index = self.index;
        let (line, row) = match &mut self.form {
            Form::Ended => return Ok(None),
            form @ (Form::Stream | Form::Array) => {
                let found = json::next_value(&mut self.source, matches!(form, Form::Array))?;
                let Some((line, text)) = found else { return Ok(None) };
                (line, Row::from_json(index, line, &text))
            }
            Form::Csv(records, header) => {
                let Some((line, record)) = records.next(&mut self.source)? else { return Ok(None) };
                (line, Row::from_record(index, line, header, record))
            }
        };
        Ok(Some(row.map_err(|message| RowError { index, line, message, is_fatal: false })))
    }
}

impl<R: BufRead> Iterator for Rows<R> {
    type Item = Result<Row, RowError>;

    fn next(&mut self) -> Option<Self::Item> {
        let found = self.read().unwrap_or_else(|message| {
            self.form = Form::Ended;
            Some(Err(RowError { index: self.index, line: self.source.line(), message, is_fatal: true }))
        });
        match &found {
            Some(_) => self.index += 1,
            None => self.form = Form::Ended,
        }
        found
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::{Value, json};

    fn read(text: &str, format: RowFormat) -> Vec<Result<Row, RowError>> {
        Rows::new(text.as_bytes(), format).expect("a form").collect()
    }

    fn variables(text: &str, format: RowFormat) -> Vec<Value> {
        read(text, format).into_iter().map(|row| Value::Object(row.expect("a row").variables)).collect()
    }

    #[test]
    fn every_form_has_the_same_rows() {
        let expected = [json!({"name": "a, \"b\"\n", "n": 1}), json!({"name": "ü]}", "n": 2})];
        for text in [
            "{\"name\":\"a, \\\"b\\\"\\n\",\"n\":1}\n\n{\"name\":\"ü]}\",\"n\":2}",
            "\u{feff}[ {\"name\":\"a, \\\"b\\\"\\n\",\"n\":1} ,\n{\"name\":\"ü]}\",\"n\":2}\n]\n",
            "{\n \"rows\" : [{\"name\":\"a, \\\"b\\\"\\n\",\"n\":1},{\"name\":\"ü]}\",\"n\":2}]}",
        ] {
            assert_eq!(variables(text, RowFormat::Json), expected, "{text}");
        }
        let csv = "\u{feff}name,n\r\n\"a, \"\"b\"\"\n\",1\r\n\nü]},2";
        let texts = [json!({"name": "a, \"b\"\n", "n": "1"}), json!({"name": "ü]}", "n": "2"})];
        assert_eq!(variables(csv, RowFormat::Csv), texts);
    }

    #[test]
    fn a_row_may_have_options_of_its_own() {
        let text = r#"{"variables": {"a": 1}, "output": "x.mp4", "fps": 24, "callbackId": "c"}"#;
        let row = read(text, RowFormat::Json).remove(0).expect("a row");
        assert_eq!(row.output.as_deref(), Some("x.mp4"));
        assert_eq!(Value::Object(row.options), json!({"fps": 24, "callback_id": "c"}));
        let plain = read(r#"{"variables": "a text", "fps": 1}"#, RowFormat::Json).remove(0).expect("a row");
        assert_eq!(plain.variables.len(), 2, "variables of that name");
    }

    #[test]
    fn mistakes_are_named_with_their_line_and_the_rest_is_read() {
        let rows = read("{\"a\":1}\n{\"a\":\n{\"a\":3}\n{\"variables\":{},\"fsp\":1}\n5\n", RowFormat::Json);
        let told = rows.iter().map(|row| match row {
            Ok(row) => format!("{} ok", row.line),
            Err(error) => format!("{} {}", error.line, error.is_fatal),
        });
        let told = told.collect::<Vec<_>>();
        assert_eq!(told.first().map(String::as_str), Some("1 ok"));
        assert!(told.iter().any(|line| line.ends_with("false")), "{told:?}");
        let rows = read("a,b\n1\n1,2\n", RowFormat::Csv);
        assert!(rows[0].as_ref().is_err_and(|error| error.message.contains("1 fields")) && rows[1].is_ok());
        assert!(Rows::new(&b""[..], RowFormat::Csv).is_err());
        let rows = read("a,b\r\n\r\n1,2\r\n\"3\n\",4\n5\n\"6,7", RowFormat::Csv);
        let lines = rows.iter().map(|row| match row {
            Ok(row) => (row.line, false),
            Err(error) => (error.line, error.is_fatal),
        });
        assert_eq!(lines.collect::<Vec<_>>(), [(3, false), (4, false), (6, false), (7, true)]);
        let cut = read("[{\"a\":1}", RowFormat::Json);
        assert!(cut[1].as_ref().is_err_and(|error| error.is_fatal));
    }

    proptest! {
        #[test]
        fn rows_survive_every_form(rows in prop::collection::vec(("\\PC{0,8}", any::<i32>()), 0..6)) {
            let rows = rows.into_iter().map(|(text, number)| json!({"t": text, "n": number})).collect::<Vec<_>>();
            let lines = rows.iter().map(|row| format!("{row}\n")).collect::<String>();
            prop_assert_eq!(&variables(&lines, RowFormat::Json), &rows);
            prop_assert_eq!(&variables(&format!("{:#}", Value::from(rows.clone())), RowFormat::Json), &rows);
        }

        #[test]
        fn any_file_ends(bytes in prop::collection::vec(any::<u8>(), 0..60)) {
            for format in [RowFormat::Json, RowFormat::Csv] {
                if let Ok(rows) = Rows::new(&bytes[..], format) {
                    prop_assert!(rows.take(200).count() < 200);
                }
            }
        }
    }
}
