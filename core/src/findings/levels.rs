//! Severities set by the user.

use super::diagnostic::Diagnostic;
use super::rule::Rule;
use super::severity::Severity;

/// The level of a rule, set by the user.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Level {
    /// Findings are errors.
    Deny,
    /// Findings are warnings.
    Warn,
    /// Findings are ignored.
    Allow,
}

/// The severities set by the user. Later settings override earlier ones, so flags are set after the file.
#[derive(Clone, Debug, Default)]
pub struct Levels {
    levels: Vec<(Rule, Level)>,
    strict: bool,
    /// Severities of other renders of the same files; the highest counts.
    others: Vec<Levels>,
}

impl Levels {
    /// Sets the level of a rule.
    pub fn set(&mut self, rule: Rule, level: Level) {
        self.levels.push((rule, level));
    }

    /// Treats all warnings as errors, including those set by [`Level::Warn`].
    pub fn set_strict(&mut self) {
        self.strict = true;
    }

    /// Combines severities of several renders of the same files: the highest severity of a finding counts.
    #[must_use]
    pub fn highest(all: impl IntoIterator<Item = Self>) -> Option<Self> {
        let mut all = all.into_iter();
        let mut first = all.next()?;
        first.others.extend(all);
        Some(first)
    }

    /// Returns the severity of a finding; `None` if it is ignored.
    #[must_use]
    pub fn severity(&self, found: &Diagnostic) -> Option<Severity> {
        let others = self.others.iter().filter_map(|other| other.severity(found));
        others.chain(self.own_severity(found)).max()
    }

    fn own_severity(&self, found: &Diagnostic) -> Option<Severity> {
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

    #[test]
    fn of_several_renders_the_highest_severity_counts() {
        let found = Diagnostic::new(Rule::MissingAsset, "index.html", "x");
        let [mut allow, mut warn] = [Levels::default(), Levels::default()];
        allow.set(Rule::MissingAsset, Level::Allow);
        warn.set(Rule::MissingAsset, Level::Warn);
        let highest = |all: &[&Levels]| {
            Levels::highest(all.iter().map(|levels| (*levels).clone()))
                .and_then(|levels| levels.severity(&found))
        };
        assert_eq!(highest(&[&allow]), None);
        assert_eq!(highest(&[&allow, &allow]), None);
        assert_eq!(highest(&[&allow, &warn]), Some(Severity::Warning));
        assert_eq!(highest(&[&warn, &Levels::default(), &allow]), Some(Severity::Error));
    }
}
