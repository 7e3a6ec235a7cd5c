//! The bytes of a file of rows, with the number of the line that they are on.

use std::io::{self, BufRead};

/// A row is at most this large, in bytes.
pub(super) const LARGEST: usize = 16 * 1024 * 1024;

/// A file that is read byte by byte, or buffer by buffer.
pub(super) struct Source<R> {
    reader: R,
    line: u64,
}

impl<R: BufRead> Source<R> {
    pub(super) fn new(reader: R) -> Self {
        Self { reader, line: 1 }
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
        self.consume(usize::from(byte.is_some()), u64::from(byte == Some(b'\n')));
        Ok(byte)
    }

    /// Takes `count` bytes of those that are buffered, which end `lines` lines.
    pub(super) fn consume(&mut self, count: usize, lines: u64) {
        self.reader.consume(count);
        self.line += lines;
    }
}

/// Says that a file cannot be read, as a sentence without its subject.
pub(super) fn unreadable(error: &io::Error) -> String {
    format!("cannot be read: {error}")
}
