//! The dependency graph: the files that each composition uses.

use std::collections::{BTreeMap, BTreeSet};

use super::page::Pages;

/// The files of a project and their references, by repository path.
#[derive(Clone, Debug, Default)]
pub(super) struct Graph {
    /// The files that each file refers to, including missing ones.
    edges: BTreeMap<String, BTreeSet<String>>,
    /// The files that refer to each file.
    users: BTreeMap<String, BTreeSet<String>>,
    /// The files that pages load as scripts.
    loaded: BTreeSet<String>,
    compositions: Vec<String>,
    /// The path of `.hyperframesignore`; a change to it affects every composition.
    ignore_file: String,
}

impl Graph {
    pub(super) fn of(pages: &Pages<'_>) -> Self {
        let mut edges = BTreeMap::new();
        let mut users = BTreeMap::<String, BTreeSet<String>>::new();
        let mut loaded = BTreeSet::new();
        for page in pages.all() {
            let targets = page.references.iter().filter_map(|(_, destination)| destination.path());
            let targets = BTreeSet::from_iter(targets.map(str::to_owned));
            for target in &targets {
                users.entry(target.clone()).or_default().insert(page.path.clone());
            }
            edges.insert(page.path.clone(), targets);
            loaded.extend(page.scripts().filter_map(|(_, path)| path.map(str::to_owned)));
        }
        let compositions = pages.all().filter(|page| page.is_composition()).map(|page| page.path.clone());
        Self {
            edges,
            users,
            loaded,
            compositions: compositions.collect(),
            ignore_file: crate::project::join(pages.tree.project(), crate::project::IGNORE_FILE),
        }
    }

    /// Returns the files and everything that they refer to, directly or through files for which `followed` is true.
    fn reach<'a>(
        &'a self,
        from: impl Iterator<Item = &'a String>,
        followed: &dyn Fn(&str) -> bool,
    ) -> BTreeSet<&'a str> {
        let mut seen = BTreeSet::new();
        let mut queue = from.map(String::as_str).collect::<Vec<_>>();
        while let Some(path) = queue.pop() {
            if seen.insert(path) {
                let next = self.edges.get(path).into_iter().flat_map(BTreeSet::iter).map(String::as_str);
                queue.extend(next.filter(|path| followed(path)));
            }
        }
        seen
    }

    /// Returns the file and everything that it refers to, directly or through files for which `followed` is true.
    pub(super) fn closure(&self, path: &str, followed: &dyn Fn(&str) -> bool) -> BTreeSet<&str> {
        self.reach(self.edges.get_key_value(path).map(|(file, _)| file).into_iter(), followed)
    }

    /// Returns the files that refer to a file.
    pub(super) fn users(&self, path: &str) -> impl Iterator<Item = &str> {
        self.users.get(path).into_iter().flatten().map(String::as_str)
    }

    /// Returns whether a page loads the file as a script.
    pub(super) fn is_loaded(&self, path: &str) -> bool {
        self.loaded.contains(path)
    }

    /// Returns the files and everything that they refer to.
    pub(super) fn closures<'a>(&'a self, paths: &[String]) -> BTreeSet<&'a str> {
        let known = paths.iter().filter_map(|path| self.edges.get_key_value(path).map(|(file, _)| file));
        self.reach(known, &|_| true)
    }

    /// Returns every file that a composition uses.
    pub(super) fn used(&self) -> BTreeSet<&str> {
        self.reach(self.compositions.iter(), &|_| true)
    }

    /// Returns the files of all compositions that use a changed file.
    pub(super) fn affected(&self, changed: &BTreeSet<String>) -> BTreeSet<&str> {
        if changed.contains(&self.ignore_file) {
            return self.used();
        }
        // From the changed files back to everything that leads to them.
        let mut users = BTreeMap::<&str, Vec<&str>>::new();
        for (file, targets) in &self.edges {
            for target in targets {
                users.entry(target).or_default().push(file);
            }
        }
        let mut leading = BTreeSet::new();
        let mut queue = changed.iter().map(String::as_str).collect::<Vec<_>>();
        while let Some(path) = queue.pop() {
            if leading.insert(path) {
                queue.extend(users.get(path).into_iter().flatten());
            }
        }
        self.reach(self.compositions.iter().filter(|path| leading.contains(path.as_str())), &|_| true)
    }

    /// Returns the repository paths of the compositions.
    pub(super) fn compositions(&self) -> &[String] {
        &self.compositions
    }

    /// Returns the files that refer to others, and those that others refer to.
    pub(super) fn known(&self) -> BTreeSet<&str> {
        let targets = self.edges.values().flat_map(BTreeSet::iter);
        BTreeSet::from_iter(self.edges.keys().chain(targets).map(String::as_str))
    }
}
