//! What style sheets say about tweens and transitions.

use std::collections::BTreeSet;

use crate::text::Span;

/// Returns the ids and classes that a style sheet hides by `opacity: 0`, with their marks.
pub(super) fn hidden(css: &str) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for block in css.split('}') {
        let Some((selectors, body)) = block.rsplit_once('{') else { continue };
        let is_hidden = body.split(';').any(|declaration| {
            declaration.split_once(':').is_some_and(|(name, value)| {
                name.trim().eq_ignore_ascii_case("opacity") && value.trim().parse() == Ok(0.0)
            })
        });
        if is_hidden {
            let simple = selectors.rsplit([';', '{']).next().unwrap_or_default().split(',').map(str::trim);
            let simple = simple.filter(|selector| {
                selector.starts_with(['#', '.'])
                    && selector[1..].chars().all(|c| c.is_alphanumeric() || c == '-' || c == '_')
            });
            found.extend(simple.map(str::to_owned));
        }
    }
    found
}

/// Returns the declarations of transitions that take time.
pub(super) fn transitions(css: &str) -> Vec<Span> {
    let mut found = Vec::new();
    // Everything before these places has been read: as comments, and as the value of the last declaration.
    let (mut comment, mut declaration) = (0, 0);
    for (at, _) in css.match_indices("transition") {
        while comment < at {
            match css[comment..at].find("/*") {
                Some(open) => {
                    let open = comment + open;
                    comment = css[open + 2..].find("*/").map_or(css.len(), |close| open + 2 + close + 2);
                }
                None => comment = at,
            }
        }
        if at < comment || at < declaration {
            continue;
        }
        let before = &css[..at];
        let start = before.strip_suffix("-webkit-").map_or(at, str::len);
        let is_start = css[..start].trim_end().chars().next_back().is_none_or(|c| "{;}/".contains(c));
        if !is_start {
            continue;
        }
        let rest = &css[at..];
        let name =
            &rest[..rest.find(|c: char| !(c.is_ascii_alphanumeric() || c == '-')).unwrap_or(rest.len())];
        let Some(value) = rest[name.len()..].trim_start().strip_prefix(':') else { continue };
        let value = &value[..value.find([';', '}']).unwrap_or(value.len())];
        declaration = value.as_ptr() as usize - css.as_ptr() as usize + value.len();
        let value = value.trim();
        let takes_time = match name {
            "transition" | "transition-duration" | "transition-delay" => {
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
