//! Finds the projects of a run, checks them, and selects the compositions that the pull request affects.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;

use hyperframes_ci_core::check::Report;
use hyperframes_ci_core::findings::{CONFIG_FILE, Severity};
use hyperframes_ci_core::project::{DEFAULT_COMPOSITION, Tree, join};

use super::base::BaseCheckout;
use super::error::ActionError;
use super::inputs::Inputs;
use super::mode::Mode;
use super::removed::Removals;
use super::scope::{RenderTarget, Scope, is_exposed};
use super::stored;
use crate::app::check::CheckTarget;
use crate::app::config::{self, Settings};
use crate::app::entries::{located, no_entry_for};
use crate::app::media::{MediaPreflight, examine_all};
use crate::app::severities;
use crate::app::spec::{ProjectSource, RenderSpec};
use crate::ci::{CiProvider, ConfigSource, ProviderError, Subject};
use crate::fault::Error;
use crate::project::collect::Project;
use crate::project::display_path::DisplayPaths;
use crate::project::tree::DiskTree;
use crate::project::{changes, discover::DiscoverError};
use crate::system::gate::Reach;
use crate::system::temporary::{self, TemporaryFolder};
use crate::ui::{Console, counted};

/// The message for a repository without projects.
const NO_PROJECT: &str = "No HyperFrames project found";

/// Checks the entries of the configuration for the event, or the projects of the repository if the inputs name some or
/// the configuration has no entries; selects what to render.
///
/// # Errors
/// Returns an error if the input `projects` is invalid, or a project or the configuration cannot be read.
pub(super) fn find_scope(
    inputs: &Inputs,
    provider: &dyn CiProvider,
    mode: Mode,
    console: &mut Console,
) -> Result<Scope, Error> {
    let pull_request = match &provider.event().subject {
        Subject::PullRequest(request) => Some(request),
        _ => None,
    };
    let request = pull_request.filter(|_| mode == Mode::Preview);
    let mut builder = ScopeBuilder {
        inputs,
        paths: DisplayPaths::new(false, Some(&inputs.workspace)),
        changed: None,
        not_checked: 0,
        found: BTreeSet::new(),
        scope: Scope { settings: settings(inputs, provider)?, ..Scope::default() },
    };
    stored::fetch(&builder.scope.settings, provider, console);
    builder.scope.media = examine_all(&builder.scope.settings)?;
    let is_limited =
        inputs.changed_only && (mode.is_for_changes() || (mode == Mode::Check && !inputs.check_all));
    if is_limited {
        builder.set_changed(provider, console);
    }
    let event = if mode == Mode::Release { "release" } else { provider.event().kind.as_str() };
    let entries = std::mem::take(&mut builder.scope.settings.file.entries);
    let uses_entries = inputs.projects.is_empty() && inputs.compositions.is_empty() && !entries.is_empty();
    if uses_entries {
        let entries = entries.iter().filter(|entry| mode == Mode::Check || entry.is_for(event));
        let entries = entries.collect::<Vec<_>>();
        if entries.is_empty() {
            let notice = no_entry_for(event, &builder.scope.settings);
            console.note(&notice);
            builder
                .scope
                .notes
                .push(format!("Nothing to render: no entry of the configuration is for the event {event}."));
        }
        for entry in entries {
            let added = builder.add_entry(entry);
            added.map_err(|error| located(error, entry, &builder.scope.settings))?;
        }
    } else {
        let projects = projects(inputs)?;
        builder.scope.has_no_project = projects.is_empty();
        for project in projects {
            builder.add_project(&project)?;
        }
    }
    check_targets(inputs, &builder.found)?;
    let ScopeBuilder { not_checked, changed, found, mut scope, .. } = builder;
    scope.settings.file.entries = entries;
    let removals =
        Removals { inputs, event: uses_entries.then_some(event), found: &found, changed: changed.as_ref() };
    scope.findings.sort();
    let checked = scope.targets.len() + scope.unchanged.len();
    if mode == Mode::Check {
        scope.targets.clear();
    }
    skip_untrusted_targets(&mut scope, inputs, provider, console);
    let may_remove = removals.are_possible();
    if let Some(request) = request.filter(|_| may_remove || !scope.targets.is_empty()) {
        match BaseCheckout::new(&inputs.workspace, request, provider) {
            Ok(base) => {
                fetch_of_base(&base, provider, console);
                if may_remove {
                    scope.removed = removals.names(base.path());
                }
                scope.base = Some(base);
            }
            Err(_) if scope.targets.is_empty() => {}
            Err(reason) => {
                console.warning(&format!(
                    "cannot read the base of the pull request, comparing nothing with it: {reason}"
                ));
                scope.notes.push(
                    "The base of the pull request could not be read, so nothing is compared with it. Check out with \
                     `fetch-depth: 0`, or grant the token `contents: read`."
                        .to_owned(),
                );
            }
        }
    }
    scope.has_no_project &= scope.removed.is_empty();
    if scope.has_no_project {
        console.done(&format!("{NO_PROJECT}: nothing to check or render"));
        let help = "A project is a directory with an `index.html` that contains `data-composition-id`.";
        scope.notes.push(format!("{NO_PROJECT}. {help}"));
        return Ok(scope);
    }
    let [errors, warnings] =
        [Severity::Error, Severity::Warning].map(|severity| scope.findings.count(severity));
    console.done(&format!(
        "checked {}: {}, {}; {} to render, {} unchanged{}",
        counted(checked, if uses_entries { "entry" } else { "composition" }),
        counted(errors, "error"),
        counted(warnings, "warning"),
        scope.targets.len(),
        scope.unchanged.len(),
        match scope.removed.len() {
            0 => String::new(),
            removed => format!(", {removed} removed"),
        }
    ));
    if not_checked > 0 {
        let skipped = counted(not_checked, "composition");
        console.detail(&format!(
            "not checked: {skipped} that the pull request does not affect (check-all: true checks all)"
        ));
        scope.notes.push(format!(
            "Not checked: {skipped} that this pull request does not affect. `check-all: true` checks all."
        ));
    }
    Ok(scope)
}

