//! Fetches files that are kept in a store. What a store contains is not trusted: a file gets its name after its length and SHA-256
//! were found to be those of the lock file.

use std::collections::HashMap;
use std::io::{self, Read};
use std::path::Path;

use hyperframes_ci_core::generated::{LockedMedia, MediaStore, STORE_FOLDER, stored_name};
use hyperframes_ci_core::report::plain;

use super::declared::NoStoredName;
use super::{Declared, MediaSpec};
use crate::app::config::{MediaEntry, Settings};
use crate::app::outcome::{FetchState, FetchedMedia, MediaFetchOutcome};
use crate::fault::Error;
use crate::project::remote_branch::RemoteBranch;
use crate::system::digest::Hasher;
use crate::system::gate::{self, Reach};
use crate::system::output::{OutputError, OutputFile};

/// The branch with the store, unless another one is set.
pub(crate) const PREVIEW_BRANCH: &str = "hyperframes-previews";

/// Reads files of a store by name.
pub(crate) trait Store {
    /// Prepares to read files, all at once where that is faster.
    ///
    /// # Errors
    /// Returns an error if the store cannot be read.
    fn prepare(&mut self, names: &[String]) -> Result<(), Error>;

    /// Writes a file to `target`; of one that is longer than `limit` bytes, a part that is longer as well. Returns false if the
    /// store does not have it.
    ///
    /// # Errors
    /// Returns an error if the store cannot be read, or `target` cannot be written.
    fn read(&mut self, name: &str, limit: u64, target: &Path) -> Result<bool, Error>;
}

/// Opens the store of the repository at a path.
pub(super) type OpenStore<'a> = dyn FnMut(&Path) -> Result<Box<dyn Store + 'a>, Error> + 'a;

/// The store on a branch of a remote, read with Git.
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

impl Store for GitStore {
    fn prepare(&mut self, names: &[String]) -> Result<(), Error> {
        let paths = names.iter().map(|name| format!("{STORE_FOLDER}/{name}")).collect::<Vec<_>>();
        Ok(self.0.fetch(&paths)?)
    }

    fn read(&mut self, name: &str, limit: u64, target: &Path) -> Result<bool, Error> {
        Ok(self.0.read(&format!("{STORE_FOLDER}/{name}"), limit, target)?)
    }
}

/// The files of another checkout of the repository, which are looked for at the same paths.
struct Checkout<'a> {
    root: &'a Path,
    paths: HashMap<String, String>,
}

impl Store for Checkout<'_> {
    fn prepare(&mut self, _: &[String]) -> Result<(), Error> {
        Ok(())
    }

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

/// Copies the files that a checkout of another revision does not have from that at `root`, if they are the recorded ones. Returns
/// the files that are still missing.
///
/// # Errors
/// Returns an error if the lock file of the revision is invalid.
pub(crate) fn fetch_from(root: &Path, other: &Settings) -> Result<Vec<String>, Error> {
    if other.file.media.iter().all(|entry| entry.store == MediaStore::Git) {
        return Ok(Vec::new());
    }
    let declared = Declared::of(other.clone(), &[])?;
    let media = declared.lock.media.iter();
    let paths = media.filter_map(|(path, media)| Some((stored_name(&media.sha256, path)?, path.clone())));
    let paths = paths.collect::<HashMap<_, _>>();
    let outcome = run(&declared, false, &mut |_| Ok(Box::new(Checkout { root, paths: paths.clone() })))?;
    let missing = outcome.media.into_iter().filter(|media| media.status.is_problem());
    Ok(missing.map(|media| media.file).collect())
}

/// Fetches the recorded files of entries that do not exist. With `can_overwrite`, files with other contents are replaced.
///
/// # Errors
/// Returns an error if the configuration or the lock file is invalid, or the store cannot be read.
pub(crate) fn fetch(
    spec: &MediaSpec,
    can_overwrite: bool,
    open: &mut OpenStore<'_>,
) -> Result<MediaFetchOutcome, Error> {
    run(&Declared::read(spec)?, can_overwrite, open)
}

/// Fetches the recorded files of all entries of a configuration that do not exist; `None` if no entry has a store.
///
/// # Errors
/// Returns an error if the lock file is invalid, or the store cannot be read.
pub(crate) fn fetch_all(
    settings: &Settings,
    open: &mut OpenStore<'_>,
) -> Result<Option<MediaFetchOutcome>, Error> {
    match settings.file.media.iter().any(|entry| entry.store != MediaStore::Git) {
        true => run(&Declared::of(settings.clone(), &[])?, false, open).map(Some),
        false => Ok(None),
    }
}

/// An entry, and what the lock file says about its file.
struct Wanted<'a> {
    entry: &'a MediaEntry,
    media: &'a LockedMedia,
    name: String,
    /// Whether a file with other contents is replaced.
    is_replacement: bool,
}

