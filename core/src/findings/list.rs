//! A list of findings and the texts that they refer to.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::diagnostic::Diagnostic;
use super::levels::Levels;
use super::severity::Severity;

/// Findings and the texts that they refer to.
#[derive(Clone, Debug, Default)]
pub struct Findings {
    /// The findings, sorted by path and position.
    pub diagnostics: Vec<Diagnostic>,
    /// The texts of files with findings, by the path in findings.
    pub sources: BTreeMap<String, String>,
}

impl Findings {
    /// Returns the number of findings of this severity.
    #[must_use]
    pub fn count(&self, severity: Severity) -> usize {
        self.diagnostics.iter().filter(|found| found.severity == severity).count()
    }

    /// Sorts the findings by file and position, and removes duplicates.
    pub fn sort(&mut self) {
        self.diagnostics.sort_by(|a, b| {
            let key = |found: &Diagnostic| (found.span.map(|span| (span.start, span.end)), found.rule);
            a.path.cmp(&b.path).then_with(|| key(a).cmp(&key(b))).then_with(|| a.message.cmp(&b.message))
        });
        self.diagnostics.dedup();
    }

    /// Keeps at most `most` findings of one rule in one file, and replaces the others with their number. The findings
    /// must be sorted.
    pub(crate) fn limit(&mut self, most: usize) {
        let key = |found: &Diagnostic| format!("{} {}", found.rule, found.path);
        let mut counts = BTreeMap::<String, usize>::new();
        let mut rests = Vec::new();
        self.diagnostics.retain(|found| {
            let count = counts.entry(key(found)).or_default();
            *count += 1;
            if *count == most + 1 {
                rests.push(Diagnostic::new(found.rule, &found.path, ""));
            }
            *count <= most
        });
        if rests.is_empty() {
            return;
        }
        for mut rest in rests {
            let count = counts.get(&key(&rest)).map_or(0, |count| count - most);
            rest.message = format!("{count} more findings of this kind");
            self.diagnostics.push(rest);
        }
        self.sort();
    }

    /// Sets the severity of every finding, and removes ignored findings.
    pub fn set_levels(&mut self, levels: &Levels) {
        self.diagnostics.retain_mut(|found| match levels.severity(found) {
            Some(severity) => {
                found.severity = severity;
                true
            }
            None => false,
        });
    }

    /// Renames every file, for example to its path relative to the current directory.
    pub fn rename(&mut self, name: impl Fn(&str) -> String) {
        for found in &mut self.diagnostics {
            found.path = name(&found.path);
        }
        let sources = std::mem::take(&mut self.sources);
        self.sources = BTreeMap::from_iter(sources.into_iter().map(|(path, text)| (name(&path), text)));
    }

    /// Appends other findings.
    pub fn append(&mut self, other: Self) {
        self.diagnostics.extend(other.diagnostics);
        self.sources.extend(other.sources);
    }

    /// Returns the findings as JSON.
    #[must_use]
    pub fn to_json(&self) -> Value {
        json!({
            "diagnostics": self.diagnostics,
            "errors": self.count(Severity::Error),
            "warnings": self.count(Severity::Warning),
            "notes": self.count(Severity::Note),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::findings::Rule;
    use crate::findings::Text;
    use crate::text::Span;

    #[test]
    fn a_flood_is_counted() {
        let text = Text::new("a.html", "abcdef");
        let mut findings = Findings::default();
        for start in 0..5 {
            findings.diagnostics.push(text.finding(Rule::MissingAsset, Span { start, end: 6 }, "gone"));
        }
        findings.diagnostics.push(text.finding(Rule::LocalFileUrl, Span::default(), "local"));
        findings.sort();
        findings.limit(3);
        let told = findings.diagnostics.iter().map(|found| found.message.as_str()).collect::<Vec<_>>();
        assert_eq!(told, ["2 more findings of this kind", "local", "gone", "gone", "gone"]);
        findings.limit(4);
        assert_eq!(findings.diagnostics.len(), 5);
    }
}
