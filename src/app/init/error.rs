//! Errors of `init`.

use std::fmt;
use std::path::PathBuf;

use crate::fault::{Exit, Fault};
use crate::system::output::OutputError;
use crate::system::output_place::OutputRefusal;

/// An error of `init`. Nothing has been written.
#[derive(Debug)]
pub(crate) enum InitError {
    /// The directory does not exist or is not a directory.
    NoDirectory(PathBuf),
    /// A file must not be written.
    Refused(PathBuf, OutputRefusal),
    /// A file cannot be written.
    NotWritable(OutputError),
    /// The user declined.
    Declined,
}

impl fmt::Display for InitError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoDirectory(path) => write!(f, "directory not found: {}", path.display()),
            Self::Refused(path, refusal) => write!(f, "cannot write {}: it {refusal}", path.display()),
            Self::NotWritable(error) => error.fmt(f),
            Self::Declined => f.write_str("cancelled; no files were written"),
        }
    }
}

impl Fault for InitError {
    fn code(&self) -> &str {
        match self {
            Self::NoDirectory(_) => "directory_not_found",
            Self::Refused(..) | Self::NotWritable(_) => "output_not_writable",
            Self::Declined => "declined",
        }
    }

    fn help(&self) -> Option<String> {
        let help = match self {
            Self::NoDirectory(_) => "pass a directory of the repository",
            Self::Refused(..) => "no files were written; remove the link or the file in the way",
            Self::NotWritable(_) => {
                "no files were written; check the permissions, or print the files with --dry-run"
            }
            Self::Declined => return None,
        };
        Some(help.to_owned())
    }

    fn exit(&self) -> Exit {
        Exit::Usage
    }
}
