//! Rows of values, one render each: read one at a time, so that a file may be of any length.
//!
//! JSON Lines, a JSON array, `{"rows": […]}`, or CSV with a header. A row is an object of variables, or
//! `{"variables": {…}, "output": …, "title": …, "fps": …}` with options of its own.

use std::collections::BTreeMap;
use std::io::{self, BufRead};

use serde_json::{Map, Value};

use crate::lang::json::{Node, json_object};
use crate::variables::{Declarations, VariableType};

/// A single row is not larger, in bytes.
const LARGEST: usize = 16 * 1024 * 1024;

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
    /// Where its video goes.
    pub output: Option<String>,
}

/// What is wrong with a row, or with the file from there on.
#[derive(Debug)]
pub struct RowError {
    /// The row's place, from 0.
    pub index: u64,
    /// The line that it begins on, from 1.
    pub line: u64,
    /// What is wrong, as a sentence without its subject.
    pub message: String,
    /// Whether nothing after it can be read.
    pub is_fatal: bool,
}

/// The form of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RowFormat {
    /// JSON in one of its three forms.
    Json,
    /// Comma-separated values; source: RFC 4180.
    Csv,
}

impl RowFormat {
    /// The form that a file's name tells.
    #[must_use]
    pub fn of(path: &str) -> Self {
        let is_csv = path.rsplit_once('.').is_some_and(|(_, ending)| ending.eq_ignore_ascii_case("csv"));
        if is_csv { Self::Csv } else { Self::Json }
    }
}

enum Form {
    /// One object after the other.
    Stream,
    /// Elements of an array, up to its bracket.
    Array,
    /// Records, with these names.
    Csv(Vec<String>),
    Ended,
}

/// The rows of a file.
pub struct Rows<R> {
    source: R,
    form: Form,
    index: u64,
    line: u64,
}

impl<R: BufRead> Rows<R> {
    /// Reads the beginning of a file.
    ///
    /// # Errors
    /// When it cannot be read, or holds no rows by its form.
    pub fn new(mut source: R, format: RowFormat) -> Result<Self, RowError> {
        let mut rows = match format {
            RowFormat::Json => {
                let form = json_form(&mut source).map_err(|error| unreadable(&error))?;
                Self { source, form, index: 0, line: 1 }
            }
            RowFormat::Csv => Self { source, form: Form::Csv(Vec::new()), index: 0, line: 1 },
        };
        if let Form::Array = rows.form {
            rows.skip_to_array().map_err(|error| unreadable(&error))?;
        }
        if let Form::Csv(_) = rows.form {
            let header = rows.record().map_err(|message| rows.error(message, true))?.unwrap_or_default();
            if header.iter().all(|name| name.trim().is_empty()) {
                return Err(rows.error("has no header".to_owned(), true));
            }
            rows.form = Form::Csv(header.iter().map(|name| name.trim().to_owned()).collect());
        }
        Ok(rows)
    }

    fn error(&self, message: String, is_fatal: bool) -> RowError {
        RowError { index: self.index, line: self.line, message, is_fatal }
    }

    fn byte(&mut self) -> io::Result<Option<u8>> {
        loop {
            return match self.source.fill_buf() {
                Ok([]) => Ok(None),
                Ok([byte, ..]) => Ok(Some(*byte)),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => Err(error),
            };
        }
    }

    fn take(&mut self) -> io::Result<Option<u8>> {
        let byte = self.byte()?;
        if byte.is_some() {
            self.source.consume(1);
        }
        self.line += u64::from(byte == Some(b'\n'));
        Ok(byte)
    }

    /// Past everything before the first element.
    fn skip_to_array(&mut self) -> io::Result<()> {
        while let Some(byte) = self.take()? {
            if byte == b'[' {
                break;
            }
        }
        Ok(())
    }

    /// The text of the next value, and the line that it begins on; `None` at the end.
    fn element(&mut self, in_array: bool) -> Result<Option<(u64, String)>, String> {
        let failed = |error: io::Error| format!("cannot be read: {error}");
        loop {
            match self.byte().map_err(failed)? {
                None if in_array => return Err("has no end: the closing bracket is missing".to_owned()),
                None => return Ok(None),
                Some(b']') if in_array => return Ok(None),
                Some(byte) if byte.is_ascii_whitespace() || (in_array && byte == b',') => {
                    self.take().map_err(failed)?;
                }
                // A byte order mark.
                Some(0xef | 0xbb | 0xbf) => drop(self.take().map_err(failed)?),
                Some(_) => break,
            }
        }
        let line = self.line;
        let mut bytes = Vec::new();
        let (mut depth, mut in_text, mut is_escaped) = (0_u32, false, false);
        while let Some(byte) = self.byte().map_err(failed)? {
            let is_end = depth == 0
                && !in_text
                && match byte {
                    b',' | b']' => in_array,
                    byte => !in_array && byte == b'\n',
                };
            if is_end && !bytes.is_empty() {
                break;
            }
            self.take().map_err(failed)?;
            bytes.push(byte);
            if bytes.len() > LARGEST {
                return Err("is too large".to_owned());
            }
            match byte {
                _ if is_escaped => is_escaped = false,
                b'\\' if in_text => is_escaped = true,
                b'"' => in_text = !in_text,
                // A line of JSON Lines ends, whatever is open in it.
                b'\n' if !in_array && in_text => break,
                b'{' | b'[' if !in_text => depth += 1,
                b'}' | b']' if !in_text => {
                    depth = depth.saturating_sub(1);
                    if depth == 0 {
                        break;
                    }
                }
                _ => {}
            }
        }
        String::from_utf8(bytes).map(|text| Some((line, text))).map_err(|_| "is not UTF-8".to_owned())
    }

