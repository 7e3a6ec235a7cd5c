//! Severities that the user sets.

use super::diagnostic::Diagnostic;
use super::rule::Rule;
use super::severity::Severity;

/// The level that the user sets for a rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Level {
    /// Its findings are errors.
    Deny,
    /// Its findings are warnings.
    Warn,
    /// Its findings are left out.
    Allow,
}

/// The severities that the user wants. Later settings win over earlier ones, so that flags are set after a file.
#[derive(Clone, Debug, Default)]
pub struct Levels {
    levels: Vec<(Rule, Level)>,
    strict: bool,
}

impl Levels {
    /// Says how much a rule matters.
    pub fn set(&mut self, rule: Rule, level: Level) {
        self.levels.push((rule, level));
    }

    /// Makes every warning an error, those that were asked for among them.
    pub fn set_strict(&mut self) {
        self.strict = true;
    }

    /// The severity of a finding; `None` where it is left out.
    #[must_use]
    pub fn severity(&self, found: &Diagnostic) -> Option<Severity> {
        let said = self.levels.iter().rev().find(|(rule, _)| *rule == found.rule);
        let severity = match said.map(|(_, level)| level) {
            Some(Level::Deny) => Severity::Error,
            Some(Level::Warn) => Severity::Warning,
            Some(Level::Allow) => return None,
            None => found.severity,
        };
        Some(if self.strict && severity == Severity::Warning { Severity::Error } else { severity })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_word_counts_and_strict_leaves_notes_alone() {
        let found = |rule: Rule| Diagnostic::new(rule, "index.html", "x");
        let mut levels = Levels::default();
        let severities = |levels: &Levels| {
            [Rule::UnusedVariable, Rule::MissingAsset, Rule::PlaceholderReference]
                .map(|rule| levels.severity(&found(rule)))
        };
        let [warning, error, note] = [Severity::Warning, Severity::Error, Severity::Note].map(Some);
        assert_eq!(severities(&levels), [warning, error, note]);
        levels.set(Rule::UnusedVariable, Level::Deny);
        levels.set(Rule::UnusedVariable, Level::Allow);
        levels.set(Rule::MissingAsset, Level::Warn);
        assert_eq!(severities(&levels), [None, warning, note]);
        levels.set_strict();
        assert_eq!(severities(&levels), [None, error, note]);
        levels.set(Rule::PlaceholderReference, Level::Deny);
        assert_eq!(severities(&levels), [None, error, error]);
    }
}
