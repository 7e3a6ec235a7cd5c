//! Flags for severities of findings.

use std::path::PathBuf;

use hyperframes_ci_core::findings::{CheckConfig, Level, Rule};

use crate::app::spec::Severities;

/// Severities of findings.
#[derive(Debug, Default, clap::Args)]
#[command(next_help_heading = "Checks")]
pub(super) struct SeverityArgs {
    /// Report findings of these checks as errors (comma-separated)
    #[arg(long, value_name = "CODE", value_delimiter = ',')]
    deny: Vec<Rule>,
    /// Report findings of these checks as warnings (comma-separated)
    #[arg(long, value_name = "CODE", value_delimiter = ',')]
    warn: Vec<Rule>,
    /// Do not report findings of these checks (comma-separated)
    #[arg(long, value_name = "CODE", value_delimiter = ',')]
    allow: Vec<Rule>,
    /// Treat all warnings as errors
    #[arg(long)]
    strict: bool,
    /// Configuration file [default: hyperframes-ci.toml in the repository root]
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
            ..Severities::default()
        }
    }
}
