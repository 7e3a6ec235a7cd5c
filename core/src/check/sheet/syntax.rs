//! Syntax errors of style sheets that change what comes after them.

use crate::findings::{Diagnostic, Rule, Text};
use crate::text::Span;

/// Returns the first syntax error of a style sheet without comments, which starts at `offset`.
pub(super) fn check(text: &Text<'_>, css: &str, offset: usize) -> Option<Diagnostic> {
    let (message, start, end) = error(css)?;
    let span = Span { start, end }.after(offset);
    let help =
        "correct the style sheet; browsers skip what they cannot read, and often the next rule as well";
    Some(text.finding(Rule::CssSyntaxError, span, message).help(help))
}

/// Returns the first error: the message, and its start and end.
fn error(css: &str) -> Option<(&'static str, usize, usize)> {
    // A later step replaces placeholders.
    if ["{{", "{%", "<%", "${"].iter().any(|mark| css.contains(mark)) {
        return None;
    }
    let bytes = css.as_bytes();
    let mut open = Vec::new();
    let mut at = 0;
    // Where the current prelude or declaration starts.
    let mut start = 0;
    while let Some(byte) = bytes.get(at).copied() {
        match byte {
            b'\\' => at += 1,
            b'"' | b'\'' => {
                let rest = &bytes[at + 1..];
                let end = string_end(rest, byte);
                if rest.get(end) != Some(&byte) {
                    return Some(("a string is not closed in its line", at, at + 1 + end));
                }
                at += end + 1;
            }
            b'(' if is_url(&css[..at]) => {
                let end = css[at..].find(')').map_or(bytes.len(), |end| at + end);
                at = end;
            }
            b'{' => {
                open.push(at);
                start = at + 1;
            }
            b'}' if open.is_empty() => {
                return Some(("the } closes nothing, and the rule after it is skipped", at, at + 1));
            }
            b'}' | b';' => {
                if byte == b'}' {
                    open.pop();
                }
                let statement = css[start..at].trim();
                let is_plain = !statement.is_empty() && !statement.starts_with(['@', '<']);
                let from = at - css[start..at].trim_start().len();
                if is_plain && byte == b';' && open.is_empty() {
                    return Some(("a declaration is outside of any rule", from, at));
                }
                if is_plain && !statement.contains(':') {
                    return Some(("the declaration has no colon", from, at));
                }
                start = at + 1;
            }
            _ => {}
        }
        at += 1;
    }
    // Browsers close it at the end of the style sheet.
    let inner = open.pop()?;
    Some(("the { is never closed", inner, inner + 1))
}

/// Returns the length of a string without its quotes, up to the end of the line.
fn string_end(rest: &[u8], quote: u8) -> usize {
    let mut at = 0;
    while let Some(byte) = rest.get(at).copied() {
        match byte {
            b'\\' => at += 1,
            b'\n' => return at,
            _ if byte == quote => return at,
            _ => {}
        }
        at += 1;
    }
    rest.len()
}

/// Returns whether a parenthesis after `before` holds a URL, which needs no quotes.
fn is_url(before: &str) -> bool {
    let bytes = before.as_bytes();
    bytes.len() >= 3 && bytes[bytes.len() - 3..].eq_ignore_ascii_case(b"url")
}

#[cfg(test)]
mod tests {
    use super::error;

    #[test]
    fn only_errors_that_reach_further_are_found() {
        for (css, place) in [
            (".a { color: red", 3),
            (".a { color: red }} .b {}", 17),
            (".a { content: 'x }\n.b {}", 14),
            ("color: red;\n.a {}", 0),
            (".a { color red; }", 5),
            (".a { color: red; b }", 17),
            ("@media print { .a { color: red }", 13),
        ] {
            assert_eq!(error(css).map(|(_, start, _)| start), Some(place), "{css}");
        }
        for silent in [
            "",
            "@import 'a.css'; .a { content: '}' } .b { background: url(data:image/png;base64,a'b) }",
            ".a { content: 'it\\'s' } .b\\{ {} @media print { .c { color: red; } }",
            "@charset \"utf-8\";\n<!-- .a {} -->",
            ".a { & .b { color: red } color: blue; }",
            ".a { color: {{color}}; {{more}} }",
        ] {
            assert_eq!(error(silent), None, "{silent}");
        }
    }
}
