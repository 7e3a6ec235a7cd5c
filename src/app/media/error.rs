//! Errors of `media`.

use std::fmt;
use std::io;
use std::path::PathBuf;

use hyperframes_ci_core::generated::LockError;
use hyperframes_ci_core::job::Refusal;

use crate::fault::{Exit, Fault, Location};
use crate::system::gate;

/// Help for speech that may have been billed.
pub(super) const UNCONFIRMED: &str =
    "look for the speech in the usage of the HeyGen account; add --repeat-unconfirmed to request it again";

/// An error of a `media` command.
#[derive(Debug)]
pub(crate) enum MediaError {
    /// The configuration has no entries.
    NoEntries(PathBuf),
    /// The lock file cannot be read.
    Unreadable(PathBuf, io::Error),
    /// The lock file is invalid.
    Lock(PathBuf, LockError),
    /// An entry cannot be recorded.
    NotAdoptable {
        /// File of the entry.
        file: String,
        /// Why, as a lowercase phrase.
        reason: String,
    },
    /// Entries are invalid, or files would be lost; the entries were printed.
    NotReady {
        /// Number of these entries.
        count: usize,
        /// Number of all entries.
        total: usize,
    },
    /// Media was not generated; the entries were printed.
    NotGenerated {
        /// Number of these entries.
        failed: usize,
        /// Number of all entries.
        total: usize,
        /// Number of entries that may have been billed.
        unconfirmed: usize,
        /// The exit code of the first reason.
        exit: Exit,
    },
    /// A limit of the user forbids it.
    Limit(Refusal),
    /// There is no place for the ledger.
    NoLedger,
    /// Files were not fetched; the entries were printed.
    NotFetched {
        /// Number of these files.
        count: usize,
        /// Number of all files that stores keep.
        total: usize,
    },
    /// Files were not uploaded; the entries were printed.
    NotPushed {
        /// Number of these files.
        count: usize,
        /// Number of all files that stores keep.
        total: usize,
    },
    /// Media is not current; the entries were printed.
    NotCurrent {
        /// Number of these entries.
        count: usize,
        /// Number of all entries.
        total: usize,
    },
}

impl fmt::Display for MediaError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoEntries(path) => write!(f, "{} has no [[media]] entries", path.display()),
            Self::Unreadable(path, error) => write!(f, "cannot read {}: {error}", path.display()),
            Self::Lock(path, error) => write!(f, "{}:{}: {error}", path.display(), error.line),
            Self::NotAdoptable { file, reason } => write!(f, "cannot record {file}: {reason}"),
            Self::NotReady { count, total } => {
                write!(f, "{count} of {total} media files cannot be generated")
            }
            Self::NotGenerated { failed, total, .. } => {
                write!(f, "{failed} of {total} media files were not generated")
            }
            Self::Limit(refusal) => refusal.fmt(f),
            Self::NoLedger => f.write_str("cannot record requests without a ledger"),
            Self::NotFetched { count, total } => write!(f, "{count} of {total} media files were not fetched"),
            Self::NotPushed { count, total } => write!(f, "{count} of {total} media files were not uploaded"),
            Self::NotCurrent { count, total } => write!(f, "{count} of {total} media files are not current"),
        }
    }
}

impl Fault for MediaError {
    fn code(&self) -> &str {
        match self {
            Self::NoEntries(_) => "no_media",
            Self::Unreadable(..) => "lock_unreadable",
            Self::Lock(..) => "invalid_lock",
            Self::NotAdoptable { .. } => "media_not_adoptable",
            Self::NotReady { .. } => "media_not_ready",
            Self::NotGenerated { .. } => "media_not_generated",
            Self::Limit(refusal) => refusal.code(),
            Self::NoLedger => "no_ledger",
            Self::NotFetched { .. } => "media_not_fetched",
            Self::NotPushed { .. } => "media_not_pushed",
            Self::NotCurrent { .. } => "media_not_current",
        }
    }

    fn help(&self) -> Option<String> {
        Some(match self {
            Self::NoEntries(_) => {
                "add an entry to hyperframes-ci.toml, for example:\n\n[[media]]\nfile = \"assets/voice.mp3\"\nscript = \"script.txt\"\nvoice = \"<ID of a voice>\"".to_owned()
            }
            Self::Unreadable(_, error) => {
                gate::help_of(error).unwrap_or_else(|| "check the path and the permissions".to_owned())
            }
            Self::Lock(_, error) => error.help().to_owned(),
            Self::NotAdoptable { .. } => {
                "correct the entry or its files, or record others with --entry; nothing was written".to_owned()
            }
            Self::NotReady { .. } => "nothing was requested; correct the entries above".to_owned(),
            Self::NotGenerated { unconfirmed: 0, .. } => {
                "correct the causes above, and run the same command again; what is paid for is not requested again".to_owned()
            }
            Self::NotGenerated { .. } => UNCONFIRMED.to_owned(),
            Self::Limit(refusal) => refusal.help().to_owned(),
            Self::NoLedger => "choose a writable file with --ledger".to_owned(),
            Self::NotFetched { .. } => "see the reasons above; the other files were fetched".to_owned(),
            Self::NotPushed { .. } => "see the reasons above; the other files are in the store".to_owned(),
            Self::NotCurrent { .. } => {
                "restore the files, or run `hyperframes-ci media generate`".to_owned()
            }
        })
    }

    fn exit(&self) -> Exit {
        match self {
            Self::NotCurrent { .. } | Self::NotReady { .. } => Exit::Preflight,
            Self::NotGenerated { exit, .. } => *exit,
            Self::Limit(_) => Exit::Limit,
            Self::NotFetched { .. } | Self::NotPushed { .. } => Exit::General,
            Self::NoLedger
            | Self::NoEntries(_)
            | Self::Unreadable(..)
            | Self::Lock(..)
            | Self::NotAdoptable { .. } => Exit::Usage,
        }
    }

    fn location(&self) -> Option<Location> {
        match self {
            Self::Lock(path, error) => Some(Location { path: path.clone(), line: error.line }),
            Self::NoEntries(_)
            | Self::Unreadable(..)
            | Self::NotAdoptable { .. }
            | Self::NotReady { .. }
            | Self::NotGenerated { .. }
            | Self::Limit(_)
            | Self::NoLedger
            | Self::NotFetched { .. }
            | Self::NotPushed { .. }
            | Self::NotCurrent { .. } => None,
        }
    }
}
