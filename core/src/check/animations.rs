//! Checks of animations whose time the renderer does not set.
//!
//! Source: renders of the pinned engine. It sets the time of CSS animations of HTML elements and of `element.animate()`. To that of
//! CSS animations of SVG elements and of pseudo-elements it adds the time at which they started; SMIL and `<marquee>` run
//! by the real clock.

use std::collections::{BTreeMap, BTreeSet};

use super::page::{Page, Pages};
use super::style_facts::{is_time, selectors_with, unprefixed};
use super::unused::{Names, Unused};
use crate::findings::{Diagnostic, Rule};
use crate::lang::css::Need;
use crate::lang::style::{Declaration, Sheet, StyleRule};
use crate::project::{Destination, Reference};
use crate::text::Span;

/// Elements of SVG that are not also elements of HTML. Source: SVG 2, element index.
const SHAPES: &[&str] = &[
    "circle", "ellipse", "g", "image", "line", "path", "polygon", "polyline", "rect", "stop", "svg", "text",
    "textpath", "tspan", "use",
];

/// Elements that animate on their own.
const SELF_ANIMATED: &[&str] = &["animate", "animatemotion", "animatetransform", "marquee", "set"];

/// States that no element has, since nobody points at it.
const STATES: &[&str] = &[":hover", ":active", ":focus", ":target"];

/// What animates an SVG file.
const ANIMATES: &[&str] = &["<animate", "<set ", "@keyframes"];

pub(super) fn check(pages: &Pages<'_>, used: &BTreeSet<&str>, names: &Names<'_>) -> Vec<Diagnostic> {
    let used = || pages.all().filter(|page| used.contains(page.path.as_str()));
    let mut animated = Animated::new(names);
    used().for_each(|page| animated.add_rules(page));
    let shown = used().map(|page| (page, animated.shown(page))).collect::<Vec<_>>();
    shown.iter().for_each(|(page, shown)| animated.add_drawings(page, shown));
    shown.iter().flat_map(|(page, shown)| animated.in_page(pages, page, shown)).collect()
}

/// What may be animated, and how.
struct Animated<'a> {
    names: &'a Names<'a>,
    /// Ids and classes of elements that are not displayed, with their marks.
    hidden: BTreeSet<String>,
    /// Names, ids and classes of SVG elements that are shown, with their marks.
    drawings: BTreeSet<String>,
    /// Those of the elements around them.
    around: BTreeSet<String>,
    /// The names of keyframes.
    keyframes: BTreeSet<String>,
    /// There may be other keyframes.
    is_open: bool,
}

impl<'a> Animated<'a> {
    fn new(names: &'a Names<'a>) -> Self {
        let none = BTreeSet::new;
        Self { names, hidden: none(), drawings: none(), around: none(), keyframes: none(), is_open: false }
    }

    fn add_rules(&mut self, page: &Page) {
        let facts = &page.facts;
        self.is_open |=
            facts.has_remote_style || facts.usage.words.iter().any(|word| word.contains("keyframes"));
        let rules = facts.sheets.iter().flat_map(Sheet::rules);
        let keyframes = rules.filter_map(|rule| rule.selector().split_once("keyframes"));
        self.keyframes.extend(keyframes.map(|(_, name)| name.trim().trim_matches(['"', '\'']).to_owned()));
        let hidden = selectors_with(&facts.sheets, &|rule| {
            rule.parent() == 0 && rule.value("display") == Some("none")
        });
        self.hidden.extend(hidden.into_iter().filter(|mark| !self.names.has_word(&mark[1..])));
    }

    fn add_drawings(&mut self, page: &Page, shown: &[bool]) {
        let nodes = &page.outline.nodes;
        let mut seen = BTreeSet::new();
        for index in svg_elements(page, shown) {
            self.drawings.insert(nodes[index].name.to_string());
            self.drawings.extend(nodes[index].marks());
            for above in page.outline.ancestors(index).take_while(|above| seen.insert(*above)) {
                self.around.insert(nodes[above].name.to_string());
                self.around.extend(nodes[above].marks());
            }
        }
    }

