//! Severities of findings, from the user and the configuration, and what else the latter says about projects.

use std::path::Path;
use std::sync::Arc;

use hyperframes_ci_core::findings::{CheckConfig, Level, Levels, Rule};
use hyperframes_ci_core::options::Format;
use hyperframes_ci_core::project::resolve;

use super::config::{self, DeclaredMedia, File};
use super::spec::Severities;
use crate::fault::Error;
use crate::system::gate::Reach;

/// Returns the default severities of renders: a video may be rendered before media are generated again.
pub(crate) fn of_renders() -> Levels {
    let mut levels = Levels::default();
    levels.set(Rule::MediaOutdated, Level::Warn);
    levels
}

/// Returns the severities and the generated media for the repository at `root`: severities of the user override its configuration, which overrides
/// `base`. A configuration that the user names must be in `reach`.
///
/// # Errors
/// Returns an error if the configuration is invalid or cannot be read.
pub(crate) fn levels(
    severities: &Severities,
    root: &Path,
    reach: &Reach,
    mut base: Levels,
) -> Result<(Levels, Arc<DeclaredMedia>), Error> {
    let media = match &severities.known {
        Some(known) => {
            known.iter().for_each(|check| check.apply(&mut base));
            Arc::clone(&severities.media)
        }
        None => {
            let file = config::read(root, severities.config.as_deref(), reach)?;
            file.check.apply(&mut base);
            file.declared
        }
    };
    severities.own.apply(&mut base);
    Ok((base, media))
}

/// Severities of a repository, which differ between projects: entries of the configuration have their own.
#[derive(Clone, Debug)]
pub(crate) struct ProjectLevels {
    base: Levels,
    /// Repository paths of projects, and severities and formats of their entries.
    entries: Vec<(String, CheckConfig, Option<Format>)>,
    own: CheckConfig,
    /// Generated media of the repository.
    pub(crate) media: Arc<DeclaredMedia>,
}

impl ProjectLevels {
    /// Reads the severities of the repository at `root`, as [`levels`] does.
    ///
    /// # Errors
    /// Returns an error if the configuration is invalid or cannot be read.
    pub(crate) fn read(severities: &Severities, root: &Path, reach: &Reach) -> Result<Self, Error> {
        let file = match severities.known {
            Some(_) => File::default(),
            None => config::read(root, severities.config.as_deref(), reach)?,
        };
        Ok(Self::new(severities, &file).with_media(file.declared))
    }

    /// Returns the severities of a configuration, without its media.
    pub(crate) fn new(severities: &Severities, file: &File) -> Self {
        let mut base = Levels::default();
        match &severities.known {
            Some(known) => known.iter().for_each(|check| check.apply(&mut base)),
            None => file.check.apply(&mut base),
        }
        let entries = file.entries.iter().filter_map(|entry| {
            let format = file.setting(entry, "format").and_then(|format| format.parse().ok());
            Some((resolve("", &entry.project)?, entry.check.clone(), format))
        });
        Self { base, entries: entries.collect(), own: severities.own.clone(), media: Arc::default() }
    }

    /// Adds the media of the configuration.
    pub(crate) fn with_media(self, media: Arc<DeclaredMedia>) -> Self {
        Self { media, ..self }
    }

    /// Returns the severities of the project at a repository path: the highest of its entries.
    pub(crate) fn of(&self, project: &str) -> Levels {
        let entries = self.entries.iter().filter(|(path, ..)| path == project);
        Levels::highest(entries.map(|(_, check, _)| self.of_entry(check)))
            .unwrap_or_else(|| self.of_entry(&CheckConfig::default()))
    }

    /// Returns the severities of an entry with its own.
    pub(crate) fn of_entry(&self, check: &CheckConfig) -> Levels {
        let mut levels = self.base.clone();
        check.apply(&mut levels);
        self.own.apply(&mut levels);
        levels
    }

    /// Returns the format of the project at a repository path: the first one of its entries with transparency.
    pub(crate) fn format(&self, project: &str) -> Option<Format> {
        let entries = self.entries.iter().filter(|(path, ..)| path == project);
        entries.filter_map(|(.., format)| *format).find(|format| format.has_alpha())
    }
}
