//! The settings for findings in `hyperframes-ci.toml`, at the root of the repository. The caller reads the file.

use super::levels::{Level, Levels};
use super::rule::Rule;

/// The name of the configuration file.
pub const CONFIG_FILE: &str = "hyperframes-ci.toml";

/// The settings of the table `[check]`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CheckConfig {
    /// The level of each rule that is set.
    pub levels: Vec<(Rule, Level)>,
    /// Treat warnings as errors.
    pub strict: bool,
}

impl CheckConfig {
    /// Adds the levels to `levels`, where they override earlier ones.
    pub fn apply(&self, levels: &mut Levels) {
        self.levels.iter().for_each(|(rule, level)| levels.set(*rule, *level));
        if self.strict {
            levels.set_strict();
        }
    }
}
