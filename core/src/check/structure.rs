//! Checks of compositions in a project: their ids, their roots, and how they are mounted.

use std::collections::BTreeMap;

use super::outline::Node;
use super::page::{Page, Pages};
use super::repair;
use crate::composition::Mount;
use crate::findings::{Diagnostic, Rule, Text};
use crate::project::{DEFAULT_COMPOSITION, Tree, join};
use crate::text::Span;

/// The directory of compositions, where the renderer looks for files to mount.
const COMPOSITIONS: &str = "compositions";

/// The largest number of mounts of a page that are compared with each other for a correction.
const MAX_MOUNTS: usize = 100;

/// Elements that draw nothing.
const BLANK: &[&str] = &["script", "style", "link", "meta", "template"];

/// Elements that are content by themselves.
const CONTENT: &[&str] = &["video", "audio", "img", "svg", "canvas"];

pub(super) fn check(pages: &Pages<'_>, page: &Page, text: &Text<'_>) -> Vec<Diagnostic> {
    let mut found = duplicate_ids(page, text);
    for mount in &page.composition.mounts {
        if mount.id.as_deref().is_none_or(|id| id.trim().is_empty()) {
            let message = "the element mounts a composition, but has no data-composition-id";
            let help = "add data-composition-id; without it, every render waits 45 s for a timeline";
            let finding = text.finding(Rule::MountWithoutId, mount.span, message).help(help);
            found.push(match own_id(pages, page, mount) {
                Some((node, id)) => {
                    let edit = repair::add_attribute(node, &format!("data-composition-id=\"{id}\""));
                    finding.fix(text, "Add the id of the mounted composition", [edit])
                }
                None => finding,
            });
        }
        found.extend(unusable(pages, page, text, mount));
    }
    found
}

/// Returns the element of a mount without an id, and the id of the mounted composition, if nothing else has it.
fn own_id<'a>(pages: &'a Pages<'_>, page: &'a Page, mount: &Mount) -> Option<(&'a Node, &'a str)> {
    let mounted = pages.mounted(page, mount.source_span)?;
    if page.composition.mounts.len() > MAX_MOUNTS {
        return None;
    }
    let (id, _) = mounted.outline.hosts().next()?;
    let node = page.outline.nodes.iter().find(|node| node.span == mount.span)?;
    let is_plain = id.chars().all(|letter| letter.is_ascii_alphanumeric() || letter == '-' || letter == '_');
    let is_used = page.outline.hosts().any(|(known, _)| known == id);
    let same = page.composition.mounts.iter().filter(|other| other.source == mount.source).count();
    let has_attribute = node.attribute("data-composition-id").is_some();
    (is_plain && !id.is_empty() && !is_used && same == 1 && !has_attribute).then_some((node, id))
}

fn duplicate_ids(page: &Page, text: &Text<'_>) -> Vec<Diagnostic> {
    let mut first = BTreeMap::new();
    let mut found = Vec::new();
    let is_part = page.outline.root().is_some_and(|root| page.outline.is_in_template(root));
    for (index, node) in page.outline.nodes.iter().enumerate() {
        let Some(id) = node.value("data-composition-id") else { continue };
        if node.value("data-composition-src").is_some() || (!is_part && page.outline.is_in_template(index)) {
            continue;
        }
        if let Some(line) = first.get(id) {
            let message = format!("the composition id {id:?} is already used in line {line}");
            let help = "give each composition an id of its own";
            found.push(text.finding(Rule::DuplicateCompositionId, node.span, message).help(help));
        } else {
            first.insert(id, text.position(node.span.start).line);
        }
    }
    found
}

