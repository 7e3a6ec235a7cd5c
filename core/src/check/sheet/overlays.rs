//! Overlays that cover the video before they are shown.

use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet};

use super::super::outline::Node;
use super::super::page::Page;
use super::super::tweens::{hides, is_visible_end};
use crate::findings::{Diagnostic, Rule, Text};
use crate::lang::script::Tween;
use crate::lang::style::{Declaration, Sheet, StyleRule, value};

/// The largest number of elements of a page that are compared with its tweens.
const MAX_OVERLAYS: usize = 100;

pub(super) fn check(page: &Page, text: &Text<'_>, rules: &[StyleRule<'_>]) -> Vec<Diagnostic> {
    let tweens = page.facts.scripts.iter().flat_map(|script| &script.tweens).collect::<Vec<_>>();
    let targets = tweens.iter().flat_map(|tween| tween.selector.split(',').map(str::trim));
    let targets = targets.collect::<BTreeSet<_>>();
    if targets.is_empty() {
        return Vec::new();
    }
    let mut styles = BTreeMap::<&str, Vec<StyleRule<'_>>>::new();
    for rule in rules {
        for selector in rule.selectors().filter(|selector| selector.starts_with(['#', '.'])) {
            styles.entry(selector).or_default().push(*rule);
        }
    }
    let candidates = page.outline.nodes.iter().filter_map(|node| {
        let mut selectors = node.value("id").map(|id| format!("#{id}")).into_iter().collect::<Vec<_>>();
        let classes = node.attribute("class").unwrap_or_default().split_whitespace();
        selectors.extend(classes.map(|class| format!(".{class}")));
        if !selectors.iter().any(|selector| targets.contains(selector.as_str())) {
            return None;
        }
        let own = selectors.iter().filter_map(|selector| styles.get(selector.as_str())).flatten().copied();
        let inline = Sheet::parse(node.attribute("style").unwrap_or_default(), 0);
        let style = own.chain([inline.attribute()]).flat_map(StyleRule::declarations).collect::<Vec<_>>();
        covers(&style).then_some((node, selectors))
    });
    let found = candidates.take(MAX_OVERLAYS).filter_map(|(node, own)| overlay(node, text, &own, &tweens));
    found.collect()
}

/// Returns the finding about an element that covers the frame; `selectors` are those that tweens name it by.
fn overlay(node: &Node, text: &Text<'_>, selectors: &[String], tweens: &[&Tween]) -> Option<Diagnostic> {
    let is_own = |tween: &&&Tween| {
        tween.selector.split(',').any(|part| selectors.iter().any(|selector| selector == part.trim()))
    };
    let mut own = tweens.iter().filter(is_own).copied().collect::<Vec<_>>();
    // The calls of a chain are read from the last to the first.
    if own.iter().all(|tween| tween.position.is_some()) {
        own.sort_by(|one, two| one.position.partial_cmp(&two.position).unwrap_or(Ordering::Equal));
    }
    // Only an element that a tween shows and a later one hides is an overlay.
    let shown = own.iter().position(|tween| !tween.is_global && is_visible_end(tween))?;
    let is_hidden_later = own[shown + 1..].iter().any(|tween| tween.method != "from" && hides(tween));
    let starts_hidden = own.iter().any(|tween| {
        // Both take effect when the timeline is built.
        let is_at_once = matches!(tween.method, "from" | "fromTo");
        is_at_once || (hides(tween) && (tween.is_global || tween.position == Some(0.0)))
    });
    if !is_hidden_later || starts_hidden {
        return None;
    }
    let message = format!(
        "{} covers the whole video until the tween of {:?} hides it: it is visible from the first frame",
        node.label(),
        own[shown].selector
    );
    let help = "add opacity: 0 to its CSS, or call gsap.set() before the timeline";
    Some(text.finding(Rule::OverlayVisibleAtStart, node.span, message).help(help))
}

/// Returns whether a style covers the frame with a background.
fn covers(style: &[Declaration<'_>]) -> bool {
    let value = |property: &str| value(style.iter().copied(), property);
    let is_zero = |property: &str| {
        value(property).is_some_and(|value| value.trim_end_matches(['p', 'x', '%']).trim() == "0")
    };
    let is_placed = matches!(value("position"), Some("fixed" | "absolute"));
    let is_full = is_zero("inset") || ["top", "right", "bottom", "left"].iter().all(|side| is_zero(side));
    let background = value("background").or_else(|| value("background-color"));
    let is_opaque = background.is_some_and(|background| {
        !matches!(background, "transparent" | "none") && !is_transparent(background)
    });
    let is_hidden = value("opacity").is_some_and(|value| value.parse() == Ok(0.0))
        || value("visibility") == Some("hidden")
        || value("display") == Some("none");
    is_placed && is_full && is_opaque && !is_hidden
}

/// Returns whether a background is a color function with an alpha value of 0.
fn is_transparent(background: &str) -> bool {
    let Some((function, arguments)) = background.split_once('(') else { return false };
    let arguments = arguments.trim_end_matches([')', ' ']);
    let alpha = match arguments.split_once('/') {
        Some((_, alpha)) => Some(alpha),
        None if function.trim().ends_with('a') => arguments.split(',').nth(3),
        None => None,
    };
    alpha.is_some_and(|alpha| alpha.trim().trim_end_matches('%').parse() == Ok(0.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_covers_the_frame_is_an_overlay() {
        let covers =
            |style: &str| covers(&Sheet::parse(style, 0).attribute().declarations().collect::<Vec<_>>());
        assert!(covers("position: absolute; inset: 0; background: #fff"));
        assert!(covers("position:fixed;top:0;left:0px;right:0;bottom:0%;background-color:rgb(0,0,0)"));
        for silent in [
            "inset: 0; background: #fff",
            "position: absolute; inset: 10px; background: #fff",
            "position: absolute; inset: 0",
            "position: absolute; inset: 0; background: rgba(0, 0, 0, 0)",
            "position: absolute; inset: 0; background: rgb(0 0 0 / 0%)",
            "position: absolute; inset: 0; background: #fff; opacity: 0",
        ] {
            assert!(!covers(silent), "{silent}");
        }
    }
}
