//! Checks of CSS transitions.

use super::page::{Page, Pages};
use crate::findings::{Diagnostic, Rule};
use crate::text::Span;

pub(super) fn check(pages: &Pages<'_>, used: &std::collections::BTreeSet<&str>) -> Vec<Diagnostic> {
    let used = pages.all().filter(|page| used.contains(page.path.as_str()));
    used.flat_map(in_page).collect()
}

fn in_page(page: &Page) -> Vec<Diagnostic> {
    let text = page.text();
    let found = page.facts.transitions.iter().map(|span| {
        let message = "CSS transitions follow the real clock, not the time of the frame";
        let help = "change the style with the timeline";
        text.finding(Rule::CssTransition, *span, message).help(help)
    });
    found.collect()
}

/// Returns the declarations of transitions that take time.
pub(super) fn transitions(css: &str) -> Vec<Span> {
    let mut found = Vec::new();
    let mut comment = 0;
    for (at, _) in css.match_indices("transition") {
        // Comments before this place; whatever is before `comment` has been read.
        while let Some(open) = css[comment..at.max(comment)].find("/*") {
            let open = comment + open;
            comment = css[open..].find("*/").map_or(css.len(), |close| open + close + 2);
        }
        if at < comment {
            continue;
        }
        let before = &css[..at];
        let start = before.strip_suffix("-webkit-").map_or(at, str::len);
        let is_start = css[..start].trim_end().chars().next_back().is_none_or(|c| "{;}/".contains(c));
        let rest = &css[at..];
        let name =
            &rest[..rest.find(|c: char| !(c.is_ascii_alphanumeric() || c == '-')).unwrap_or(rest.len())];
        let Some(value) = rest[name.len()..].trim_start().strip_prefix(':').filter(|_| is_start) else {
            continue;
        };
        let value = value[..value.find([';', '}']).unwrap_or(value.len())].trim();
        let takes_time = match name {
            "transition" | "transition-duration" => {
                value.contains("var(") || value.split([' ', ',']).any(is_time)
            }
            _ => false,
        };
        if takes_time {
            found.push(Span { start, end: at + name.len() });
        }
    }
    found
}

/// Returns whether a word is a time other than zero.
fn is_time(word: &str) -> bool {
    let number = word.strip_suffix("ms").or_else(|| word.strip_suffix('s'));
    number.and_then(|number| number.parse::<f64>().ok()).is_some_and(|number| number != 0.0)
}

#[cfg(test)]
mod tests {
    use super::transitions;

    #[test]
    fn only_what_takes_time_is_found() {
        let names = |css: &str| {
            let found = transitions(css).into_iter().map(|span| css[span.start..span.end].to_owned());
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
