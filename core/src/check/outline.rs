//! The elements of a document as a tree, with the attributes that checks need.

use std::borrow::Cow;
use std::collections::BTreeMap;

use crate::lang::html::{Element, Part, Quote};
use crate::text::Span;

/// The attributes that are kept.
const KEPT: &[&str] = &[
    "class",
    "data-composition-file",
    "data-composition-id",
    "data-composition-src",
    "data-duration",
    "data-end",
    "data-has-audio",
    "data-hf-media-start-basis",
    "data-lottie-src",
    "data-media-start",
    "data-no-timeline",
    "data-start",
    "data-track-index",
    "data-var-src",
    "data-zoom",
    "font-family",
    "height",
    "hidden",
    "id",
    "loop",
    "media",
    "muted",
    "shadowrootmode",
    "src",
    "style",
    "type",
    "width",
];

/// Elements without an end tag; source: HTML standard, section 13.1.2.
const VOID: &[&str] = &[
    "area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "param", "source", "track",
    "wbr",
];

/// Elements whose text is not markup, not shown, or shown as written on purpose.
const VERBATIM: &[&str] =
    &["code", "head", "iframe", "noscript", "pre", "script", "style", "textarea", "title", "xmp"];

/// Elements that end an open paragraph; source: HTML standard, section 13.1.2.4.
const ENDS_PARAGRAPH: &[&str] = &[
    "address",
    "article",
    "aside",
    "blockquote",
    "details",
    "div",
    "dl",
    "fieldset",
    "figcaption",
    "figure",
    "footer",
    "form",
    "h1",
    "h2",
    "h3",
    "h4",
    "h5",
    "h6",
    "header",
    "hgroup",
    "hr",
    "main",
    "menu",
    "nav",
    "ol",
    "p",
    "pre",
    "search",
    "section",
    "table",
    "ul",
];

