//! Finds the projects of the index.

use std::collections::{BTreeMap, BTreeSet};

use hyperframes_ci_core::project::{DEFAULT_COMPOSITION, IgnoreRules, TextKind, parent};

use super::Index;
use super::entry::Kind;
use crate::project::changes::ChangesError;
use crate::project::discover::is_root;

/// A project of the index.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct StagedProject {
    /// The repository path.
    pub(crate) path: String,
    /// Project paths of compositions that are checked as entries.
    pub(crate) files: BTreeSet<String>,
    /// The directory is not a project, but contains compositions.
    pub(crate) is_partial: bool,
}

impl Index {
    /// Returns the projects, and the directories with compositions outside of projects. Directories that are never packed
    /// are skipped.
    ///
    /// # Errors
    /// Returns [`ChangesError`] if a page cannot be read.
    pub(crate) fn projects(&self) -> Result<Vec<StagedProject>, ChangesError> {
        let rules = IgnoreRules::new(None);
        let is_searched = |path: &str| path.split('/').all(|name| rules.exclusion_of_file(name).is_none());
        let pages = self.entries.iter().filter(|(path, entry)| {
            entry.kind == Kind::File && TextKind::of_path(path) == Some(TextKind::Html) && is_searched(path)
        });
        let pages = pages.map(|(path, _)| path).collect::<Vec<_>>();
        let mut roots = BTreeSet::new();
        for path in &pages {
            if path.rsplit('/').next() == Some(DEFAULT_COMPOSITION) && self.has_root(path)? {
                roots.insert(parent(path));
            }
        }
        // A project does not contain other projects.
        let is_nested = |path: &str| ancestors(path).any(|above| roots.contains(above));
        let projects = roots.iter().filter(|path| !is_nested(path)).map(|path| StagedProject {
            path: (*path).to_owned(),
            files: BTreeSet::new(),
            is_partial: false,
        });
        let mut blocks = BTreeMap::<&str, BTreeSet<String>>::new();
        for path in &pages {
            let folder = parent(path);
            if !roots.contains(folder) && !is_nested(folder) && self.has_root(path)? {
                let name = path.rsplit('/').next().unwrap_or(path);
                blocks.entry(folder).or_default().insert(name.to_owned());
            }
        }
        let blocks = blocks.into_iter().map(|(path, files)| StagedProject {
            path: path.to_owned(),
            files,
            is_partial: true,
        });
        Ok(projects.chain(blocks).collect())
    }

    /// Returns whether an entry is a page with the root of a composition. A blob that a partial clone does not have is
    /// none: what a commit changes is there.
    fn has_root(&self, path: &str) -> Result<bool, ChangesError> {
        let Some(entry) = self.entries.get(path) else { return Ok(false) };
        let bytes = self.entries.blobs().read(&entry.blob, crate::system::gate::limit::PAGE)?;
        Ok(bytes.is_some_and(|bytes| is_root(&String::from_utf8_lossy(&bytes))))
    }
}

/// Returns the directories above a repository path, with the root.
fn ancestors(path: &str) -> impl Iterator<Item = &str> {
    std::iter::successors((!path.is_empty()).then(|| parent(path)), |path| {
        (!path.is_empty()).then(|| parent(path))
    })
}
