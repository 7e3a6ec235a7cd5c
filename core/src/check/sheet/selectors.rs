//! Selectors that match nothing, or what the renderer hides.

use super::super::scripts::unmatchable;
use crate::findings::{Diagnostic, Rule, Text};
use crate::lang::script::Selector;
use crate::lang::style::StyleRule;

/// The style that the renderer sets on elements that it hides.
const HIDDEN_STYLE: &str = "visibility: hidden !important;";

pub(super) fn check(text: &Text<'_>, rules: &[StyleRule<'_>]) -> Vec<Diagnostic> {
    let mut found = Vec::new();
    for rule in rules.iter().filter(|rule| !rule.selector().starts_with('@')) {
        let may_fail = rule.selector().contains('#') || rule.selector().contains('[');
        let selector = may_fail.then(|| Selector {
            text: Some(rule.selector().to_owned()),
            span: rule.span(),
            is_query: false,
        });
        if let Some((kind, message, help)) = selector.as_ref().and_then(unmatchable) {
            found.push(text.finding(kind, rule.span(), message).help(help));
        }
        let is_zero = rule.value("opacity").is_some_and(|value| value.parse() == Ok(0.0));
        if is_zero && rule.selectors().any(matches_hidden) {
            let message =
                "the selector matches videos while the renderer hides them, so their frames are transparent";
            let help = "add [data-composition-src] to the selector, or remove the rule";
            found.push(text.finding(Rule::HiddenStyleSelector, rule.span(), message).help(help));
        }
    }
    found
}

/// Returns whether a selector asks for the style that the renderer sets on hidden elements.
fn matches_hidden(selector: &str) -> bool {
    let Some(at) = selector.rfind("[style*=") else { return false };
    let rest = &selector[at + "[style*=".len()..];
    let Some(end) = rest.find(']') else { return false };
    let wanted = rest[..end].trim().trim_matches(['"', '\'']);
    let before = selector[..at].rsplit([' ', '>', '+', '~']).next().unwrap_or_default();
    let after = rest[end + 1..].trim_end();
    let is_last = !after.contains([' ', '>', '+', '~']);
    let is_host = [before, after].iter().any(|part| part.contains("[data-composition-"));
    let is_about = wanted.contains("visibility") || wanted.contains("hidden");
    is_last && !is_host && is_about && HIDDEN_STYLE.contains(wanted)
}

#[cfg(test)]
mod tests {
    use super::matches_hidden;

    #[test]
    fn only_selectors_of_any_hidden_element_are_found() {
        assert!(matches_hidden("[style*=\"visibility: hidden\"]"));
        assert!(matches_hidden(" .a video[style*='hidden']:not(.b)"));
        for silent in [
            "[style*=\"visibility:hidden\"]",
            "[data-composition-src][style*=\"visibility: hidden\"]",
            "[style*=\"visibility: hidden\"] video",
            "[style=\"visibility: hidden\"]",
            "[style*=\"overflow: hidden\"]",
        ] {
            assert!(!matches_hidden(silent), "{silent}");
        }
    }
}
