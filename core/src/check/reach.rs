//! Findings about files that the entries do not use.

use std::collections::BTreeSet;

use super::graph::Graph;
use super::page::Pages;
use crate::findings::{Diagnostic, Rule, Severity};
use crate::project::join;

/// The files that the entries use, and those of the project. Files such as those with values are neither.
pub(super) struct Reach<'a> {
    used: BTreeSet<&'a str>,
    known: BTreeSet<String>,
}

impl<'a> Reach<'a> {
    /// `entries` are repository paths.
    pub(super) fn new(pages: &Pages<'_>, graph: &'a Graph, entries: &[String]) -> Self {
        let tree = pages.tree;
        let used = graph.closures(entries);
        let files = tree.files().iter().map(|file| join(tree.project(), &file.path));
        let mut known = files.collect::<BTreeSet<_>>();
        known.extend(pages.all().map(|page| page.path.clone()));
        known.extend(tree.diagnostics().iter().map(|found| found.path.clone()));
        Self { used, known }
    }

    /// Returns whether a finding is about a file that no entry uses. An entry that does not exist is not such a file, and
    /// what leads out of the repository is refused everywhere.
    fn is_outside(&self, found: &Diagnostic) -> bool {
        let path = found.path.as_str();
        let is_required = matches!(
            found.rule,
            Rule::CompositionMissing
                | Rule::CompositionIgnored
                | Rule::EscapingLink
                | Rule::EscapingReference
                | Rule::CompositionsNotDirectory
        );
        !is_required && self.known.contains(path) && !self.used.contains(path)
    }

    /// Makes errors about other files warnings, with the reason.
    pub(super) fn lower(&self, found: &mut [Diagnostic]) {
        let errors = found.iter_mut().filter(|finding| finding.severity == Severity::Error);
        for finding in errors.filter(|finding| self.is_outside(finding)) {
            finding.severity = Severity::Warning;
            finding.message = format!("{}; the rendered composition does not use this file", finding.message);
        }
    }

    /// Removes findings about other files.
    pub(super) fn limit(&self, found: &mut Vec<Diagnostic>) {
        found.retain(|finding| !self.is_outside(finding));
    }

    /// Returns the number of compositions that the entries use.
    pub(super) fn compositions(&self, graph: &Graph) -> usize {
        graph.compositions().iter().filter(|path| self.used.contains(path.as_str())).count()
    }
}
