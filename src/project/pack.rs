//! Packs a project into a ZIP in a temporary file. The core decides what it contains.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Read, Seek, Write};
use std::path::{Path, PathBuf};
use std::sync::mpsc;

use hyperframes_ci_core::archive::{ArchiveError, ArchiveWriter, Encoded, EntryEncoder, Manifest};
use hyperframes_ci_core::project::{BundledFile, contained};

use crate::project::error::PackError;
use crate::project::tree::DiskTree;
use crate::system::digest::Hasher;
use crate::system::gate::{self, Reach};
use crate::system::parallel::in_order;
use crate::system::temporary;
use crate::system::temporary::Temporary;

/// Maximum size in bytes of a file that is encoded in memory; larger ones are streamed.
const MAX_BUFFERED: u64 = 8 * 1024 * 1024;

/// Maximum size in bytes of all files that are encoded ahead.
const MAX_AHEAD: u64 = 16 * 1024 * 1024;

/// The archive is hashed in steps of this many bytes.
const HASH_STEP: u64 = 1024 * 1024;

/// The files to pack, by path in the archive.
#[derive(Debug)]
pub(crate) struct ArchiveContents<'a> {
    tree: &'a DiskTree,
    entries: BTreeMap<String, BundledFile>,
}

impl<'a> ArchiveContents<'a> {
    /// Collects the files of a project and the files of the repository that they refer to.
    ///
    /// # Errors
    /// Returns [`PackError::File`] if a file cannot be read.
    pub(crate) fn of(tree: &'a DiskTree) -> Result<Self, PackError> {
        let entries = contained(tree);
        tree.check_readable()?;
        Ok(Self { tree, entries: entries.unwrap_or_default() })
    }

    /// Returns the number of files.
    pub(crate) fn len(&self) -> usize {
        self.entries.len()
    }

    /// Writes the archive to a temporary file; calls `progress` with the number of packed files.
    ///
    /// # Errors
    /// Returns [`PackError`] if a file cannot be read or changes, or the archive cannot be written. The temporary file is
    /// removed then.
    pub(crate) fn zip(&self, progress: &mut dyn FnMut(u64)) -> Result<Packed, PackError> {
        let temporary = temporary::create(&std::env::temp_dir(), "hyperframes-ci-", ".zip")
            .map_err(PackError::Archive)?;
        let sink = io::BufWriter::with_capacity(
            256 * 1024,
            temporary.file.as_file().try_clone().map_err(PackError::Archive)?,
        );
        let mut writer = ArchiveWriter::new(sink);
        let entries = self.entries.iter().map(|(path, carried)| self.plan(path, carried));
        let entries = entries.collect::<Result<Vec<_>, _>>()?;
        let reader = temporary.file.reopen().map_err(PackError::Archive)?;
        let (manifest, hashed) = std::thread::scope(|scope| {
            let (written, receiver) = mpsc::channel();
            let hashing = scope.spawn(move || hash_written(reader, &receiver));
            let (mut done, mut hashed) = (0, 0);
            in_order(
                &entries,
                MAX_AHEAD,
                PlannedEntry::buffered_size,
                EntryEncoder::new,
                PlannedEntry::encode,
                |planned, encoded| {
                    planned.add(&mut writer, encoded)?;
                    if writer.written() > hashed + HASH_STEP {
                        hashed = writer.flush().map_err(archive_error)?;
                        let _ = written.send(hashed);
                    }
                    done += 1;
                    progress(done);
                    Ok(())
                },
            )?;
            let (mut sink, manifest) = writer.finish().map_err(archive_error)?;
            sink.flush().map_err(PackError::Archive)?;
            let _ = written.send(u64::MAX);
            drop(written);
            Ok((manifest, hashing.join()))
        })?;
        let (size, sha256) = match hashed {
            Ok(hashed) => hashed.map_err(PackError::Archive)?,
            Err(panic) => std::panic::resume_unwind(panic),
        };
        Ok(Packed { temporary, manifest, size, sha256 })
    }

    /// Finds the source and the size of an entry.
    fn plan(&self, path: &'a str, carried: &'a BundledFile) -> Result<PlannedEntry<'a>, PackError> {
        let contents = match &carried.rewritten {
            Some(bytes) => Source::Rewritten(bytes),
            None => {
                // A file that has disappeared since: opening it reports the error.
                let source = self.tree.source(&carried.source);
                Source::File(source.unwrap_or_else(|| self.tree.project.boundary.join(&carried.source)))
            }
        };
        let size = match &contents {
            Source::Rewritten(bytes) => bytes.len() as u64,
            Source::File(path) => match path.symlink_metadata() {
                Ok(metadata) => metadata.len(),
                Err(error) => return Err(PackError::File(path.clone(), ArchiveError::Read(error))),
            },
        };
        Ok(PlannedEntry { path, contents, reach: &self.tree.reach, size })
    }
}

