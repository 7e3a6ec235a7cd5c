//! Reads CSV and other delimiter-separated tables; source: RFC 4180, with other delimiters.

use std::collections::BTreeMap;
use std::io::BufRead;

use csv_core::{ReadRecordResult, Reader, ReaderBuilder};

use super::row::Row;
use super::separator::{Separator, name};
use super::source::{LARGEST, Source, unreadable};

/// A table with a header.
pub(super) struct Table {
    records: Records,
    /// The names of the columns; columns without a name are ignored.
    header: Vec<String>,
    /// Blank rows so far.
    pub(super) blank: u64,
    /// The name of the delimiter, if it was detected from the header and is not a comma.
    pub(super) separator: Option<String>,
    /// A hint that the header looks like that of a file with another delimiter.
    pub(super) hint: Option<String>,
}

impl Table {
    /// Reads the header. `separator` is the delimiter that the file extension implies, if any.
    ///
    /// # Errors
    /// Returns the line and the problem, as a predicate, if the file cannot be read, the header is missing or has duplicate
    /// names, or the delimiter is ambiguous.
    pub(super) fn new(
        source: &mut Source<impl BufRead>,
        separator: Option<u8>,
    ) -> Result<Self, (u64, String)> {
        let separator = Separator::find(source.head(), separator).map_err(|message| (1, message))?;
        for _ in 0..separator.skipped {
            source.take().map_err(|error| (1, unreadable(&error)))?;
        }
        let mut records = Records::new(separator.byte);
        let header = records.next(source).map_err(|message| (source.row(), message))?;
        let (line, header) = header.unwrap_or((1, Vec::new()));
        let header = header.iter().map(|name| name.trim().to_owned()).collect::<Vec<_>>();
        if header.iter().all(String::is_empty) {
            return Err((line, "has no header".to_owned()));
        }
        if let Some(twice) = twice(&header) {
            return Err((line, format!("has duplicate column names: {twice}")));
        }
        let hint = separator.unused.map(|unused| {
            let (unused, character) = (name(unused), char::from(unused));
            let column = header.first().map(String::as_str).unwrap_or_default();
            format!(
                "the header has a single column, {column:?}; if the delimiter is a {unused}, add a first line \
                 sep={character}"
            )
        });
        let detected = separator.is_detected && separator.byte != b',';
        let separator = detected.then(|| name(separator.byte));
        Ok(Self { records, header, blank: 0, separator, hint })
    }

    /// Reads the next row that is not blank, with its line; `None` at the end. The inner result is the row or its
    /// error.
    ///
    /// # Errors
    /// Returns the problem, as a predicate, if the rest of the file cannot be read.
    #[expect(clippy::type_complexity, reason = "errors of a row and of the file are separate")]
    pub(super) fn next(
        &mut self,
        source: &mut Source<impl BufRead>,
        index: u64,
    ) -> Result<Option<(u64, Result<Row, String>)>, String> {
        loop {
            let before = source.line();
            let Some((line, record)) = self.records.next(source)? else { return Ok(None) };
            self.blank += line - before;
            if record.iter().all(|field| field.trim().is_empty()) {
                self.blank += 1;
                continue;
            }
            return Ok(Some((line, Row::from_record(index, line, &self.header, record))));
        }
    }
}

/// Returns the duplicate names of a header with their column numbers; `None` if there are none.
fn twice(header: &[String]) -> Option<String> {
    let mut columns = BTreeMap::<&str, Vec<String>>::new();
    for (number, name) in (1_usize..).zip(header).filter(|(_, name)| !name.is_empty()) {
        columns.entry(name).or_default().push(number.to_string());
    }
    let twice = columns.iter().filter(|(_, numbers)| numbers.len() > 1);
    let twice = twice.map(|(name, numbers)| format!("{name:?} (columns {})", numbers.join(" and ")));
    let twice = twice.collect::<Vec<_>>();
    (!twice.is_empty()).then(|| twice.join(", "))
}

/// Reads records into reused buffers.
struct Records {
    reader: Box<Reader>,
    /// The concatenated fields of the record.
    text: Vec<u8>,
    /// The end of each field in `text`.
    ends: Vec<usize>,
}

impl Records {
    fn new(separator: u8) -> Self {
        let reader = Box::new(ReaderBuilder::new().delimiter(separator).build());
        Self { reader, text: vec![0; 1024], ends: vec![0; 32] }
    }

    /// Reads the next record and its first line; `None` at the end. Empty lines are skipped.
    ///
    /// # Errors
    /// Returns the problem, as a predicate, if the file cannot be read, a quote is not closed, a record is too large, or a
    /// field is not UTF-8.
    fn next(&mut self, source: &mut Source<impl BufRead>) -> Result<Option<(u64, Vec<String>)>, String> {
        while let Some(b'\r' | b'\n') = source.byte().map_err(|error| unreadable(&error))? {
            source.take().map_err(|error| unreadable(&error))?;
        }
        let line = source.start_row();
        if source.byte().map_err(|error| unreadable(&error))?.is_none() {
            return Ok(None);
        }
        let (mut size, mut written, mut fields) = (0, 0, 0);
        loop {
            let buffered = source.buffered().map_err(|error| unreadable(&error))?;
            let is_end = buffered.is_empty();
            // At the end of the file, a line end completes the last record unless a quote is open.
            let input = if is_end { b"\n" } else { buffered };
            let (result, taken, copied, ended) =
                self.reader.read_record(input, &mut self.text[written..], &mut self.ends[fields..]);
            if !is_end {
                source.consume(taken).map_err(|error| unreadable(&error))?;
            }
            (size, written, fields) = (size + taken, written + copied, fields + ended);
            if size > LARGEST {
                return Err("is larger than 16 MB".to_owned());
            }
            match result {
                ReadRecordResult::InputEmpty if is_end => {
                    return Err("has an unclosed quote".to_owned());
                }
                ReadRecordResult::InputEmpty => {}
                ReadRecordResult::OutputFull => self.text.resize(self.text.len() * 2, 0),
                ReadRecordResult::OutputEndsFull => self.ends.resize(self.ends.len() * 2, 0),
                ReadRecordResult::Record => return self.fields(fields).map(|fields| Some((line, fields))),
                ReadRecordResult::End => return Ok(None),
            }
        }
    }

    fn fields(&self, count: usize) -> Result<Vec<String>, String> {
        let mut start = 0;
        let fields = self.ends[..count].iter().map(|end| {
            let field = String::from_utf8(self.text[start..*end].to_vec());
            start = *end;
            field.map_err(|_| "is not UTF-8; save it as UTF-8".to_owned())
        });
        fields.collect()
    }
}
