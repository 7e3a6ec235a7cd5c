//! `hyperframes-ci.toml` at the root of the repository: what it may hold. Whoever has the file reads it.

use serde::Deserialize;

use crate::levels::{Level, Levels};
use crate::rule::{Rule, UnknownRule};

/// The configuration file's name.
pub const CONFIG_FILE: &str = "hyperframes-ci.toml";

/// What the file may hold.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// How much findings matter.
    #[serde(default)]
    pub check: CheckConfig,
}

/// `[check]`: severities by code.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct CheckConfig {
    deny: Vec<Code>,
    warn: Vec<Code>,
    allow: Vec<Code>,
    strict: bool,
}

/// A rule by its code.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(try_from = "String")]
struct Code(Rule);

impl TryFrom<String> for Code {
    type Error = UnknownRule;

    fn try_from(code: String) -> Result<Self, Self::Error> {
        code.parse().map(Self)
    }
}

impl CheckConfig {
    /// Puts the severities of the file over those that were set before.
    pub fn apply(&self, levels: &mut Levels) {
        let lists = [(&self.deny, Level::Deny), (&self.warn, Level::Warn), (&self.allow, Level::Allow)];
        for (codes, level) in lists {
            codes.iter().for_each(|code| levels.set(code.0, level));
        }
        if self.strict {
            levels.set_strict();
        }
    }
}