    /// The next record; `None` at the end.
    fn record(&mut self) -> Result<Option<Vec<String>>, String> {
        let failed = |error: io::Error| format!("cannot be read: {error}");
        let mut fields = Vec::new();
        let mut field = Vec::new();
        let (mut is_quoted, mut is_empty, mut size) = (false, true, 0);
        let text = |field: &mut Vec<u8>| {
            String::from_utf8(std::mem::take(field)).map_err(|_| "is not UTF-8".to_owned())
        };
        loop {
            let Some(byte) = self.take().map_err(failed)? else {
                if is_quoted {
                    return Err("has a quote that is not closed".to_owned());
                }
                if is_empty {
                    return Ok(None);
                }
                fields.push(text(&mut field)?);
                return Ok(Some(fields));
            };
            size += 1;
            if size > LARGEST {
                return Err("is too large".to_owned());
            }
            match byte {
                b'"' if is_quoted && self.byte().map_err(failed)? == Some(b'"') => {
                    self.take().map_err(failed)?;
                    field.push(b'"');
                }
                b'"' if is_quoted || field.is_empty() => is_quoted = !is_quoted,
                b',' if !is_quoted => fields.push(text(&mut field)?),
                b'\r' if !is_quoted => {}
                // An empty line is no record.
                b'\n' if !is_quoted && is_empty => continue,
                b'\n' if !is_quoted => {
                    fields.push(text(&mut field)?);
                    return Ok(Some(fields));
                }
                byte => field.push(byte),
            }
            is_empty = false;
        }
    }
}

fn unreadable(error: &io::Error) -> RowError {
    RowError { index: 0, line: 1, message: format!("cannot be read: {error}"), is_fatal: true }
}

/// Whether a file begins like an array, or like an object with nothing but rows.
fn json_form(source: &mut impl BufRead) -> io::Result<Form> {
    let head = source.fill_buf()?;
    let head = &head[..head.len().min(4096)];
    let compact = head.iter().filter(|byte| !byte.is_ascii_whitespace()).copied().collect::<Vec<_>>();
    let compact = compact.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&compact);
    let is_array = compact.starts_with(b"[") || compact.starts_with(b"{\"rows\":[");
    Ok(if is_array { Form::Array } else { Form::Stream })
}

impl<R: BufRead> Iterator for Rows<R> {
    type Item = Result<Row, RowError>;

    fn next(&mut self) -> Option<Self::Item> {
        let form = std::mem::replace(&mut self.form, Form::Ended);
        let found = match &form {
            Form::Ended => return None,
            Form::Stream => {
                self.element(false).map(|found| found.map(|(line, text)| (line, json_row(&text))))
            }
            Form::Array => self.element(true).map(|found| found.map(|(line, text)| (line, json_row(&text)))),
            Form::Csv(header) => {
                let line = self.line;
                self.record().map(|found| found.map(|record| (line, csv_row(header, record))))
            }
        };
        let index = self.index;
        match found {
            Ok(None) => None,
            Ok(Some((line, row))) => {
                self.form = form;
                self.index += 1;
                Some(match row {
                    Ok((variables, options, output)) => Ok(Row { index, line, variables, options, output }),
                    Err(message) => Err(RowError { index, line, message, is_fatal: false }),
                })
            }
            Err(message) => Some(Err(self.error(message, true))),
        }
    }
}

type Parts = (Map<String, Value>, Map<String, Value>, Option<String>);

fn json_row(text: &str) -> Result<Parts, String> {
    let mut members = json_object(text.trim())?;
    let is_whole = matches!(members.get("variables"), Some(Value::Object(_)));
    if !is_whole {
        return Ok((members, Map::new(), None));
    }
    let Some(Value::Object(variables)) = members.remove("variables") else {
        return Ok((members, Map::new(), None));
    };
    let (mut options, mut output) = (Map::new(), None);
    for (name, value) in members {
        if name == "output" {
            let path = value.as_str().ok_or("has an output that is no text")?;
            output = Some(path.to_owned());
            continue;
        }
        let known = OPTIONS.iter().find(|(known, _)| *known == name);
        let (_, option) = known.ok_or_else(|| {
            format!("has the member {name:?} beside \"variables\", which is no option of a row")
        })?;
        options.insert((*option).to_owned(), value);
    }
    Ok((variables, options, output))
}

