//! Records of CSV; source: RFC 4180.

use std::io::BufRead;

use csv_core::{ReadRecordResult, Reader};

use super::source::{LARGEST, Source, unreadable};

/// Reads records, in buffers that are used again for each.
pub(super) struct Records {
    reader: Box<Reader>,
    /// The fields of the record, one behind the other.
    text: Vec<u8>,
    /// The end of each field in `text`.
    ends: Vec<usize>,
}

impl Records {
    pub(super) fn new() -> Self {
        Self { reader: Box::new(Reader::new()), text: vec![0; 1024], ends: vec![0; 32] }
    }

    /// Reads the next record, with the line that it begins on; `None` at the end. Empty lines are skipped.
    ///
    /// # Errors
    /// Says what is wrong, as a sentence without its subject: the file cannot be read, a quote is not closed, a record
    /// is too large, or a field is not UTF-8.
    pub(super) fn next(
        &mut self,
        source: &mut Source<impl BufRead>,
    ) -> Result<Option<(u64, Vec<String>)>, String> {
        while let Some(b'\r' | b'\n') = source.byte().map_err(|error| unreadable(&error))? {
            source.take().map_err(|error| unreadable(&error))?;
        }
        let line = source.line();
        if source.byte().map_err(|error| unreadable(&error))?.is_none() {
            return Ok(None);
        }
        let (mut size, mut written, mut fields) = (0, 0, 0);
        loop {
            let buffered = source.buffered().map_err(|error| unreadable(&error))?;
            let is_end = buffered.is_empty();
            // A line end completes the last record, unless a quote is open.
            let input = if is_end { b"\n" } else { buffered };
            let (result, taken, copied, ended) =
                self.reader.read_record(input, &mut self.text[written..], &mut self.ends[fields..]);
            if !is_end {
                let lines = input[..taken].iter().filter(|byte| **byte == b'\n').count();
                source.consume(taken, lines as u64);
            }
            (size, written, fields) = (size + taken, written + copied, fields + ended);
            if size > LARGEST {
                return Err("is too large".to_owned());
            }
            match result {
                ReadRecordResult::InputEmpty if is_end => {
                    return Err("has a quote that is not closed".to_owned());
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
            field.map_err(|_| "is not UTF-8".to_owned())
        });
        fields.collect()
    }
}
