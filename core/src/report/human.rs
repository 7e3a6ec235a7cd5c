//! Findings as text with excerpts, like the errors of a compiler.

use std::fmt::Write;

use unicode_width::UnicodeWidthStr;

use super::plain::{disarm, is_misleading, plain};
use crate::findings::{Diagnostic, Severity, Text};
use crate::text::{Position, Span};

/// Terminal colors; empty strings if colors are off.
struct Paint {
    bold: &'static str,
    blue: &'static str,
    severity: &'static str,
    reset: &'static str,
}

impl Paint {
    fn new(color: bool, severity: Severity) -> Self {
        if !color {
            return Self { bold: "", blue: "", severity: "", reset: "" };
        }
        let severity = match severity {
            Severity::Error => "\u{1b}[1;31m",
            Severity::Warning => "\u{1b}[1;33m",
            Severity::Note => "\u{1b}[1;36m",
        };
        Self { bold: "\u{1b}[1m", blue: "\u{1b}[1;34m", severity, reset: "\u{1b}[0m" }
    }
}

/// Writes a finding and a blank line, with an excerpt if the text is known.
pub(crate) fn human(found: &Diagnostic, source: Option<&str>, color: bool, out: &mut String) {
    let paint = Paint::new(color, found.severity);
    let Paint { bold, blue, severity, reset } = paint;
    let word = found.severity.as_str();
    let message = plain(&found.message);
    // Writing to a string cannot fail.
    let _ = writeln!(out, "{severity}{word}[{}]{reset}{bold}: {message}{reset}", found.rule);
    let path = plain(&found.path);
    let mut gutter = 1;
    match found.position {
        Some(Position { line, column }) => {
            let number = line.to_string();
            gutter = number.len();
            let _ = writeln!(out, "{:gutter$}{blue}-->{reset} {path}:{line}:{column}", "");
            if let Some(excerpt) = source.zip(found.span).and_then(|(source, span)| Excerpt::of(source, span))
            {
                excerpt.write(&number, &paint, out);
            }
        }
        None => {
            let _ = writeln!(out, "{:gutter$}{blue}-->{reset} {path}", "");
        }
    }
    if let Some(help) = &found.help {
        let _ = writeln!(out, "{:gutter$} {blue}={reset} {bold}help{reset}: {}", "", plain(help));
    }
    out.push('\n');
}

/// Returns the line of a span with its number and carets below the span: three lines, without a trailing newline.
/// `None` if the span is outside the text.
#[must_use]
pub fn excerpt(source: &str, span: Span) -> Option<String> {
    let line = Text::new("", source).position(span.start).line;
    let mut out = String::new();
    Excerpt::of(source, span)?.write(&line.to_string(), &Paint::new(false, Severity::Error), &mut out);
    Some(out.trim_end().to_owned())
}

/// The line of a finding, shortened if it is long.
struct Excerpt {
    text: String,
    /// Number of columns before the marked part.
    before: usize,
    /// Number of marked columns, at least one.
    marked: usize,
}

/// Number of characters of a line that are shown before and after the start of a finding.
const LEAD: usize = 60;
const TAIL: usize = 80;

impl Excerpt {
    fn write(&self, number: &str, paint: &Paint, out: &mut String) {
        let Paint { blue, severity, reset, .. } = paint;
        let (gutter, before) = (number.len(), self.before);
        let _ = writeln!(out, "{:gutter$} {blue}|{reset}", "");
        let _ = writeln!(out, "{blue}{number} |{reset} {}", self.text);
        let carets = "^".repeat(self.marked);
        let _ = writeln!(out, "{:gutter$} {blue}|{reset} {:before$}{severity}{carets}{reset}", "", "");
    }