/// Reads the configuration: that of the base if the run may have access to secrets while its code may be from a fork.
fn settings(inputs: &Inputs, provider: &dyn CiProvider) -> Result<Settings, Error> {
    let config = match &provider.event().config {
        ConfigSource::Base(base) => Some(write_base_config(provider, base.as_deref())?),
        ConfigSource::Checkout => None,
    };
    let path = config.as_ref().map(|folder| folder.path().join(CONFIG_FILE));
    let mut settings = Settings::read(&inputs.workspace, path.as_deref(), Some(inputs.workspace.clone()))?;
    settings.temporary.clone_from(&inputs.temporary);
    if path.is_some() {
        // Findings name the file of the repository, not the copy.
        Arc::make_mut(&mut settings.file.declared).path = inputs.workspace.join(CONFIG_FILE);
    }
    // Paths in the file start at the root of the repository, in whichever directory the step runs.
    settings.root.clone_from(&inputs.workspace);
    Ok(settings)
}

/// Writes the configuration of the base to a temporary directory: a pull request must not change how it is checked while
/// the run has access to secrets.
fn write_base_config(provider: &dyn CiProvider, base: Option<&str>) -> Result<TemporaryFolder, Error> {
    let text = base.map_or(Ok(None), |base| provider.file_at(base, CONFIG_FILE));
    let text = text.map_err(ActionError::from)?.unwrap_or_default();
    let written = temporary::create_folder("hyperframes-ci-config-").and_then(|folder| {
        std::fs::write(folder.path().join(CONFIG_FILE), &text)?;
        Ok(folder)
    });
    Ok(written.map_err(|error| ActionError::from(ProviderError::Runner(CONFIG_FILE.into(), error)))?)
}

