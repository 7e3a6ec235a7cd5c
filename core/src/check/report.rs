//! The result of a check.

use std::collections::BTreeSet;

use super::graph::Graph;
use crate::composition::Composition;
use crate::findings::{Diagnostic, Findings};

/// The result of a check.
#[derive(Clone, Debug, Default)]
pub struct Report {
    /// The findings; paths are repository paths.
    pub findings: Findings,
    /// The entries that exist, by project path.
    pub entries: Vec<(String, Composition)>,
    /// The number of compositions in the project, including mounted ones.
    pub compositions: usize,
    /// The referenced files that do not exist, as repository paths. A caller that has loaded only a part of the
    /// repository can load them and check again.
    pub missing: BTreeSet<String>,
    pub(super) graph: Graph,
}

impl Report {
    /// Returns whether the composition at a repository path uses one of the `changed` files (repository paths,
    /// including deleted files).
    #[must_use]
    pub fn is_affected(&self, composition: &str, changed: &BTreeSet<String>) -> bool {
        self.graph.affected(changed).contains(composition)
    }

    /// Returns the files that compositions use, as repository paths, including missing files.
    #[must_use]
    pub fn used(&self) -> BTreeSet<&str> {
        self.graph.used()
    }

    /// Removes findings that are unrelated to the `changed` files (repository paths, including deleted files). A
    /// finding stays if its file belongs to a composition that also uses a changed file.
    pub fn limit_to(&mut self, changed: &BTreeSet<String>) {
        self.limit_to_or(changed, &|_| false);
    }

    /// Removes findings as [`Self::limit_to`] does, except those that `is_kept` returns true for.
    pub fn limit_to_or(&mut self, changed: &BTreeSet<String>, is_kept: &dyn Fn(&Diagnostic) -> bool) {
        let affected = self.graph.affected(changed);
        let known = self.graph.known();
        let compositions = self.graph.compositions();
        self.compositions = compositions.iter().filter(|path| affected.contains(path.as_str())).count();
        self.findings.diagnostics.retain(|found| {
            let path = found.path.as_str();
            // A finding without such a file, for example about the size of the archive, concerns every composition.
            let is_affected =
                if known.contains(path) { affected.contains(path) } else { !affected.is_empty() };
            is_affected || is_kept(found)
        });
    }
}
