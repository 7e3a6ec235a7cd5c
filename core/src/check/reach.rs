//! Errors in files that a render does not use are warnings.

use std::collections::BTreeSet;

use super::graph::Graph;
use super::page::Pages;
use crate::findings::{Diagnostic, Rule, Severity};
use crate::project::{Tree, join};

/// Makes errors warnings, with the reason, if no entry uses their file. `entries` are repository paths. Without an entry,
/// or with a file that is no part of the project, such as one with values, nothing changes.
pub(super) fn lower(
    found: &mut [Diagnostic],
    tree: &dyn Tree,
    pages: &Pages<'_>,
    graph: &Graph,
    entries: &[String],
) {
    if entries.is_empty() {
        return;
    }
    let used = entries.iter().flat_map(|entry| graph.closure(entry, &|_| true)).collect::<BTreeSet<_>>();
    let files = tree.files().iter().map(|file| join(tree.project(), &file.path));
    let mut known = files.collect::<BTreeSet<_>>();
    known.extend(pages.all().map(|page| page.path.clone()));
    known.extend(tree.diagnostics().iter().map(|found| found.path.clone()));
    for finding in found.iter_mut().filter(|finding| finding.severity == Severity::Error) {
        let is_required = matches!(finding.rule, Rule::CompositionMissing | Rule::CompositionIgnored);
        let path = finding.path.as_str();
        if !is_required && known.contains(path) && !used.contains(path) {
            finding.severity = Severity::Warning;
            finding.message = format!("{}; the rendered composition does not use this file", finding.message);
        }
    }
}
