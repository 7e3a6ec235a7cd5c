//! Reads rows one at a time.

use std::io::BufRead;

use super::csv::Table;
use super::json;
use super::row::{Row, RowError, RowFormat};
use super::source::Source;

enum Form {
    /// Consecutive objects.
    Stream,
    /// Elements of an array.
    Array,
    /// Records of a table with a header.
    Table(Table),
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
    /// The end of the file or a fatal error was reached.
    has_ended: bool,
}

impl<R: BufRead> Rows<R> {
    /// Opens a rows file and reads its header.
    ///
    /// # Errors
    /// Returns a fatal [`RowError`] if the file cannot be read or is UTF-16, or if the header of a table is missing, has
    /// duplicate names, or has an ambiguous delimiter.
    pub fn new(reader: R, format: RowFormat) -> Result<Self, RowError> {
        let fatal = |line, message| RowError { index: 0, line, message, is_fatal: true };
        let mut source = Source::new(reader).map_err(|message| fatal(1, message))?;
        let form = match format {
            RowFormat::Json => {
                let is_array = json::begins_array(&mut source).map_err(|message| (1, message));
                is_array.map(|is_array| if is_array { Form::Array } else { Form::Stream })
            }
            RowFormat::Csv => Table::new(&mut source, None).map(Form::Table),
            RowFormat::Tsv => Table::new(&mut source, Some(b'\t')).map(Form::Table),
        };
        let form = form.map_err(|(line, message)| fatal(line, message))?;
        Ok(Self { source, form, index: 0, has_ended: false })
    }

    /// Returns the number of blank rows of a table that were skipped so far.
    #[must_use]
    pub fn blank_rows(&self) -> u64 {
        self.table().map_or(0, |table| table.blank)
    }

    /// Returns the name of the delimiter, if it was detected from the header and is not a comma.
    #[must_use]
    pub fn separator(&self) -> Option<&str> {
        self.table()?.separator.as_deref()
    }

    /// Returns a warning if the header looks like that of a file with another delimiter.
    #[must_use]
    pub fn hint(&self) -> Option<&str> {
        self.table()?.hint.as_deref()
    }

    fn table(&self) -> Option<&Table> {
        match &self.form {
            Form::Table(table) => Some(table),
            Form::Stream | Form::Array => None,
        }
    }

    /// Reads the next row; `None` at the end. The inner error concerns the row, the outer one the rest of the file.
    fn read(&mut self) -> Result<Option<Result<Row, RowError>>, String> {
        let index = self.index;
        let (line, row) = match &mut self.form {
            form @ (Form::Stream | Form::Array) => {
                let found = json::next_value(&mut self.source, matches!(form, Form::Array))?;
                let Some((line, text)) = found else { return Ok(None) };
                (line, Row::from_json(index, line, &text))
            }
            Form::Table(table) => {
                let Some(found) = table.next(&mut self.source, index)? else { return Ok(None) };
                found
            }
        };
        Ok(Some(row.map_err(|message| RowError { index, line, message, is_fatal: false })))
    }
}