/// An element.
#[derive(Clone, Debug)]
pub(super) struct Node {
    pub(super) name: Box<str>,
    /// The start tag.
    pub(super) span: Span,
    /// The offset at which the element ends: before its end tag, or where it is closed without one.
    pub(super) end: usize,
    /// The element around it.
    pub(super) parent: Option<usize>,
    /// The index after its last descendant.
    pub(super) after: usize,
    /// The start tag ends with `/>`, outside of SVG and MathML, where it closes nothing.
    pub(super) is_self_closing: bool,
    /// The start tag contains the start of another one.
    pub(super) has_swallowed: bool,
    /// The element has an end tag, or needs none.
    pub(super) is_closed: bool,
    attributes: Box<[(&'static str, Box<str>, Span)]>,
}

impl Node {
    /// Returns the value of one of the attributes that are kept.
    pub(super) fn attribute(&self, name: &str) -> Option<&str> {
        self.attributes.iter().find(|(kept, _, _)| *kept == name).map(|(_, value, _)| &**value)
    }

    /// Returns the value of an attribute that is not empty.
    pub(super) fn value(&self, name: &str) -> Option<&str> {
        self.attribute(name).filter(|value| !value.trim().is_empty())
    }

    /// Returns whether the element has a class.
    pub(super) fn has_class(&self, class: &str) -> bool {
        self.attribute("class").is_some_and(|own| own.split_whitespace().any(|name| name == class))
    }

    /// Returns the id and the classes, with their marks.
    pub(super) fn marks(&self) -> impl Iterator<Item = String> {
        let classes = self.attribute("class").unwrap_or_default().split_whitespace();
        let id = self.value("id").map(|id| format!("#{id}"));
        id.into_iter().chain(classes.map(|class| format!(".{class}")))
    }

    /// Returns whether the element is video or audio.
    pub(super) fn is_media(&self) -> bool {
        matches!(&*self.name, "video" | "audio")
    }

    /// Returns the position of an attribute's value.
    pub(super) fn span_of(&self, name: &str) -> Option<Span> {
        self.attributes.iter().find(|(kept, _, _)| *kept == name).map(|(_, _, span)| *span)
    }

    /// Returns the element for messages: `<video id="intro">`.
    pub(super) fn label(&self) -> String {
        match self.value("id") {
            Some(id) => format!("<{} id={id:?}>", self.name),
            None => format!("<{}>", self.name),
        }
    }

    /// Returns whether its attributes hide the element.
    fn is_hidden(&self) -> bool {
        self.attribute("hidden").is_some()
            || self.attribute("style").is_some_and(|style| {
                let style = style.chars().filter(|letter| !letter.is_whitespace()).collect::<String>();
                style
                    .to_ascii_lowercase()
                    .split(';')
                    .any(|declaration| declaration.starts_with("display:none"))
            })
    }
}

/// Returns whether the renderer looks for an attribute before a browser reads the page: then it must be in lower case.
fn is_read_as_written(element: &Element<'_>, attribute: &str) -> bool {
    match attribute {
        "data-composition-id"
        | "data-composition-src"
        | "data-composition-variables"
        | "data-variable-values" => true,
        "data-width" | "data-height" => element.attribute("data-composition-id").is_some(),
        "data-media-start" | "id" => matches!(&*element.name, "video" | "audio"),
        "data-volume" => element.name == "audio",
        "src" => matches!(&*element.name, "video" | "audio" | "source" | "script"),
        "type" => element.name == "script" && element.value("type") == Some("module"),
        _ => false,
    }
}

/// The elements of a document, in source order.
#[derive(Debug, Default)]
pub(super) struct Outline {
    pub(super) nodes: Vec<Node>,
    /// The parts between tags that are shown: text and comments.
    pub(super) texts: Vec<Span>,
    /// End tags of styles that are not open.
    pub(super) stray_style_ends: Vec<Span>,
    /// The names of attributes that the renderer would read if they were in lower case.
    pub(super) uppercase: Vec<Span>,
    /// The end of the last tag.
    pub(super) last_tag: usize,
    /// The extents of hidden elements, in source order; none contains another.
    hidden: Vec<Span>,
    /// The start tags of video and audio elements.
    media: Vec<Span>,
}

impl Outline {
    /// Returns the indexes of the elements around an element, from the inside out.
    pub(super) fn ancestors(&self, index: usize) -> impl Iterator<Item = usize> + '_ {
        std::iter::successors(self.nodes[index].parent, |parent| self.nodes[*parent].parent)
    }

    /// Returns the root of the composition: the first element with an id that mounts nothing.
    pub(super) fn root(&self) -> Option<usize> {
        let is_root = |node: &Node| {
            node.attribute("data-composition-id").is_some()
                && node.attribute("data-composition-src").is_none()
        };
        self.nodes.iter().position(is_root)
    }

    /// Returns whether others mount the document: its composition is inside `<template>`. `<html>` may have its id.
    pub(super) fn is_part(&self) -> bool {
        let Some(root) = self.root() else { return false };
        let is_document = matches!(&*self.nodes[root].name, "html" | "body");
        let in_template = || {
            let template = self.nodes.iter().position(|node| &*node.name == "template")?;
            let mut inside = self.nodes[template + 1..self.nodes[template].after].iter();
            Some(inside.any(|node| node.attribute("data-composition-id").is_some()))
        };
        self.is_in_template(root) || (is_document && in_template().unwrap_or(false))
    }

    /// Returns the elements with a composition id.
    pub(super) fn hosts(&self) -> impl Iterator<Item = (&str, &Node)> {
        self.nodes.iter().filter_map(|node| Some((node.attribute("data-composition-id")?, node)))
    }

    /// Returns the first element with an attribute.
    pub(super) fn first_with(&self, name: &str) -> Option<&Node> {
        self.nodes.iter().find(|node| node.attribute(name).is_some())
    }

    /// Returns whether an element is inside a `<template>`.
    pub(super) fn is_in_template(&self, index: usize) -> bool {
        self.ancestors(index).any(|above| &*self.nodes[above].name == "template")
    }

    /// Returns whether a position belongs to a hidden element. Video and audio are extracted whether hidden or not.
    pub(super) fn is_hidden(&self, span: Span) -> bool {
        let contains = |spans: &[Span]| {
            let next = spans.partition_point(|extent| extent.start <= span.start);
            next.checked_sub(1).is_some_and(|last| span.end <= spans[last].end)
        };
        contains(&self.hidden) && !contains(&self.media)
    }
}

/// Builds the tree from the tags of a document.
#[derive(Debug, Default)]
pub(super) struct OutlineReader {
    outline: Outline,
    /// Indexes of the open elements.
    open: Vec<usize>,
    /// Number of open elements by name.
    counts: BTreeMap<String, usize>,
}

impl OutlineReader {
    /// Reads the next part of the document.
    pub(super) fn part(&mut self, part: &Part<'_, '_>) {
        match part {
            Part::Start(element) => {
                self.text(element.span);
                self.start(element);
            }
            Part::End(name, span) => {
                self.text(*span);
                self.end(name, *span);
            }
            Part::EndOfFile => {}
        }
    }

    /// Keeps the text before a tag, if it is shown.
    fn text(&mut self, tag: Span) {
        let text = Span { start: std::mem::replace(&mut self.outline.last_tag, tag.end), end: tag.start };
        let is_shown =
            self.open.last().is_some_and(|top| !VERBATIM.contains(&&*self.outline.nodes[*top].name));
        // Shorter texts hold no comment.
        if is_shown && text.end >= text.start + 4 {
            self.outline.texts.push(text);
        }
    }

