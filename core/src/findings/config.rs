//! `hyperframes-ci.toml` at the root of the repository: what it says about findings. Whoever has the file reads it.

use super::levels::{Level, Levels};
use super::rule::Rule;

/// The configuration file's name.
pub const CONFIG_FILE: &str = "hyperframes-ci.toml";

/// Severities by code, as `[check]` sets them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CheckConfig {
    /// Rules and how much they matter.
    pub levels: Vec<(Rule, Level)>,
    /// Treat warnings as errors.
    pub strict: bool,
}

impl CheckConfig {
    /// Puts the severities of the file over those that were set before.
    pub fn apply(&self, levels: &mut Levels) {
        self.levels.iter().for_each(|(rule, level)| levels.set(*rule, *level));
        if self.strict {
            levels.set_strict();
        }
    }
}