/// Checks that a mounted file has something to mount.
fn unusable(pages: &Pages<'_>, page: &Page, text: &Text<'_>, mount: &Mount) -> Option<Diagnostic> {
    let part = pages.mounted(page, mount.source_span)?;
    let template = part.outline.nodes.iter().position(|node| &*node.name == "template");
    let nodes = match template {
        Some(index) => &part.outline.nodes[index + 1..part.outline.nodes[index].after],
        None => &part.outline.nodes[..],
    };
    if nodes.iter().any(|node| node.attribute("data-composition-id").is_some()) {
        return None;
    }
    let message = if part.source.trim().is_empty() {
        format!("the mounted file {:?} is empty", mount.source)
    } else {
        let place =
            if template.is_some() { "the <template> of the mounted file" } else { "the mounted file" };
        format!("{place} {:?} has no element with data-composition-id", mount.source)
    };
    let help =
        "add the root element of the composition, with data-composition-id, data-width and data-height";
    Some(text.finding(Rule::MountUnusable, mount.source_span, message).help(help))
}

/// Checks the entry: it must have something to render.
pub(super) fn entry(pages: &Pages<'_>, page: &Page) -> Vec<Diagnostic> {
    let Some(root) = page.outline.root() else { return Vec::new() };
    let text = page.text();
    let node = &page.outline.nodes[root];
    if page.outline.is_in_template(root) {
        let message = "the root of the composition is inside <template>, which is not rendered";
        let help = "remove <template>; only compositions that others mount have it";
        return vec![text.finding(Rule::RootInTemplate, node.span, message).help(help)];
    }
    let mut found = Vec::new();
    let start = page.source.trim_start_matches('\u{feff}').trim_start().as_bytes();
    let starts_with =
        |tag: &str| start.get(..tag.len()).is_some_and(|start| start.eq_ignore_ascii_case(tag.as_bytes()));
    if !starts_with("<!doctype") && !starts_with("<html") {
        let (message, help) = if page.facts.is_document {
            let message =
                "something is before <!doctype html>, so the renderer takes the document for a fragment";
            (message, "start the file with <!doctype html>")
        } else {
            let help = "start it with <!doctype html>, and put the root into <body>";
            ("the file is a fragment, not a document", help)
        };
        found.push(text.finding(Rule::NotADocument, node.span, message).help(help));
    }
    if let Some(rest) = page.source.strip_prefix('\u{feff}') {
        let mark = Span { start: 0, end: page.source.len() - rest.len() };
        let message = "the file starts with a byte order mark, which the renderer puts into the page as text";
        let finding = text.finding(Rule::ByteOrderMark, mark, message).help("save the file without it");
        found.push(finding.fix(&text, "Remove the byte order mark", [(mark, String::new())]));
    }
    let is_default = page.path == join(pages.tree.project(), DEFAULT_COMPOSITION);
    let inside = &page.outline.nodes[root + 1..node.after];
    if !is_default || inside.iter().any(|node| !BLANK.contains(&&*node.name)) {
        return found;
    }
    let folder = join(pages.tree.project(), COMPOSITIONS);
    let mut standalone = pages.all().filter(|other| other.path.starts_with(&folder) && is_standalone(other));
    let Some(other) = standalone.next() else { return found };
    let message = format!("the root is empty, but {} has content", other.path);
    let path = other.path.strip_prefix(pages.tree.project()).unwrap_or(&other.path).trim_start_matches('/');
    let help = format!("mount it with data-composition-src={path:?}, or render it with --composition {path}");
    found.push(text.finding(Rule::BlankRoot, node.span, message).help(help));
    found
}

/// Returns whether a page is a composition with content that needs no other page.
fn is_standalone(page: &Page) -> bool {
    let Some(root) = page.outline.root().filter(|root| !page.outline.is_in_template(*root)) else {
        return false;
    };
    page.outline.nodes[root + 1..page.outline.nodes[root].after].iter().any(|node| {
        let is_clip = node.has_class("clip");
        let is_timed = node.attribute("data-start").is_some() || node.attribute("data-end").is_some();
        (is_clip || is_timed || CONTENT.contains(&&*node.name))
            && node.attribute("data-composition-src").is_none()
    })
}

/// Checks the directory of compositions.
pub(super) fn directory(tree: &dyn Tree) -> Option<Diagnostic> {
    tree.packed(COMPOSITIONS)?;
    let path = join(tree.project(), COMPOSITIONS);
    let message = "compositions is a file, but the renderer reads it as a directory";
    Some(Diagnostic::new(Rule::CompositionsNotDirectory, path, message).help("rename the file"))
}