    /// Returns whether each element of a page may be shown: it is not hidden, nor in a template that nothing uses.
    fn shown(&self, page: &Page) -> Vec<bool> {
        if !page.outline.nodes.iter().any(|node| &*node.name == "svg" || SELF_ANIMATED.contains(&&*node.name))
        {
            return vec![true; page.outline.nodes.len()];
        }
        let is_inert = !page.outline.is_part() && !self.names.has_word("content");
        let mut end = 0;
        let shown = page.outline.nodes.iter().enumerate().map(|(index, node)| {
            let is_hidden = (is_inert && &*node.name == "template")
                || page.outline.is_hidden(node.span)
                || (!self.hidden.is_empty() && node.marks().any(|mark| self.hidden.contains(&mark)));
            if is_hidden {
                end = end.max(node.after);
            }
            index >= end
        });
        shown.collect()
    }

    fn in_page(&self, pages: &Pages<'_>, page: &Page, shown: &[bool]) -> Vec<Diagnostic> {
        let text = page.text();
        let found = |span: Span, message: &str| {
            let help = "use the timeline or element.animate(), or animate an HTML element";
            text.finding(Rule::UnseekedAnimation, span, message).help(help)
        };
        let css = |span: Span, what: &str| {
            found(span, &format!("a CSS animation of {what} starts at another time in each render"))
        };
        let mut all = Vec::new();
        for sheet in page.facts.sheets.iter().filter(|sheet| sheet.text().contains("animation")) {
            let rules = self.names.unused(sheet).into_iter().skip(1).zip(sheet.rules());
            for (_, rule) in rules.filter(|(unused, _)| unused.is_none_or(|unused| unused == Unused::Query)) {
                let Some(animation) = self.animation(rule) else { continue };
                let any = |is_meant: &dyn Fn(&str) -> bool| {
                    let may_match = |one: &str| is_stateless(one) && !self.names.is_unmatched(one);
                    rule.selectors().any(|one| is_meant(one) && may_match(one))
                };
                if any(&is_pseudo_element) {
                    all.push(css(animation.name_span, "a pseudo-element"));
                } else if any(&|selector| self.is_drawing(selector)) {
                    all.push(css(animation.name_span, "an SVG element"));
                }
            }
        }
        for index in svg_elements(page, shown) {
            let node = &page.outline.nodes[index];
            let style = node.attribute("style").filter(|style| style.contains("animation"));
            if let (Some(style), Some(span)) = (style, node.span_of("style"))
                && self.animation(Sheet::parse(style, 0).attribute()).is_some()
            {
                all.push(css(span, "an SVG element"));
            }
        }
        let nodes = page.outline.nodes.iter().zip(shown);
        for (node, _) in nodes.filter(|(node, is_shown)| **is_shown && SELF_ANIMATED.contains(&&*node.name)) {
            let start = node.span.start + 1;
            let name = text.source.get(start..start + node.name.len()).unwrap_or(&node.name);
            all.push(found(
                node.span,
                &format!("<{name}> follows the real clock, not the time of the frame"),
            ));
        }
        let mut known = BTreeMap::new();
        for (reference, destination) in &page.references {
            let image = image(reference, destination);
            let animates = |path| *known.entry(path).or_insert_with(|| animates(pages, path));
            if image.is_some_and(animates) && !page.outline.is_hidden(reference.span) {
                let target = &reference.target;
                let message =
                    format!("the animation in {target:?} follows the real clock, not the time of the frame");
                all.push(found(reference.span, &message));
            }
        }
        all
    }

    /// Returns the declaration that makes a rule animate for some time, with keyframes that exist.
    fn animation<'r>(&self, rule: StyleRule<'r>) -> Option<Declaration<'r>> {
        let found = animation(rule)?;
        let value = rule.value("animation-name").unwrap_or(found.value);
        let mut words = value.split([' ', ',']).map(|word| word.trim_matches(['"', '\'']));
        let is_known = self.is_open
            || value.contains("var(")
            || (unprefixed(found.name) == "animation-duration" && value == found.value)
            || words.any(|word| self.keyframes.contains(word));
        is_known.then_some(found)
    }

    /// Returns whether a selector selects SVG elements: by their names, ids and classes, or all below something.
    fn is_drawing(&self, selector: &str) -> bool {
        let subject = subject(selector);
        if subject == "*" {
            let around = selector[..selector.len() - 1].trim_end_matches([' ', '>', '+', '~', '\n', '\t']);
            return !self.drawings.is_empty() && has_all(around, &self.around);
        }
        let (name, _) = subject.split_at(subject.find(['#', '.', ':', '[']).unwrap_or(subject.len()));
        let is_made = SHAPES.contains(&name.to_ascii_lowercase().as_str()) && self.names.has_word(name);
        !subject.is_empty() && (is_made || has_all(selector, &self.drawings))
    }
}