/// Finds the projects of the input `projects`, or those of the whole repository, which may be none.
fn projects(inputs: &Inputs) -> Result<Vec<Project>, Error> {
    let reach = Reach::inside(&inputs.workspace, "the workspace");
    match inputs.discover(&inputs.workspace, &reach) {
        Err(DiscoverError::NoProject(_)) if inputs.projects.is_empty() => Ok(Vec::new()),
        found => found.map_err(|error| {
            let help =
                "set the input projects to directories that contain an index.html, or to parents of them";
            Error::usage(error.to_string(), help)
        }),
    }
}

/// Checks that the scope has every composition that the input `targets` names.
///
/// # Errors
/// Returns a usage error for the first name that it does not have.
fn check_targets(inputs: &Inputs, found: &BTreeSet<String>) -> Result<(), Error> {
    match inputs.targets.iter().flatten().find(|name| !found.contains(*name)) {
        None => Ok(()),
        Some(name) => Err(Error::usage(
            format!("input targets: no composition or entry {name:?}"),
            "check out the commit of the plan, and pass the same projects and composition as to the plan",
        )),
    }
}

/// Fetches the media of the base. A base without it is rendered without it, and the comparison says so.
fn fetch_of_base(base: &BaseCheckout, provider: &dyn CiProvider, console: &mut Console) {
    if let Ok(settings) = Settings::read(base.path(), None, None) {
        stored::fetch(&settings.at(base.path()), provider, console);
    }
}

/// Clears the targets if code from a fork might run next to secrets: pages run scripts, and only the cloud may render
/// them then, which needs a credential.
fn skip_untrusted_targets(
    scope: &mut Scope,
    inputs: &Inputs,
    provider: &dyn CiProvider,
    console: &mut Console,
) {
    if is_exposed(provider.event()) && !inputs.has_key && !scope.targets.is_empty() {
        let note = "Nothing was rendered: this run has access to secrets, so compositions that may be from a fork are \
            rendered in the cloud only, which requires the input api-key.";
        console.warning(note);
        scope.notes.push(note.to_owned());
        scope.targets.clear();
    }
}

/// Checks projects one by one and collects the results.
struct ScopeBuilder<'a> {
    inputs: &'a Inputs,
    paths: DisplayPaths,
    /// Repository paths of changed files; `None` selects every composition.
    changed: Option<BTreeSet<String>>,
    /// Number of compositions that were not checked, since the pull request does not affect them.
    not_checked: usize,
    /// Names of the compositions and entries that the run has.
    found: BTreeSet<String>,
    scope: Scope,
}

