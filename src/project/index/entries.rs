//! The entries of the index, with symbolic links and submodules resolved.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use hyperframes_ci_core::project::{join, parent, resolve};

use super::blobs::Blobs;
use super::entry::{Entry, Kind};
use super::listing;
use crate::project::changes::ChangesError;

/// Most links on the way to a file, as on Linux.
const MOST_LINKS: usize = 40;

/// Where a path leads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Target {
    /// The file of this entry.
    File(String),
    /// A directory of the repository.
    Folder(String),
    /// A path on disk in a submodule, whose files are not part of the index.
    Disk(PathBuf),
    /// Neither.
    Nothing,
    /// A link that leads outside of the repository, or to a hidden file.
    Outside,
}

/// The entries of the index.
#[derive(Debug)]
pub(super) struct Entries {
    /// The root of the repository, with links resolved.
    pub(super) root: PathBuf,
    all: BTreeMap<String, Entry>,
    blobs: Mutex<Blobs>,
    /// Whether an entry is a link or a submodule.
    pub(super) has_links: bool,
    /// Repository paths that a commit leaves out on purpose, and that are read from the working tree.
    pub(super) elsewhere: BTreeSet<String>,
}

impl Entries {
    /// Lists the entries of the repository at `root`.
    ///
    /// # Errors
    /// Returns [`ChangesError`] if Git cannot be started or fails, or if the index has unmerged files.
    pub(super) fn open(root: &Path) -> Result<Self, ChangesError> {
        let all = listing::read(root)?;
        let has_links = all.values().any(|entry| entry.kind != Kind::File);
        Ok(Self {
            root: root.to_owned(),
            all,
            blobs: Mutex::new(Blobs::open(root)?),
            has_links,
            elsewhere: BTreeSet::new(),
        })
    }

    /// Returns the entry at a repository path.
    pub(super) fn get(&self, path: &str) -> Option<&Entry> {
        self.all.get(path)
    }

    /// Returns all entries, by repository path.
    pub(super) fn iter(&self) -> impl Iterator<Item = (&str, &Entry)> {
        self.all.iter().map(|(path, entry)| (path.as_str(), entry))
    }

    /// Returns the contents of blobs.
    pub(super) fn blobs(&self) -> MutexGuard<'_, Blobs> {
        self.blobs.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns the entries below a folder, with their paths in it.
    pub(super) fn below<'a>(&'a self, folder: &str) -> impl Iterator<Item = (&'a str, &'a str, &'a Entry)> {
        let inside = if folder.is_empty() { String::new() } else { format!("{folder}/") };
        let length = inside.len();
        let entries = self.all.range(inside.clone()..);
        entries
            .take_while(move |(path, _)| path.starts_with(&inside))
            .map(move |(path, entry)| (path.as_str(), &path[length..], entry))
    }

    /// Resolves the links of a repository path.
    pub(super) fn resolve(&self, path: &str) -> Target {
        match self.resolve_entry(path) {
            Target::Nothing if self.elsewhere.contains(path) => Target::Disk(self.root.join(path)),
            target => target,
        }
    }

    fn resolve_entry(&self, path: &str) -> Target {
        if !self.has_links {
            return match self.all.get(path) {
                Some(_) => Target::File(path.to_owned()),
                None if self.is_folder(path) => Target::Folder(path.to_owned()),
                None => Target::Nothing,
            };
        }
        self.follow(path, &mut Vec::new())
    }

    /// Returns the entries on the way to a path: links, submodules, and the file itself.
    pub(super) fn way(&self, path: &str) -> Vec<String> {
        if !self.has_links {
            return vec![path.to_owned()];
        }
        let mut way = vec![path.to_owned()];
        if let Target::File(path) = self.follow(path, &mut way) {
            way.push(path);
        }
        way
    }

    fn follow(&self, path: &str, way: &mut Vec<String>) -> Target {
        let mut rest =
            path.split('/').filter(|name| !name.is_empty()).map(str::to_owned).collect::<VecDeque<_>>();
        let (mut current, mut links) = (String::new(), 0);
        while let Some(name) = rest.pop_front() {
            let next = join(&current, &name);
            match self.all.get(&next).map(|entry| entry.kind) {
                Some(Kind::File) if rest.is_empty() => current = next,
                Some(Kind::File) => return Target::Nothing,
                Some(Kind::Submodule) => {
                    way.push(next.clone());
                    let rest = Vec::from(rest).join("/");
                    return Target::Disk(self.root.join(next).join(rest));
                }
                Some(Kind::Link) => {
                    links += 1;
                    let Some(target) = self.target(&next).filter(|_| links <= MOST_LINKS) else {
                        return Target::Nothing;
                    };
                    let inside = if target.starts_with('/') { None } else { resolve(parent(&next), &target) };
                    let Some(target) = inside else { return Target::Outside };
                    way.push(next);
                    let names = target.split('/').filter(|name| !name.is_empty()).map(str::to_owned);
                    rest = names.chain(rest).collect();
                    current.clear();
                }
                None if self.is_folder(&next) => current = next,
                None => {
                    // The file may have been deleted or renamed.
                    let names = std::iter::once(next).chain(rest);
                    way.push(names.collect::<Vec<_>>().join("/"));
                    return Target::Nothing;
                }
            }
        }
        if links > 0 && current.split('/').any(|name| name.starts_with('.')) {
            Target::Outside
        } else if self.all.contains_key(&current) {
            Target::File(current)
        } else {
            Target::Folder(current)
        }
    }

    /// Returns the target of the link at an entry.
    fn target(&self, link: &str) -> Option<String> {
        let entry = self.all.get(link)?;
        let target = self.blobs().read(&entry.blob, 4096).ok()??;
        String::from_utf8(target).ok().map(|target| target.replace('\\', "/"))
    }

    fn is_folder(&self, path: &str) -> bool {
        path.is_empty() || self.below(path).next().is_some()
    }
}
