//! Findings as workflow commands.
//!
//! Source of the escapes: `@actions/core`, `command.ts`.

use super::plain::visible;
use crate::findings::{Diagnostic, Severity};

/// Writes a finding as one line.
pub(crate) fn github(found: &Diagnostic, out: &mut String) {
    let command = match found.severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
        Severity::Note => "notice",
    };
    let mut properties = vec![("file", visible(&found.path))];
    if let (Some(start), Some(end)) = (found.position, found.end) {
        properties.push(("line", start.line.to_string()));
        properties.push(("endLine", end.line.to_string()));
        // Columns are only valid for findings within one line; the end column is inclusive.
        if start.line == end.line {
            properties.push(("col", start.column.to_string()));
            properties.push(("endColumn", end.column.saturating_sub(1).max(start.column).to_string()));
        }
    }
    properties.push(("title", found.rule.code().to_owned()));
    let properties =
        properties.into_iter().map(|(name, value)| format!("{name}={}", workflow_property(&value)));
    out.push_str(&format!(
        "::{command} {}::{}\n",
        properties.collect::<Vec<_>>().join(","),
        workflow_data(&visible(&found.whole_message()))
    ));
}

/// Escapes a text as the data of a workflow command.
#[must_use]
pub fn workflow_data(text: &str) -> String {
    text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

/// Escapes a text as a property of a workflow command.
#[must_use]
pub fn workflow_property(text: &str) -> String {
    workflow_data(text).replace(':', "%3A").replace(',', "%2C")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::findings::Rule;
    use crate::findings::Text;
    use crate::text::Span;

    #[test]
    fn a_finding_is_one_command_whatever_it_holds() {
        let source = "<p>\n<img src=x.png>";
        let found = Text::new("a,b:c%.html", source)
            .finding(Rule::MissingAsset, Span { start: 13, end: 18 }, "no\r\n::error::100%")
            .help("commit it");
        let mut out = String::new();
        github(&found, &mut out);
        assert_eq!(
            out,
            "::error file=a%2Cb%3Ac%25.html,line=2,endLine=2,col=10,endColumn=14,title=missing-asset\
             ::no%0D%0A::error::100%25%0Ahelp: commit it\n"
        );
        let found = Diagnostic::new(Rule::MissingAsset, "a\u{1b}[2J", "\0\u{9b}31m\u{202e}##[error]");
        out.clear();
        github(&found, &mut out);
        assert!(!out.trim_end().contains(|character: char| character.is_control()), "{out:?}");
        assert!(!out.contains('\u{202e}') && !out.contains("##["), "{out:?}");
        let found = Diagnostic::new(Rule::PlaceholderReference, "index.html", "x");
        out.clear();
        github(&found, &mut out);
        assert_eq!(out, "::notice file=index.html,title=placeholder-reference::x\n");
    }
}