impl ScopeBuilder<'_> {
    /// Finds the files that the pull request or the merge group changes, with Git or the CI service. If neither knows,
    /// everything is rendered, and a note says so.
    fn set_changed(&mut self, provider: &dyn CiProvider, console: &mut Console) {
        let event = provider.event();
        let Some(base) = event.subject.base() else { return };
        let changed = changes::since(&self.inputs.workspace, base).or_else(|error| {
            // A shallow clone does not contain the base.
            let changed = match &event.subject {
                Subject::PullRequest(request) => provider.changed_files(request),
                _ => provider.files_between(base, &event.commit),
            };
            changed.map_err(|other| format!("{error}; {other}"))
        });
        match changed {
            Ok(changed) => self.changed = Some(changed),
            Err(message) => {
                console
                    .warning(&format!("cannot determine the changed files, rendering everything: {message}"));
                let note = "The changed files could not be determined, so every composition was rendered.";
                self.scope.notes.push(note.to_owned());
            }
        }
    }

    /// Returns whether this run renders the composition or entry of that name, and not another job.
    fn is_selected(&mut self, name: &str) -> bool {
        self.found.insert(name.to_owned());
        self.inputs.targets.as_ref().is_none_or(|targets| targets.contains(name))
    }

    /// Checks a project and adds its compositions.
    fn add_project(&mut self, project: &Project) -> Result<(), Error> {
        let mut target = self.check_target(None, Some(&project.root))?;
        target.options.compositions.clone_from(&self.inputs.compositions);
        let mut compositions = self.inputs.compositions_of_projects();
        compositions.retain(|path| self.is_selected(&join(&project.prefix, path)));
        if compositions.is_empty() {
            return Ok(());
        }
        let (tree, report, errors) = self.check(&target, true)?;
        for path in compositions {
            let name = self.paths.path(&project.boundary, &project.prefix);
            let is_default = path == DEFAULT_COMPOSITION;
            let name = if is_default { name } else { format!("{name}/{path}") };
            let repository_path = join(tree.project(), &path);
            if self.changed.as_ref().is_some_and(|changed| !report.is_affected(&repository_path, changed)) {
                self.scope.unchanged.push(name);
                continue;
            }
            let entry = report.entries.iter().find(|(known, _)| *known == path);
            self.scope.targets.push(RenderTarget {
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

    /// Checks an entry of the configuration and adds it.
    fn add_entry(&mut self, entry: &config::Entry) -> Result<(), Error> {
        if !self.is_selected(&entry.name) {
            return Ok(());
        }
        let target = self.check_target(Some(entry), None)?;
        // Other rows or another configuration concern every file.
        let is_limited = self.changed.as_ref().is_none_or(|changed| !self.has_changed_inputs(entry, changed));
        let (tree, mut report, errors) = self.check(&target, is_limited)?;
        let composition = target.options.compositions.first().filter(|path| *path != DEFAULT_COMPOSITION);
        let path = composition.map_or(DEFAULT_COMPOSITION, String::as_str);
        let repository_path = join(tree.project(), path);
        if self.changed.as_ref().is_some_and(|changed| {
            !report.is_affected(&repository_path, changed) && !self.has_changed_inputs(entry, changed)
        }) {
            self.scope.unchanged.push(entry.name.clone());
            return Ok(());
        }
        self.scope.targets.push(RenderTarget {
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

    /// Returns whether the rows or values of an entry changed, or the configuration.
    fn has_changed_inputs(&self, entry: &config::Entry, changed: &BTreeSet<String>) -> bool {
        let file = &self.scope.settings.file;
        let files = [file.setting(entry, "rows"), file.setting(entry, "variables-file"), Some(CONFIG_FILE)];
        let mut files = files.into_iter().flatten().map(|path| path.trim_start_matches("./"));
        files.any(|file| changed.contains(file))
    }

    /// Returns what to check for an entry, or for the project in `directory`.
    fn check_target(
        &self,
        entry: Option<&config::Entry>,
        directory: Option<&Path>,
    ) -> Result<CheckTarget, Error> {
        let mut base = RenderSpec { severities: self.inputs.severities.clone(), ..RenderSpec::default() };
        if let Some(directory) = directory {
            base.source = ProjectSource::Directory(directory.to_owned());
        }
        let (spec, _) = self.scope.settings.resolve(base, &self.inputs.given, entry)?;
        CheckTarget::of_render(&spec, severities::of_renders())
    }

    /// Checks a project, collects its findings, and returns the number of errors. If `is_limited`, only findings about
    /// compositions that the pull request affects count.
    fn check(&mut self, target: &CheckTarget, is_limited: bool) -> Result<(DiskTree, Report, usize), Error> {
        let tree = DiskTree::open(target.project.clone())?;
        let mut report = tree.check(&target.options)?;
        if let Some(changed) = self.changed.as_ref().filter(|_| is_limited && !self.inputs.check_all) {
            let all = report.compositions;
            report.limit_to(changed);
            self.not_checked += all - report.compositions;
        }
        let Project { boundary, prefix, .. } = &target.project;
        let changed = self.changed.as_ref().filter(|_| is_limited && !self.inputs.check_all);
        MediaPreflight::of_disk(&target.media, boundary)?.add(&mut report, prefix, changed);
        report.findings.set_levels(&target.levels);
        let errors = report.findings.count(Severity::Error);
        let mut findings = std::mem::take(&mut report.findings);
        findings.rename(|path| self.paths.path(&target.project.boundary, path));
        self.scope.findings.append(findings);
        Ok((tree, report, errors))
    }
}
