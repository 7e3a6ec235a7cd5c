//! `hyperframes-ci.toml` at the root of the repository.

use std::fmt;
use std::path::{Path, PathBuf};

use hyperframes_ci_core::{Level, Levels, Rule};
use serde::Deserialize;

/// The file's name.
pub(crate) const CONFIG_FILE: &str = "hyperframes-ci.toml";

/// Why a configuration is of no use.
#[derive(Debug)]
pub(crate) enum ConfigError {
    /// It cannot be read.
    Unreadable(PathBuf, std::io::Error),
    /// It is not what it should be; the message has place and excerpt.
    Invalid(PathBuf, String),
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unreadable(path, error) => write!(f, "cannot read {}: {error}", path.display()),
            Self::Invalid(path, message) => write!(f, "{}: {message}", path.display()),
        }
    }
}

impl ConfigError {
    /// Stable identifier.
    pub(crate) fn code(&self) -> &'static str {
        match self {
            Self::Unreadable(..) => "config_unreadable",
            Self::Invalid(..) => "invalid_config",
        }
    }

    /// What to do about it.
    pub(crate) fn help(&self) -> Option<String> {
        match self {
            Self::Unreadable(..) => Some("check the permissions".to_owned()),
            Self::Invalid(..) => None,
        }
    }
}

/// What the file may hold.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Config {
    /// How much findings matter.
    #[serde(default)]
    pub(crate) check: CheckConfig,
}

/// `[check]`: severities by code.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct CheckConfig {
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
    type Error = hyperframes_ci_core::UnknownRule;

    fn try_from(code: String) -> Result<Self, Self::Error> {
        code.parse().map(Self)
    }
}

impl Config {
    /// Reads the configuration of the repository at `root`; the default where there is none.
    ///
    /// # Errors
    /// See [`ConfigError`].
    pub(crate) fn read(root: &Path) -> Result<Self, ConfigError> {
        let path = root.join(CONFIG_FILE);
        match std::fs::read_to_string(&path) {
            Ok(text) => toml::from_str(&text)
                .map_err(|error| ConfigError::Invalid(path, error.to_string().trim().to_owned())),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(Self::default()),
            Err(error) => Err(ConfigError::Unreadable(path, error)),
        }
    }
}

impl CheckConfig {
    /// Puts the severities of the file over those of the rules.
    pub(crate) fn apply(&self, levels: &mut Levels) {
        let lists = [(&self.deny, Level::Deny), (&self.warn, Level::Warn), (&self.allow, Level::Allow)];
        for (codes, level) in lists {
            codes.iter().for_each(|code| levels.set(code.0, level));
        }
        if self.strict {
            levels.set_strict();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use hyperframes_ci_core::{Diagnostic, Severity};

    fn read(text: &str) -> Result<Config, String> {
        let folder = tempfile::tempdir().expect("a folder");
        std::fs::write(folder.path().join(CONFIG_FILE), text).expect("written");
        Config::read(folder.path()).map_err(|error| error.to_string())
    }

    #[test]
    fn severities_are_read() {
        let config =
            read("[check]\ndeny = [\"unused-variable\"]\nallow = [\"missing-asset\"]\n").expect("valid");
        let mut levels = Levels::default();
        config.check.apply(&mut levels);
        let severity = |rule: Rule| levels.severity(&Diagnostic::new(rule, "a", "b"));
        assert_eq!(severity(Rule::UnusedVariable), Some(Severity::Error));
        assert_eq!(severity(Rule::MissingAsset), None);
        assert!(read("").is_ok());
    }

    #[test]
    fn mistakes_are_named_with_their_place() {
        for (text, parts) in [
            ("[check]\ndeny = [\"unused-variabel\"]", ["line 2", "did you mean unused-variable?"]),
            ("[check]\nignore = []", ["line 2", "unknown field `ignore`"]),
            ("[check\n", ["line 1", CONFIG_FILE]),
        ] {
            let error = read(text).expect_err("invalid");
            assert!(parts.iter().all(|part| error.contains(part)), "{error}");
        }
    }
}
