//! Which files a composition is made of.

use std::collections::{BTreeMap, BTreeSet};

use super::page::Pages;
use crate::order::{map, set};

/// The files of a project and what they refer to, by repository path.
#[derive(Clone, Debug, Default)]
pub(super) struct Graph {
    /// From a file to those that it refers to, missing ones among them.
    edges: BTreeMap<String, BTreeSet<String>>,
    compositions: Vec<String>,
    /// The files that no composition can do without: what decides what is packed.
    ignore_file: String,
}

impl Graph {
    pub(super) fn of(pages: &Pages<'_>) -> Self {
        let edges = pages.all().map(|page| {
            let targets =
                page.references.iter().filter_map(|(_, destination)| destination.path().map(str::to_owned));
            (page.path.clone(), set(targets))
        });
        let compositions = pages.all().filter(|page| page.is_composition()).map(|page| page.path.clone());
        Self {
            edges: map(edges),
            compositions: compositions.collect(),
            ignore_file: crate::tree::join(pages.tree.project(), crate::project::IGNORE_FILE),
        }
    }

    /// The file itself and everything that it refers to, directly or not, by way of files that are `followed`.
    pub(super) fn closure(&self, path: &str, followed: &dyn Fn(&str) -> bool) -> BTreeSet<&str> {
        let mut seen = BTreeSet::new();
        let mut queue =
            self.edges.get_key_value(path).map(|(path, _)| path.as_str()).into_iter().collect::<Vec<_>>();
        while let Some(path) = queue.pop() {
            if seen.insert(path) {
                let next = self.edges.get(path).into_iter().flatten().map(String::as_str);
                queue.extend(next.filter(|path| followed(path)));
            }
        }
        seen
    }

    /// Every file that a composition is made of.
    pub(super) fn used(&self) -> BTreeSet<&str> {
        let mut seen = BTreeSet::new();
        let mut queue = self.compositions.iter().map(String::as_str).collect::<Vec<_>>();
        while let Some(path) = queue.pop() {
            if seen.insert(path) {
                queue.extend(self.edges.get(path).into_iter().flatten().map(String::as_str));
            }
        }
        seen
    }

    /// The files of all compositions that a changed file is a part of.
    pub(super) fn affected(&self, changed: &BTreeSet<String>) -> BTreeSet<String> {
        let all = changed.contains(&self.ignore_file);
        let mut affected = BTreeSet::new();
        for composition in &self.compositions {
            let closure = self.closure(composition, &|_| true);
            if all || closure.iter().any(|path| changed.contains(*path)) {
                affected.extend(closure.into_iter().map(str::to_owned));
            }
        }
        affected
    }

    /// How many compositions there are.
    pub(super) fn compositions(&self) -> usize {
        self.compositions.len()
    }

    /// How many compositions a changed file is a part of.
    pub(super) fn count_affected(&self, changed: &BTreeSet<String>) -> usize {
        let affected = self.affected(changed);
        self.compositions.iter().filter(|path| affected.contains(*path)).count()
    }

    /// Whether it is one of the files that refer to others, or that others refer to.
    pub(super) fn knows(&self, path: &str) -> bool {
        self.edges.contains_key(path) || self.edges.values().any(|targets| targets.contains(path))
    }
}
