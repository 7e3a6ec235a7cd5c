//! Checks of tweens against the elements and styles of their page.

use std::collections::BTreeSet;

use super::page::{Page, Pages};
use super::style_facts::hidden;
use crate::findings::{Diagnostic, Rule};
use crate::lang::script::{Tween, TweenValue};

/// Properties that the renderer sets on clips.
const MANAGED: &[&str] = &["visibility", "display", "autoAlpha"];

pub(super) fn check(pages: &Pages<'_>) -> Vec<Diagnostic> {
    pages.all().filter(|page| page.is_composition()).flat_map(tweens).collect()
}

fn tweens(page: &Page) -> Vec<Diagnostic> {
    let mut found = Vec::new();
    if page.facts.scripts.iter().all(|script| script.tweens.is_empty()) {
        return found;
    }
    let text = page.text();
    let hidden_by_css = hidden(&page.facts.sheets);
    let clips = Clips::of(page);
    for script in &page.facts.scripts {
        let mut hidden = hidden_by_css.clone();
        let holds = script.tweens.iter().filter(|tween| tween.is_global && tween.method == "set");
        hidden.extend(holds.filter(|tween| hides(tween)).flat_map(|tween| parts(&tween.selector)));
        let is_hidden = |tween: &Tween| {
            let mut parts = parts(&tween.selector).into_iter().peekable();
            parts.peek().is_some() && parts.all(|part| hidden.contains(&part))
        };
        for tween in &script.tweens {
            if let Some(property) = MANAGED.iter().find(|name| tween.values.contains_key(**name))
                && parts(&tween.selector).iter().any(|selector| clips.contains(selector))
            {
                let message = format!("{:?} is a clip, and the renderer sets its {property}", tween.selector);
                let help = "animate opacity, or an element inside the clip";
                found.push(text.finding(Rule::ClipVisibilityTween, tween.span, message).help(help));
            }
            let opacity = tween.values.get("opacity");
            let is_noop = tween.method == "from" && opacity == Some(&TweenValue::Number(0.0));
            let is_unrevealed = tween.method == "fromTo"
                && is_visible(tween)
                && opacity.is_none()
                && !tween.values.contains_key("autoAlpha");
            if (is_noop || is_unrevealed) && is_hidden(tween) {
                let message = if is_noop {
                    format!("{:?} has opacity 0 already, so it fades from 0 to 0", tween.selector)
                } else {
                    format!("{:?} is hidden, and the tween does not end at a visible opacity", tween.selector)
                };
                let help = if is_noop {
                    "remove opacity: 0 from the CSS"
                } else {
                    "add opacity: 1 to the last object"
                };
                found.push(text.finding(Rule::InvisibleReveal, tween.span, message).help(help));
            }
            let is_hold = tween.method == "set"
                || (tween.method == "to" && tween.values.get("duration") == Some(&TweenValue::Number(0.0)));
            let is_late = is_hold
                && !tween.is_global
                && tween.is_initial
                && tween.position == Some(0.0)
                && tween.values.get("immediateRender") != Some(&TweenValue::Flag(true));
            if is_late && hides(tween) && !is_hidden(tween) {
                let message = format!(
                    "the first frame shows {:?}; a tween without a duration at position 0 takes effect after it",
                    tween.selector
                );
                let help = "use gsap.set(), or hide the element in CSS";
                found.push(text.finding(Rule::LateInitialState, tween.span, message).help(help));
            }
        }
    }
    found
}

/// Returns the simple selectors of a list.
fn parts(selector: &str) -> Vec<String> {
    selector.split(',').map(|part| part.trim().to_owned()).filter(|part| !part.is_empty()).collect()
}

fn is_zero(value: Option<&TweenValue>) -> bool {
    match value {
        Some(TweenValue::Number(number)) => *number == 0.0,
        Some(TweenValue::Text(text)) => text.trim().parse() == Ok(0.0),
        _ => false,
    }
}

fn is_text(value: Option<&TweenValue>, wanted: &str) -> bool {
    matches!(value, Some(TweenValue::Text(text)) if text.eq_ignore_ascii_case(wanted))
}

/// Returns whether the end of the tween is a hidden state.
pub(super) fn hides(tween: &Tween) -> bool {
    let value = |name: &str| tween.values.get(name);
    ["opacity", "autoAlpha", "scale"].iter().any(|name| is_zero(value(name)))
        || is_text(value("visibility"), "hidden")
        || is_text(value("display"), "none")
}

/// Returns whether the start of a `fromTo` is a visible state.
fn is_visible(tween: &Tween) -> bool {
    let opacity = tween.from.get("opacity").or_else(|| tween.from.get("autoAlpha"));
    matches!(opacity, Some(TweenValue::Number(number)) if *number > 0.0)
}

/// Returns whether the end of the tween is a visible state.
pub(super) fn is_visible_end(tween: &Tween) -> bool {
    let opacity = tween.values.get("opacity").or_else(|| tween.values.get("autoAlpha"));
    matches!(opacity, Some(TweenValue::Number(number)) if *number > 0.0)
        || is_text(tween.values.get("visibility"), "visible")
        || is_text(tween.values.get("display"), "block")
}

/// The ids and the other classes of clips.
struct Clips<'a> {
    ids: BTreeSet<&'a str>,
    classes: BTreeSet<&'a str>,
}

impl<'a> Clips<'a> {
    fn of(page: &'a Page) -> Self {
        let clips = || page.outline.nodes.iter().filter(|node| node.has_class("clip"));
        let classes =
            clips().filter_map(|clip| clip.attribute("class")).flat_map(str::split_ascii_whitespace);
        Self {
            ids: clips().filter_map(|clip| clip.attribute("id")).collect(),
            classes: classes.filter(|class| *class != "clip").collect(),
        }
    }

    /// Returns whether a selector is that of a clip, by its id or a class.
    fn contains(&self, selector: &str) -> bool {
        selector.strip_prefix('#').is_some_and(|id| self.ids.contains(id))
            || selector.strip_prefix('.').is_some_and(|class| self.classes.contains(class))
    }
}
