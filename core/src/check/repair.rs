//! The edits of corrections.

use super::outline::Node;
use crate::project::{percent_decode, percent_encode};
use crate::text::Span;

/// Returns the edit that adds an attribute to a start tag.
pub(super) fn add_attribute(node: &Node, attribute: &str) -> (Span, String) {
    let at = node.span.start + 1 + node.name.len();
    (Span { start: at, end: at }, format!(" {attribute}"))
}

/// Returns whether a value can be written in place of an attribute's value without escaping.
pub(super) fn fits(source: &str, span: Span, value: &str) -> bool {
    let is_quoted = source.get(..span.start).is_some_and(|before| before.ends_with(['"', '\'']));
    value.chars().all(|letter| {
        !"\"'&<>`=\\".contains(letter) && !letter.is_control() && (is_quoted || !letter.is_whitespace())
    })
}

/// Returns a reference with the letter case of the file that it means, whose path is `actual`. `None` if it is already right.
pub(super) fn with_case(target: &str, actual: &str) -> Option<String> {
    let end = target.find(['?', '#']).unwrap_or(target.len());
    let (path, rest) = target.split_at(end);
    if path.contains('\\') {
        return None;
    }
    let mut parts = path.split('/').map(str::to_owned).collect::<Vec<_>>();
    for (own, real) in parts.iter_mut().rev().zip(actual.rsplit('/')) {
        let decoded = percent_decode(own);
        if decoded.to_lowercase() != real.to_lowercase() {
            break;
        }
        // What is right stays as it is written.
        if decoded != real {
            *own = if own.contains('%') { percent_encode(real) } else { real.to_owned() };
        }
    }
    let fixed = format!("{}{rest}", parts.join("/"));
    (fixed != target).then_some(fixed)
}

/// Returns the text of `Math.max(0, Math.floor(…) - 1)` for a property with `Math.ceil(…) - 1` or `Math.floor(…) - 1`.
pub(super) fn with_bounded_repeat(property: &str) -> Option<String> {
    let name = ["Math.ceil", "Math.floor"].into_iter().find(|name| property.contains(name))?;
    let (before, rest) = property.split_once(name)?;
    Some(format!("{before}Math.max(0, Math.floor{rest})"))
}

/// Returns a registration such as `window.__timelines["a"]` under another id.
pub(super) fn with_id(registration: &str, id: &str, new: &str) -> Option<String> {
    let at = registration.rfind(id)?;
    let (before, rest) = registration.split_at(at);
    let is_name = new.chars().all(|letter| letter.is_ascii_alphanumeric() || letter == '_')
        && !new.starts_with(|letter: char| letter.is_ascii_digit());
    let is_quoted = before.ends_with(['"', '\'', '`']);
    let is_safe = !new.is_empty() && !new.contains(['"', '\'', '`', '\\', '<', '$']);
    ((is_quoted || is_name) && is_safe).then(|| format!("{before}{new}{}", &rest[id.len()..]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_part_that_is_wrong_changes() {
        let case = with_case;
        assert_eq!(case("../Assets/A.PNG?v=1", "p/assets/a.png").as_deref(), Some("../assets/a.png?v=1"));
        assert_eq!(case("./assets/a.png", "assets/a.png"), None);
        assert_eq!(case("Assets/%41.png", "assets/A.png").as_deref(), Some("assets/%41.png"));
        assert_eq!(case("My%20Logo.png#x", "my logo.png").as_deref(), Some("my%20logo.png#x"));
        assert_eq!(case("Assets\\a.png", "assets/a.png"), None);
        assert_eq!(
            with_bounded_repeat("repeat: Math.ceil(a / (b)) - 1").as_deref(),
            Some("repeat: Math.max(0, Math.floor(a / (b)) - 1)")
        );
        assert_eq!(
            with_id("window.__timelines[\"a\"]", "a", "b-c").as_deref(),
            Some("window.__timelines[\"b-c\"]")
        );
        assert_eq!(with_id("window.__timelines.a", "a", "b-c"), None);
        assert!(fits("<a b=\"x\">", Span { start: 6, end: 7 }, "y z"));
        assert!(!fits("<a b=x>", Span { start: 5, end: 6 }, "y z"));
    }
}