    fn of(source: &str, span: Span) -> Option<Self> {
        let (before, rest) = source.split_at_checked(span.start)?;
        // The characters back to the start of the line, up to the limit.
        let lead = before
            .chars()
            .rev()
            .take_while(|character| *character != '\n')
            .take(LEAD + 1)
            .collect::<Vec<_>>();
        let is_cut = lead.len() > LEAD;
        let before = lead.iter().take(LEAD).rev().copied().collect::<String>();
        let ends = |character: char| character == '\n' || character == '\r';
        // Not the whole line, which can be the whole file.
        let line = rest.char_indices().take_while(|(_, character)| !ends(*character));
        let inside = span.end.saturating_sub(span.start);
        let mut marked = String::new();
        let mut after = String::new();
        let mut is_cut_after = false;
        for (index, (offset, character)) in line.take(TAIL + 1).enumerate() {
            match (index < TAIL, offset < inside) {
                (false, _) => is_cut_after = true,
                (true, true) => marked.push(character),
                (true, false) => after.push(character),
            }
        }
        let [before, marked, after] = [before, marked, after].map(|part| clean(&part));
        let mut text = String::new();
        if is_cut {
            text.push('…');
        }
        text.push_str(&before);
        let before = text.width();
        text.push_str(&marked);
        text.push_str(&after);
        if is_cut_after {
            text.push('…');
        }
        Some(Self { text: disarm(&text).trim_end().to_owned(), before, marked: marked.width().max(1) })
    }
}

/// Replaces tabs with spaces, and control characters with U+FFFD, so that the width is the same on every terminal.
fn clean(text: &str) -> String {
    let mut clean = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '\t' => clean.push_str("    "),
            other if other.is_control() || is_misleading(other) => clean.push('\u{fffd}'),
            other => clean.push(other),
        }
    }
    clean
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::findings::Rule;
    use proptest::prelude::*;

    fn told(source: &str, marked: &str) -> String {
        let start = source.find(marked).expect("there");
        let span = Span { start, end: start + marked.len() };
        let found =
            Text::new("a.html", source).finding(Rule::MissingAsset, span, "file not found").help("commit it");
        let mut out = String::new();
        human(&found, Some(source), false, &mut out);
        out
    }

    #[test]
    fn a_caret_shows_the_place() {
        assert_eq!(
            told("<p>\n\t<b>中文</b> <img src=\"x.png\">\n", "x.png"),
            "error[missing-asset]: file not found\n \
             --> a.html:2:22\n  \
             |\n\
             2 |     <b>中文</b> <img src=\"x.png\">\n  \
             |                           ^^^^^\n  \
             = help: commit it\n\n"
        );
    }

    #[test]
    fn long_lines_are_cut_around_the_place() {
        let source = format!("{}x.png{}", "a".repeat(5000), "b".repeat(5000));
        let told = told(&source, "x.png");
        assert!(told.contains(&format!("1 | …{}x.png{}…\n", "a".repeat(60), "b".repeat(75))), "{told}");
        assert!(told.contains(&format!("  | {}^^^^^\n", " ".repeat(61))), "{told}");
    }

    #[test]
    fn a_place_of_no_width_and_one_of_many_lines() {
        assert!(told("<p>\n<q>", "").contains("  | ^\n"));
        assert!(told("<p>\n<q>\n</q>", "<q>\n</q>").contains("2 | <q>\n  | ^^^\n"));
    }

    #[test]
    fn a_file_commands_nothing() {
        let told = told("\u{1b}[2J##[error]x.png\u{202e}", "x.png");
        assert!(!told.contains(['\u{1b}', '\u{202e}']) && !told.contains("##["), "{told:?}");
    }

    proptest! {
        #[test]
        fn any_text_can_be_told(source: String, start in 0..40_usize, length in 0..40_usize) {
            let found = Text::new("a", &source).finding(Rule::MissingAsset, Span { start, end: start + length }, "x");
            let mut out = String::new();
            human(&found, Some(&source), true, &mut out);
            prop_assert!(out.ends_with("\n\n"));
        }
    }
}
