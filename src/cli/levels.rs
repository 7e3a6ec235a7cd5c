//! Flags about how much findings matter.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use hyperframes_ci_core::findings::{CheckConfig, Level, Levels, Rule};

use crate::app::config;
use crate::fault::Error;

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
    pub(super) config: Option<PathBuf>,
    /// What the configuration says, where it was read already; later ones count more.
    #[arg(skip)]
    pub(super) known: Option<Vec<CheckConfig>>,
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

    /// The same as flags of another command.
    pub(super) fn flags(&self) -> Vec<OsString> {
        let all = [("--deny", &self.deny), ("--warn", &self.warn), ("--allow", &self.allow)];
        let codes =
            all.into_iter().flat_map(|(flag, codes)| codes.iter().map(move |code| format!("{flag}={code}")));
        codes.chain(self.strict.then(|| "--strict".to_owned())).map(OsString::from).collect()
    }

    /// The severities for the repository at `root`: flags over its configuration over `base`.
    ///
    /// # Errors
    /// When the configuration is of no use.
    pub(super) fn levels(&self, root: &Path, mut base: Levels) -> Result<Levels, Error> {
        match &self.known {
            Some(known) => known.iter().for_each(|check| check.apply(&mut base)),
            None => config::read(root, self.config.as_deref())?.check.apply(&mut base),
        }
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
