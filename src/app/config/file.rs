//! The content of a configuration.

use std::path::{Component, Path, PathBuf};
use std::sync::Arc;

use hyperframes_ci_core::findings::CheckConfig;

use super::diff::DiffConfig;
use super::media::{DeclaredMedia, MediaEntry};
use super::publish::PublishConfig;
use super::translate::Translate;
use crate::app::options::RenderOption;

/// A parsed configuration.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct File {
    /// Path of the file.
    pub(crate) path: PathBuf,
    /// `[check]`.
    pub(crate) check: CheckConfig,
    /// `[defaults]`.
    pub(crate) defaults: Vec<Setting>,
    /// `[defaults.diff]`.
    pub(crate) diff: Option<DiffConfig>,
    /// `[publish]`.
    pub(crate) publish: PublishConfig,
    /// `[[render]]`, in the order of the file.
    pub(crate) entries: Vec<Entry>,
    /// `[[media]]`, in the order of the file.
    pub(crate) media: Vec<MediaEntry>,
    /// The same with the text of the file, for findings.
    pub(crate) declared: Arc<DeclaredMedia>,
    /// The translations that `[[render]]` declares, in the order of the file.
    pub(crate) translations: Vec<MediaEntry>,
}

/// An entry `[[render]]`: a video of the repository, or one for each row of a file.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Entry {
    /// A unique name.
    pub(crate) name: String,
    /// The project's directory, from the root of the repository.
    pub(crate) project: String,
    /// Events that it is rendered for; all if empty.
    pub(crate) on: Vec<String>,
    /// Severities; override those of the file.
    pub(crate) check: CheckConfig,
    /// Options; override the defaults of the file.
    pub(crate) settings: Vec<Setting>,
    /// How its video is compared; overrides the defaults of the file.
    pub(crate) diff: Option<DiffConfig>,
    /// Languages that its video is translated to.
    pub(crate) translate: Option<Translate>,
    /// Line where it starts, from 1.
    pub(crate) line: usize,
}

/// An option that is set.
#[derive(Clone, Debug)]
pub(crate) struct Setting {
    /// The option.
    pub(crate) option: &'static RenderOption,
    /// The value in the form of the flag.
    pub(crate) value: String,
    /// Line of the key, from 1.
    pub(crate) line: usize,
}

impl PartialEq for Setting {
    fn eq(&self, other: &Self) -> bool {
        (self.option.name, &self.value, self.line) == (other.option.name, &other.value, other.line)
    }
}

impl File {
    /// Returns how the video of an entry is compared, or one without an entry.
    pub(crate) fn diff(&self, entry: Option<&Entry>) -> DiffConfig {
        let defaults = self.diff.as_ref();
        match entry.and_then(|entry| entry.diff.as_ref()) {
            Some(own) => own.over(defaults),
            None => defaults.cloned().unwrap_or_default(),
        }
    }

    /// Returns all files that HeyGen generates: media, then translations.
    pub(crate) fn generated(&self) -> impl Iterator<Item = &MediaEntry> {
        self.media.iter().chain(&self.translations)
    }

    /// Returns the value of an option for an entry: its own, or the default of the file.
    pub(crate) fn setting<'a>(&'a self, entry: &'a Entry, name: &str) -> Option<&'a str> {
        let mut settings = entry.settings.iter().chain(&self.defaults);
        settings.find(|setting| setting.option.key() == name).map(|setting| setting.value.as_str())
    }
}

impl Entry {
    /// Returns whether it is rendered for an event.
    pub(crate) fn is_for(&self, event: &str) -> bool {
        self.on.is_empty() || self.on.iter().any(|on| on == event)
    }
}

/// The events that an entry can name; `pull_request` includes merge requests.
pub(crate) const EVENTS: &[&str] = &["pull_request", "release", "push", "schedule", "workflow_dispatch"];

/// Returns whether a path is relative and stays inside its directory, without following links.
pub(super) fn is_inside(path: &str) -> bool {
    let mut parts = Path::new(path).components();
    !path.is_empty() && parts.all(|part| matches!(part, Component::Normal(_) | Component::CurDir))
}
