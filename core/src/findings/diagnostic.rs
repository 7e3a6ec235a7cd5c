//! Findings and their positions.

use std::cell::{Cell, OnceCell};

use serde::Serialize;

use super::fix::{Edit, Fix};
use super::rule::Rule;
use super::severity::Severity;
use crate::text::{Position, Span};

/// The longest message and the longest help, in bytes: they quote names and values, which a file can have of any length.
const MAX_MESSAGE: usize = 2000;

/// Shortens a message that quotes a file to 2,000 bytes.
#[must_use]
pub fn limited(mut text: String) -> String {
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

/// The distance in bytes between the places of a text whose positions are kept.
const STRIDE: usize = 1024;

/// A text and its path in findings. Positions are computed from the previous one, or from one of many that are kept when
/// they are not asked for in order, so that looking up many positions takes linear time.
#[derive(Debug)]
pub struct Text<'a> {
    /// The path of the file, with `/`.
    pub path: &'a str,
    /// The contents of the file.
    pub source: &'a str,
    /// The last offset that was looked up, and its position.
    last: Cell<(usize, Position)>,
    /// Offsets and their positions, at least [`STRIDE`] apart, from the start; computed for the first lookup that goes back.
    kept: OnceCell<Vec<(usize, Position)>>,
}

impl<'a> Text<'a> {
    /// Creates the text of the file at `path`.
    #[must_use]
    pub fn new(path: &'a str, source: &'a str) -> Self {
        Self { path, source, last: Cell::new((0, Position { line: 1, column: 1 })), kept: OnceCell::new() }
    }

    /// Returns the position of a byte offset. An offset past the end has the position of the end.
    #[must_use]
    pub fn position(&self, offset: usize) -> Position {
        let mut end = offset.min(self.source.len());
        while !self.source.is_char_boundary(end) {
            end -= 1;
        }
        let (mut start, mut position) = self.last.get();
        if start > end {
            let kept = self.kept.get_or_init(|| self.marks());
            let after = kept.partition_point(|(offset, _)| *offset <= end);
            (start, position) = kept[after.saturating_sub(1)];
        }
        position = advance(position, &self.source[start..end]);
        self.last.set((end, position));
        position
    }

    fn marks(&self) -> Vec<(usize, Position)> {
        let (mut start, mut position) = (0, Position { line: 1, column: 1 });
        let mut marks = vec![(start, position)];
        while start + STRIDE < self.source.len() {
            let mut end = start + STRIDE;
            while !self.source.is_char_boundary(end) {
                end += 1;
            }
            position = advance(position, &self.source[start..end]);
            start = end;
            marks.push((start, position));
        }
        marks
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

/// Returns the position after a text that starts at a position.
fn advance(mut position: Position, text: &str) -> Position {
    for character in text.chars() {
        if character == '\n' {
            position = Position { line: position.line + 1, column: 1 };
        } else {
            position.column += 1;
        }
    }
    position
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
    /// An automatic fix.
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
    #[must_use]
    pub fn whole_message(&self) -> String {
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

    #[test]
    fn positions_far_back_are_found_as_well() {
        let source = "ab中\n".repeat(2000);
        let text = Text::new("a", &source);
        for offset in (0..source.len()).rev().step_by(97) {
            assert_eq!(text.position(offset), Text::new("a", &source).position(offset), "{offset}");
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
