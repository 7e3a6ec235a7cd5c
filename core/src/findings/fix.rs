//! Corrections of findings, as edits.

use serde::Serialize;

use crate::text::{Position, Span};

/// An automatic fix: edits of the file that the finding is about.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Fix {
    /// What the edits do, as an imperative.
    pub description: String,
    /// The edits, in source order; they do not overlap.
    pub edits: Vec<Edit>,
}

/// The replacement of a part of a file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Edit {
    /// The bytes to replace; nothing is replaced if the span is empty.
    pub span: Span,
    /// The start of `span`.
    pub position: Position,
    /// The end of `span`: the first character after it.
    pub end: Position,
    /// The new text.
    pub text: String,
}

/// Applies corrections to a text. Returns the new text and the number of corrections in it. A correction that touches the
/// place of an earlier one is left out: the next check tells whether it is still needed.
pub(crate) fn apply<'a>(source: &str, fixes: impl IntoIterator<Item = &'a Fix>) -> (String, usize) {
    let mut fixes = fixes.into_iter().filter(|fix| !fix.edits.is_empty()).collect::<Vec<_>>();
    fixes.sort_by_key(|fix| fix.edits[0].span);
    let mut edits = Vec::<&Edit>::new();
    let mut count = 0;
    let mut end = None;
    for fix in fixes {
        let start = fix.edits[0].span.start;
        let is_sound = fix.edits.iter().all(|edit| source.get(edit.span.start..edit.span.end).is_some());
        if end.is_none_or(|end| start > end) && is_sound {
            end = fix.edits.last().map(|edit| edit.span.end);
            edits.extend(&fix.edits);
            count += 1;
        }
    }
    let mut fixed = String::with_capacity(source.len() + 64);
    let mut at = 0;
    for edit in edits {
        fixed.push_str(&source[at..edit.span.start]);
        fixed.push_str(&edit.text);
        at = edit.span.end;
    }
    fixed.push_str(&source[at..]);
    (fixed, count)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::findings::{Rule, Text};

    #[test]
    fn corrections_that_touch_wait_for_the_next_round() {
        let text = Text::new("a", "\u{feff}ab\r\ncd");
        let fix = |edits: &[(usize, usize, &str)]| {
            let edits =
                edits.iter().map(|(start, end, new)| (Span { start: *start, end: *end }, (*new).to_owned()));
            let found = text.finding(Rule::UnclosedTag, Span::default(), "x").fix(&text, "Fix it", edits);
            found.fix.expect("a fix")
        };
        let fixes = [fix(&[(7, 8, "X")]), fix(&[(3, 3, "1"), (4, 5, "2")]), fix(&[(5, 5, "late")])];
        assert_eq!(apply(text.source, &fixes), ("\u{feff}1a2\r\nXd".to_owned(), 2));
        assert_eq!(fixes[0].edits[0].position, Position { line: 2, column: 1 });
    }
}
