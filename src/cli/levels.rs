//! Flags about how much findings matter.

use std::path::{Path, PathBuf};

use hyperframes_ci_core::{Level, Levels, Rule};

use crate::config;
use crate::error::Error;

/// How much findings matter.
#[derive(Debug, Default, clap::Args)]
#[command(next_help_heading = "Severities")]
pub(super) struct LevelArgs {
    /// Make the findings of a check errors; several with commas
    #[arg(long, value_name = "CODE", value_delimiter = ',')]
    deny: Vec<Rule>,
    /// Make the findings of a check warnings
    #[arg(long, value_name = "CODE", value_delimiter = ',')]
    warn: Vec<Rule>,
    /// Leave out the findings of a check
    #[arg(long, value_name = "CODE", value_delimiter = ',')]
    allow: Vec<Rule>,
    /// Make all warnings errors
    #[arg(long)]
    strict: bool,
    /// A configuration instead of hyperframes-ci.toml at the root of the repository
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
}

impl LevelArgs {
    /// Refuses contradictions.
    ///
    /// # Errors
    /// When a code is given twice with different severities.
    pub(super) fn validate(&self) -> Result<(), Error> {
        let all = [("--deny", &self.deny), ("--warn", &self.warn), ("--allow", &self.allow)];
        for (index, (flag, codes)) in all.iter().enumerate() {
            for (other, others) in &all[index + 1..] {
                if let Some(code) = codes.iter().find(|code| others.contains(code)) {
                    let message = format!("{flag} and {other} both name {code}");
                    return Err(Error::usage(message, "leave one of them out"));
                }
            }
        }
        Ok(())
    }

    /// The severities for the repository at `root`: flags over its configuration over `base`.
    ///
    /// # Errors
    /// When the configuration is of no use.
    pub(super) fn levels(&self, root: &Path, mut base: Levels) -> Result<Levels, Error> {
        let config = match &self.config {
            Some(path) => config::read_file(path)?,
            None => config::read(root)?,
        };
        config.check.apply(&mut base);
        for (codes, level) in
            [(&self.deny, Level::Deny), (&self.warn, Level::Warn), (&self.allow, Level::Allow)]
        {
            codes.iter().for_each(|rule| base.set(*rule, level));
        }
        if self.strict {
            base.set_strict();
        }
        Ok(base)
    }
}