/// An entry to write.
struct PlannedEntry<'a> {
    /// Path in the archive.
    path: &'a str,
    contents: Source<'a>,
    /// Where the file may be.
    reach: &'a Reach,
    /// Size in bytes, before the file is read.
    size: u64,
}

/// The content of an entry.
enum Source<'a> {
    Rewritten(&'a [u8]),
    File(PathBuf),
}

impl PlannedEntry<'_> {
    /// Returns the size in bytes that the entry occupies in memory until it is written.
    fn buffered_size(&self) -> u64 {
        if self.size > MAX_BUFFERED { 0 } else { self.size }
    }

    /// Encodes the entry; returns `None` if it is too large to buffer.
    fn encode(encoder: &mut EntryEncoder, planned: &Self) -> Result<Option<Encoded>, ArchiveError> {
        if planned.size > MAX_BUFFERED {
            return Ok(None);
        }
        planned.read(&mut |size, contents| {
            if size > MAX_BUFFERED {
                return Err(ArchiveError::Changed { expected: planned.size, found: size });
            }
            encoder.encode(size, contents).map(Some)
        })
    }

    /// Writes the entry to the archive, streamed if it was not encoded.
    fn add<W: Write + Seek>(
        &self,
        writer: &mut ArchiveWriter<W>,
        encoded: Result<Option<Encoded>, ArchiveError>,
    ) -> Result<(), PackError> {
        let added = match encoded {
            Ok(Some(encoded)) => writer.put(self.path, &encoded),
            Ok(None) => self.read(&mut |size, contents| writer.add(self.path, size, contents)),
            Err(error) => Err(error),
        };
        added.map_err(|error| match (error, &self.contents) {
            (error @ ArchiveError::Write(_), _) => archive_error(error),
            (error, Source::File(source)) => PackError::File(source.clone(), error),
            (error, Source::Rewritten(_)) => PackError::File(PathBuf::from(self.path), error),
        })
    }

    /// Passes the size and content to `consume`.
    ///
    /// # Errors
    /// Returns [`ArchiveError::Changed`] if the size or modification time of the file changes meanwhile.
    fn read<R>(
        &self,
        consume: &mut dyn FnMut(u64, &mut dyn Read) -> Result<R, ArchiveError>,
    ) -> Result<R, ArchiveError> {
        let path = match &self.contents {
            Source::Rewritten(bytes) => return consume(bytes.len() as u64, &mut &**bytes),
            Source::File(path) => path,
        };
        let mut file = gate::open(path, self.reach).map_err(ArchiveError::Read)?;
        let before = file.metadata().map_err(ArchiveError::Read)?;
        let result = consume(before.len(), &mut file)?;
        let after = file.metadata().map_err(ArchiveError::Read)?;
        if before.len() != after.len() || before.modified().ok() != after.modified().ok() {
            return Err(ArchiveError::Changed { expected: before.len(), found: after.len() });
        }
        Ok(result)
    }
}

fn archive_error(error: ArchiveError) -> PackError {
    match error {
        ArchiveError::Write(error) => PackError::Archive(error),
        other => PackError::Archive(io::Error::other(other.to_string())),
    }
}

/// Hashes a file while it is written: up to each length in bytes that is received, in the end to the end of the file.
/// Returns its size in bytes and its SHA-256 in hexadecimal.
fn hash_written(mut file: File, written: &mpsc::Receiver<u64>) -> io::Result<(u64, String)> {
    let mut hasher = Hasher::default();
    for length in written {
        let left = length.saturating_sub(hasher.size());
        hasher.read(&mut (&mut file).take(left))?;
    }
    Ok(hasher.finish())
}

/// An archive in a temporary file, which is removed when dropped.
#[derive(Debug)]
pub(crate) struct Packed {
    temporary: Temporary,
    /// The files and their digests.
    pub(crate) manifest: Manifest,
    /// Size in bytes.
    pub(crate) size: u64,
    /// SHA-256 in hexadecimal.
    pub(crate) sha256: String,
}

impl Packed {
    /// Returns the path of the temporary file.
    pub(crate) fn path(&self) -> &Path {
        self.temporary.file.path()
    }

    /// Opens the archive for reading.
    ///
    /// # Errors
    /// Returns an error if the temporary file was removed.
    pub(crate) fn open(&self) -> io::Result<File> {
        self.temporary.file.reopen()
    }
}
