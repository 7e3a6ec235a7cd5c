//! Findings of rows: one for each kind, with its first rows and a count.

use hyperframes_ci_core::findings::{Diagnostic, Rule, Severity};
use hyperframes_ci_core::text::Position;
use hyperframes_ci_core::variables::{Declarations, Row, ValueIssue};

use crate::ui::counted;

/// Maximum number of rows that a finding lists.
const LISTED: usize = 5;

/// Maximum number of kinds of findings that are reported; rows may contain any number of undeclared variables.
const MAX_KINDS: usize = 50;

/// Findings about one variable by one rule.
struct Kind {
    issue: ValueIssue,
    severity: Severity,
    /// The first rows, with their lines.
    rows: Vec<(u64, u64)>,
    count: u64,
}

/// Findings about rows that are rendered in spite of them.
#[derive(Default)]
pub(super) struct RowFindings {
    kinds: Vec<Kind>,
    /// Findings of further kinds.
    other: u64,
}

impl RowFindings {
    /// Adds a finding about a row.
    pub(super) fn add(&mut self, row: &Row, issue: ValueIssue, severity: Severity) {
        let is_kind = |kind: &Kind| kind.issue.rule == issue.rule && kind.issue.variable == issue.variable;
        let place = (row.index + 1, row.line);
        match self.kinds.iter().position(is_kind) {
            Some(index) => {
                let kind = &mut self.kinds[index];
                kind.count += 1;
                if kind.rows.len() < LISTED {
                    kind.rows.push(place);
                }
            }
            None if self.kinds.len() < MAX_KINDS => {
                self.kinds.push(Kind { issue, severity, rows: vec![place], count: 1 });
            }
            None => self.other += 1,
        }
    }

    /// Returns one finding a kind, at the line of its first row in the file at `path`.
    pub(super) fn into_diagnostics(self, path: &str, declarations: &Declarations) -> Vec<Diagnostic> {
        let finding = |Kind { issue, severity, rows, count }: Kind| {
            let listed = rows.iter().map(|(row, line)| format!("row {row} (line {line})"));
            let mut listed = listed.collect::<Vec<_>>().join(", ");
            let more = count - rows.len() as u64;
            if more > 0 {
                listed.push_str(&format!(" and {more} more"));
            }
            let mut found = Diagnostic::new(issue.rule, path, format!("{}: {listed}", issue.message));
            found.help = match issue.rule {
                Rule::UndeclaredVariable => Some(declarations.advice(&issue.variable)),
                _ => issue.help,
            };
            found.severity = severity;
            let line = rows.first().and_then(|(_, line)| usize::try_from(*line).ok()).unwrap_or(1);
            // Rows are streamed: a line is known, and no offset in the file.
            found.position = Some(Position { line, column: 1 });
            found.end = found.position;
            found
        };
        let mut found = self.kinds.into_iter().map(finding).collect::<Vec<_>>();
        if let (true, Some(last)) = (self.other > 0, found.last()) {
            let other = usize::try_from(self.other).unwrap_or(usize::MAX);
            let message = format!("{} about other variables", counted(other, "more finding"));
            let severity = last.severity;
            found.push(Diagnostic { severity, ..Diagnostic::new(last.rule, path, message) });
        }
        found
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::Map;

    #[test]
    fn kinds_are_counted_and_bounded() {
        let mut findings = RowFindings::default();
        let row =
            |index| Row { index, line: index + 2, variables: Map::new(), options: Map::new(), output: None };
        let issue = |rule, variable: &str| ValueIssue {
            rule,
            variable: variable.to_owned(),
            message: format!("about {variable}"),
            help: None,
        };
        for index in 0..7 {
            findings.add(&row(index), issue(Rule::UndeclaredVariable, "a"), Severity::Warning);
        }
        for index in 0..2 {
            findings.add(&row(index), issue(Rule::VariableTypeMismatch, "a"), Severity::Note);
        }
        for index in 0..100 {
            let variable = format!("v{index}");
            findings.add(&row(index), issue(Rule::UndeclaredVariable, &variable), Severity::Warning);
        }
        let found = findings.into_diagnostics("rows.csv", &Declarations::default());
        assert_eq!(found.len(), MAX_KINDS + 1);
        assert_eq!(
            found[0].message,
            "about a: row 1 (line 2), row 2 (line 3), row 3 (line 4), row 4 (line 5), row 5 (line 6) and 2 more"
        );
        assert_eq!(
            (found[1].severity, found[1].message.as_str()),
            (Severity::Note, "about a: row 1 (line 2), row 2 (line 3)")
        );
        assert!(found[MAX_KINDS].message.starts_with("52 more findings"), "{}", found[MAX_KINDS].message);
    }
}
