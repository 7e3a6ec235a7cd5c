//! The index of a repository: the files that the next commit will have, read without the working tree.

mod blobs;
mod entries;
mod entry;
mod listing;
mod projects;
mod tree;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use hyperframes_ci_core::archive::hex;
use hyperframes_ci_core::media::Edges;
use hyperframes_ci_core::project::{Found, HEAD, TextKind};

use sha2::{Digest, Sha256};

use self::entries::{Entries, Target};
use self::entry::{Entry, Kind};
use super::changes::{self, Base, ChangesError};
use crate::system::gate::{self, Reach, limit};

pub(crate) use projects::StagedProject;
pub(crate) use tree::IndexTree;

/// Git LFS pointers are smaller than this, in bytes; source: the Git LFS specification.
const POINTER_SIZE: u64 = 1024;

/// The first line of a Git LFS pointer.
const POINTER: &[u8] = b"version https://git-lfs.github.com/spec/v1\n";

/// Larger blobs than this, in bytes, are not decompressed for their first bytes if the working tree has the file.
const LARGE: u64 = 1024 * 1024;

/// The index of a repository.
#[derive(Debug)]
pub(crate) struct Index {
    entries: Entries,
    /// Repository paths of files that differ from the base, including deleted ones.
    pub(crate) changed: BTreeSet<String>,
}

impl Index {
    /// Opens the index of the repository at `root`, compared with `base`.
    ///
    /// # Errors
    /// Returns [`ChangesError`] if Git cannot be started or fails, or if the index has unmerged files.
    pub(crate) fn open(root: &Path, base: &Base) -> Result<Self, ChangesError> {
        let root = root.canonicalize().unwrap_or_else(|_| root.to_owned());
        Ok(Self { entries: Entries::open(&root)?, changed: changes::staged(&root, base)? })
    }

    /// Reads files at these repository paths from the working tree if the index does not have them: they are not committed,
    /// but kept elsewhere.
    pub(crate) fn keep_elsewhere(&mut self, paths: impl IntoIterator<Item = String>) {
        self.entries.elsewhere = paths.into_iter().collect();
    }

    /// Returns the root of the repository, with links resolved.
    pub(crate) fn root(&self) -> &Path {
        &self.entries.root
    }

    /// Returns the text of the file at a repository path; `None` if the index does not have it or it is not UTF-8.
    ///
    /// # Errors
    /// Returns [`ChangesError`] if the blob cannot be read.
    pub(crate) fn text(&self, path: &str) -> Result<Option<String>, ChangesError> {
        let Found::File = self.find(path) else { return Ok(None) };
        Ok(String::from_utf8(self.read(path)?).ok())
    }

    /// Returns the text of a file of `HEAD`; `None` if it does not exist.
    pub(crate) fn text_in_head(&self, path: &str) -> Option<String> {
        let bytes = self.entries.blobs().read(&format!("HEAD:{path}"), limit::CONFIG).ok()??;
        String::from_utf8(bytes).ok()
    }

    /// Returns whether a changed file is a link or a submodule.
    pub(crate) fn has_changed_links(&self) -> bool {
        let is_link = |path: &String| self.entries.get(path).is_some_and(|entry| entry.kind != Kind::File);
        self.entries.has_links && self.changed.iter().any(is_link)
    }

    /// Returns the kind of entry at a repository path, with links resolved.
    pub(crate) fn find(&self, path: &str) -> Found {
        match self.entries.resolve(path) {
            Target::File(_) => Found::File,
            Target::Folder(_) => Found::Folder,
            Target::Nothing => Found::Nothing,
            Target::Outside => Found::OutOfReach,
            Target::Disk(path) => match self.reach().resolve(&path).and_then(std::fs::metadata) {
                Ok(found) if found.is_dir() => Found::Folder,
                Ok(found) if found.is_file() => Found::File,
                _ => Found::Nothing,
            },
        }
    }

    /// Returns the contents of the file at a repository path.
    ///
    /// # Errors
    /// Returns [`ChangesError`] if it is not a file, is larger than a page may be, or cannot be read.
    pub(crate) fn read(&self, path: &str) -> Result<Vec<u8>, ChangesError> {
        self.read_target(&self.entries.resolve(path), path)
    }

    /// Returns the SHA-256 of the file at a repository path, in hexadecimal: of a Git LFS pointer, that of the file that it
    /// stands for.
    ///
    /// # Errors
    /// Returns [`ChangesError`] as [`Index::read`] does.
    pub(crate) fn sha256(&self, path: &str) -> Result<String, ChangesError> {
        let bytes = self.read(path)?;
        Ok(digest_in_pointer(&bytes).unwrap_or_else(|| hex(&Sha256::digest(&bytes))))
    }

