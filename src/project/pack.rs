//! From a project to its archive: a ZIP in a temporary file. What is in it is decided in the core.

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
use crate::system::parallel::in_order;
use crate::system::temporary;
use crate::system::temporary::Temporary;

/// A larger file is not held in memory but streamed when its turn comes, in bytes.
const LARGEST_HELD: u64 = 8 * 1024 * 1024;

/// What is held in memory of entries that wait for their turn, in bytes.
const AHEAD: u64 = 16 * 1024 * 1024;

/// The archive is hashed this far behind where it is written, in bytes.
const HASHED: u64 = 1024 * 1024;

/// What is going to be packed, by path in the archive.
#[derive(Debug)]
pub(crate) struct Contained<'a> {
    tree: &'a DiskTree,
    entries: BTreeMap<String, BundledFile>,
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
        let entries = self.entries.iter().map(|(path, carried)| self.planned(path, carried));
        let entries = entries.collect::<Result<Vec<_>, _>>()?;
        let follower = temporary.file.reopen().map_err(PackError::Archive)?;
        let (manifest, hashed) = std::thread::scope(|scope| {
            let (tell, told) = mpsc::channel();
            let hashing = scope.spawn(move || hash_behind(follower, &told));
            let (mut done, mut hashed) = (0, 0);
            in_order(
                &entries,
                AHEAD,
                Planned::held,
                EntryEncoder::new,
                Planned::encode,
                |planned, encoded| {
                    planned.add(&mut writer, encoded)?;
                    if writer.written() > hashed + HASHED {
                        hashed = writer.flush().map_err(archive_error)?;
                        let _ = tell.send(hashed);
                    }
                    done += 1;
                    progress(done);
                    Ok(())
                },
            )?;
            let (mut sink, manifest) = writer.finish().map_err(archive_error)?;
            sink.flush().map_err(PackError::Archive)?;
            let _ = tell.send(u64::MAX);
            drop(tell);
            Ok((manifest, hashing.join()))
        })?;
        let (size, sha256) = match hashed {
            Ok(hashed) => hashed.map_err(PackError::Archive)?,
            Err(panic) => std::panic::resume_unwind(panic),
        };
        Ok(Packed { temporary, manifest, size, sha256 })
    }

    fn planned(&self, path: &'a str, carried: &'a BundledFile) -> Result<Planned<'a>, PackError> {
        let contents = match &carried.rewritten {
            Some(bytes) => Source::Rewritten(bytes),
            None => {
                // A file that was there a moment ago: opening it says what became of it.
                let source = self.tree.source(&carried.source);
                Source::File(source.unwrap_or_else(|| self.tree.project.boundary.join(&carried.source)))
            }
        };
        let size = match &contents {
            Source::Rewritten(bytes) => bytes.len() as u64,
            Source::File(path) => match std::fs::metadata(path) {
                Ok(metadata) => metadata.len(),
                Err(error) => return Err(PackError::File(path.clone(), ArchiveError::Read(error))),
            },
        };
        Ok(Planned { path, contents, size })
    }
}

/// An entry that is to be written.
struct Planned<'a> {
    /// Its path in the archive.
    path: &'a str,
    contents: Source<'a>,
    /// In bytes, as far as is known before it is read.
    size: u64,
}

enum Source<'a> {
    Rewritten(&'a [u8]),
    File(PathBuf),
}

impl Planned<'_> {
    /// What is held of it while it waits for its turn, in bytes.
    fn held(&self) -> u64 {
        if self.size > LARGEST_HELD { 0 } else { self.size }
    }

    /// Encodes it, unless it is too large to be held.
    fn encode(encoder: &mut EntryEncoder, planned: &Self) -> Result<Option<Encoded>, ArchiveError> {
        if planned.size > LARGEST_HELD {
            return Ok(None);
        }
        planned.read(&mut |size, contents| {
            if size > LARGEST_HELD {
                return Err(ArchiveError::Changed { expected: planned.size, found: size });
            }
            encoder.encode(size, contents).map(Some)
        })
    }

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

    /// Gives its contents to `take`; a file must not change meanwhile: its size, and where the system tells, its time of
    /// change.
    fn read<R>(
        &self,
        take: &mut dyn FnMut(u64, &mut dyn Read) -> Result<R, ArchiveError>,
    ) -> Result<R, ArchiveError> {
        let path = match &self.contents {
            Source::Rewritten(bytes) => return take(bytes.len() as u64, &mut &**bytes),
            Source::File(path) => path,
        };
        let mut file = File::open(path).map_err(ArchiveError::Read)?;
        let before = file.metadata().map_err(ArchiveError::Read)?;
        let taken = take(before.len(), &mut file)?;
        let after = file.metadata().map_err(ArchiveError::Read)?;
        if before.len() != after.len() || before.modified().ok() != after.modified().ok() {
            return Err(ArchiveError::Changed { expected: before.len(), found: after.len() });
        }
        Ok(taken)
    }
}

fn archive_error(error: ArchiveError) -> PackError {
    match error {
        ArchiveError::Write(error) => PackError::Archive(error),
        other => PackError::Archive(io::Error::other(other.to_string())),
    }
}

/// Size and SHA-256, in hexadecimal, of a file that is being written: as far as it is said to be done, and in the end all of
/// it.
fn hash_behind(mut file: File, told: &mpsc::Receiver<u64>) -> io::Result<(u64, String)> {
    let mut hasher = Hasher::default();
    for done in told {
        let left = done.saturating_sub(hasher.size());
        hasher.read(&mut (&mut file).take(left))?;
    }
    Ok(hasher.finish())
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
