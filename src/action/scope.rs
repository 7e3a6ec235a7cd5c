//! What is to be done: which projects there are, what is wrong with them, and what the request changes.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use super::base::Base;
use super::error::ActionError;
use super::inputs::{Inputs, Mode};
use crate::app::check::CheckTarget;
use crate::app::config;
use crate::app::config::Settings;
use crate::app::spec::{ProjectSource, RenderSpec};
use crate::ci::{CiProvider, Event, ProviderError, PullRequest, Subject};
use crate::fault::Error;
use crate::project::collect::Project;
use crate::project::display_path::DisplayPaths;
use crate::project::tree::DiskTree;
use crate::project::{changes, discover};
use crate::ui::{Console, counted};
use hyperframes_ci_core::check::{CheckOptions, Report};
use hyperframes_ci_core::composition::Composition;
use hyperframes_ci_core::findings::{CONFIG_FILE, Findings, Severity};
use hyperframes_ci_core::project::{DEFAULT_COMPOSITION, Tree, join};

/// What is to be done.
#[derive(Default)]
pub(super) struct Scope {
    /// What is to be rendered.
    pub(super) entries: Vec<Entry>,
    /// What the request does not touch.
    pub(super) unchanged: Vec<String>,
    /// Everything that was found.
    pub(super) findings: Findings,
    /// Things that people should know.
    pub(super) notes: Vec<String>,
    /// What the configuration says: that of the base where secrets are at hand.
    pub(super) settings: Settings,
    /// The repository as it is at the request's base.
    pub(super) base: Option<Base>,
}

/// A composition that is to be rendered.
pub(super) struct Entry {
    /// The project's directory.
    pub(super) directory: PathBuf,
    /// The project inside its repository.
    pub(super) prefix: String,
    /// The entry inside the project; none for `index.html`.
    pub(super) composition: Option<String>,
    /// What people call it.
    pub(super) display_name: String,
    /// What it declares.
    pub(super) parsed: Composition,
    /// Errors in the project: with some it is not rendered.
    pub(super) errors: usize,
    /// The entry of the configuration that it is.
    pub(super) entry: Option<config::Entry>,
}

impl Entry {
    /// What no other entry is called.
    pub(super) fn unique_name(&self) -> String {
        self.entry.as_ref().map_or_else(|| self.path(), |entry| entry.name.clone())
    }

    /// The entry's path in the repository.
    pub(super) fn path(&self) -> String {
        join(&self.prefix, self.composition.as_deref().unwrap_or(DEFAULT_COMPOSITION))
    }
}

impl Scope {
    /// Nothing to do, and these to be named as unchanged.
    pub(super) fn of_names(unchanged: Vec<String>) -> Self {
        Self { unchanged, ..Self::default() }
    }

    /// Looks at every entry of the configuration that is for the event, or at every project where the workflow names
    /// some, or the configuration has none.
    ///
    /// # Errors
    /// When there is none, or one cannot be read.
    pub(super) fn find(
        inputs: &Inputs,
        provider: &dyn CiProvider,
        mode: Mode,
        console: &mut Console,
    ) -> Result<Self, Error> {
        let request = match &provider.event().subject {
            Subject::PullRequest(request) if mode == Mode::Preview => Some(request),
            _ => None,
        };
        let config = match provider.event().is_privileged {
            true => Some(config_of_base(inputs, provider)?),
            false => None,
        };
        let mut scope = Self {
            settings: Settings::read(&inputs.workspace, config.as_deref(), Some(inputs.workspace.clone()))?,
            ..Self::default()
        };
        // Paths of the file start from its repository, wherever the step runs.
        scope.settings.root.clone_from(&inputs.workspace);
        let changed = match request.filter(|_| inputs.changed_only) {
            Some(request) => scope.changed(inputs, provider, request, console),
            None => None,
        };
        let paths = DisplayPaths::new(false, Some(&inputs.workspace));
        let event = if mode == Mode::Release { "release" } else { provider.event().kind.as_str() };
        let entries = std::mem::take(&mut scope.settings.file.entries);
        let of_file = inputs.projects.is_empty() && inputs.compositions.is_empty() && !entries.is_empty();
        if of_file {
            let chosen = entries.iter().filter(|entry| mode == Mode::Check || entry.is_for(event));
            for entry in chosen {
                scope.look_at_entry(entry, inputs, changed.as_ref(), &paths)?;
            }
        } else {
            for project in projects(inputs)? {
                scope.look_at(&project, inputs, changed.as_ref(), &paths)?;
            }
        }
        scope.settings.file.entries = entries;
        scope.findings.sort();
        let looked_at = scope.entries.len() + scope.unchanged.len();
        if mode == Mode::Check {
            scope.entries.clear();
        }
        scope.keep_pages_off_secrets(inputs, provider, console);
        if let Some(request) = request.filter(|_| !scope.entries.is_empty()) {
            scope.base = Base::check_out(&inputs.workspace, request);
        }
        let found = [Severity::Error, Severity::Warning].map(|severity| scope.findings.count(severity));
        console.done(&format!(
            "{}: {}, {}; {} to render, {} unchanged",
            counted(looked_at, if of_file { "entry" } else { "composition" }),
            counted(found[0], "error"),
            counted(found[1], "warning"),
            scope.entries.len(),
            scope.unchanged.len()
        ));
        Ok(scope)
    }

