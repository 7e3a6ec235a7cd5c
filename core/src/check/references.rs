//! Checks of references between files.

use std::cell::OnceCell;
use std::collections::BTreeSet;

use super::graph::Graph;
use super::page::{Page, Pages};
use super::repair;
use super::unused::{Names, Unused, UnusedValues};
use crate::findings::{Diagnostic, Rule, Severity, Text};
use crate::lang::css::{Need, media_need};
use crate::lang::style::{Sheet, StyleRule};
use crate::project::{Destination, Exclusion, IGNORE_FILE, Link, Reference, Tree, below};
use crate::text::{Span, differ_in_normal_form};

/// Checks references. References that leave the repository are checked in every packed page, all others only in pages
/// that a composition uses.
pub(super) fn check(pages: &Pages<'_>, graph: &Graph, names: &Names<'_>) -> Vec<Diagnostic> {
    let used = graph.used();
    let mut found = Vec::new();
    for page in pages.all() {
        let text = page.text();
        // In source order, like the references.
        let mut mounts = page.composition.mounts.iter().map(|mount| mount.source_span).peekable();
        let is_used = used.contains(page.path.as_str());
        let context =
            Context { pages, graph, names, page, present: alternatives(page), unused: OnceCell::new() };
        for (reference, destination) in &page.references {
            while mounts.next_if(|mount| mount.start < reference.span.start).is_some() {}
            let is_mount = mounts.peek() == Some(&reference.span);
            let refused = matches!(destination, Destination::Escapes | Destination::LocalFile);
            if is_used || refused {
                let judged = judge(&text, page, reference, destination, is_mount, pages.tree);
                found.extend(judged.map(|found| context.excuse(found, reference)));
            }
        }
    }
    found
}

/// The types of images that browsers show; they skip a `<source>` with another one.
const IMAGES: &[&str] =
    &["image/avif", "image/gif", "image/jpeg", "image/png", "image/svg+xml", "image/webp"];

/// What decides whether the browser needs the references of a page.
struct Context<'a> {
    pages: &'a Pages<'a>,
    graph: &'a Graph,
    names: &'a Names<'a>,
    page: &'a Page,
    /// The lists of alternatives of which at least one exists.
    present: BTreeSet<usize>,
    /// Why the file is not needed, and the values of its style sheets that are not.
    unused: OnceCell<(Option<Unused>, UnusedValues)>,
}

