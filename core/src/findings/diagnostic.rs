//! Findings and their positions.

use std::cell::Cell;

use serde::Serialize;

use super::fix::{Edit, Fix};
use super::rule::Rule;
use super::severity::Severity;
use crate::text::{Position, Span};

/// The longest message and the longest help, in bytes: they quote names and values, which a file can have of any length.
const MAX_MESSAGE: usize = 2000;

/// Shortens a text to [`MAX_MESSAGE`].
fn limited(mut text: String) -> String {
    if text.len() > MAX_MESSAGE {
        let mut end = MAX_MESSAGE - '…'.len_utf8();
        while !text.is_char_boundary(end) {
            end -= 1;
        }
        text.truncate(end);
        text.push('…');
    }
    text
}

/// A text and its path in findings. Positions are computed from the previous ones, so that looking up many positions
/// roughly in order takes linear time.
#[derive(Debug)]
pub struct Text<'a> {
    /// The path of the file, with `/`.
    pub path: &'a str,
    /// The contents of the file.
    pub source: &'a str,
    /// The last offsets that were looked up, and their positions.
    known: [Cell<(usize, Position)>; 4],
    /// The oldest of them.
    oldest: Cell<usize>,
}

impl<'a> Text<'a> {
    /// Creates the text of the file at `path`.
    #[must_use]
    pub fn new(path: &'a str, source: &'a str) -> Self {
        let start = (0, Position { line: 1, column: 1 });
        Self { path, source, known: [start; 4].map(Cell::new), oldest: Cell::new(0) }
    }

    /// Returns the position of a byte offset. An offset past the end has the position of the end.
    #[must_use]
    pub fn position(&self, offset: usize) -> Position {
        let mut end = offset.min(self.source.len());
        while !self.source.is_char_boundary(end) {
            end -= 1;
        }
        let known = self.known.iter().map(Cell::get).filter(|(start, _)| *start <= end);
        let nearest = known.max_by_key(|(start, _)| *start);
        let (start, mut position) = nearest.unwrap_or((0, Position { line: 1, column: 1 }));
        for character in self.source[start..end].chars() {
            if character == '\n' {
                position = Position { line: position.line + 1, column: 1 };
            } else {
                position.column += 1;
            }
        }
        let oldest = self.oldest.get();
        self.known[oldest].set((end, position));
        self.oldest.set((oldest + 1) % self.known.len());
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
    /// A correction that needs no judgement.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fix: Option<Fix>,
    /// Where the finding comes from, if it is not ours: `hyperframes/` and the code of the official linter.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source: Option<String>,
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
            message: limited(message.into()),
            help: None,
            fix: None,
            source: None,
        }
    }

    /// Returns the message with the help, for formats with a single text.
    pub(crate) fn whole_message(&self) -> String {
        match &self.help {
            Some(help) => format!("{}\nhelp: {help}", self.message),
            None => self.message.clone(),
        }
    }

    /// Sets the correction: edits of `text`, in source order.
    #[must_use]
    pub(crate) fn fix(
        mut self,
        text: &Text<'_>,
        description: &str,
        edits: impl IntoIterator<Item = (Span, String)>,
    ) -> Self {
        let edit = |(span, new): (Span, String)| Edit {
            span,
            position: text.position(span.start),
            end: text.position(span.end),
            text: new,
        };
        let edits = edits.into_iter().map(edit).collect();
        self.fix = Some(Fix { description: description.to_owned(), edits });
        self
    }

    /// Sets the help, if there is one.
    pub(crate) fn with_help(self, help: Option<String>) -> Self {
        match help {
            Some(help) => self.help(help),
            None => self,
        }
    }

    /// Sets the help.
    #[must_use]
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(limited(help.into()));
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

    #[test]
    fn a_message_does_not_repeat_a_whole_file() {
        let long = "é".repeat(100_000);
        let found = Diagnostic::new(Rule::MissingAsset, "a", long.clone()).help(long);
        for text in [Some(found.message), found.help] {
            assert!(text.is_some_and(|text| text.len() <= MAX_MESSAGE && text.ends_with("é…")));
        }
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
