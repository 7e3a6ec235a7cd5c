//! Checks of animations whose time the renderer does not set.
//!
//! Source: renders of the pinned engine. It sets the time of CSS animations of HTML elements and of `element.animate()`. To that of
//! CSS animations of SVG elements and of pseudo-elements it adds the time at which they started; SMIL and `<marquee>` run
//! by the real clock.

use std::collections::BTreeSet;

use super::page::{Page, Pages};
use super::style_facts::{is_time, unprefixed};
use crate::findings::{Diagnostic, Rule};
use crate::lang::style::{Declaration, Sheet, StyleRule};
use crate::text::Span;

/// Elements of SVG that are not also elements of HTML. Source: SVG 2, element index.
const SHAPES: &[&str] = &[
    "circle", "ellipse", "g", "image", "line", "path", "polygon", "polyline", "rect", "stop", "svg", "text",
    "textpath", "tspan", "use",
];

/// Elements that animate on their own.
const SELF_ANIMATED: &[&str] = &["animate", "animatemotion", "animatetransform", "marquee", "set"];

pub(super) fn check(pages: &Pages<'_>, used: &BTreeSet<&str>) -> Vec<Diagnostic> {
    let used = || pages.all().filter(|page| used.contains(page.path.as_str()));
    let drawings = used().flat_map(drawn).collect::<BTreeSet<_>>();
    used().flat_map(|page| in_page(page, &drawings)).collect()
}

fn in_page(page: &Page, drawings: &BTreeSet<String>) -> Vec<Diagnostic> {
    let text = page.text();
    let found = |span: Span, message: &str| {
        let help = "use the timeline or element.animate(), or animate an HTML element";
        text.finding(Rule::UnseekedAnimation, span, message).help(help)
    };
    let css = |span: Span, what: &str| {
        found(span, &format!("a CSS animation of {what} starts at another time in each render"))
    };
    let mut all = Vec::new();
    for rule in page.facts.sheets.iter().flat_map(Sheet::rules) {
        let Some(animation) = animation(rule) else { continue };
        if rule.selectors().any(is_pseudo_element) {
            all.push(css(animation.name_span, "a pseudo-element"));
        } else if rule.selectors().any(|selector| is_drawing(selector, drawings)) {
            all.push(css(animation.name_span, "an SVG element"));
        }
    }
    for index in svg_elements(page) {
        let node = &page.outline.nodes[index];
        let style = node.attribute("style").filter(|style| style.contains("animation"));
        if let (Some(style), Some(span)) = (style, node.span_of("style"))
            && animation(Sheet::parse(style, 0).attribute()).is_some()
        {
            all.push(css(span, "an SVG element"));
        }
    }
    for node in page.outline.nodes.iter().filter(|node| SELF_ANIMATED.contains(&&*node.name)) {
        all.push(found(
            node.span,
            &format!("<{}> follows the real clock, not the time of the frame", node.name),
        ));
    }
    all
}

/// Returns the declaration that makes a rule animate for some time.
fn animation<'a>(rule: StyleRule<'a>) -> Option<Declaration<'a>> {
    let declarations = || rule.declarations();
    if declarations().any(|declaration| {
        unprefixed(declaration.name).starts_with("animation") && declaration.value.contains("paused")
    }) {
        return None;
    }
    declarations().find(|declaration| {
        matches!(unprefixed(declaration.name), "animation" | "animation-duration")
            && (declaration.value.contains("var(") || declaration.value.split([' ', ',']).any(is_time))
    })
}

/// Returns whether a selector selects a pseudo-element, such as `a::before` or `a:after`.
fn is_pseudo_element(selector: &str) -> bool {
    let subject = subject(selector);
    subject.contains("::") || subject.ends_with(":before") || subject.ends_with(":after")
}

/// Returns whether a selector selects SVG elements: by their name, or by their ids and classes.
fn is_drawing(selector: &str, drawings: &BTreeSet<String>) -> bool {
    let subject = subject(selector).split([':', '[']).next().unwrap_or_default();
    let marks = subject.find(['#', '.']).unwrap_or(subject.len());
    let (name, marks) = subject.split_at(marks);
    let starts = marks.match_indices(['#', '.']).map(|(at, _)| at).collect::<Vec<_>>();
    let mut each = starts
        .iter()
        .enumerate()
        .map(|(place, at)| &marks[*at..starts.get(place + 1).copied().unwrap_or(marks.len())]);
    let is_shape = SHAPES.contains(&name.to_ascii_lowercase().as_str());
    is_shape
        || ((name.is_empty() || name == "*") && !marks.is_empty() && each.all(|mark| drawings.contains(mark)))
}

/// Returns the last compound of a selector: what it selects.
fn subject(selector: &str) -> &str {
    selector.rsplit([' ', '>', '+', '~', '\n', '\t']).next().unwrap_or_default()
}

/// Returns the ids and classes of the SVG elements of a page, with their marks.
fn drawn(page: &Page) -> Vec<String> {
    let marks = |index: usize| {
        let node = &page.outline.nodes[index];
        let id = node.value("id").map(|id| format!("#{id}"));
        let classes = node.attribute("class").unwrap_or_default().split_whitespace();
        id.into_iter().chain(classes.map(|class| format!(".{class}"))).collect::<Vec<_>>()
    };
    svg_elements(page).flat_map(marks).collect()
}

/// Returns the indexes of the SVG elements, without HTML in `<foreignObject>`.
fn svg_elements(page: &Page) -> impl Iterator<Item = usize> {
    let nodes = &page.outline.nodes;
    let (mut end, mut foreign_end) = (0, 0);
    (0..nodes.len()).filter(move |index| {
        let node = &nodes[*index];
        if &*node.name == "svg" {
            end = end.max(node.after);
            foreign_end = foreign_end.min(*index);
        }
        let is_svg = *index < end && *index >= foreign_end;
        if is_svg && &*node.name == "foreignobject" {
            foreign_end = node.after;
        }
        is_svg
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_selector_selects_decides() {
        let drawings = ["#logo", ".mark", ".b"].map(str::to_owned).into();
        for svg in ["rect", ".x > circle.y", "#logo", ".a .mark", ".mark.b:hover", "*.mark", "svg path[d]"] {
            assert!(is_drawing(svg, &drawings), "{svg}");
        }
        for html in ["div", "svg + div", ".mark.other", ".mark .text", "h1#logo", "*", "", "#logo p"] {
            assert!(!is_drawing(html, &drawings), "{html}");
        }
        assert!(is_pseudo_element(".a::before") && is_pseudo_element("p:after"));
        assert!(!is_pseudo_element(".a:hover") && !is_pseudo_element(".a::before .b"));
    }

    #[test]
    fn only_animations_that_run_are_found() {
        let has = |css: &str| Sheet::parse(css, 0).rules().any(|rule| animation(rule).is_some());
        for runs in [
            "a{animation:x 1s}",
            "a{-webkit-animation:x .2s}",
            "a{animation-name:x;animation-duration:200ms}",
            "a{animation:x var(--d)}",
        ] {
            assert!(has(runs), "{runs}");
        }
        for still in [
            "a{animation:none}",
            "a{animation-name:x}",
            "a{animation:x 1s paused}",
            "a{animation:x 1s;animation-play-state:paused}",
            "a{color:red}",
        ] {
            assert!(!has(still), "{still}");
        }
    }
}
