//! Checks of bindings, CSS and scripts against the declared variables.

use std::collections::{BTreeMap, BTreeSet};

use super::graph::Graph;
use super::options::MAX_FINDINGS;
use super::page::{Page, Pages};
use crate::composition::Mount;
use crate::findings::{Diagnostic, Rule, Text};
use crate::lang::css::Role;
use crate::lang::json::Node;
use crate::variables::Declarations;

/// Elements that support `data-var-src`; source: `VAR_SRC_TAGS` of the official runtime.
const MEDIA: &[&str] = &["img", "video", "audio", "source"];

pub(super) fn check(pages: &Pages<'_>, graph: &Graph) -> Vec<Diagnostic> {
    let hosts = hosts(pages);
    let properties = Properties::of(pages);
    let mut found = Vec::new();
    for page in pages.all().filter(|page| page.is_composition()) {
        let text = page.text();
        found.extend(wrong_elements(&text, page));
        if let Some(scope) = Scope::of(pages, &hosts, page) {
            found.extend(undeclared(&text, page, &scope));
            // Mounted compositions have their own scope.
            let parts = parts(
                pages,
                graph.closure(&page.path, &|path| pages.get(path).is_none_or(|part| !part.is_composition())),
            );
            if !parts.iter().any(|part| part.facts.has_remote_style) {
                found.extend(undefined(&parts, &scope, &properties));
            }
        }
        if !page.composition.declarations.entries().is_empty() {
            found.extend(unused(&text, page, &parts(pages, graph.closure(&page.path, &|_| true))));
        }
    }
    found
}

/// Returns the pages at the given paths; other files are skipped.
fn parts<'a>(pages: &'a Pages<'_>, paths: BTreeSet<&str>) -> Vec<&'a Page> {
    paths.into_iter().filter_map(|path| pages.get(path)).collect()
}

/// The mounts of each page, with the pages that contain them.
type Hosts<'a> = BTreeMap<&'a str, Vec<(&'a Page, &'a Mount)>>;

fn hosts<'a>(pages: &'a Pages<'_>) -> Hosts<'a> {
    let mut hosts = Hosts::new();
    for page in pages.all() {
        for mount in &page.composition.mounts {
            if let Some(mounted) = pages.mounted(page, mount.source_span) {
                hosts.entry(&mounted.path).or_default().push((page, mount));
            }
        }
    }
    hosts
}

/// The variables that a page can read.
struct Scope<'a> {
    ids: BTreeSet<String>,
    /// The declarations of the page itself.
    own: &'a Declarations,
}

impl<'a> Scope<'a> {
    /// Collects the variables that the page declares, those of its hosts (the runtime falls back to them), the values
    /// that hosts set, and the variables of the compositions that it mounts, which become part of its document. `None` if the scope is unknown: declarations or values cannot be parsed, or the page is
    /// a fragment that no page of the project mounts.
    fn of(pages: &'a Pages<'_>, hosts: &Hosts<'_>, page: &'a Page) -> Option<Self> {
        let own = &page.composition.declarations;
        if own.entries().is_empty() && !page.facts.is_document && !hosts.contains_key(page.path.as_str()) {
            return None;
        }
        let mut ids = BTreeSet::new();
        let mut seen = BTreeSet::new();
        let mut queue = vec![page];
        while let Some(next) = queue.pop() {
            if !seen.insert(next.path.as_str()) {
                continue;
            }
            let declarations = &next.composition.declarations;
            if declarations.is_incomplete() {
                return None;
            }
            ids.extend(declarations.entries().iter().map(|entry| entry.id.clone()));
            for (host, mount) in hosts.get(next.path.as_str()).into_iter().flatten() {
                if let Some(values) = &mount.values {
                    let node = Node::parse(&values.text).ok()?;
                    ids.extend(node.members()?.iter().map(|member| member.key.clone()));
                }
                queue.push(host);
            }
        }
        let mut mounted = vec![page];
        let mut seen = BTreeSet::from([page.path.as_str()]);
        while let Some(next) = mounted.pop() {
            let mounts = next.composition.mounts.iter();
            for part in mounts.filter_map(|mount| pages.mounted(next, mount.source_span)) {
                if seen.insert(part.path.as_str()) {
                    ids.extend(part.composition.declarations.entries().iter().map(|entry| entry.id.clone()));
                    mounted.push(part);
                }
            }
        }
        Some(Self { ids, own })
    }

    /// Returns the help for an unknown variable; suggests a name only while there are few findings.
    fn help(&self, id: &str, before: usize) -> String {
        let declare = "declare it in data-composition-variables, or correct the name";
        if self.own.entries().is_empty() || before > MAX_FINDINGS {
            return declare.to_owned();
        }
        format!("{declare}; {}", self.own.advice(id))
    }
}

