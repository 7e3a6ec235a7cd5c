//! The result of a check.

use std::collections::BTreeSet;

use super::graph::Graph;
use crate::composition::Composition;
use crate::findings::Findings;

/// The result of a check.
#[derive(Clone, Debug, Default)]
pub struct Report {
    /// The findings; paths are repository paths.
    pub findings: Findings,
    /// The entries that were found, by project path.
    pub entries: Vec<(String, Composition)>,
    /// The number of compositions in the project, mounted ones included.
    pub compositions: usize,
    /// The files that references lead to and that are not there, as repository paths. Whoever knows only a part of the
    /// repository looks them up and checks again.
    pub missing: BTreeSet<String>,
    pub(super) graph: Graph,
}

impl Report {
    /// Returns whether one of the `changed` files (repository paths, deleted ones included) is a part of the composition
    /// at a repository path.
    #[must_use]
    pub fn is_affected(&self, composition: &str, changed: &BTreeSet<String>) -> bool {
        self.graph.affected(changed).contains(composition)
    }

    /// Returns the files that compositions are made of, as repository paths; missing ones are among them.
    #[must_use]
    pub fn used(&self) -> BTreeSet<&str> {
        self.graph.used()
    }

    /// Takes away what has nothing to do with the `changed` files (repository paths, deleted ones among them): findings
    /// stay where they are about a file that a composition is made of which is made of a changed file as well.
    pub fn limit_to(&mut self, changed: &BTreeSet<String>) {
        let affected = self.graph.affected(changed);
        let known = self.graph.known();
        let compositions = self.graph.compositions();
        self.compositions = compositions.iter().filter(|path| affected.contains(path.as_str())).count();
        self.findings.diagnostics.retain(|found| {
            let path = found.path.as_str();
            // What is about no file of a composition, such as the size of the archive, matters to each.
            if known.contains(path) { affected.contains(path) } else { !affected.is_empty() }
        });
    }
}
