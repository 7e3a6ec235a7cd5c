//! Findings and their positions.

use std::cell::Cell;

use serde::Serialize;

use super::rule::Rule;
use super::severity::Severity;
use crate::text::{Position, Span};

/// A text and its path in findings. Positions are computed from the previous one, so that looking up many positions in
/// order takes linear time.
#[derive(Debug)]
pub struct Text<'a> {
    /// The path of the file, with `/`.
    pub path: &'a str,
    /// The contents of the file.
    pub source: &'a str,
    /// The last offset that was looked up, and its position.
    last: Cell<(usize, Position)>,
}

impl<'a> Text<'a> {
    /// Creates the text of the file at `path`.
    #[must_use]
    pub fn new(path: &'a str, source: &'a str) -> Self {
        Self { path, source, last: Cell::new((0, Position { line: 1, column: 1 })) }
    }

    /// Returns the position of a byte offset. An offset past the end has the position of the end.
    #[must_use]
    pub fn position(&self, offset: usize) -> Position {
        let mut end = offset.min(self.source.len());
        while !self.source.is_char_boundary(end) {
            end -= 1;
        }
        let (start, position) = self.last.get();
        let (start, mut position) =
            if start <= end { (start, position) } else { (0, Position { line: 1, column: 1 }) };
        for character in self.source[start..end].chars() {
            if character == '\n' {
                position = Position { line: position.line + 1, column: 1 };
            } else {
                position.column += 1;
            }
        }
        self.last.set((end, position));
        position
    }

    /// Creates a finding at `span`.
    #[must_use]
    pub fn finding(&self, rule: Rule, span: Span, message: impl Into<String>) -> Diagnostic {
        let mut found = Diagnostic::new(rule, self.path, message);
        found.position = Some(self.position(span.start));
        found.end = Some(self.position(span.end.max(span.start)));
        found.span = Some(span);
        found
    }
}

/// A finding.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Diagnostic {
    /// The rule.
    #[serde(rename = "code")]
    pub rule: Rule,
    /// The severity.
    pub severity: Severity,
    /// The file, relative to the repository, with `/`.
    pub path: String,
    /// The span in the file; `None` if the finding concerns the whole file.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub span: Option<Span>,
    /// The start of `span`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub position: Option<Position>,
    /// The end of `span`: the first character after it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub end: Option<Position>,
    /// The problem, as a lowercase phrase.
    pub message: String,
    /// How to fix it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub help: Option<String>,
}

impl Diagnostic {
    /// Creates a finding about a whole file, with the default severity of its rule.
    #[must_use]
    pub fn new(rule: Rule, path: impl Into<String>, message: impl Into<String>) -> Self {
        Self {
            rule,
            severity: rule.severity(),
            path: path.into(),
            span: None,
            position: None,
            end: None,
            message: message.into(),
            help: None,
        }
    }

    /// Returns the message with the help, for formats with a single text.
    pub(crate) fn whole_message(&self) -> String {
        match &self.help {
            Some(help) => format!("{}\nhelp: {help}", self.message),
            None => self.message.clone(),
        }
    }

    /// Sets the help.
    #[must_use]
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn positions_count_characters_and_survive_odd_offsets() {
        let text = Text::new("a.html", "a\nbé中c");
        let at = |offset| {
            let Position { line, column } = text.position(offset);
            (line, column)
        };
        assert_eq!(
            [at(0), at(3), at(5), at(6), at(999), at(0)],
            [(1, 1), (2, 2), (2, 3), (2, 3), (2, 5), (1, 1)]
        );
    }

    proptest! {
        #[test]
        fn the_order_of_questions_does_not_matter(source in "[a\né]{0,30}", offsets in prop::collection::vec(0..40_usize, 1..8)) {
            let text = Text::new("a", &source);
            for offset in offsets {
                prop_assert_eq!(text.position(offset), Text::new("a", &source).position(offset));
            }
        }
    }
}
