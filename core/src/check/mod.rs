//! The checks: everything that would fail or silently render wrong, found before anything is uploaded.
//!
//! A project comes in as a [`Tree`], findings go out as a [`Report`]. All of them are collected; each knows its file
//! and, where there is one, its place.

mod bindings;
mod composition;
mod files;
mod graph;
mod page;
mod references;
mod values;

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value};

use crate::composition::Composition;
use crate::findings::Findings;
use crate::options::AspectRatio;
use crate::project::{DEFAULT_COMPOSITION, Tree, resolve};
use graph::Graph;
use page::{Page, Pages};

/// How many findings of one rule are told of one file.
const MOST: usize = 1000;

/// What is to be checked.
#[derive(Clone, Debug, Default)]
pub struct CheckOptions {
    /// The entries, as project paths; `index.html` where there are none.
    pub compositions: Vec<String>,
    /// Values for the variables of the entries.
    pub values: Vec<Values>,
    /// The shape that the user asked for.
    pub aspect_ratio: Option<AspectRatio>,
}

/// Values for a composition's variables.
#[derive(Clone, Debug)]
pub enum Values {
    /// One set, without a place: findings name the composition.
    Inline(Map<String, Value>),
    /// One set in a text.
    Object {
        /// What findings call it.
        path: String,
        /// JSON.
        text: String,
    },
    /// Many sets in a text: a JSON array, `{"rows": […]}`, or one object a line; CSV with a header where the path ends in
    /// `.csv`.
    Rows {
        /// What findings call it.
        path: String,
        /// The rows.
        text: String,
    },
}

/// What the checks found.
#[derive(Clone, Debug, Default)]
pub struct Report {
    /// The findings; paths are repository paths.
    pub findings: Findings,
    /// The entries that were found, by project path.
    pub entries: Vec<(String, Composition)>,
    /// How many compositions the project has, those that others mount among them.
    pub compositions: usize,
    /// The files that references lead to and that are not there, as repository paths. Whoever knows only a part of the
    /// repository looks them up and checks again.
    pub missing: BTreeSet<String>,
    graph: Graph,
}

impl Report {
    /// Whether the composition at a repository path is made of one of the `changed` files (repository paths, deleted ones
    /// among them).
    #[must_use]
    pub fn is_affected(&self, composition: &str, changed: &BTreeSet<String>) -> bool {
        self.graph.affected(changed).contains(composition)
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

/// Checks a project.
#[must_use]
pub fn check(tree: &dyn Tree, options: &CheckOptions) -> Report {
    let pages = Pages::read(tree);
    let graph = Graph::of(&pages);
    let mut report = Report { compositions: graph.compositions().len(), ..Report::default() };
    let mut found = pages.diagnostics.clone();
    found.extend_from_slice(tree.diagnostics());
    let mut entries = BTreeSet::new();
    let default = DEFAULT_COMPOSITION.to_owned();
    let mut chosen = options.compositions.iter().map(|path| normalise(path)).collect::<Vec<_>>();
    if chosen.is_empty() {
        chosen.push(default.clone());
    }
    for path in std::iter::once(default).chain(chosen.iter().cloned()) {
        if !entries.insert(path.clone()) {
            continue;
        }
        match pages.inside(&path) {
            None => found.push(composition::missing(tree, &path)),
            // index.html must be there, and is checked as an entry where it is one.
            Some(page) if chosen.contains(&path) => {
                found.extend(composition::entry(page, options.aspect_ratio));
                found.extend(values::entry(page, &options.values));
                report.entries.push((path, page.composition.clone()));
            }
            Some(_) => {}
        }
    }
    found.extend(pages.all().flat_map(|page| page.composition.diagnostics.iter().cloned()));
    found.extend(values::mounted(&pages));
    found.extend(composition::mounts(&pages));
    found.extend(references::check(&pages, &graph));
    found.extend(bindings::check(&pages, &graph));
    found.extend(files::check(tree));
    let named = BTreeSet::from_iter(found.iter().map(|found| found.path.as_str()));
    let values = options.values.iter().filter_map(|values| match values {
        Values::Inline(_) => None,
        Values::Object { path, text } | Values::Rows { path, text } => Some((path.as_str(), text.as_str())),
    });
    let texts = pages.all().map(|page| (page.path.as_str(), page.source.as_str())).chain(values);
    let sources =
        texts.filter(|(path, _)| named.contains(path)).map(|(path, text)| (path.to_owned(), text.to_owned()));
    let sources = BTreeMap::from_iter(sources);
    report.findings = Findings { diagnostics: found, sources };
    report.findings.sort();
    report.findings.limit(MOST);
    report.missing = BTreeSet::from_iter(pages.all().flat_map(Page::missing).map(str::to_owned));
    report.graph = graph;
    report
}

/// A project path as archives have it: `./a\b.html` is `a/b.html`. What would leave the project stays as it is, and is
/// found nowhere.
fn normalise(path: &str) -> String {
    let path = path.replace('\\', "/");
    resolve("", &path).filter(|_| !path.starts_with('/')).unwrap_or(path)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::project::{Contents, MemoryTree};
    use proptest::prelude::*;

    fn found(files: &[(&str, String)]) -> Report {
        let contents =
            files.iter().map(|(path, text)| ((*path).to_owned(), Contents::Whole(text.clone().into_bytes())));
        check(&MemoryTree::new(contents.collect(), ""), &CheckOptions::default())
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(1024))]

        /// Whatever is in a project, its findings have places in its files.
        #[test]
        fn any_project_is_checked(
            page in "(<|>|=|'|\"|&quot;|\\{|\\}|\\[|\\]|:|,| |\n|html|div|img|style|script|/|src|href|a|\\.png|url\\(|var\\(--a|getVariables\\(\\)|data-composition-(id|variables|src)|data-var-(text|src)|data-variable-values|data-width|1|é|\\PC){0,60}",
            style in "(a|\\{|\\}|:|;|url\\(|\\)|var\\(|--x|\"|'|\\\\|/\\*|\\*/|@import|é){0,30}",
            script in "(a|\\{|\\}|\\(|\\)|\\.|;|=|const |getVariables|\"|'|`|\\$\\{|/|\\*|\\\\|\n|é){0,30}",
        ) {
            let page = format!("{page}<link href=a.css><script src=a.js></script>");
            let files = [("index.html", page), ("a.css", style), ("a.js", script)];
            let report = found(&files);
            for found in &report.findings.diagnostics {
                let source = files.iter().find(|(path, _)| *path == found.path).map(|(_, text)| text);
                if let (Some(span), Some(source)) = (found.span, source) {
                    prop_assert!(span.start <= span.end && span.end <= source.len(), "{:?}", found);
                    prop_assert!(source.is_char_boundary(span.start) && source.is_char_boundary(span.end), "{:?}", found);
                }
            }
            for format in ["human", "json", "github", "sarif"] {
                let _ = crate::report::render(&report.findings, format.parse().expect("a format"), true);
            }
        }
    }
}
