//! `hyperframes-ci.toml` at the root of the repository: severities, defaults, and the videos of the repository.

mod read;
mod schema;
mod settings;

use crate::app::options::RenderOption;
use crate::fault::{Exit, Fault};
use std::fmt;
use std::path::{Component, Path, PathBuf};

use hyperframes_ci_core::findings::{CONFIG_FILE, CheckConfig};

pub(crate) use read::slug;
pub(crate) use schema::schema;
pub(crate) use settings::Settings;

/// A configuration that was read.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct File {
    /// Where it is.
    pub(crate) path: PathBuf,
    /// `[check]`.
    pub(crate) check: CheckConfig,
    /// `[defaults]`.
    pub(crate) defaults: Vec<Setting>,
    /// `[[render]]`, in their order.
    pub(crate) entries: Vec<Entry>,
}

/// A video of the repository, or many from rows.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Entry {
    /// A name that no other entry has.
    pub(crate) name: String,
    /// The project's directory, from the root of the repository.
    pub(crate) project: String,
    /// Events that it is for; all where there are none.
    pub(crate) on: Vec<String>,
    /// Severities over those of the file.
    pub(crate) check: CheckConfig,
    /// Options over the defaults of the file.
    pub(crate) settings: Vec<Setting>,
    /// The line that it begins on.
    pub(crate) line: usize,
}

/// An option that is set.
#[derive(Clone, Debug)]
pub(crate) struct Setting {
    /// Which.
    pub(crate) option: &'static RenderOption,
    /// The value, as its flag takes it.
    pub(crate) value: String,
    /// The line that sets it.
    pub(crate) line: usize,
}

impl PartialEq for Setting {
    fn eq(&self, other: &Self) -> bool {
        (self.option.name, &self.value, self.line) == (other.option.name, &other.value, other.line)
    }
}

impl File {
    /// What an entry sets, itself or by the defaults.
    pub(crate) fn setting<'a>(&'a self, entry: &'a Entry, name: &str) -> Option<&'a str> {
        let mut settings = entry.settings.iter().chain(&self.defaults);
        settings.find(|setting| setting.option.key() == name).map(|setting| setting.value.as_str())
    }
}

impl Entry {
    /// Whether it is for an event.
    pub(crate) fn is_for(&self, event: &str) -> bool {
        self.on.is_empty() || self.on.iter().any(|on| on == event)
    }
}

/// Events that an entry may be for; a pull request is a merge request elsewhere.
pub(crate) const EVENTS: &[&str] = &["pull_request", "release", "push", "schedule", "workflow_dispatch"];

/// Why a configuration is of no use.
#[derive(Debug)]
pub(crate) enum ConfigError {
    /// It cannot be read.
    Unreadable(PathBuf, std::io::Error),
    /// It is not what it should be: each mistake with its place and an excerpt.
    Invalid(Vec<String>),
    /// There is none where one is needed.
    Missing(PathBuf),
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unreadable(path, error) => write!(f, "cannot read {}: {error}", path.display()),
            Self::Invalid(mistakes) => f.write_str(&mistakes.join("\n")),
            Self::Missing(path) => write!(f, "{} has no [[render]] entries", path.display()),
        }
    }
}

impl Fault for ConfigError {
    fn code(&self) -> &str {
        match self {
            Self::Unreadable(..) => "config_unreadable",
            Self::Invalid(_) => "invalid_config",
            Self::Missing(_) => "no_entries",
        }
    }

    fn help(&self) -> Option<String> {
        match self {
            Self::Unreadable(..) => Some("check the path and the permissions".to_owned()),
            Self::Invalid(_) => {
                Some("`hyperframes-ci schema config` has everything that it may hold".to_owned())
            }
            Self::Missing(_) => {
                Some("write some, such as\n\n[[render]]\nproject = \"videos/launch\"".to_owned())
            }
        }
    }

    fn exit(&self) -> Exit {
        Exit::Usage
    }
}

/// Reads the configuration of the repository at `root`, or another for it; empty where the repository has none.
///
/// # Errors
/// See [`ConfigError`].
pub(crate) fn read(root: &Path, other: Option<&Path>) -> Result<File, ConfigError> {
    let path = other.map_or_else(|| root.join(CONFIG_FILE), Path::to_owned);
    match std::fs::read_to_string(&path) {
        Ok(text) => read::parse(&text, &path).and_then(|file| inside(root, &file, &text).map(|()| file)),
        Err(error) if other.is_none() && error.kind() == std::io::ErrorKind::NotFound => {
            Ok(File { path, ..File::default() })
        }
        Err(error) => Err(ConfigError::Unreadable(path, error)),
    }
}

/// Refuses paths that a link leads out of the repository: who writes the file need not be who runs it.
fn inside(root: &Path, file: &File, text: &str) -> Result<(), ConfigError> {
    let Ok(root) = root.canonicalize() else { return Ok(()) };
    let leads_out = |path: &str| {
        let whole = root.join(path);
        // Of a path that does not exist yet, the part that does.
        let known = whole.ancestors().find_map(|ancestor| ancestor.canonicalize().ok());
        known.is_some_and(|known| !known.starts_with(&root))
    };
    let settings = file.entries.iter().flat_map(|entry| &entry.settings).chain(&file.defaults);
    let settings = settings.filter(|setting| setting.option.kind.is_path());
    let paths = settings.map(|setting| (setting.value.as_str(), setting.line));
    let paths = paths.chain(file.entries.iter().map(|entry| (entry.project.as_str(), entry.line)));
    let wrong = paths.filter(|(path, _)| leads_out(path));
    let wrong = wrong.map(|(path, line)| {
        let excerpt = text.lines().nth(line - 1).unwrap_or_default();
        format!(
            "{}:{line}: {path:?} is a link that leads out of the repository\n  {excerpt}",
            file.path.display()
        )
    });
    let wrong = wrong.collect::<Vec<_>>();
    if wrong.is_empty() { Ok(()) } else { Err(ConfigError::Invalid(wrong)) }
}

/// Whether a path is one inside a repository, by its text.
fn is_inside(path: &str) -> bool {
    let mut parts = Path::new(path).components();
    !path.is_empty() && parts.all(|part| matches!(part, Component::Normal(_) | Component::CurDir))
}
