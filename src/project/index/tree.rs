//! A project in the index, as a [`Tree`] for the checks.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};

use hyperframes_ci_core::check::{CheckOptions, Report, check};
use hyperframes_ci_core::findings::{Diagnostic, Rule};
use hyperframes_ci_core::media::Edges;
use hyperframes_ci_core::project::{
    Found, HEAD, IGNORE_FILE, IgnoreRules, Listing, ProjectFile, Tree, below, credential, join,
    unportable_name, untracked_remedy,
};

use super::Index;
use super::entries::Target;
use super::entry::Kind;
use crate::project::changes::ChangesError;
use crate::system::gate;

/// A project of the index.
#[derive(Debug)]
pub(crate) struct IndexTree<'a> {
    index: &'a Index,
    listing: Listing,
    /// Paths of the entries of the listed files, in the same order.
    sources: Vec<Target>,
    /// The first bytes of files, which the checks ask for again for each reference.
    heads: RefCell<BTreeMap<String, Vec<u8>>>,
    /// The first file that could not be read.
    unreadable: RefCell<Option<ChangesError>>,
}

impl<'a> IndexTree<'a> {
    /// Lists the files of the project at a repository path.
    ///
    /// # Errors
    /// Returns [`ChangesError`] if a file cannot be read.
    pub(crate) fn open(index: &'a Index, project: &str) -> Result<Self, ChangesError> {
        let rules = IgnoreRules::new(index.text(&join(project, IGNORE_FILE))?.as_deref());
        let mut walk = Walk { index, project, rules: &rules, files: Vec::new(), diagnostics: Vec::new() };
        walk.folder(project, "", &mut vec![project.to_owned()])?;
        let Walk { mut files, diagnostics, .. } = walk;
        files.sort_by(|(one, _), (other, _)| one.path.cmp(&other.path));
        let (files, sources) = files.into_iter().unzip();
        let listing = Listing { project: project.to_owned(), files, rules, diagnostics };
        Ok(Self { index, listing, sources, heads: RefCell::default(), unreadable: RefCell::new(None) })
    }

    /// Checks the project.
    ///
    /// # Errors
    /// Returns [`ChangesError`] if a file cannot be read.
    pub(crate) fn check(&self, options: &CheckOptions) -> Result<Report, ChangesError> {
        let report = check(self, options);
        self.unreadable.take().map_or(Ok(report), Err)
    }

    /// Returns the changed files, and the paths that lead to one through links and submodules.
    pub(crate) fn changed(&self, report: &Report) -> BTreeSet<String> {
        let mut changed = self.index.changed.clone();
        if self.index.entries.has_links {
            let used = report.used().into_iter();
            let used = used.filter(|path| {
                self.index.entries.way(path).iter().any(|step| self.index.changed.contains(step))
            });
            changed.extend(used.map(str::to_owned));
        }
        changed
    }

    /// Returns where a file is.
    fn source(&self, path: &str) -> Target {
        let place = below(self.project(), path)
            .and_then(|path| self.files().binary_search_by(|file| file.path.as_str().cmp(path)).ok());
        place.map_or_else(|| self.index.entries.resolve(path), |place| self.sources[place].clone())
    }

    fn record<T>(&self, result: Result<T, ChangesError>) -> Option<T> {
        result
            .map_err(|error| {
                self.unreadable.borrow_mut().get_or_insert(error);
            })
            .ok()
    }
}

impl Tree for IndexTree<'_> {
    fn listing(&self) -> &Listing {
        &self.listing
    }

    fn find(&self, path: &str) -> Found {
        self.index.find(path)
    }

    fn names(&self, folder: &str) -> Vec<String> {
        let Target::Folder(folder) = self.index.entries.resolve(folder) else { return Vec::new() };
        let first = |rest: &str| rest.split('/').next().unwrap_or(rest).to_owned();
        let names = self.index.entries.below(&folder).map(|(_, rest, _)| first(rest));
        BTreeSet::from_iter(names).into_iter().collect()
    }

    fn read(&self, path: &str) -> Option<Vec<u8>> {
        self.record(self.index.read_target(&self.source(path), path))
    }

    fn head(&self, path: &str) -> Option<Vec<u8>> {
        if let Some(head) = self.heads.borrow().get(path) {
            return Some(head.clone());
        }
        let head = self.record(match self.source(path) {
            Target::File(path) => self.index.head(&path),
            Target::Disk(file) => {
                gate::head(&file, &self.index.reach(), HEAD as u64).map_err(|_| super::no_content(path))
            }
            _ => Err(super::no_content(path)),
        })?;
        self.heads.borrow_mut().insert(path.to_owned(), head.clone());
        Some(head)
    }

    fn edges(&self, path: &str) -> Option<Edges> {
        self.record(self.index.edges_of(&self.source(path), path))
    }

    fn remedy(&self, path: &str) -> Option<String> {
        let is_file =
            std::fs::symlink_metadata(self.index.root().join(path)).is_ok_and(|found| !found.is_dir());
        is_file.then(|| untracked_remedy(path))
    }
}

