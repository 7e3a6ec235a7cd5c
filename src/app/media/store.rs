//! Stores outside of the repository's history, which name files by their contents, and the one loop over them.

use std::collections::HashMap;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use hyperframes_ci_core::generated::{MediaStore, STORE_FOLDER, is_preview_branch};

use super::Declared;
use crate::app::config::MediaEntry;
use crate::app::outcome::{Direction, MediaTransferOutcome, TransferState, TransferredMedia};
use crate::fault::Error;
use crate::project::remote_branch::RemoteBranch;
use crate::system::gate::{self, Reach};
use crate::system::output::OutputError;

/// The branch with the store, unless another one is set.
pub(crate) const PREVIEW_BRANCH: &str = "hyperframes-previews";

/// What files are fetched from.
pub(crate) trait Source {
    /// Prepares to read files, all at once where that is faster.
    ///
    /// # Errors
    /// Returns an error if the source cannot be read.
    fn prepare(&mut self, _names: &[String]) -> Result<(), Error> {
        Ok(())
    }

    /// Writes a file to `target`; of one that is longer than `limit` bytes, a part that is longer as well. Returns false if the
    /// source does not have it.
    ///
    /// # Errors
    /// Returns an error if the source cannot be read, or `target` cannot be written.
    fn read(&mut self, name: &str, limit: u64, target: &Path) -> Result<bool, Error>;
}

/// A store: its names are made of the digests of the contents.
pub(crate) trait Store: Source {
    /// Returns whether the store has a file; if it is known, that with the contents of `copy`.
    ///
    /// # Errors
    /// Returns an error if the store cannot be read.
    fn has(&mut self, name: &str, copy: Option<&Path>) -> Result<bool, Error>;

    /// Adds files by their names. Those that the store has with other contents are replaced.
    ///
    /// # Errors
    /// Returns an error if the store cannot be written.
    fn add(&mut self, files: &[(String, PathBuf)]) -> Result<(), Error>;
}

/// Opens a store of the repository at a path.
pub(crate) type OpenStore<'a> = dyn FnMut(MediaStore, &Path) -> Result<Box<dyn Store + 'a>, Error> + 'a;

/// The store on a branch of a remote, read and written with Git.
pub(crate) struct GitStore(RemoteBranch);

impl GitStore {
    /// Opens the store on a branch of a remote of the repository at `root`.
    ///
    /// # Errors
    /// Returns an error if there is no such remote, or Git fails.
    pub(crate) fn open(root: &Path, remote: &str, branch: &str) -> Result<Self, Error> {
        Ok(Self(RemoteBranch::open(root, remote, branch, STORE_FOLDER)?))
    }
}

fn in_branch(name: &str) -> String {
    format!("{STORE_FOLDER}/{name}")
}

impl Source for GitStore {
    fn prepare(&mut self, names: &[String]) -> Result<(), Error> {
        let paths = names.iter().map(|name| in_branch(name)).collect::<Vec<_>>();
        Ok(self.0.fetch(&paths)?)
    }

    fn read(&mut self, name: &str, limit: u64, target: &Path) -> Result<bool, Error> {
        Ok(self.0.read(&in_branch(name), limit, target)?)
    }
}

impl Store for GitStore {
    fn has(&mut self, name: &str, copy: Option<&Path>) -> Result<bool, Error> {
        let path = in_branch(name);
        match copy {
            // What has the name and is not the file was damaged, or written by somebody else.
            Some(copy) => Ok(self.0.has(&path) && self.0.has_contents(&path, copy)?),
            None => Ok(self.0.has(&path)),
        }
    }

    fn add(&mut self, files: &[(String, PathBuf)]) -> Result<(), Error> {
        let files = files.iter().map(|(name, file)| (in_branch(name), file.clone())).collect::<Vec<_>>();
        Ok(self.0.add(&files, is_preview_branch)?)
    }
}

/// The files of another checkout of the repository, which are looked for at the same paths.
pub(super) struct Checkout<'a> {
    /// The root of the checkout.
    pub(super) root: &'a Path,
    /// Paths by name.
    pub(super) paths: HashMap<String, String>,
}

impl Source for Checkout<'_> {
    fn read(&mut self, name: &str, limit: u64, target: &Path) -> Result<bool, Error> {
        let Some(path) = self.paths.get(name) else { return Ok(false) };
        let reach = Reach::inside(self.root, "the repository");
        let Ok(file) = gate::open(&self.root.join(path), &reach) else { return Ok(false) };
        let unwritable = |error| OutputError::NotWritable(target.to_owned(), error);
        let mut copy = gate::create(target).map_err(unwritable)?;
        io::copy(&mut file.take(limit.saturating_add(1)), &mut copy).map_err(unwritable)?;
        Ok(true)
    }
}

/// Transfers the files of entries of one store.
pub(super) type TransferOne<'a> =
    dyn FnMut(MediaStore, &[&MediaEntry]) -> Result<Vec<TransferredMedia>, Error> + 'a;

/// Transfers the files of all entries of each store with `one_store`.
///
/// # Errors
/// Returns the first error of `one_store`.
pub(super) fn transfer(
    declared: &Declared,
    direction: Direction,
    one_store: &mut TransferOne<'_>,
) -> Result<MediaTransferOutcome, Error> {
    let mut media = Vec::new();
    for store in MediaStore::ALL.iter().copied().filter(|store| *store != MediaStore::Git) {
        let kept = declared.entries.iter().filter(|entry| entry.store == store).collect::<Vec<_>>();
        if !kept.is_empty() {
            media.extend(one_store(store, &kept)?);
        }
    }
    media.sort_by_key(|media| media.line);
    let count = |is: &dyn Fn(TransferState) -> bool| media.iter().filter(|media| is(media.status)).count();
    Ok(MediaTransferOutcome {
        lock: declared.lock_path.display().to_string(),
        present: count(&|state| state == TransferState::Present),
        transferred: count(&TransferState::is_transferred),
        not_transferred: count(&|state| state.is_problem(direction)),
        media,
    })
}

/// Returns the result of an entry whose file is where it belongs, with this size.
pub(super) fn done(entry: &MediaEntry, status: TransferState, bytes: u64) -> TransferredMedia {
    TransferredMedia {
        file: entry.file.clone(),
        line: entry.line,
        store: entry.store.as_str(),
        status,
        bytes,
        message: None,
        help: None,
    }
}

/// Returns the result of an entry whose file was not transferred.
pub(super) fn problem(
    entry: &MediaEntry,
    direction: Direction,
    status: TransferState,
    message: impl Into<String>,
) -> TransferredMedia {
    TransferredMedia { message: Some(message.into()), help: status.help(direction), ..done(entry, status, 0) }
}
