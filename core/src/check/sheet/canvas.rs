//! The size of the canvas, and effects that are too many for it.

use std::collections::BTreeSet;

use super::super::outline::Node;
use super::super::page::Page;
use crate::findings::{Diagnostic, Rule, Text};
use crate::lang::color::is_opaque;
use crate::lang::style::{Sheet, StyleRule};
use crate::options::Format;

/// The number of elements with expensive effects from which frames may stay black; about 40 were observed to.
const MANY_EFFECTS: usize = 25;

/// Elements that draw nothing.
const INVISIBLE: &[&str] = &["audio", "body", "head", "html", "link", "meta", "script", "style", "title"];

pub(super) fn check(
    page: &Page,
    text: &Text<'_>,
    rules: &[StyleRule<'_>],
    is_mounted: bool,
) -> Vec<Diagnostic> {
    let mut found = Vec::new();
    let Some(root) = page.outline.root() else { return found };
    let node = &page.outline.nodes[root];
    if !is_mounted {
        found.extend(size(page, text, rules));
    }
    found.extend(zoom(page, text, rules, node));
    found.extend(effects(page, text, rules, node));
    found
}

/// Finds a page whose size is not that of its composition.
fn size(page: &Page, text: &Text<'_>, rules: &[StyleRule<'_>]) -> Option<Diagnostic> {
    let root = page.composition.root.as_ref()?;
    let (width, height) = (root.width.number()?, root.height.number()?);
    rules.iter().find_map(|rule| {
        if !rule.selectors().any(|part| part.eq_ignore_ascii_case("body")) {
            return None;
        }
        let own = (pixels(*rule, "width")?, pixels(*rule, "height")?);
        if own == (width, height) {
            return None;
        }
        let message =
            format!("the page is {} × {} pixels, but the composition is {width} × {height}", own.0, own.1);
        let help = "remove width and height, or set them to data-width and data-height of the root";
        Some(text.finding(Rule::CanvasSizeMismatch, rule.span(), message).help(help))
    })
}

fn pixels(rule: StyleRule<'_>, property: &str) -> Option<f64> {
    rule.value(property)?.strip_suffix("px")?.trim().parse().ok()
}

/// Finds `zoom` on the root or around it.
fn zoom(page: &Page, text: &Text<'_>, rules: &[StyleRule<'_>], root: &Node) -> Option<Diagnostic> {
    let is_canvas = |selector: &str| {
        ["html", "body", ":root"].iter().any(|name| selector.eq_ignore_ascii_case(name))
            || is_root(selector, root)
    };
    let sheet = rules.iter().filter(|rule| rule.selectors().any(is_canvas));
    let sheet = sheet.filter_map(|rule| Some((scale(*rule)?, rule.span())));
    let canvas = page.outline.nodes.iter().filter(|node| matches!(&*node.name, "html" | "body"));
    let inline = canvas.chain([root]).filter_map(|node| {
        let style = Sheet::parse(node.attribute("style")?, 0);
        Some((scale(style.attribute())?, node.span_of("style")?))
    });
    let (value, span) = sheet.chain(inline).next()?;
    let message =
        format!("zoom: {value} changes the size of the contents, but not that of the frame around them");
    let help = "set data-width and data-height instead, or use zoom on an element inside the root";
    Some(text.finding(Rule::CanvasZoom, span, message).help(help))
}

/// Returns whether a selector is the id, a class or the composition id of the root.
fn is_root(selector: &str, root: &Node) -> bool {
    let id = selector.strip_prefix("[data-composition-id=").and_then(|rest| rest.strip_suffix(']'));
    selector.strip_prefix('#').is_some_and(|id| root.attribute("id") == Some(id))
        || selector.strip_prefix('.').is_some_and(|class| root.has_class(class))
        || id.is_some_and(|id| root.attribute("data-composition-id") == Some(id.trim_matches(['"', '\''])))
}