/// Returns the path of the SVG image that a reference shows.
fn image<'p>(reference: &Reference, destination: &'p Destination) -> Option<&'p str> {
    let (Destination::Packed(path) | Destination::Outside(path)) = destination else { return None };
    // A part of a file becomes a part of the page.
    let is_image = path.to_ascii_lowercase().ends_with(".svg") && !reference.target.contains('#');
    (is_image && reference.need != Need::Unseen).then_some(path)
}

/// Returns whether an SVG image animates on its own.
fn animates(pages: &Pages<'_>, path: &str) -> bool {
    let head = pages.tree.edges(path).map(|edges| edges.head).unwrap_or_default();
    let image = String::from_utf8_lossy(&head);
    ANIMATES.iter().any(|mark| image.contains(mark))
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

/// Returns whether a selector matches elements that nobody points at: what is in `:not(…)` is not required.
fn is_stateless(selector: &str) -> bool {
    let mut rest = selector;
    while let Some((before, inside)) = rest.split_once(":not(") {
        if has_state(before) {
            return false;
        }
        rest = inside.split_once(')').map_or("", |(_, after)| after);
    }
    !has_state(rest)
}

fn has_state(selector: &str) -> bool {
    STATES.iter().any(|state| selector.contains(state))
}

/// Returns whether a selector selects a pseudo-element, such as `a::before` or `a:after`.
fn is_pseudo_element(selector: &str) -> bool {
    let subject = subject(selector);
    subject.contains("::") || subject.ends_with(":before") || subject.ends_with(":after")
}

/// Returns whether the name, the id and the classes of what a selector selects are in a list. All of them are in it if
/// the selector has none.
fn has_all(selector: &str, list: &BTreeSet<String>) -> bool {
    let subject = subject(selector).split([':', '[']).next().unwrap_or_default();
    let marks = subject.find(['#', '.']).unwrap_or(subject.len());
    let (name, marks) = subject.split_at(marks);
    let starts = marks.match_indices(['#', '.']).map(|(at, _)| at).collect::<Vec<_>>();
    let mut each = starts
        .iter()
        .enumerate()
        .map(|(place, at)| &marks[*at..starts.get(place + 1).copied().unwrap_or(marks.len())]);
    (matches!(name, "" | "*") || list.contains(&name.to_ascii_lowercase()))
        && each.all(|mark| list.contains(mark))
}

/// Returns the last compound of a selector: what it selects.
fn subject(selector: &str) -> &str {
    selector.rsplit([' ', '>', '+', '~', '\n', '\t']).next().unwrap_or_default()
}

/// Returns the indexes of the SVG elements that are shown, without HTML in `<foreignObject>`.
fn svg_elements<'p>(page: &'p Page, shown: &'p [bool]) -> impl Iterator<Item = usize> + 'p {
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
        is_svg && shown[*index]
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::project::MemoryTree;

    #[test]
    fn what_a_selector_selects_decides() {
        let set = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
        let tree = MemoryTree::new(BTreeMap::new(), "");
        let pages = Pages::read(&tree);
        let names = Names::new(&pages);
        let animated = Animated {
            drawings: set(&["svg", "rect", "circle", "#logo", ".mark", ".b"]),
            around: set(&["div", "#root"]),
            ..Animated::new(&names)
        };
        let svgs = [
            "rect",
            ".x > circle",
            "#logo",
            ".a .mark",
            ".mark.b:x",
            "*.mark",
            "svg rect[d]",
            "#root *",
            "div > *",
            "*",
        ];
        for svg in svgs {
            assert!(animated.is_drawing(svg), "{svg}");
        }
        for html in
            ["div", "svg + div", ".mark.other", ".mark .text", "h1#logo", "", "#logo p", "path", "#other *"]
        {
            assert!(!animated.is_drawing(html), "{html}");
        }
        assert!(is_pseudo_element(".a::before") && is_pseudo_element("p:after"));
        assert!(!is_pseudo_element(".a:x") && !is_pseudo_element(".a::before .b"));
    }

    #[test]
    fn a_negated_state_is_what_elements_have() {
        for runs in [".a", ".a:not(:hover)", ".a:not(.b:focus) .c", "a:not(:active):not(:target)::before"] {
            assert!(is_stateless(runs), "{runs}");
        }
        for still in [".a:hover", ".a:not(.b):hover", ":focus-within .a", ".a:not(:hover):active"] {
            assert!(!is_stateless(still), "{still}");
        }
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
