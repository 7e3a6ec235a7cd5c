//! What a configuration says.

use std::path::{Component, Path, PathBuf};

use hyperframes_ci_core::findings::CheckConfig;

use crate::app::options::RenderOption;

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

/// Whether a path is one inside a repository, by its text.
pub(super) fn is_inside(path: &str) -> bool {
    let mut parts = Path::new(path).components();
    !path.is_empty() && parts.all(|part| matches!(part, Component::Normal(_) | Component::CurDir))
}