    /// Returns the first and last bytes of the media file at a repository path, and its size.
    ///
    /// # Errors
    /// Returns [`ChangesError`] if it is not a file or cannot be read.
    pub(crate) fn media_edges(&self, path: &str) -> Result<Edges, ChangesError> {
        self.edges_of(&self.entries.resolve(path), path)
    }

    fn edges_of(&self, target: &Target, path: &str) -> Result<Edges, ChangesError> {
        match target {
            Target::File(path) => self.edges(path),
            Target::Disk(file) => gate::edges(file, &self.reach()).map_err(|_| no_content(path)),
            _ => Err(no_content(path)),
        }
    }

    /// Returns the contents of a file, which the repository has at `path`.
    fn read_target(&self, target: &Target, path: &str) -> Result<Vec<u8>, ChangesError> {
        let bytes = match target {
            Target::File(path) => match self.entries.get(path) {
                Some(entry) => self.entries.blobs().read(&entry.blob, limit::PAGE)?,
                None => None,
            },
            Target::Disk(path) => gate::read(path, &self.reach(), limit::PAGE).ok(),
            _ => None,
        };
        bytes.ok_or_else(|| no_content(path))
    }

    /// Returns the size in bytes of the file at an entry: that of the file of the working tree if the entry is a Git LFS
    /// pointer that stands for it.
    fn size(&self, path: &str) -> Result<u64, ChangesError> {
        let (entry, size) = self.entry(path)?;
        let size_in_pointer =
            || self.entries.blobs().head(&entry.blob, HEAD).ok()?.as_deref().and_then(size_in_pointer);
        if size < POINTER_SIZE
            && !matches!(TextKind::of_path(path), Some(TextKind::Html | TextKind::Css))
            && let Some(size) = size_in_pointer()
            && self.in_working_tree(path, size).is_some()
        {
            return Ok(size);
        }
        Ok(size)
    }

    /// Returns the first bytes of the file at an entry, or of the file that its Git LFS pointer stands for.
    fn head(&self, path: &str) -> Result<Vec<u8>, ChangesError> {
        let (entry, size) = self.entry(path)?;
        let from_tree =
            |size: u64| gate::head(&self.in_working_tree(path, size)?, &self.reach(), HEAD as u64).ok();
        if size > LARGE
            && let Some(head) = from_tree(size)
        {
            return Ok(head);
        }
        let head = self.entries.blobs().head(&entry.blob, HEAD)?.ok_or_else(|| no_content(path))?;
        Ok(size_in_pointer(&head).and_then(from_tree).unwrap_or(head))
    }

    /// Returns the first and last bytes of the media file at an entry, and its size: from the working tree like
    /// [`Index::head`]. Of a large blob that differs from the file of the working tree, only the first bytes are known.
    fn edges(&self, path: &str) -> Result<Edges, ChangesError> {
        let (entry, size) = self.entry(path)?;
        let from_tree = |size: u64| gate::edges(&self.in_working_tree(path, size)?, &self.reach()).ok();
        if size > LARGE {
            let head = || Ok(Edges::known(size, &self.head(path)?, &[]));
            return from_tree(size).map_or_else(head, Ok);
        }
        let bytes = self.entries.blobs().read(&entry.blob, LARGE)?.ok_or_else(|| no_content(path))?;
        Ok(size_in_pointer(&bytes).and_then(from_tree).unwrap_or_else(|| Edges::of(&bytes)))
    }

    /// Returns an entry and the size of its blob.
    fn entry(&self, path: &str) -> Result<(&Entry, u64), ChangesError> {
        let entry = self.entries.get(path).ok_or_else(|| no_content(path))?;
        let size = self.entries.blobs().size(&entry.blob)?.ok_or_else(|| no_content(path))?;
        Ok((entry, size))
    }

    /// Returns the path of a file of the working tree, if it has this size.
    fn in_working_tree(&self, path: &str, size: u64) -> Option<PathBuf> {
        let file = self.entries.root.join(path);
        let found = std::fs::symlink_metadata(&file).ok()?;
        (found.is_file() && found.len() == size).then_some(file)
    }

    fn reach(&self) -> Reach {
        Reach::inside(&self.entries.root, "the repository")
    }
}

fn no_content(path: &str) -> ChangesError {
    ChangesError::Failed(format!("cannot read the staged content of {path}"))
}

/// Returns the SHA-256 that a Git LFS pointer names.
fn digest_in_pointer(bytes: &[u8]) -> Option<String> {
    let text = std::str::from_utf8(bytes.strip_prefix(POINTER)?).ok()?;
    let digest = text.lines().find_map(|line| line.strip_prefix("oid sha256:"))?;
    Some(digest.to_owned()).filter(|digest| digest.len() == 64)
}

/// Returns the size that a Git LFS pointer names.
fn size_in_pointer(head: &[u8]) -> Option<u64> {
    let text = std::str::from_utf8(head.strip_prefix(POINTER)?).ok()?;
    text.lines().find_map(|line| line.strip_prefix("size "))?.parse().ok()
}
