//! From a project to its archive: a ZIP in a temporary file. What is in it is decided in the core.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Seek, Write};
use std::path::{Path, PathBuf};

use hyperframes_ci_core::{ArchiveError, ArchiveWriter, Carried, Manifest, contained};

use crate::temporary::{self, Temporary};
use crate::tree::DiskTree;

/// Why there is no archive.
#[derive(Debug)]
pub(crate) enum PackError {
    /// A file cannot be read or changed while it was.
    File(PathBuf, ArchiveError),
    /// The archive cannot be written.
    Archive(io::Error),
}

impl std::fmt::Display for PackError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::File(path, error) => write!(f, "{} {error}", path.display()),
            Self::Archive(error) => write!(f, "the archive cannot be written: {error}"),
        }
    }
}

impl PackError {
    /// Stable identifier.
    pub(crate) fn code(&self) -> &'static str {
        match self {
            Self::File(_, ArchiveError::Changed { .. }) => "file_changed",
            Self::File(..) => "file_unreadable",
            Self::Archive(_) => "archive_not_written",
        }
    }

    /// What to do about it.
    pub(crate) fn help(&self) -> &'static str {
        match self {
            Self::File(_, ArchiveError::Changed { .. }) => "let whatever writes it finish, then run again",
            Self::File(..) => "check the permissions, or leave it out with .hyperframesignore",
            Self::Archive(_) => "check the free space of the temporary directory",
        }
    }
}

/// What is going to be packed, by path in the archive.
#[derive(Debug)]
pub(crate) struct Contained<'a> {
    tree: &'a DiskTree,
    entries: BTreeMap<String, Carried>,
}

impl<'a> Contained<'a> {
    /// The files of a project and those that their references carry along.
    ///
    /// # Errors
    /// When a text file cannot be read.
    pub(crate) fn of(tree: &'a DiskTree) -> Result<Self, PackError> {
        let entries = contained(tree);
        tree.readable()?;
        Ok(Self { tree, entries: entries.unwrap_or_default() })
    }

    /// How many files the archive will hold.
    pub(crate) fn len(&self) -> usize {
        self.entries.len()
    }

    /// Zips everything into a temporary file; `progress` hears of files done.
    ///
    /// # Errors
    /// See [`PackError`]. The temporary file is gone then.
    pub(crate) fn zip(&self, progress: &mut dyn FnMut(u64)) -> Result<Packed, PackError> {
        let temporary = temporary::create(&std::env::temp_dir(), "hyperframes-ci-", ".zip")
            .map_err(PackError::Archive)?;
        let sink = io::BufWriter::with_capacity(
            256 * 1024,
            temporary.file.as_file().try_clone().map_err(PackError::Archive)?,
        );
        let mut writer = ArchiveWriter::new(sink);
        for (done, (path, carried)) in self.entries.iter().enumerate() {
            self.add(&mut writer, path, carried)?;
            progress(done as u64 + 1);
        }
        let (mut sink, manifest) = writer.finish().map_err(|error| match error {
            ArchiveError::Write(error) => PackError::Archive(error),
            other => PackError::Archive(io::Error::other(other.to_string())),
        })?;
        sink.flush().map_err(PackError::Archive)?;
        drop(sink);
        let mut file = temporary.file.reopen().map_err(PackError::Archive)?;
        let (size, sha256) = crate::digest::of(&mut file).map_err(PackError::Archive)?;
        Ok(Packed { temporary, manifest, size, sha256 })
    }

    fn add<W: Write + Seek>(
        &self,
        writer: &mut ArchiveWriter<W>,
        path: &str,
        carried: &Carried,
    ) -> Result<(), PackError> {
        // A file that was there a moment ago: opening it says what became of it.
        let source = self
            .tree
            .source(&carried.source)
            .unwrap_or_else(|| self.tree.project.boundary.join(&carried.source));
        let result = match &carried.rewritten {
            Some(bytes) => writer.add(path, bytes.len() as u64, &mut bytes.as_slice()).map(|_| ()),
            None => add_file(writer, path, &source),
        };
        result.map_err(|error| match error {
            ArchiveError::Write(error) => PackError::Archive(error),
            error => PackError::File(source, error),
        })
    }
}

/// Adds a file that must not change meanwhile: its size, and where the system tells, its time of change.
fn add_file<W: Write + Seek>(
    writer: &mut ArchiveWriter<W>,
    path: &str,
    source: &Path,
) -> Result<(), ArchiveError> {
    let mut file = File::open(source).map_err(ArchiveError::Read)?;
    let before = file.metadata().map_err(ArchiveError::Read)?;
    writer.add(path, before.len(), &mut file)?;
    let after = file.metadata().map_err(ArchiveError::Read)?;
    if before.len() != after.len() || before.modified().ok() != after.modified().ok() {
        return Err(ArchiveError::Changed { expected: before.len(), found: after.len() });
    }
    Ok(())
}

/// An archive in a temporary file, which goes when this is dropped.
#[derive(Debug)]
pub(crate) struct Packed {
    temporary: Temporary,
    /// What it holds.
    pub(crate) manifest: Manifest,
    /// Its size in bytes.
    pub(crate) size: u64,
    /// SHA-256 of its bytes, in hexadecimal.
    pub(crate) sha256: String,
}

impl Packed {
    /// Where it is.
    pub(crate) fn path(&self) -> &Path {
        self.temporary.file.path()
    }

    /// Opens it for reading.
    ///
    /// # Errors
    /// When somebody took it away.
    pub(crate) fn open(&self) -> io::Result<File> {
        self.temporary.file.reopen()
    }
}
