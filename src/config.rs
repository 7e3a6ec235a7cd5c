//! Reads the configuration file.

use std::fmt;
use std::path::{Path, PathBuf};

use hyperframes_ci_core::{CONFIG_FILE, Config};

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

/// Reads the configuration of the repository at `root`; the default where there is none.
///
/// # Errors
/// See [`ConfigError`].
pub(crate) fn read(root: &Path) -> Result<Config, ConfigError> {
    match read_file(&root.join(CONFIG_FILE)) {
        Err(ConfigError::Unreadable(_, error)) if error.kind() == std::io::ErrorKind::NotFound => {
            Ok(Config::default())
        }
        other => other,
    }
}

/// Reads a configuration that must be there.
///
/// # Errors
/// See [`ConfigError`].
pub(crate) fn read_file(path: &Path) -> Result<Config, ConfigError> {
    let text =
        std::fs::read_to_string(path).map_err(|error| ConfigError::Unreadable(path.to_owned(), error))?;
    parse(&text).map_err(|message| ConfigError::Invalid(path.to_owned(), message))
}

/// What is wrong is told with line, column and excerpt.
fn parse(text: &str) -> Result<Config, String> {
    toml::from_str(text).map_err(|error| error.to_string().trim().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use hyperframes_ci_core::{Diagnostic, Levels, Rule, Severity};

    #[test]
    fn severities_are_read() {
        let text = "[check]\ndeny = [\"unused-variable\"]\nallow = [\"missing-asset\"]\n";
        let mut levels = Levels::default();
        parse(text).expect("valid").check.apply(&mut levels);
        let severity = |rule: Rule| levels.severity(&Diagnostic::new(rule, "a", "b"));
        assert_eq!(severity(Rule::UnusedVariable), Some(Severity::Error));
        assert_eq!(severity(Rule::MissingAsset), None);
        assert!(parse("").is_ok());
    }

    #[test]
    fn mistakes_are_named_with_their_place() {
        for (text, parts) in [
            ("[check]\ndeny = [\"unused-variabel\"]", ["line 2", "did you mean unused-variable?"]),
            ("[check]\nignore = []", ["line 2", "unknown field `ignore`"]),
            ("[check\n", ["line 1", "column 7"]),
        ] {
            let error = parse(text).expect_err("invalid");
            assert!(parts.iter().all(|part| error.contains(part)), "{error}");
        }
    }
}
