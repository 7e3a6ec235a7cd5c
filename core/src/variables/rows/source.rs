//! Reads the bytes of a rows file and counts lines.

use std::io::{self, BufRead, Cursor, Read};

/// Largest size of a row, in bytes.
pub(super) const LARGEST: usize = 16 * 1024 * 1024;

/// Size of the sample that is inspected before rows are read, in bytes.
const HEAD: u64 = 64 * 1024;

/// The UTF-8 byte order mark.
const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// A file that is read by byte or by buffer. Lines end with LF, CR LF or CR.
pub(super) struct Source<R> {
    reader: io::Chain<Cursor<Vec<u8>>, R>,
    line: u64,
    /// First line of the current row.
    row: u64,
    is_after_return: bool,
}

impl<R: BufRead> Source<R> {
    /// Starts reading a file and skips its byte order mark.
    ///
    /// # Errors
    /// Returns the problem, as a predicate, if the file cannot be read, is UTF-16, or is a ZIP
    /// archive, as spreadsheets are.
    pub(super) fn new(mut reader: R) -> Result<Self, String> {
        let mut head = Vec::new();
        reader.by_ref().take(HEAD).read_to_end(&mut head).map_err(|error| unreadable(&error))?;
        if head.starts_with(b"\xff\xfe") || head.starts_with(b"\xfe\xff") {
            return Err("is UTF-16; save it as UTF-8".to_owned());
        }
        if head.starts_with(b"PK\x03\x04") {
            return Err("is a spreadsheet or an archive; export the rows as CSV".to_owned());
        }
        if head.starts_with(BYTE_ORDER_MARK) {
            head.drain(..BYTE_ORDER_MARK.len());
        }
        Ok(Self { reader: Cursor::new(head).chain(reader), line: 1, row: 1, is_after_return: false })
    }

    /// Returns the beginning of the file. Must be called before bytes are consumed.
    pub(super) fn head(&self) -> &[u8] {
        self.reader.get_ref().0.get_ref()
    }

    /// Starts a row at the next byte, and returns its line.
    pub(super) fn start_row(&mut self) -> u64 {
        self.row = self.line;
        self.line
    }

    /// Returns the first line of the current row, from 1.
    pub(super) fn row(&self) -> u64 {
        self.row
    }

    /// Returns the line of the next byte, from 1.
    pub(super) fn line(&self) -> u64 {
        self.line
    }

    /// Returns the buffered bytes; empty at the end of the file.
    pub(super) fn buffered(&mut self) -> io::Result<&[u8]> {
        while let Err(error) = self.reader.fill_buf() {
            if error.kind() != io::ErrorKind::Interrupted {
                return Err(error);
            }
        }
        self.reader.fill_buf()
    }

    /// Returns the next byte without consuming it; `None` at the end of the file.
    pub(super) fn byte(&mut self) -> io::Result<Option<u8>> {
        Ok(self.buffered()?.first().copied())
    }

    /// Consumes and returns the next byte; `None` at the end of the file.
    pub(super) fn take(&mut self) -> io::Result<Option<u8>> {
        let byte = self.byte()?;
        if byte.is_some() {
            self.consume(1)?;
        }
        Ok(byte)
    }

    /// Consumes `count` buffered bytes.
    pub(super) fn consume(&mut self, count: usize) -> io::Result<()> {
        for byte in &self.reader.fill_buf()?[..count] {
            self.line += u64::from(*byte == b'\r' || (*byte == b'\n' && !self.is_after_return));
            self.is_after_return = *byte == b'\r';
        }
        self.reader.consume(count);
        Ok(())
    }
}

/// Returns the message for an I/O error, as a predicate.
pub(super) fn unreadable(error: &io::Error) -> String {
    format!("cannot be read: {error}")
}