/// Finds an opaque background of the root, which covers every frame of a video in `format`. The last one counts, and
/// that of the element itself before those of style sheets.
pub(in super::super) fn opaque_root(
    page: &Page,
    text: &Text<'_>,
    rules: &[StyleRule<'_>],
    format: Format,
) -> Option<Diagnostic> {
    let root = &page.outline.nodes[page.outline.root()?];
    let style = Sheet::parse(root.attribute("style").unwrap_or_default(), 0);
    let inline = || Some((background(style.attribute())?, root.span_of("style")?));
    let sheet = || {
        let own = rules.iter().rev().filter(|rule| rule.selectors().any(|part| is_root(part, root)));
        own.filter_map(|rule| Some((background(*rule)?, rule.span()))).next()
    };
    let (background, span) = inline().or_else(sheet)?;
    if !is_opaque(background) {
        return None;
    }
    let message = format!(
        "the root has the background {background:?}, so no part of the {format} video is transparent"
    );
    let help = "remove the background of the root, or use mp4";
    Some(text.finding(Rule::OpaqueRoot, span, message).help(help))
}

fn background(rule: StyleRule<'_>) -> Option<&str> {
    rule.value("background").or_else(|| rule.value("background-color"))
}

fn scale(rule: StyleRule<'_>) -> Option<String> {
    let scale = rule.value("zoom")?;
    let number = scale.strip_suffix('%').map_or_else(
        || scale.parse::<f64>().ok(),
        |percent| percent.trim().parse::<f64>().ok().map(|percent| percent / 100.0),
    );
    number.is_some_and(|number| (number - 1.0).abs() > f64::EPSILON).then(|| scale.to_owned())
}

/// Finds a page with more expensive effects than the renderer can draw.
fn effects(page: &Page, text: &Text<'_>, rules: &[StyleRule<'_>], root: &Node) -> Option<Diagnostic> {
    let expensive = rules.iter().filter(|rule| is_expensive(**rule)).flat_map(|rule| {
        rule.selectors().map(|selector| selector.split([' ', '>', '+', '~']).next().unwrap_or(""))
    });
    let expensive = expensive.collect::<BTreeSet<_>>();
    let has_effect = |node: &&Node| {
        let style = Sheet::parse(node.attribute("style").unwrap_or_default(), 0);
        let is_hidden = style.attribute().value("display") == Some("none");
        let by_id = || node.value("id").is_some_and(|id| expensive.contains(format!("#{id}").as_str()));
        let mut classes = node.attribute("class").unwrap_or_default().split_whitespace();
        !is_hidden
            && !INVISIBLE.contains(&&*node.name)
            && node.attribute("data-composition-id").is_none()
            && (is_expensive(style.attribute())
                || (!expensive.is_empty()
                    && (by_id() || classes.any(|class| expensive.contains(format!(".{class}").as_str())))))
    };
    let count = page.outline.nodes.iter().filter(has_effect).count();
    if count < MANY_EFFECTS {
        return None;
    }
    let message =
        format!("{count} elements have blur, radial-gradient or clip-path; with 40, frames were black");
    let help = "split the composition, or set display: none on elements that are not shown";
    Some(text.finding(Rule::ManyEffects, root.span, message).help(help))
}

fn is_expensive(rule: StyleRule<'_>) -> bool {
    let has =
        |property: &str, function: &str| rule.value(property).is_some_and(|value| value.contains(function));
    has("filter", "blur(")
        || has("backdrop-filter", "blur(")
        || rule.declarations().any(|declaration| declaration.value.contains("radial-gradient("))
        || rule
            .value("clip-path")
            .is_some_and(|path| !matches!(path, "none" | "inherit" | "initial" | "unset"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_compared_as_numbers() {
        for (body, expected) in [
            ("zoom: 2", Some("2")),
            ("color: red; zoom:150% !important", Some("150%")),
            ("zoom: 1.0", None),
            ("zoom: 100%", None),
            ("zoom: normal", None),
            ("--zoom: 2", None),
        ] {
            assert_eq!(scale(Sheet::parse(body, 0).attribute()).as_deref(), expected, "{body}");
        }
        let is_expensive = |body: &str| is_expensive(Sheet::parse(body, 0).attribute());
        assert!(is_expensive("clip-path: circle(1px)") && !is_expensive("clip-path: none"));
    }
}
