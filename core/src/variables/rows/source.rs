//! The bytes of a file of rows, with the number of the line that they are on.

use std::io::{self, BufRead, Cursor, Read};

/// A row is at most this large, in bytes.
pub(super) const LARGEST: usize = 16 * 1024 * 1024;

/// Size of the beginning of a file that is looked at before rows are read, in bytes.
const HEAD: u64 = 64 * 1024;

/// The byte order mark of UTF-8.
const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// A file that is read byte by byte, or buffer by buffer. A line ends with LF, CR LF, or CR alone.
pub(super) struct Source<R> {
    reader: io::Chain<Cursor<Vec<u8>>, R>,
    line: u64,
    is_after_return: bool,
}

impl<R: BufRead> Source<R> {
    /// Begins to read a file; a byte order mark is skipped.
    ///
    /// # Errors
    /// Returns the problem, as a sentence without its subject, if the file cannot be read, is UTF-16, or is a ZIP
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
        Ok(Self { reader: Cursor::new(head).chain(reader), line: 1, is_after_return: false })
    }

    /// The beginning of the file, while nothing of it has been taken.
    pub(super) fn head(&self) -> &[u8] {
        self.reader.get_ref().0.get_ref()
    }

    /// The line of the next byte, from 1.
    pub(super) fn line(&self) -> u64 {
        self.line
    }

    /// Returns what is buffered; empty at the end of the file.
    pub(super) fn buffered(&mut self) -> io::Result<&[u8]> {
        while let Err(error) = self.reader.fill_buf() {
            if error.kind() != io::ErrorKind::Interrupted {
                return Err(error);
            }
        }
        self.reader.fill_buf()
    }

    /// Returns the next byte, which stays the next one; `None` at the end of the file.
    pub(super) fn byte(&mut self) -> io::Result<Option<u8>> {
        Ok(self.buffered()?.first().copied())
    }

    /// Takes the next byte.
    pub(super) fn take(&mut self) -> io::Result<Option<u8>> {
        let byte = self.byte()?;
        if byte.is_some() {
            self.consume(1)?;
        }
        Ok(byte)
    }

    /// Takes `count` bytes of those that are buffered.
    pub(super) fn consume(&mut self, count: usize) -> io::Result<()> {
        for byte in &self.reader.fill_buf()?[..count] {
            self.line += u64::from(*byte == b'\r' || (*byte == b'\n' && !self.is_after_return));
            self.is_after_return = *byte == b'\r';
        }
        self.reader.consume(count);
        Ok(())
    }
}

/// Says that a file cannot be read, as a sentence without its subject.
pub(super) fn unreadable(error: &io::Error) -> String {
    format!("cannot be read: {error}")
}
