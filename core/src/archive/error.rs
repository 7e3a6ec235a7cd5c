//! Errors of packing a file.

use std::{fmt, io};

/// A file that could not be added to an archive.
#[derive(Debug)]
pub enum ArchiveError {
    /// The file could not be read.
    Read(io::Error),
    /// The archive could not be written.
    Write(io::Error),
    /// The size of the file differs from the declared one.
    Changed {
        /// Size when the project was listed, in bytes.
        expected: u64,
        /// Number of bytes that could be read.
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
            Self::Write(error) => write!(f, "cannot write the archive: {error}"),
            Self::Changed { expected, found } => {
                write!(f, "changed while it was being packed: expected {expected} bytes, found {found}")
            }
            Self::InvalidPath => f.write_str("has a path that is not safe in an archive"),
            Self::OutOfOrder => f.write_str("is a duplicate or out of order"),
        }
    }
}

impl std::error::Error for ArchiveError {}