/// A walk through the entries of a project.
struct Walk<'a> {
    index: &'a Index,
    project: &'a str,
    rules: &'a IgnoreRules,
    files: Vec<(ProjectFile, Target)>,
    diagnostics: Vec<Diagnostic>,
}

impl Walk<'_> {
    /// Walks the folder at a repository path, whose path in the archive is `prefix`, with a `/` at the end. `ancestors` are
    /// the folders above, to detect cycles of links.
    fn folder(
        &mut self,
        folder: &str,
        prefix: &str,
        ancestors: &mut Vec<String>,
    ) -> Result<(), ChangesError> {
        let index = self.index;
        let mut last_cycle = String::new();
        for (entry_path, rest, entry) in index.entries.below(folder) {
            let path = format!("{prefix}{rest}");
            if self.rules.exclusion_of_file(&path).is_some() {
                continue;
            }
            // Below a link, a folder may be one of those above.
            if ancestors.len() > 1
                && let Some(above) =
                    folders(folder, entry_path).find(|above| ancestors.iter().any(|one| one == above))
            {
                let place = format!("{prefix}{}", below(folder, above).unwrap_or(above));
                if place != last_cycle {
                    self.cycle(&place);
                    last_cycle = place;
                }
                continue;
            }
            match entry.kind {
                _ if !entry.is_unicode => {
                    self.report(Rule::UnportableName, &path, "the name is not valid Unicode", "rename it");
                }
                Kind::File => self.file(path, entry_path)?,
                Kind::Submodule => self.disk(&index.root().join(entry_path), &path),
                Kind::Link => match index.entries.resolve(entry_path) {
                    Target::File(target) => self.file(path, &target)?,
                    Target::Folder(target)
                        if ancestors.contains(&target)
                            || folders(folder, entry_path).any(|above| above == target) =>
                    {
                        self.cycle(&path);
                    }
                    Target::Folder(target) if self.rules.exclusion(&path, true).is_none() => {
                        let depth = ancestors.len();
                        ancestors.extend(folders(folder, entry_path).map(str::to_owned));
                        ancestors.push(target.clone());
                        self.folder(&target, &format!("{path}/"), ancestors)?;
                        ancestors.truncate(depth);
                    }
                    Target::Folder(_) => {}
                    Target::Disk(target) => self.disk(&target, &path),
                    Target::Nothing => {
                        let message = "the target of the symbolic link does not exist";
                        let help =
                            "restore its target, remove the link, or ignore it with .hyperframesignore";
                        self.report(Rule::DanglingLink, &path, message, help);
                    }
                    Target::Outside => {
                        let message = "the symbolic link points outside the repository";
                        let help = "copy the file into the project; only files inside the repository without dotted \
                                    names are packed";
                        self.report(Rule::EscapingLink, &path, message, help);
                    }
                },
            }
        }
        Ok(())
    }

    /// Adds the file at an entry.
    fn file(&mut self, path: String, entry: &str) -> Result<(), ChangesError> {
        match unportable_name(&path).or_else(|| credential(&path, || self.index.head(entry).ok())) {
            Some(found) => self.diagnostics.push(Diagnostic { path: join(self.project, &path), ..found }),
            None => {
                let size = self.index.size(entry)?;
                self.files.push((ProjectFile { path, size }, Target::File(entry.to_owned())));
            }
        }
        Ok(())
    }

    /// Adds the files at a path of a submodule on disk. Links in it are left out.
    fn disk(&mut self, source: &std::path::Path, path: &str) {
        let Ok(found) = std::fs::symlink_metadata(source) else { return };
        if self.rules.exclusion_of_file(path).is_some()
            || self.rules.exclusion(path, found.is_dir()).is_some()
        {
            return;
        }
        if found.is_file() {
            self.files.push((
                ProjectFile { path: path.to_owned(), size: found.len() },
                Target::Disk(source.to_owned()),
            ));
        } else if found.is_dir() {
            for entry in std::fs::read_dir(source).into_iter().flatten().flatten() {
                if let Some(name) = entry.file_name().to_str() {
                    self.disk(&entry.path(), &format!("{path}/{name}"));
                }
            }
        }
    }

    /// Records that a path leads to a folder above it.
    fn cycle(&mut self, path: &str) {
        let message = "the symbolic link points to one of its parent directories";
        self.report(Rule::LinkCycle, path, message, "remove the link, or ignore it with .hyperframesignore");
    }

    /// Records a finding about a path of the project.
    fn report(&mut self, rule: Rule, path: &str, message: &str, help: &str) {
        let path = join(self.project, path);
        self.diagnostics.push(Diagnostic::new(rule, path, message).help(help));
    }
}

/// Returns the folders between a folder and a path below it, from the top down.
fn folders<'a>(folder: &str, path: &'a str) -> impl Iterator<Item = &'a str> {
    let start = if folder.is_empty() { 0 } else { folder.len() + 1 };
    path.match_indices('/')
        .map(|(slash, _)| slash)
        .filter(move |slash| *slash > start)
        .map(|slash| &path[..slash])
}
