//! Compositions that a pull request removes.

use std::collections::BTreeSet;
use std::path::Path;

use hyperframes_ci_core::findings::CONFIG_FILE;
use hyperframes_ci_core::project::{DEFAULT_COMPOSITION, join};

use super::inputs::Inputs;
use crate::app::config::Settings;
use crate::system::gate::Reach;

/// What a run has, and what a pull request may have removed.
pub(super) struct Removals<'a> {
    pub(super) inputs: &'a Inputs,
    /// The event if the entries of the configuration are rendered, and not all projects.
    pub(super) event: Option<&'a str>,
    /// Names of the compositions and entries that the run has.
    pub(super) found: &'a BTreeSet<String>,
    /// Repository paths of changed files, if they are known.
    pub(super) changed: Option<&'a BTreeSet<String>>,
}

impl Removals<'_> {
    /// Returns whether the base may have something that the run does not have. The jobs of a plan only render what is
    /// there.
    pub(super) fn are_possible(&self) -> bool {
        self.inputs.targets.is_none()
            && self.changed.is_some_and(|changed| match self.event {
                Some(_) => changed.contains(CONFIG_FILE),
                None => self.inputs.compositions_of_projects().iter().any(|name| {
                    changed.iter().any(|path| {
                        path.strip_suffix(&**name).is_some_and(|rest| rest.is_empty() || rest.ends_with('/'))
                            && !self.found.contains(path)
                    })
                }),
            })
    }

    /// Returns the names of what `base`, a checkout, has and the run does not have, sorted.
    pub(super) fn names(&self, base: &Path) -> Vec<String> {
        let mut names = match self.event {
            Some(event) => entries(base, event).unwrap_or_default(),
            None => self.projects(base),
        };
        names.sort();
        names
            .into_iter()
            .filter(|name| !self.found.contains(name))
            .map(|name| match self.event {
                Some(_) => name,
                None => display_name(&name),
            })
            .collect()
    }

    /// Returns the repository paths of the compositions in `base` that the pull request has changed.
    fn projects(&self, base: &Path) -> Vec<String> {
        let projects = self.inputs.discover(base, &Reach::inside(base, "the base")).unwrap_or_default();
        let compositions = self.inputs.compositions_of_projects();
        let paths = projects
            .iter()
            .flat_map(|project| compositions.iter().map(|composition| join(&project.prefix, composition)));
        paths.filter(|path| self.changed.is_none_or(|changed| changed.contains(path))).collect()
    }
}

/// Returns the names of the entries of the base for `event`; `None` if its configuration cannot be read.
fn entries(base: &Path, event: &str) -> Option<Vec<String>> {
    let settings = Settings::read(base, None, Some(base.to_owned())).ok()?;
    let entries = settings.file.entries.iter().filter(|entry| entry.is_for(event));
    Some(entries.map(|entry| entry.name.clone()).collect())
}

/// Returns the name of a composition in reports, as that of one that is rendered.
fn display_name(path: &str) -> String {
    match path.strip_suffix(DEFAULT_COMPOSITION) {
        Some("") => ".".to_owned(),
        Some(folder) if folder.ends_with('/') => folder.trim_end_matches('/').to_owned(),
        _ => path.to_owned(),
    }
}
