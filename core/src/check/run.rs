//! Runs all checks of a project.

use std::collections::{BTreeMap, BTreeSet};

use super::fonts::Fonts;
use super::graph::Graph;
use super::options::{CheckOptions, MAX_FINDINGS, Values};
use super::page::{Page, Pages};
use super::reach::Reach;
use super::report::Report;
use super::unused::Names;
use super::{
    bindings, compiled, composition, files, fonts, markup, media, media_files, references, refused, scripts,
    sheet, structure, styles, timing, tweens, values,
};
use crate::findings::Findings;
use crate::lang::style::Sheet;
use crate::project::{DEFAULT_COMPOSITION, Tree, join, resolve};

/// Checks a project.
///
/// ```
/// use hyperframes_ci_core::check::{CheckOptions, check};
/// use hyperframes_ci_core::project::{Contents, MemoryTree};
///
/// let page = r#"<!doctype html>
/// <html><body><div data-composition-id="a" data-width="1920" data-height="1080" data-duration="5" data-no-timeline>
///     <img src="logo.png">
/// </div></body></html>"#;
/// let files = [("index.html".to_owned(), Contents::Whole(page.into()))];
/// let report = check(&MemoryTree::new(files.into(), ""), &CheckOptions::default());
///
/// let found = &report.findings.diagnostics[0];
/// assert_eq!(found.rule.code(), "missing-asset");
/// assert_eq!(found.position.map(|position| position.line), Some(3));
/// ```
#[must_use]
pub fn check(tree: &dyn Tree, options: &CheckOptions) -> Report {
    let pages = Pages::read(tree);
    let graph = Graph::of(&pages);
    let mut report = Report { compositions: graph.compositions().len(), ..Report::default() };
    let mut found = pages.diagnostics.clone();
    found.extend_from_slice(tree.diagnostics());
    let mounted = pages.all_mounted();
    let mut entries = BTreeSet::new();
    let default = DEFAULT_COMPOSITION.to_owned();
    let mut chosen = options.compositions.iter().map(|path| normalise(path)).collect::<Vec<_>>();
    if chosen.is_empty() {
        chosen.push(default.clone());
    }
    let required = (!options.is_partial).then_some(default);
    for path in required.into_iter().chain(chosen.iter().cloned()) {
        if !entries.insert(path.clone()) {
            continue;
        }
        match pages.inside(&path) {
            None => found.push(composition::missing(tree, &path)),
            // index.html must exist, and is checked as an entry only if it is one.
            Some(page) if chosen.contains(&path) => {
                let has_others = options.is_partial || options.compositions.len() > 1;
                // Parts get their size and their duration from the page that mounts them.
                let is_part = path != DEFAULT_COMPOSITION
                    && has_others
                    && (page.outline.is_part() || mounted.contains(page.path.as_str()));
                if !is_part {
                    found.extend(composition::entry(page, options.aspect_ratio));
                    found.extend(structure::entry(&pages, page));
                }
                found.extend(values::entry(page, &options.values));
                report.entries.push((path, page.composition.clone()));
            }
            Some(_) => {}
        }
    }
    found.extend(pages.all().flat_map(|page| page.composition.diagnostics.iter().cloned()));
    found.extend(values::mounted(&pages));
    found.extend(composition::mounts(&pages));
    let names = Names::new(&pages);
    found.extend(references::check(&pages, &graph, &names));
    found.extend(refused::check(&pages));
    found.extend(bindings::check(&pages, &graph));
    found.extend(files::check(tree, &graph));
    found.extend(structure::directory(tree));
    let fonts = Fonts::of(&pages);
    let used = graph.used();
    for page in pages.all().filter(|page| used.contains(page.path.as_str())) {
        found.extend(fonts::check(page, &fonts));
        if options.is_distributed {
            found.extend(fonts::substituted(page, &fonts));
        }
        found.extend(compiled::check(page));
        found.extend(markup::css_file(page));
        if page.outline.nodes.is_empty() {
            continue;
        }
        let text = page.text();
        found.extend(markup::check(page, &text));
        let rules = page.facts.sheets.iter().flat_map(Sheet::rules).collect::<Vec<_>>();
        found.extend(styles::check(page, &text, &rules));
        found.extend(sheet::check(page, &text, &rules, mounted.contains(page.path.as_str())));
        if let Some(format) = options.format.filter(|format| format.has_alpha())
            && report.entries.iter().any(|(path, _)| pages.is_at(page, path))
        {
            found.extend(sheet::opaque_root(page, &text, &rules, format));
        }
        found.extend(structure::check(&pages, page, &text));
        found.extend(timing::check(page, &text, mounted.contains(page.path.as_str())));
        found.extend(media::check(&pages, page, &text));
        found.extend(media_files::check(&pages, page, &text));
    }
    let entries = report.entries.iter().map(|(path, _)| join(tree.project(), path)).collect::<Vec<_>>();
    found.extend(scripts::check(&pages, &graph, &entries, &names));
    found.extend(tweens::check(&pages));
    if (options.is_render || options.is_partial) && !entries.is_empty() {
        let reach = Reach::new(&pages, &graph, &entries);
        if options.is_partial {
            reach.limit(&mut found);
            report.compositions = reach.compositions(&graph);
        } else {
            reach.lower(&mut found);
        }
    }
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
    report.findings.limit(MAX_FINDINGS);
    report.missing = BTreeSet::from_iter(pages.all().flat_map(Page::missing).map(str::to_owned));
    report.graph = graph;
    report
}

/// Normalizes a project path to its form in archives: `a/b.html` for `./a\b.html`. A path that leaves the project is
/// returned unchanged and does not match any file.
fn normalise(path: &str) -> String {
    let path = path.replace('\\', "/");
    resolve("", &path).filter(|_| !path.starts_with('/')).unwrap_or(path)
}
