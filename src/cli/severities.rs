//! Flags for severities of findings.

use std::path::PathBuf;

use hyperframes_ci_core::findings::{CheckConfig, Level, Rule};

use crate::app::spec::Severities;

/// How much findings matter.
#[derive(Debug, Default, clap::Args)]
#[command(next_help_heading = "Severities")]
pub(super) struct SeverityArgs {
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

impl SeverityArgs {
    /// Returns the severities of the flags.
    pub(super) fn to_severities(&self) -> Severities {
        let all = [(&self.deny, Level::Deny), (&self.warn, Level::Warn), (&self.allow, Level::Allow)];
        let levels = all.into_iter().flat_map(|(rules, level)| rules.iter().map(move |rule| (*rule, level)));
        Severities {
            own: CheckConfig { levels: levels.collect(), strict: self.strict },
            config: self.config.clone(),
            known: None,
        }
    }
}
