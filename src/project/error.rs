//! Errors of reading and packing a project.

use std::io;
use std::path::PathBuf;

use hyperframes_ci_core::archive::ArchiveError;

use crate::fault::Fault;

/// An error of packing a project.
#[derive(Debug)]
pub(crate) enum PackError {
    /// A file cannot be read, or changed while it was read.
    File(PathBuf, ArchiveError),
    /// The archive cannot be written.
    Archive(io::Error),
}

impl std::fmt::Display for PackError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::File(path, error) => write!(f, "{} {error}", path.display()),
            Self::Archive(error) => write!(f, "cannot write the archive: {error}"),
        }
    }
}

impl Fault for PackError {
    fn code(&self) -> &str {
        match self {
            Self::File(_, ArchiveError::Changed { .. }) => "file_changed",
            Self::File(..) => "file_unreadable",
            Self::Archive(_) => "archive_not_written",
        }
    }

    fn help(&self) -> Option<String> {
        Some(
            match self {
                Self::File(_, ArchiveError::Changed { .. }) => {
                    "wait until the file is completely written, then try again"
                }
                Self::File(..) => "check the permissions, or exclude the file with .hyperframesignore",
                Self::Archive(_) => "check the free space of the temporary directory",
            }
            .to_owned(),
        )
    }
}