impl<R: BufRead> Iterator for Rows<R> {
    type Item = Result<Row, RowError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.has_ended {
            return None;
        }
        let found = self.read().unwrap_or_else(|message| {
            self.has_ended = true;
            Some(Err(RowError { index: self.index, line: self.source.row(), message, is_fatal: true }))
        });
        match &found {
            Some(_) => self.index += 1,
            None => self.has_ended = true,
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
    fn tables_of_spreadsheets_have_the_same_rows() {
        let expected = [json!({"name": "Anna", "age": "3"}), json!({"name": "Bo", "age": "4"})];
        for (text, format) in [
            ("name,age\nAnna,3\nBo,4", RowFormat::Csv),
            ("\u{feff}name;age\r\nAnna;3\r\nBo;4\r\n", RowFormat::Csv),
            ("name\tage\rAnna\t3\rBo\t4\r", RowFormat::Csv),
            ("\u{feff}sep=;\r\nname;age\r\nAnna;3\r\nBo;4\r\n", RowFormat::Csv),
            ("sep=|\nname|age\nAnna|3\nBo|4\n", RowFormat::Csv),
            ("\u{feff}name\tage\r\nAnna\t3\r\nBo\t4\r\n", RowFormat::Tsv),
            ("sep=;\nname;age\nAnna;3\nBo;4\n", RowFormat::Tsv),
            ("name,age,\nAnna,3,\n\n,,\n\" \",\"\",\nBo,4,\n\n", RowFormat::Csv),
        ] {
            assert_eq!(variables(text, format), expected, "{text:?}");
        }
        assert_eq!([".csv", "a.CSV", "a.tsv", "a.json"].map(RowFormat::of), {
            use RowFormat::{Csv, Json, Tsv};
            [Csv, Csv, Tsv, Json]
        });
    }

    #[test]
    fn blank_rows_are_counted_and_have_no_place() {
        for (text, blank) in
            [("a,b\n1,2\n\n,\n3,4\n\n", 2), ("a,b\r\n1,2\r\n3,4\r\n,\r\n", 1), ("a,b\r1,2\r\r3,4\r", 1)]
        {
            let mut rows = Rows::new(text.as_bytes(), RowFormat::Csv).expect("a header");
            let found = rows.by_ref().map(|row| row.expect("a row").index).collect::<Vec<_>>();
            assert_eq!((found, rows.blank_rows()), (vec![0, 1], blank), "{text:?}");
        }
    }

    #[test]
    fn what_a_header_tells_is_told() {
        let about = |text: &str, format| {
            let rows = Rows::new(text.as_bytes(), format).expect("a header");
            (rows.separator().map(str::to_owned), rows.hint().map(str::to_owned))
        };
        assert_eq!(about("a;b\n1;2\n", RowFormat::Csv), (Some("semicolon".to_owned()), None));
        assert_eq!(about("a,b\n1,2\n", RowFormat::Csv), (None, None));
        assert_eq!(about("sep=;\na;b\n", RowFormat::Csv), (None, None));
        assert!(about("a,b\n1,2\n", RowFormat::Tsv).1.is_some_and(|hint| hint.contains("\"a,b\"")));
        let error = |text: &[u8]| {
            let error = Rows::new(text, RowFormat::Csv).err().expect("an error");
            format!("{}: {}", error.line, error.message)
        };
        assert_eq!(
            error(b"\nid,name,age, name\n1,2,3,4\n"),
            "2: has duplicate column names: \"name\" (columns 2 and 4)"
        );
        assert_eq!(error(b"\xff\xfea\0"), "1: is UTF-16; save it as UTF-8");
        assert_eq!(error(b""), "1: has no header");
    }

    #[test]
    fn lines_end_with_lf_cr_lf_or_cr() {
        for end in ["\n", "\r\n", "\r"] {
            let text = ["a,b", "1,2", "", "\"3", "\",4", "5", "6,7"].join(end);
            let lines = read(&text, RowFormat::Csv).into_iter().map(|row| match row {
                Ok(row) => row.line,
                Err(error) => error.line,
            });
            assert_eq!(lines.collect::<Vec<_>>(), [2, 4, 6, 7], "{end:?}");
            let text = ["{\"a\":1}", "", "[", "{\"a\":2}", ""].join(end);
            let lines = read(&text, RowFormat::Json)
                .into_iter()
                .map(|row| row.map_or_else(|error| error.line, |row| row.line));
            assert_eq!(lines.collect::<Vec<_>>()[..2], [1, 3], "{end:?}");
        }
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
    fn json_that_a_video_would_silently_lack_is_refused() {
        for (text, message) in [
            (r#"{"a": "x", "a": "y"}"#, r#"has the member "a" twice"#),
            (r#"{"variables": {"a": {"b": [{"c": 1, "c": 1}]}}}"#, r#"has the member "c" twice"#),
            (r#"{"a": 1e999}"#, "has a number that is too large"),
            (r#"{"a": [-1e999]}"#, "has a number that is too large"),
        ] {
            for text in [text.to_owned(), format!("\u{feff}{text}"), format!("[{text}]")] {
                let row = read(&text, RowFormat::Json).remove(0);
                assert_eq!(row.map_err(|error| error.message), Err(message.to_owned()), "{text}");
            }
        }
        let fine =
            r#"{"a": {"b": 1, "c": {"b": 1e308}}, "b": ["\ud800", 12345678901234567890123, null, true]}"#;
        assert!(read(fine, RowFormat::Json).remove(0).is_ok());
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
        assert!(rows[0].as_ref().is_err_and(|error| error.message.contains("1 field,")) && rows[1].is_ok());
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

    #[test]
    fn a_mistake_that_ends_the_file_is_named_with_the_first_line_of_its_row() {
        let line = |bytes: &[u8], format| {
            let rows = Rows::new(bytes, format).expect("a form").collect::<Vec<_>>();
            let last = rows.into_iter().next_back().expect("a row").expect_err("a mistake");
            (last.line, last.is_fatal)
        };
        assert_eq!(line(b"a,b\n1,2\n\"caf\xe9\n\n\",x\n3,4\n", RowFormat::Csv), (3, true));
        assert_eq!(line(b"a,b\n\"1\n2\n3\n", RowFormat::Csv), (2, true));
        assert_eq!(line(b"{\"a\":1}\n{\"a\":\n\"caf\xe9\"}\n{}", RowFormat::Json), (2, true));
        assert_eq!(line(b"[{\"a\":1}\n\n,{}", RowFormat::Json), (3, true));
        assert_eq!(
            Rows::new(&b"\n\ncaf\xe9,b\n1,2\n"[..], RowFormat::Csv).err().map(|error| error.line),
            Some(3)
        );
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
            for format in [RowFormat::Json, RowFormat::Csv, RowFormat::Tsv] {
                if let Ok(rows) = Rows::new(&bytes[..], format) {
                    prop_assert!(rows.take(200).count() < 200);
                }
            }
        }
    }
}