    fn look_at(
        &mut self,
        project: &Project,
        inputs: &Inputs,
        changed: Option<&BTreeSet<String>>,
        paths: &DisplayPaths,
    ) -> Result<(), Error> {
        let mut target = self.target(inputs, None, Some(&project.root))?;
        target.options =
            CheckOptions { compositions: inputs.compositions.clone(), ..CheckOptions::default() };
        let (tree, report, errors) = self.check(&target, paths)?;
        let compositions = match inputs.compositions.is_empty() {
            true => vec![DEFAULT_COMPOSITION.to_owned()],
            false => inputs.compositions.clone(),
        };
        for path in compositions {
            let name = paths.path(&project.boundary, &project.prefix);
            let is_default = path == DEFAULT_COMPOSITION;
            let name = if is_default { name } else { format!("{name}/{path}") };
            let inside = join(tree.project(), &path);
            if changed.is_some_and(|changed| !report.is_affected(&inside, changed)) {
                self.unchanged.push(name);
                continue;
            }
            let entry = report.entries.iter().find(|(known, _)| *known == path);
            self.entries.push(Entry {
                directory: project.root.clone(),
                prefix: project.prefix.clone(),
                composition: (!is_default).then(|| path.clone()),
                display_name: name,
                parsed: entry.map(|(_, composition)| composition.clone()).unwrap_or_default(),
                errors,
                entry: None,
            });
        }
        Ok(())
    }

    /// An entry is touched by whatever its composition is made of, by its rows and values, and by the configuration.
    fn look_at_entry(
        &mut self,
        entry: &config::Entry,
        inputs: &Inputs,
        changed: Option<&BTreeSet<String>>,
        paths: &DisplayPaths,
    ) -> Result<(), Error> {
        let target = self.target(inputs, Some(entry), None)?;
        let (tree, mut report, errors) = self.check(&target, paths)?;
        let file = &self.settings.file;
        let composition = target.options.compositions.first().filter(|path| *path != DEFAULT_COMPOSITION);
        let path = composition.map_or(DEFAULT_COMPOSITION, String::as_str);
        let is_touched = |changed: &BTreeSet<String>| {
            let files =
                [file.setting(entry, "rows"), file.setting(entry, "variables-file"), Some(CONFIG_FILE)];
            let mut files = files.into_iter().flatten().map(|path| path.trim_start_matches("./"));
            report.is_affected(&join(tree.project(), path), changed)
                || files.any(|file| changed.contains(file))
        };
        if changed.is_some_and(|changed| !is_touched(changed)) {
            self.unchanged.push(entry.name.clone());
            return Ok(());
        }
        self.entries.push(Entry {
            directory: target.project.root.clone(),
            prefix: target.project.prefix.clone(),
            composition: composition.cloned(),
            display_name: entry.name.clone(),
            parsed: report.entries.pop().map(|(_, composition)| composition).unwrap_or_default(),
            errors,
            entry: Some(entry.clone()),
        });
        Ok(())
    }

