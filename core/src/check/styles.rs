//! Checks of style sheets: selectors that match nothing, and elements that are painted behind their background.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};

use super::fonts::without_comments;
use super::outline::Node;
use super::page::Page;
use crate::findings::{Diagnostic, Rule, Text};
use crate::text::Span;

/// Declarations that make a stacking context, without spaces and in lower case; source: CSS Positioned Layout Level 3 and
/// CSS Compositing Level 1.
const STACKING: &[&str] = &[
    "isolation:isolate",
    "opacity:0",
    "opacity:.",
    "transform:",
    "filter:",
    "backdrop-filter:",
    "-webkit-backdrop-filter:",
    "contain:paint",
    "will-change:",
];

/// The largest number of rules with a negative `z-index` that are compared with the elements of a page.
const MAX_NEGATIVES: usize = 100;

/// A rule of a style sheet, without comments.
pub(super) struct StyleRule<'a> {
    pub(super) selector: &'a str,
    pub(super) body: &'a str,
    /// The offset of the body in the file.
    start: usize,
    /// The position of the selector in the file.
    pub(super) span: Span,
}

/// The style sheets of a page: their offsets in the file, and their texts without comments.
pub(super) struct Sheets(Vec<(usize, String)>);

impl Sheets {
    /// Reads the style sheets of a page.
    pub(super) fn of(page: &Page, text: &Text<'_>) -> Self {
        let css = |style: &Span| (style.start, without_comments(&text.source[style.start..style.end]));
        Self(page.facts.styles.iter().map(css).collect())
    }

    /// Returns the offset and the text of each style sheet.
    pub(super) fn iter(&self) -> impl Iterator<Item = (usize, &str)> {
        self.0.iter().map(|(start, css)| (*start, css.as_str()))
    }

    /// Returns the rules of all style sheets.
    pub(super) fn rules(&self) -> Vec<StyleRule<'_>> {
        self.iter().flat_map(|(start, css)| rules(css, start)).collect()
    }
}

/// Checks the rules of a page.
pub(super) fn check(page: &Page, text: &Text<'_>, rules: &[StyleRule<'_>]) -> Vec<Diagnostic> {
    let mut found = Vec::new();
    let stacking = rules.iter().filter(|rule| has_stacking(rule.body));
    let stacking = stacking.flat_map(|rule| rule.selector.split(',').map(str::trim)).collect::<BTreeSet<_>>();
    let ids = page
        .outline
        .nodes
        .iter()
        .filter_map(|node| node.value("data-composition-id"))
        .collect::<BTreeSet<_>>();
    // Many elements have the same parent, whose style can be long.
    let known = RefCell::new(BTreeMap::<usize, bool>::new());
    let is_stacking = |node: usize| {
        *known.borrow_mut().entry(node).or_insert_with(|| is_stacking(&page.outline.nodes[node], &stacking))
    };
    let mut told = BTreeSet::new();
    let mut negatives = 0;
    for rule in rules {
        for id in composition_ids(rule.selector).filter(|id| !ids.contains(id)) {
            if told.insert(id) {
                let message =
                    format!("the selector matches nothing: no element has the composition id {id:?}");
                let help = "use the composition id of the root, or remove the rule";
                found.push(text.finding(Rule::SelectorWithoutComposition, rule.span, message).help(help));
            }
        }
        let Some(at) = negative(rule.body).filter(|_| negatives < MAX_NEGATIVES) else { continue };
        negatives += 1;
        if !is_contained(page, rule.selector, &is_stacking) {
            let span = Span { start: rule.start + at, end: rule.start + at + "z-index".len() };
            found.push(behind(text, span));
        }
    }
    for node in &page.outline.nodes {
        let style = node.span_of("style").zip(node.value("style"));
        if let Some((span, _)) = style.filter(|(_, style)| negative(style).is_some())
            && !node.parent.is_some_and(is_stacking)
        {
            found.push(behind(text, span));
        }
    }
    found
}

fn behind(text: &Text<'_>, span: Span) -> Diagnostic {
    let message = "a negative z-index paints the element behind the background of the composition";
    let help = "set isolation: isolate on its parent, or use z-index: 0 and an earlier place in the document";
    text.finding(Rule::NegativeZIndex, span, message).help(help)
}