    fn start(&mut self, element: &Element<'_>) {
        let name = &*element.name;
        let at = element.span.start;
        if let Some(top) = self.open.last().map(|top| &*self.outline.nodes[*top].name) {
            let is_implied = match top {
                "p" => ENDS_PARAGRAPH.contains(&name),
                "li" | "option" | "tr" => top == name,
                "td" | "th" => matches!(name, "td" | "th" | "tr"),
                "dt" | "dd" => matches!(name, "dt" | "dd"),
                _ => false,
            };
            if is_implied {
                self.close(at, true);
            }
        }
        let index = self.outline.nodes.len();
        let is_empty = VOID.contains(&name) || (element.is_self_closing && element.is_foreign);
        let kept = element.attributes.iter().filter_map(|attribute| {
            let name = KEPT.iter().find(|kept| **kept == attribute.name)?;
            Some((*name, attribute.value.to_string().into_boxed_str(), attribute.span))
        });
        // A quote in a name is the end of a value whose start is missing.
        let is_odd = element.attributes.iter().any(|attribute| attribute.name.contains(['"', '\'']));
        let has_swallowed = element.attributes.iter().any(|attribute| {
            attribute.name.contains('<')
                || ((attribute.quote == Quote::None || is_odd) && attribute.value.contains('<'))
        });
        let uppercase = element.attributes.iter().filter(|own| matches!(own.name, Cow::Owned(_)));
        let unread = uppercase.filter(|own| is_read_as_written(element, &own.name));
        self.outline.uppercase.extend(unread.map(|own| own.name_span));
        if matches!(name, "video" | "audio" | "source") {
            self.outline.media.push(element.span);
        }
        self.outline.nodes.push(Node {
            name: name.into(),
            span: element.span,
            end: element.span.end,
            parent: self.open.last().copied(),
            after: index + 1,
            is_self_closing: element.is_self_closing && !element.is_foreign,
            has_swallowed,
            is_closed: is_empty,
            attributes: kept.collect(),
        });
        if !is_empty {
            self.open.push(index);
            *self.counts.entry(name.to_owned()).or_default() += 1;
        }
    }

    fn end(&mut self, name: &str, span: Span) {
        if self.counts.get(name).is_none_or(|count| *count == 0) {
            if name == "style" {
                self.outline.stray_style_ends.push(span);
            }
            return;
        }
        while let Some(top) = self.open.last() {
            let is_wanted = &*self.outline.nodes[*top].name == name;
            self.close(span.start, is_wanted);
            if is_wanted {
                break;
            }
        }
    }

    /// Closes the innermost element at an offset.
    fn close(&mut self, at: usize, is_closed: bool) {
        let Some(index) = self.open.pop() else { return };
        let after = self.outline.nodes.len();
        let node = &mut self.outline.nodes[index];
        node.end = at;
        node.after = after;
        node.is_closed = is_closed;
        if let Some(count) = self.counts.get_mut(&*node.name) {
            *count -= 1;
        }
    }

    /// Closes what is open at the end of the document, whose length is given, and returns the tree.
    pub(super) fn finish(mut self, length: usize) -> Outline {
        while !self.open.is_empty() {
            self.close(length, false);
        }
        let mut hidden = Vec::<Span>::new();
        for node in self.outline.nodes.iter().filter(|node| node.is_hidden()) {
            if hidden.last().is_none_or(|last| last.end < node.span.start) {
                hidden.push(Span { start: node.span.start, end: node.end });
            }
        }
        self.outline.hidden = hidden;
        self.outline
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lang::html::scan_parts;

    fn outline(source: &str) -> Outline {
        let mut reader = OutlineReader::default();
        scan_parts(source, &mut |part| reader.part(&part));
        reader.finish(source.len())
    }

    fn tree(source: &str) -> Vec<(String, Option<usize>, usize)> {
        let nodes = outline(source).nodes.into_iter();
        nodes.map(|node| (node.name.to_string(), node.parent, node.after)).collect()
    }

    #[test]
    fn elements_are_nested_as_in_browsers() {
        let node = |name: &str, parent, after| (name.to_owned(), parent, after);
        assert_eq!(
            tree("<div><img><p>a<p>b<svg><path/><g></g></svg></div></b><i>"),
            [
                node("div", None, 7),
                node("img", Some(0), 2),
                node("p", Some(0), 3),
                node("p", Some(0), 7),
                node("svg", Some(3), 7),
                node("path", Some(4), 6),
                node("g", Some(4), 7),
                node("i", None, 8),
            ]
        );
        assert_eq!(tree("<video/><b>")[1], node("b", Some(0), 2), "a slash closes nothing");
    }

    #[test]
    fn hidden_elements_hide_their_contents_but_no_media() {
        let source =
            "<div style='color:red; Display : none'><img src=a><video src=b></video></div><img src=c>";
        let outline = outline(source);
        let hidden = |marked: &str| {
            let start = source.find(marked).expect("there");
            outline.is_hidden(Span { start, end: start + marked.len() })
        };
        assert!(hidden("src=a") && !hidden("src=b") && !hidden("src=c"));
    }
}