impl Context<'_> {
    /// Makes an error a warning, with the reason, if the browser may do without the file.
    fn excuse(&self, mut found: Diagnostic, reference: &Reference) -> Diagnostic {
        if found.severity != Severity::Error {
            return found;
        }
        let page = self.page;
        let reason = match reference.need {
            Need::Fallback => Some("it is a fallback, used only if the custom property is not set"),
            Need::Alternative(start) | Need::Superseded(start) if self.present.contains(&start) => {
                Some("another file of the same list exists")
            }
            _ if self.has_earlier_source(reference.span) || self.has_shown_source(reference.span) => {
                Some("another file of the same list exists")
            }
            _ if self.is_in_unused_template(reference.span) => Some("no script uses its <template>"),
            _ if page.outline.is_hidden(reference.span) => Some("its element is hidden"),
            _ if page.facts.base.is_some() && !matches!(Link::of(&reference.target), Link::Root(_)) => {
                Some("<base href> changes what it refers to")
            }
            Need::Unseen if self.sizes_video(reference.span) => None,
            need => Unused::of(need).or_else(|| self.unused(reference.span)).map(Unused::reason),
        };
        if let Some(reason) = reason {
            let is_unseen = reference.need == Need::Unseen;
            found.severity = if is_unseen { Severity::Note } else { Severity::Warning };
            found.message = format!("{}; {reason}", found.message);
        }
        found
    }

    /// Returns whether a position is in a video without a size of its own, which then has that of its poster.
    fn sizes_video(&self, span: Span) -> bool {
        let page = self.page;
        let Some(node) = self.node(span).map(|index| &page.outline.nodes[index]) else { return false };
        if &*node.name != "video" || page.facts.has_remote_style {
            return false;
        }
        let own = Sheet::parse(node.attribute("style").unwrap_or_default(), 0);
        let marks = node.marks().collect::<Vec<_>>();
        let sheets = self.pages.all().flat_map(|page| &page.facts.sheets).flat_map(Sheet::rules);
        let matching = sheets.filter(|rule| {
            let selector = rule.selector();
            selector.contains("video")
                || selector.contains('*')
                || marks.iter().any(|mark| selector.contains(&**mark))
        });
        let declared = matching.chain([own.attribute()]).flat_map(StyleRule::declarations);
        let (mut has_width, mut has_height) =
            (node.attribute("width").is_some(), node.attribute("height").is_some());
        for declaration in declared {
            let is_one_of = |names: &[&str]| names.iter().any(|name| declaration.is(name));
            let is_both = is_one_of(&["inset", "aspect-ratio"]);
            has_width |= is_both || is_one_of(&["width", "inline-size", "right"]);
            has_height |= is_both || is_one_of(&["height", "block-size", "bottom"]);
        }
        // Other style sheets may come from the script of another host.
        let has_classes = node.attribute("class").is_some() || node.attribute("style").is_some();
        let is_open = has_classes && page.scripts().any(|(_, path)| path.is_none());
        !(is_open || has_width && has_height)
    }

    /// Returns the element whose tag, or text, has a position.
    fn node(&self, span: Span) -> Option<usize> {
        self.page.outline.nodes.partition_point(|node| node.span.start <= span.start).checked_sub(1)
    }

    /// Returns whether a position is in the `<img>` of a `<picture>` after a `<source>` that browsers show.
    fn has_shown_source(&self, span: Span) -> bool {
        let nodes = &self.page.outline.nodes;
        let Some(index) = self.node(span).filter(|index| &*nodes[*index].name == "img") else { return false };
        let Some(picture) = nodes[index].parent.filter(|parent| &*nodes[*parent].name == "picture") else {
            return false;
        };
        let mut sources = nodes[picture + 1..index].iter().filter(|node| &*node.name == "source");
        sources.any(|source| {
            source.attribute("type").is_none_or(|own| IMAGES.contains(&own))
                && self.page.references.iter().any(|(reference, destination)| {
                    let is_own =
                        source.span.start < reference.span.start && reference.span.end < source.span.end;
                    is_own && matches!(reference.need, Need::Alternative(_)) && exists(destination)
                })
        })
    }

    /// Returns whether a position is in a `<template>` that neither the renderer nor a script uses.
    fn is_in_unused_template(&self, span: Span) -> bool {
        let outline = &self.page.outline;
        let is_template = |index: &usize| &*outline.nodes[*index].name == "template";
        let Some(template) = self.node(span).and_then(|index| outline.ancestors(index).find(is_template))
        else {
            return false;
        };
        let node = &outline.nodes[template];
        let words = ["template", "content", "cloneNode", "innerHTML"];
        node.attribute("shadowrootmode").is_none()
            && !outline.is_part()
            && !words.into_iter().chain(node.value("id")).any(|word| self.names.has_word(word))
    }

    /// Returns whether a position is in a `<source>` after an existing first one, which the renderer takes.
    fn has_earlier_source(&self, span: Span) -> bool {
        let nodes = &self.page.outline.nodes;
        let node = self.node(span).map(|index| &nodes[index]).filter(|node| &*node.name == "source");
        let first = node.and_then(|node| nodes.get(node.parent? + 1).filter(|first| first.span != node.span));
        let first = first.filter(|first| &*first.name == "source").and_then(|first| first.span_of("src"));
        first.and_then(|first| self.page.destination(first)).is_some_and(exists)
    }

    /// Returns why no frame needs what is at a position of a style sheet.
    fn unused(&self, span: Span) -> Option<Unused> {
        let Self { page, names, .. } = self;
        let (file, values) = self.unused.get_or_init(|| {
            let values = page.facts.sheets.iter().flat_map(|sheet| names.values(sheet)).collect();
            (self.unused_file(), values)
        });
        let style = self.node(span).map(|index| &page.outline.nodes[index]);
        let style = style.filter(|node| &*node.name == "style").and_then(|node| node.attribute("media"));
        if let Some(unused) = style.and_then(media_need).and_then(Unused::of) {
            return Some(unused);
        }
        let next = values.partition_point(|(value, _)| value.start <= span.start);
        let value = next.checked_sub(1).map(|last| values[last]).filter(|(value, _)| span.end <= value.end);
        file.or(value.map(|(_, unused)| unused))
    }

    /// Returns why no frame needs the file: all references to it say so.
    fn unused_file(&self) -> Option<Unused> {
        let path = &self.page.path;
        let users = self.graph.users(path).filter_map(|user| self.pages.get(user));
        let references = users.flat_map(|user| &user.references);
        let mut needs = references
            .filter(|(_, destination)| destination.path() == Some(path))
            .map(|(reference, _)| Unused::of(reference.need));
        let first = needs.next()??;
        needs.all(|need| need.is_some()).then_some(first)
    }
}

/// Returns the lists of alternatives of which at least one exists.
fn alternatives(page: &Page) -> BTreeSet<usize> {
    let existing = page.references.iter().filter(|(_, destination)| exists(destination));
    let start = |reference: &Reference| match reference.need {
        Need::Alternative(start) => Some(start),
        _ => None,
    };
    existing.filter_map(|(reference, _)| start(reference)).collect()
}

