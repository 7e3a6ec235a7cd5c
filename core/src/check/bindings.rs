//! Where variables are read: bindings, CSS and scripts, against what is declared.

use std::collections::{BTreeMap, BTreeSet};

use super::graph::Graph;
use super::page::{Page, Pages};
use crate::css::Role;
use crate::diagnostic::{Diagnostic, Text};
use crate::json::Node;
use crate::rule::Rule;
use crate::variables::Declarations;

/// Elements whose `src` may be bound; source: the official runtime's `VAR_SRC_TAGS`.
const MEDIA: &[&str] = &["img", "video", "audio", "source"];

pub(super) fn check(pages: &Pages<'_>, graph: &Graph) -> Vec<Diagnostic> {
    let hosts = hosts(pages);
    let properties = Properties::of(pages);
    let mut found = Vec::new();
    for page in pages.all().filter(|page| page.is_composition()) {
        let text = page.text();
        found.extend(wrong_elements(&text, page));
        // The scripts and style sheets that belong to this page alone or to several.
        let parts =
            graph.closure(&page.path).into_iter().filter_map(|path| pages.get(path)).collect::<Vec<_>>();
        if let Some(scope) = Scope::of(pages, &hosts, page) {
            found.extend(undeclared(&text, page, &scope));
            if !parts.iter().any(|part| part.facts.has_remote_code) {
                found.extend(undefined(page, &parts, &scope, &properties));
            }
        }
        found.extend(unused(&text, page, &parts));
    }
    found
}

/// The pages that mount each page.
fn hosts<'a>(pages: &'a Pages<'_>) -> BTreeMap<&'a str, Vec<&'a Page>> {
    let mut hosts: BTreeMap<&str, Vec<&Page>> = BTreeMap::new();
    for page in pages.all() {
        for mount in &page.composition.mounts {
            if let Some(mounted) = pages.mounted(page, mount.source_span) {
                hosts.entry(&mounted.path).or_default().push(page);
            }
        }
    }
    hosts
}

/// The names that a page can read.
struct Scope<'a> {
    ids: BTreeSet<String>,
    /// What the page itself declares.
    own: &'a Declarations,
}

impl<'a> Scope<'a> {
    /// What the page declares, what its hosts declare (the runtime falls back to theirs), and what they give to it.
    /// `None` where that is not known: something cannot be read, or a fragment is mounted by nobody here.
    fn of(pages: &Pages<'_>, hosts: &BTreeMap<&str, Vec<&Page>>, page: &'a Page) -> Option<Self> {
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
            for host in hosts.get(next.path.as_str()).into_iter().flatten() {
                for mount in &host.composition.mounts {
                    let here = pages
                        .mounted(host, mount.source_span)
                        .is_some_and(|mounted| mounted.path == next.path);
                    if let Some(values) = mount.values.as_ref().filter(|_| here) {
                        let node = Node::parse(&values.text).ok()?;
                        let members = node.members()?;
                        ids.extend(members.iter().map(|member| member.key.clone()));
                    }
                }
                queue.push(host);
            }
        }
        Some(Self { ids, own })
    }

    fn help(&self, id: &str) -> String {
        let declare = "declare it in data-composition-variables, or correct the name";
        if self.own.entries().is_empty() {
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
            let help = format!("only {} take it", MEDIA.join(", "));
            text.finding(Rule::BindingOnWrongElement, binding.span, message).help(help)
        })
}

/// Bindings and reads of scripts inside the page itself.
fn undeclared(text: &Text<'_>, page: &Page, scope: &Scope<'_>) -> Vec<Diagnostic> {
    let mut found = Vec::new();
    for binding in page.facts.bindings.iter().filter(|binding| !scope.ids.contains(&binding.id)) {
        let message =
            format!("{} names the variable {:?}, which nothing declares", binding.attribute, binding.id);
        found
            .push(text.finding(Rule::UndeclaredBinding, binding.span, message).help(scope.help(&binding.id)));
    }
    for (id, span) in page.facts.usage.reads.iter().filter(|(id, _)| !scope.ids.contains(id)) {
        let message = format!("the script reads the variable {id:?}, which nothing declares");
        found.push(text.finding(Rule::UndeclaredRead, *span, message).help(scope.help(id)));
    }
    found
}

/// The custom properties that anything in the project sets: they are inherited across mounts.
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

/// Custom properties that are read and come from nowhere, in the page and its style sheets.
fn undefined(
    page: &Page,
    parts: &[&Page],
    scope: &Scope<'_>,
    properties: &Properties<'_>,
) -> Vec<Diagnostic> {
    let mut found = Vec::new();
    // What is mounted has a scope of its own.
    for part in parts.iter().filter(|part| !part.is_composition() || part.path == page.path) {
        let text = part.text();
        for (name, span, role) in &part.facts.reads {
            if *role == Role::Read && !scope.ids.contains(name) && !properties.0.contains(name.as_str()) {
                let message = format!("var(--{name}) reads a custom property that nothing sets");
                found.push(text.finding(Rule::UndeclaredCssVariable, *span, message).help(scope.help(name)));
            }
        }
    }
    found
}

/// Declared variables that nothing reads, in the page, its parts and what it mounts.
fn unused(text: &Text<'_>, page: &Page, parts: &[&Page]) -> Vec<Diagnostic> {
    let opaque = |part: &&Page| {
        let facts = &part.facts;
        // What a module imports is not followed, and remote code may read anything.
        facts.usage.opaque || facts.usage.words.contains("import") || facts.has_remote_code
    };
    if parts.iter().any(opaque) {
        return Vec::new();
    }
    let mut found = Vec::new();
    for entry in page.composition.declarations.entries() {
        let id = entry.id.as_str();
        let reads = |part: &&Page| {
            let facts = &part.facts;
            facts.bindings.iter().any(|binding| binding.id == id)
                || facts.reads.iter().any(|(name, _, _)| name == id)
                || facts.usage.words.contains(id)
                || facts.data.iter().any(|value| value.contains(id))
        };
        if !parts.iter().any(reads) {
            let message = format!("nothing reads the variable {id:?}");
            let help = "bind it with data-var-text, data-var-src, var(--id) or getVariables(), or remove it";
            found.push(text.finding(Rule::UnusedVariable, entry.span, message).help(help));
        }
    }
    found
}
