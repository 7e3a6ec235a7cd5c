//! Errors of packing a file.

use std::{fmt, io};

/// A file that could not be added to an archive.
#[derive(Debug)]
pub enum ArchiveError {
    /// The file could not be read.
    Read(io::Error),
    /// The archive could not be written.
    Write(io::Error),
    /// The file did not have the size that it was announced with.
    Changed {
        /// Size when the project was listed, in bytes.
        expected: u64,
        /// Bytes that were there to read.
        found: u64,
    },
    /// The path is empty, absolute, holds `\`, a control character, or a `.` or `..` segment.
    InvalidPath,
    /// The path does not sort after the one before it, or is equal to it.
    OutOfOrder,
}

impl fmt::Display for ArchiveError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Read(error) => write!(f, "cannot be read: {error}"),
            Self::Write(error) => write!(f, "the archive cannot be written: {error}"),
            Self::Changed { expected, found } => {
                write!(f, "changed while it was packed: {expected} bytes became {found}")
            }
            Self::InvalidPath => f.write_str("has a name that no archive can carry safely"),
            Self::OutOfOrder => f.write_str("is out of order or twice in the project"),
        }
    }
}

impl std::error::Error for ArchiveError {}