fn run(
    declared: &Declared,
    can_overwrite: bool,
    open: &mut OpenStore<'_>,
) -> Result<MediaFetchOutcome, Error> {
    let entries = declared.entries.iter().filter(|entry| entry.store != MediaStore::Git);
    let judged = entries.map(|entry| judge(declared, entry, can_overwrite)).collect::<Vec<_>>();
    let names = judged.iter().filter_map(|one| Some(one.as_ref().ok()?.name.clone())).collect::<Vec<_>>();
    let mut store = None;
    if !names.is_empty() {
        let mut opened = open(&declared.settings.root)?;
        opened.prepare(&names)?;
        store = Some(opened);
    }
    let media = judged.into_iter().map(|judged| match (judged, &mut store) {
        (Ok(wanted), Some(store)) => one(declared, &wanted, store.as_mut()),
        (Ok(wanted), None) => Ok(result(wanted.entry, FetchState::NotStored)),
        (Err(result), _) => Ok(result),
    });
    let media = media.collect::<Result<Vec<_>, Error>>()?;
    let count = |is: &dyn Fn(FetchState) -> bool| media.iter().filter(|media| is(media.status)).count();
    Ok(MediaFetchOutcome {
        lock: declared.lock_path.display().to_string(),
        present: count(&|state| state == FetchState::Present),
        fetched: count(&FetchState::is_written),
        not_fetched: count(&FetchState::is_problem),
        media,
    })
}

fn result(entry: &MediaEntry, status: FetchState) -> FetchedMedia {
    FetchedMedia {
        file: entry.file.clone(),
        line: entry.line,
        store: entry.store.as_str(),
        status,
        bytes: 0,
        message: None,
        help: status.help(),
    }
}

fn problem(entry: &MediaEntry, status: FetchState, message: String) -> FetchedMedia {
    FetchedMedia { message: Some(message), ..result(entry, status) }
}

/// Returns what is to be fetched for an entry, or the result if that is nothing.
fn judge<'a>(
    declared: &'a Declared,
    entry: &'a MediaEntry,
    can_overwrite: bool,
) -> Result<Wanted<'a>, FetchedMedia> {
    let (media, name) = declared.stored(entry).map_err(|reason| {
        let status = match reason {
            NoStoredName::NotRecorded => FetchState::NotRecorded,
            NoStoredName::InvalidDigest => FetchState::NotStored,
        };
        problem(entry, status, reason.message().to_owned())
    })?;
    let wanted = |is_replacement| Wanted { entry, media, name, is_replacement };
    match declared.digest(&entry.file) {
        Ok(None) => Ok(wanted(false)),
        Ok(Some(found)) if found == media.sha256 => {
            Err(FetchedMedia { bytes: media.bytes, ..result(entry, FetchState::Present) })
        }
        Ok(Some(_)) if can_overwrite => Ok(wanted(true)),
        Ok(Some(_)) => {
            let message = "the file has changed since it was recorded".to_owned();
            Err(problem(entry, FetchState::Changed, message))
        }
        Err(error) => Err(problem(entry, FetchState::Unreadable, format!("cannot read the file: {error}"))),
    }
}

/// Fetches a file, and verifies it before it gets its name.
fn one(declared: &Declared, wanted: &Wanted<'_>, store: &mut dyn Store) -> Result<FetchedMedia, Error> {
    let Wanted { entry, media, name, is_replacement } = wanted;
    let path = declared.settings.root.join(&entry.file);
    let output = match OutputFile::prepare(Some(&path), &declared.reach) {
        Ok(output) => output,
        Err(error) => return Ok(problem(entry, FetchState::Unwritable, error.to_string())),
    };
    if !store.read(name, media.bytes, output.temporary_path())? {
        let message = format!("the store does not have {name}");
        return Ok(problem(entry, FetchState::NotStored, message));
    }
    let mut hasher = Hasher::default();
    let read = gate::open_made(output.temporary_path()).and_then(|mut file| hasher.read(&mut file));
    if let Err(error) = read {
        return Ok(problem(entry, FetchState::Unwritable, error.to_string()));
    }
    let (size, sha256) = (hasher.size(), hasher.finish().1);
    if size != media.bytes {
        let bytes = media.bytes;
        let message = format!("the file in the store is not {bytes} bytes long, as in the lock file");
        return Ok(problem(entry, FetchState::Damaged, message));
    }
    if sha256 != media.sha256 {
        let message = "the file in the store has another SHA-256 than in the lock file".to_owned();
        return Ok(problem(entry, FetchState::Damaged, message));
    }
    // Somebody may have made the file meanwhile.
    if !is_replacement && !matches!(declared.digest(&entry.file), Ok(None)) {
        let message = format!("{} was written meanwhile", plain(&entry.file));
        return Ok(problem(entry, FetchState::Changed, message));
    }
    if let Err(error) = output.keep("") {
        return Ok(problem(entry, FetchState::Unwritable, error.to_string()));
    }
    let status = if *is_replacement { FetchState::Replaced } else { FetchState::Fetched };
    Ok(FetchedMedia { bytes: size, ..result(entry, status) })
}