fn csv_row(header: &[String], record: Vec<String>) -> Result<Parts, String> {
    if record.len() != header.len() {
        return Err(format!("has {} fields, and the header has {}", record.len(), header.len()));
    }
    let members = header.iter().zip(record).filter(|(name, _)| !name.is_empty());
    Ok((members.map(|(name, value)| (name.clone(), value.into())).collect(), Map::new(), None))
}

/// Gives the texts of a CSV file the types that a composition declares; what is no number or truth value stays a text,
/// and is found by the checks. An empty field is not set.
pub fn type_fields(variables: &mut Map<String, Value>, declarations: &Declarations) {
    variables.retain(|_, value| value.as_str() != Some(""));
    for (name, value) in variables.iter_mut() {
        let Some(text) = value.as_str() else { continue };
        let typed = match declarations.get(name).map(|declaration| declaration.kind) {
            Some(VariableType::Number) => {
                Node::parse(text.trim()).ok().map(|number| number.value()).filter(Value::is_number)
            }
            Some(VariableType::Boolean) => text.trim().parse::<bool>().ok().map(Value::from),
            _ => None,
        };
        if let Some(typed) = typed {
            *value = typed;
        }
    }
}

/// Fills a pattern such as `out/{name}.{ext}` from a row: `{index}` (from 1), `{ext}`, `{title}`, or any variable.
///
/// # Errors
/// When a placeholder has no value, or one that is no part of a path: a value cannot lead to another folder.
pub fn fill(pattern: &str, row: &Row, ext: &str) -> Result<String, String> {
    let mut filled = String::new();
    let mut rest = pattern;
    while let Some((before, after)) = rest.split_once('{') {
        let (name, after) = after.split_once('}').ok_or("the output has a { without a }")?;
        filled.push_str(before);
        let title = || row.options.get("title").and_then(Value::as_str).map(str::to_owned);
        let value = match name {
            "index" => Some((row.index + 1).to_string()),
            "ext" => Some(ext.to_owned()),
            _ => match row.variables.get(name) {
                Some(Value::String(text)) => Some(text.clone()),
                Some(value @ (Value::Number(_) | Value::Bool(_))) => Some(value.to_string()),
                _ if name == "title" => title(),
                _ => None,
            },
        };
        let value = value.ok_or_else(|| format!("the output's {{{name}}} has no value in this row"))?;
        let is_part =
            !value.chars().any(|character| "/\\:*?\"<>|".contains(character) || character.is_control());
        if value.trim().is_empty() || !is_part || value.trim_matches('.').is_empty() {
            return Err(format!("the output's {{{name}}} is {value:?}, which is no part of a file name"));
        }
        filled.push_str(&value);
        rest = after;
    }
    Ok(filled + rest)
}

/// Outputs of rows, so that no two are one: by hash, since there may be many.
#[derive(Debug, Default)]
pub struct Outputs {
    known: BTreeMap<[u8; 16], u64>,
}

impl Outputs {
    /// Takes in where a row's video goes; gives back the row that goes there already.
    pub fn add(&mut self, path: &str, index: u64) -> Option<u64> {
        use sha2::{Digest, Sha256};
        // Some file systems take letters of either case for one.
        let digest = Sha256::digest(crate::text::case_fold(path));
        let mut short = [0; 16];
        short.copy_from_slice(&digest[..16]);
        self.known.insert(short, index)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

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
        let csv = "name,n\r\n\"a, \"\"b\"\"\n\",1\r\n\nü]},2";
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
        let cut = read("[{\"a\":1}", RowFormat::Json);
        assert!(cut[1].as_ref().is_err_and(|error| error.is_fatal));
    }

    #[test]
    fn outputs_stay_in_their_folder_and_apart() {
        let row = |name: &str| {
            read(&json!({"name": name, "n": 5}).to_string(), RowFormat::Json).remove(0).expect("a row")
        };
        assert_eq!(
            fill("out/{index}-{name}-{n}.{ext}", &row("Ada"), "mp4").as_deref(),
            Ok("out/1-Ada-5.mp4")
        );
        for bad in ["../x", "a/b", "..", "", " ", "a\\b", "c:d", "a\nb"] {
            assert!(fill("out/{name}.mp4", &row(bad), "mp4").is_err(), "{bad:?}");
        }
        assert!(fill("{missing}.mp4", &row("a"), "mp4").is_err_and(|message| message.contains("missing")));
        let mut outputs = Outputs::default();
        assert_eq!(outputs.add("a.mp4", 0), None);
        assert_eq!(outputs.add("A.mp4", 1), Some(0));
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
