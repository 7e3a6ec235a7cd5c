//! What style sheets say about tweens and transitions.

use std::collections::BTreeSet;

use crate::lang::style::{Declaration, Sheet, StyleRule};
use crate::text::Span;

/// Returns the ids and classes that style sheets hide by `opacity: 0`, with their marks.
pub(super) fn hidden(sheets: &[Sheet]) -> BTreeSet<String> {
    let is_zero =
        |declaration: Declaration<'_>| declaration.is("opacity") && declaration.value.parse() == Ok(0.0);
    selectors_with(sheets, &|rule| rule.declarations().any(is_zero))
}

/// Returns the ids and classes that rules select, with their marks.
pub(super) fn selectors_with(
    sheets: &[Sheet],
    is_meant: &dyn Fn(&StyleRule<'_>) -> bool,
) -> BTreeSet<String> {
    let rules = sheets.iter().flat_map(Sheet::rules).filter(is_meant);
    let simple = rules.flat_map(StyleRule::selectors).filter(|selector| {
        selector.starts_with(['#', '.'])
            && selector[1..].chars().all(|c| c.is_alphanumeric() || c == '-' || c == '_')
    });
    simple.map(str::to_owned).collect()
}

/// Returns the names of the declarations of transitions that take time.
pub(super) fn transitions(sheet: &Sheet) -> Vec<Span> {
    let takes_time = |declaration: &Declaration<'_>| {
        let value = declaration.value;
        matches!(unprefixed(declaration.name), "transition" | "transition-duration" | "transition-delay")
            && (value.contains("var(") || value.split([' ', ',']).any(is_time))
    };
    sheet.declarations().filter(takes_time).map(|declaration| declaration.name_span).collect()
}

/// Returns the name of a property without the prefix of a browser.
pub(super) fn unprefixed(name: &str) -> &str {
    name.strip_prefix("-webkit-").unwrap_or(name)
}

/// Returns whether a word is a time other than zero.
pub(super) fn is_time(word: &str) -> bool {
    let number = word.strip_suffix("ms").or_else(|| word.strip_suffix('s'));
    number.and_then(|number| number.parse::<f64>().ok()).is_some_and(|number| number != 0.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_takes_time_is_found() {
        let names = |css: &str| {
            let found = transitions(&Sheet::parse(css, 0))
                .into_iter()
                .map(|span| css[span.start..span.end].to_owned());
            found.collect::<Vec<_>>()
        };
        assert_eq!(names("a{transition:opacity 1s}"), ["transition"]);
        assert_eq!(names("a { color: red; -webkit-transition: all .3s ease }"), ["-webkit-transition"]);
        assert_eq!(
            names("a{transition-duration:200ms}b{transition: var(--t)}"),
            ["transition-duration", "transition"]
        );
        for silent in [
            "a{transition:none}",
            "a{transition-duration:0s; transition-property: x}",
            "/* a{transition:opacity 1s} */",
            ".transition { color: red } a[x='transition:'] {}",
            "a{--transition: 1s}",
        ] {
            assert_eq!(names(silent), Vec::<String>::new(), "{silent}");
        }
    }
}
