//! Why a path is refused.

use std::fmt;
use std::io;

/// The reason that a path is refused. Its text is a predicate, such as `is a FIFO`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum PathRefusal {
    /// A symbolic link in the path leads out of the directory with this name.
    LeadsOut(String),
    /// The path is outside of the directory with this name.
    Outside(String),
    /// It is not a regular file, but this.
    NotAFile(&'static str),
    /// It is larger than this number of bytes.
    TooLarge(u64),
    /// It was replaced by a symbolic link while the command ran.
    Replaced,
    /// It is inside of a `.git`.
    Git,
}

impl fmt::Display for PathRefusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::LeadsOut(name) => write!(f, "leads outside {name} through a symbolic link"),
            Self::Outside(name) => write!(f, "is outside {name}"),
            Self::NotAFile("a directory") => f.write_str("is a directory"),
            Self::NotAFile(kind) => write!(f, "is {kind}, not a regular file"),
            Self::TooLarge(limit) => write!(f, "is larger than {}", size(*limit)),
            Self::Replaced => f.write_str("is a symbolic link"),
            Self::Git => f.write_str("is inside a .git directory"),
        }
    }
}

impl std::error::Error for PathRefusal {}

impl PathRefusal {
    /// Returns what the user can do about it.
    pub(crate) fn help(&self) -> &'static str {
        match self {
            Self::LeadsOut(_) | Self::Replaced => "replace the link by a copy of the file",
            Self::Outside(_) => "copy the file into that directory",
            Self::NotAFile(_) => "pass a regular file",
            Self::TooLarge(_) => "pass a smaller file",
            Self::Git => "choose a path outside of .git",
        }
    }

    fn kind(&self) -> io::ErrorKind {
        match self {
            Self::LeadsOut(_) | Self::Outside(_) | Self::Replaced | Self::Git => {
                io::ErrorKind::PermissionDenied
            }
            Self::NotAFile("a directory") => io::ErrorKind::IsADirectory,
            Self::NotAFile(_) => io::ErrorKind::InvalidInput,
            Self::TooLarge(_) => io::ErrorKind::FileTooLarge,
        }
    }
}

impl From<PathRefusal> for io::Error {
    fn from(refusal: PathRefusal) -> Self {
        Self::new(refusal.kind(), refusal)
    }
}

/// Returns the remedy of an error, if it is a refusal of the gate.
pub(crate) fn help_of(error: &io::Error) -> Option<String> {
    let refusal = error.get_ref()?.downcast_ref::<PathRefusal>()?;
    Some(refusal.help().to_owned())
}

/// Formats a limit in the largest unit that is a whole number.
fn size(bytes: u64) -> String {
    let units = [(1 << 30, "GiB"), (1 << 20, "MiB"), (1 << 10, "KiB")];
    let whole = units.iter().find(|(unit, _)| bytes >= *unit && bytes.is_multiple_of(*unit));
    whole.map_or_else(|| format!("{bytes} bytes"), |(unit, name)| format!("{} {name}", bytes / unit))
}