fn exists(destination: &Destination) -> bool {
    matches!(destination, Destination::Packed(_) | Destination::Outside(_) | Destination::None)
}

fn judge(
    text: &Text<'_>,
    page: &Page,
    reference: &Reference,
    destination: &Destination,
    is_mount: bool,
    tree: &dyn Tree,
) -> Option<Diagnostic> {
    let target = &reference.target;
    let finding =
        |rule, message: String, help: &str| Some(text.finding(rule, reference.span, message).help(help));
    let either = |mount, asset| if is_mount { mount } else { asset };
    let mount_from_root = |message: String, path: &str| {
        let found = finding(Rule::MountRelative, message, &format!("write {path:?}"))?;
        let is_plain = !target.contains(['?', '#']) && repair::fits(text.source, reference.span, path);
        Some(match is_plain {
            true => found.fix(text, "Write the path from the root", [(reference.span, path.to_owned())]),
            false => found,
        })
    };
    match destination {
        Destination::Packed(path) | Destination::Outside(path)
            if is_mount && matches!(Link::of(target), Link::Root(_)) =>
        {
            let message =
                format!("{target:?} starts with a slash, with which the engine does not find the file");
            mount_from_root(message, below(tree.project(), path).unwrap_or(path))
        }
        // A directory, or a name without an extension: a script may complete it, but a mount must be a file.
        Destination::None if is_mount && matches!(Link::of(target), Link::Relative(_) | Link::Root(_)) => {
            finding(
                Rule::MountMissing,
                format!("{target:?} is not a file in the project"),
                "refer to an HTML file, such as compositions/intro.html",
            )
        }
        Destination::None | Destination::Packed(_) | Destination::Outside(_) => None,
        Destination::Insecure => finding(
            Rule::InsecureReference,
            format!("{target:?} is loaded over unencrypted http"),
            "use https:, or copy the file into the project",
        ),
        Destination::Placeholder => finding(
            Rule::PlaceholderReference,
            format!("{target:?} contains a placeholder and is not checked"),
            "check the output of the build, where the placeholder is replaced",
        ),
        Destination::LocalFile => finding(
            Rule::LocalFileUrl,
            format!("{target:?} points to a file on this machine"),
            "copy the file into the project, and use a relative path",
        ),
        Destination::Escapes => finding(
            Rule::EscapingReference,
            format!("{target:?} points outside the repository, or to a hidden file"),
            "copy the file into the project; files outside the repository and hidden files are never packed",
        ),
        Destination::Ignored(_, reason) => finding(
            either(Rule::MountIgnored, Rule::IgnoredAsset),
            format!("{target:?} is excluded from the archive: {reason}"),
            &remedy(reason),
        ),
        Destination::RelativeMount(path) => mount_from_root(
            format!(
                "{target:?} is relative to this file, but paths of mounts start at the root of the project"
            ),
            below(tree.project(), path).unwrap_or(path),
        ),
        Destination::OtherCase(path, actual) if differ_in_normal_form(path, actual) => finding(
            Rule::AssetCaseMismatch,
            format!("{target:?} differs from the file {actual:?} in the encoding of its accents only"),
            "rename the file, or copy its name into the reference; macOS treats both as equal, the cloud does not",
        ),
        Destination::OtherCase(_, actual) => finding(
            Rule::AssetCaseMismatch,
            format!("{target:?} differs from the file {actual:?} in case only"),
            "use the exact name of the file; the cloud is case-sensitive",
        )
        .map(|found| match repair::with_case(target, actual) {
            Some(path) => {
                let edit = (reference.span, reference.written(&path));
                found.fix(text, "Use the name of the file", [edit])
            }
            None => found,
        }),
        Destination::Missing(path) => finding(
            either(Rule::MountMissing, Rule::MissingAsset),
            format!("file not found: {path} (referenced as {target:?})"),
            &match tree.remedy(path) {
                _ if page.path == *path => "remove the reference".to_owned(),
                Some(remedy) => remedy,
                None => "commit the file, or correct the reference".to_owned(),
            },
        ),
    }
}

/// Returns the help for a file that is not packed.
pub(super) fn remedy(reason: &Exclusion) -> String {
    match reason {
        Exclusion::Rule { line, .. } => {
            format!("change line {line} of {IGNORE_FILE}, or negate it with a later line that starts with !")
        }
        Exclusion::DefaultRule(rule) => format!("add !{rule} to {IGNORE_FILE}, or move the file"),
        Exclusion::Hidden(line) => format!("add the line {line} to {IGNORE_FILE}, or move the file"),
        Exclusion::NeverPacked | Exclusion::Credentials => "move or rename the file".to_owned(),
        Exclusion::Output => "pass another output file with -o".to_owned(),
    }
}