fn wrong_elements<'a>(text: &'a Text<'_>, page: &'a Page) -> impl Iterator<Item = Diagnostic> + 'a {
    let bindings = page.facts.bindings.iter();
    bindings
        .filter(|binding| binding.attribute == "data-var-src" && !MEDIA.contains(&binding.element.as_str()))
        .map(|binding| {
            let message = format!("data-var-src has no effect on <{}>", binding.element);
            let help = format!("use it on {} only", MEDIA.join(", "));
            text.finding(Rule::BindingOnWrongElement, binding.span, message).help(help)
        })
}

/// Checks bindings and inline scripts of the page.
fn undeclared(text: &Text<'_>, page: &Page, scope: &Scope<'_>) -> Vec<Diagnostic> {
    let mut found = Vec::new();
    for binding in page.facts.bindings.iter().filter(|binding| !scope.ids.contains(&binding.id)) {
        let message = format!("{} refers to the undeclared variable {:?}", binding.attribute, binding.id);
        found.push(
            text.finding(Rule::UndeclaredBinding, binding.span, message)
                .help(scope.help(&binding.id, found.len())),
        );
    }
    for (id, span) in page.facts.usage.reads.iter().filter(|(id, _)| !scope.ids.contains(id)) {
        let message = format!("the script reads the undeclared variable {id:?}");
        found.push(text.finding(Rule::UndeclaredRead, *span, message).help(scope.help(id, found.len())));
    }
    found
}

/// The custom properties that any file of the project sets; they are inherited across mounts.
struct Properties<'a>(BTreeSet<&'a str>);

impl<'a> Properties<'a> {
    fn of(pages: &'a Pages<'_>) -> Self {
        let mut set = BTreeSet::new();
        for page in pages.all() {
            set.extend(page.facts.sets.iter().map(String::as_str));
            // `style.setProperty("--name", …)`
            set.extend(page.facts.usage.words.iter().filter_map(|word| word.strip_prefix("--")));
        }
        Self(set)
    }
}

/// Finds custom properties that are read but never set, in the page and its style sheets.
fn undefined(parts: &[&Page], scope: &Scope<'_>, properties: &Properties<'_>) -> Vec<Diagnostic> {
    let mut found = Vec::new();
    for part in parts {
        let text = part.text();
        for (name, span, role) in &part.facts.reads {
            if *role == Role::Read && !scope.ids.contains(name) && !properties.0.contains(name.as_str()) {
                let message = format!("var(--{name}) reads a custom property that is never set");
                found.push(
                    text.finding(Rule::UndeclaredCssVariable, *span, message)
                        .help(scope.help(name, found.len())),
                );
            }
        }
    }
    found
}

/// Finds declared variables that are never read by the page, its scripts and styles, or the compositions that it
/// mounts.
fn unused(text: &Text<'_>, page: &Page, parts: &[&Page]) -> Vec<Diagnostic> {
    let opaque = |part: &&Page| {
        // Remote libraries do not read variables.
        part.facts.usage.opaque
    };
    if parts.iter().any(opaque) {
        return Vec::new();
    }
    let entries = page.composition.declarations.entries();
    let mut mentioned = BTreeSet::new();
    for Page { facts, .. } in parts {
        mentioned.extend(facts.bindings.iter().map(|binding| binding.id.as_str()));
        mentioned.extend(facts.reads.iter().map(|(name, _, _)| name.as_str()));
        mentioned.extend(facts.usage.words.iter().map(String::as_str));
        // Scripts may read other attributes, as a whole or word by word.
        mentioned.extend(facts.data.iter().map(String::as_str));
        mentioned.extend(facts.data.iter().flat_map(|value| value.split(|letter| !is_word(letter))));
    }
    let unused = entries.iter().filter(|entry| !mentioned.contains(entry.id.as_str()));
    // An id that is not a single word may occur anywhere in an attribute.
    let unused = unused
        .filter(|entry| entry.id.chars().all(is_word) || parts.iter().all(|part| part.facts.data.is_empty()));
    unused
        .map(|entry| {
            let message = format!("the variable {:?} is never read", entry.id);
            let help = "use it in data-var-text, data-var-src, var(--id) or getVariables(), or remove it";
            text.finding(Rule::UnusedVariable, entry.span, message).help(help)
        })
        .collect()
}

fn is_word(letter: char) -> bool {
    letter.is_ascii_alphanumeric() || !letter.is_ascii() || matches!(letter, '_' | '-' | '$')
}