/// Returns the innermost rules, in source order.
fn rules(css: &str, offset: usize) -> Vec<StyleRule<'_>> {
    let mut found = Vec::new();
    // The end of the last block or declaration, and the start of the innermost open block.
    let mut boundary = 0;
    let mut open = None;
    for (at, byte) in css.bytes().enumerate() {
        match byte {
            b'{' => {
                open = Some((boundary, at));
                boundary = at + 1;
            }
            b'}' => {
                if let Some((from, block)) = open.take() {
                    let whole = &css[from..block];
                    let selector = whole.trim();
                    let start = offset + from + (whole.len() - whole.trim_start().len());
                    let span = Span { start, end: start + selector.len() };
                    let body = &css[block + 1..at];
                    found.push(StyleRule { selector, body, start: offset + block + 1, span });
                }
                boundary = at + 1;
            }
            b';' if open.is_none() => boundary = at + 1,
            _ => {}
        }
    }
    found
}

/// Returns the composition ids that attribute selectors name.
fn composition_ids(selector: &str) -> impl Iterator<Item = &str> {
    selector.split("[data-composition-id=").skip(1).filter_map(|rest| {
        let quote = rest.chars().next().filter(|quote| matches!(quote, '"' | '\''))?;
        let (id, after) = rest[1..].split_once(quote)?;
        (after.starts_with(']') && !id.is_empty()).then_some(id)
    })
}

/// Returns the offset of a negative `z-index`.
fn negative(body: &str) -> Option<usize> {
    body.match_indices("z-index").map(|(at, _)| at).find(|at| {
        let is_whole =
            !body[..*at].ends_with(|letter: char| letter.is_alphanumeric() || matches!(letter, '-' | '_'));
        let value = body[at + "z-index".len()..].trim_start().strip_prefix(':').map(str::trim_start);
        let number = value.and_then(|value| value.strip_prefix('-')).unwrap_or_default();
        let digits = number.split(|letter: char| !letter.is_ascii_digit()).next().unwrap_or_default();
        is_whole && digits.bytes().any(|digit| digit != b'0')
    })
}

fn has_stacking(body: &str) -> bool {
    body.split(';').any(|declaration| {
        let plain = declaration.chars().filter(|letter| !letter.is_whitespace()).collect::<String>();
        let plain = plain.to_ascii_lowercase();
        STACKING.iter().any(|start| plain.starts_with(start)) && !plain.ends_with(":none")
    })
}

fn is_stacking(node: &Node, stacking: &BTreeSet<&str>) -> bool {
    let by_id = node.value("id").is_some_and(|id| stacking.contains(format!("#{id}").as_str()));
    let mut classes = node.attribute("class").unwrap_or_default().split_whitespace();
    by_id
        || classes.any(|class| stacking.contains(format!(".{class}").as_str()))
        || node.attribute("style").is_some_and(has_stacking)
}

/// Returns whether every element that a simple selector matches is inside of a stacking context.
fn is_contained(page: &Page, selector: &str, is_stacking: &dyn Fn(usize) -> bool) -> bool {
    let matches = |node: &Node| match selector.split_at_checked(1) {
        Some(("#", id)) => node.attribute("id") == Some(id),
        Some((".", class)) => node.has_class(class),
        _ => false,
    };
    let mut matched = page.outline.nodes.iter().filter(|node| matches(node)).peekable();
    matched.peek().is_some() && matched.all(|node| node.parent.is_some_and(is_stacking))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rules_are_read_with_their_places() {
        let css = "@import 'a'; .a, #b { color: red } @media print { .c { z-index: -1 } } [data-composition-id=\"x\"] p {}";
        let found =
            rules(css, 10).into_iter().map(|rule| (rule.selector, rule.body.trim())).collect::<Vec<_>>();
        assert_eq!(found[0], (".a, #b", "color: red"));
        assert_eq!(found[1], (".c", "z-index: -1"));
        assert_eq!(composition_ids(found[2].0).collect::<Vec<_>>(), ["x"]);
        let span = rules(css, 10)[1].span;
        assert_eq!(&css[span.start - 10..span.end - 10], ".c");
        for (body, is_negative) in [
            ("z-index:-1", true),
            ("z-index : -10;", true),
            ("z-index:-0", false),
            ("z-index:1", false),
            ("--z-index:-1", false),
        ] {
            assert_eq!(negative(body).is_some(), is_negative, "{body}");
        }
    }
}