    /// What is checked of an entry, or of the project in `directory`.
    fn target(
        &self,
        inputs: &Inputs,
        entry: Option<&config::Entry>,
        directory: Option<&Path>,
    ) -> Result<CheckTarget, Error> {
        let mut base = RenderSpec { severities: inputs.severities.clone(), ..RenderSpec::default() };
        if let Some(directory) = directory {
            base.source = ProjectSource::Directory(directory.to_owned());
        }
        CheckTarget::of_render(&self.settings.resolve(base, &inputs.given, entry)?.0)
    }

    /// Checks a project, takes in what is found, and tells how many errors that is.
    fn check(
        &mut self,
        target: &CheckTarget,
        paths: &DisplayPaths,
    ) -> Result<(DiskTree, Report, usize), Error> {
        let tree = DiskTree::open(target.project.clone())?;
        let mut report = tree.check(&target.options)?;
        report.findings.set_levels(&target.levels);
        let errors = report.findings.count(Severity::Error);
        let mut findings = std::mem::take(&mut report.findings);
        findings.rename(|path| paths.path(&target.project.boundary, path));
        self.findings.append(findings);
        Ok((tree, report, errors))
    }

    /// A page is a program. That of a stranger is not run where secrets are: only the cloud may render it then.
    fn keep_pages_off_secrets(&mut self, inputs: &Inputs, provider: &dyn CiProvider, console: &mut Console) {
        if is_exposed(provider.event()) && !inputs.has_key && !self.entries.is_empty() {
            let note = "Nothing was rendered: pages of strangers run in the cloud only where a run has secrets, and \
                there is no API key.";
            console.warning(note);
            self.notes.push(note.to_owned());
            self.entries.clear();
        }
    }

    /// What the request changes, as far as anybody knows; `None` is everything.
    fn changed(
        &mut self,
        inputs: &Inputs,
        provider: &dyn CiProvider,
        request: &PullRequest,
        console: &mut Console,
    ) -> Option<BTreeSet<String>> {
        let by_git = changes::since(&inputs.workspace, &request.base);
        // A shallow clone does not have the base: the service knows.
        let known = match by_git {
            Ok(changed) => return Some(changed),
            Err(error) => provider.changed_files(request).map_err(|other| format!("{error}; {other}")),
        };
        match known {
            Ok(changed) => Some(changed),
            Err(message) => {
                console
                    .warning(&format!("it is not known what changed, so everything is rendered: {message}"));
                self.notes.push("It is not known what this changes: everything was rendered.".to_owned());
                None
            }
        }
    }
}

/// The projects that the workflow names, or those of the whole repository.
fn projects(inputs: &Inputs) -> Result<Vec<Project>, Error> {
    let whole = [".".to_owned()];
    let named = if inputs.projects.is_empty() { &whole[..] } else { &inputs.projects };
    let paths = named.iter().map(|path| inputs.workspace.join(path)).collect::<Vec<_>>();
    discover::projects(&paths, Some(&inputs.workspace)).map_err(|error| {
        let help = "the input projects names directories with an index.html, or above them";
        Error::usage(error.to_string(), help)
    })
}

/// With secrets available the request must not decide how it is judged: the configuration is that of its base.
fn config_of_base(inputs: &Inputs, provider: &dyn CiProvider) -> Result<PathBuf, Error> {
    let text = match &provider.event().subject {
        Subject::PullRequest(request) => provider.file_at(&request.base, CONFIG_FILE),
        _ => Ok(None),
    };
    let text = text.map_err(ActionError::from)?.unwrap_or_default();
    let path = inputs.output_dir.join("config-of-base.toml");
    std::fs::write(&path, &text)
        .map_err(|error| ActionError::from(ProviderError::Runner(path.clone(), error)))?;
    Ok(path)
}

/// Whether a stranger's pages are at hand together with secrets.
pub(super) fn is_exposed(event: &Event) -> bool {
    event.is_privileged && matches!(&event.subject, Subject::PullRequest(request) if request.is_fork)
}
