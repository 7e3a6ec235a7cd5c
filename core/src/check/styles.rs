//! Checks of style sheets: selectors that match nothing, and elements that are painted behind their background.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};

use super::outline::Node;
use super::page::Page;
use crate::findings::{Diagnostic, Rule, Text};
use crate::lang::style::{Sheet, StyleRule};
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

/// Checks the rules of a page.
pub(super) fn check(page: &Page, text: &Text<'_>, rules: &[StyleRule<'_>]) -> Vec<Diagnostic> {
    let mut found = Vec::new();
    let stacking = rules.iter().copied().filter(|rule| has_stacking(*rule));
    let stacking = stacking.flat_map(StyleRule::selectors).collect::<BTreeSet<_>>();
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
        for id in composition_ids(rule.selector()).filter(|id| !ids.contains(id)) {
            if told.insert(id) {
                let message =
                    format!("the selector matches nothing: no element has the composition id {id:?}");
                let help = "use the composition id of the root, or remove the rule";
                found.push(text.finding(Rule::SelectorWithoutComposition, rule.span(), message).help(help));
            }
        }
        let Some(span) = negative(*rule).filter(|_| negatives < MAX_NEGATIVES) else { continue };
        negatives += 1;
        if !is_contained(page, rule.selector(), &is_stacking) {
            found.push(behind(text, span));
        }
    }
    for node in &page.outline.nodes {
        let style = node.span_of("style").zip(node.value("style"));
        if let Some((span, _)) =
            style.filter(|(_, style)| negative(Sheet::parse(style, 0).attribute()).is_some())
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

/// Returns the composition ids that attribute selectors name.
fn composition_ids(selector: &str) -> impl Iterator<Item = &str> {
    selector.split("[data-composition-id=").skip(1).filter_map(|rest| {
        let quote = rest.chars().next().filter(|quote| matches!(quote, '"' | '\''))?;
        let (id, after) = rest[1..].split_once(quote)?;
        (after.starts_with(']') && !id.is_empty()).then_some(id)
    })
}

/// Returns the span of the name of a negative `z-index`.
fn negative(rule: StyleRule<'_>) -> Option<Span> {
    let found = rule.declarations().find(|found| {
        let number = found.value.strip_prefix('-').unwrap_or_default();
        let digits = number.split(|letter: char| !letter.is_ascii_digit()).next().unwrap_or_default();
        found.name == "z-index" && digits.bytes().any(|digit| digit != b'0')
    });
    found.map(|found| found.name_span)
}

fn has_stacking(rule: StyleRule<'_>) -> bool {
    rule.declarations().any(|found| {
        let value = found.value.chars().filter(|letter| !letter.is_whitespace()).collect::<String>();
        let plain = format!("{}:{value}", found.name).to_ascii_lowercase();
        STACKING.iter().any(|start| plain.starts_with(start)) && !plain.ends_with(":none")
    })
}

fn is_stacking(node: &Node, stacking: &BTreeSet<&str>) -> bool {
    let by_id = node.value("id").is_some_and(|id| stacking.contains(format!("#{id}").as_str()));
    let mut classes = node.attribute("class").unwrap_or_default().split_whitespace();
    by_id
        || classes.any(|class| stacking.contains(format!(".{class}").as_str()))
        || node.attribute("style").is_some_and(|style| has_stacking(Sheet::parse(style, 0).attribute()))
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
    fn composition_ids_and_negative_places_are_found() {
        assert_eq!(composition_ids("[data-composition-id=\"x\"] p").collect::<Vec<_>>(), ["x"]);
        for (body, is_negative) in [
            ("z-index:-1", true),
            ("z-index : -10;", true),
            ("z-index:-0", false),
            ("z-index:1", false),
            ("--z-index:-1", false),
        ] {
            assert_eq!(negative(Sheet::parse(body, 0).attribute()).is_some(), is_negative, "{body}");
        }
    }
}
