//! The use case `check`: what would fail or silently render wrong, in one project or many.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use hyperframes_ci_core::check::{CheckOptions, Values};
use hyperframes_ci_core::findings::{Findings, Levels};
use hyperframes_ci_core::options::AspectRatio;

use super::severities;
use super::spec::{RenderSpec, Severities, VariableSource};
use crate::fault::Error;
use crate::project::collect::Project;
use crate::project::display_path::DisplayPaths;
use crate::project::input::{self, InputError};
use crate::project::tree::DiskTree;
use crate::project::{changes, discover};
use crate::system::parallel::in_order;

/// What is checked.
#[derive(Clone, Debug, Default)]
pub(crate) struct CheckSpec {
    /// Projects, directories above them, files inside them, or patterns for these.
    pub(crate) paths: Vec<PathBuf>,
    /// Entries inside the project; `index.html` where there are none.
    pub(crate) compositions: Vec<String>,
    /// The output shape that a render will be asked for.
    pub(crate) aspect_ratio: Option<AspectRatio>,
    /// Values for variables, as JSON.
    pub(crate) variables: Option<String>,
    /// Files with values for variables.
    pub(crate) variables_files: Vec<PathBuf>,
    /// Files with many sets of values.
    pub(crate) rows: Vec<PathBuf>,
    /// How much findings matter.
    pub(crate) severities: Severities,
    /// The directory that the CI service works in.
    pub(crate) workspace: Option<PathBuf>,
}

/// A project, and what of it is checked.
#[derive(Debug)]
pub(crate) struct CheckTarget {
    pub(crate) project: Project,
    pub(crate) options: CheckOptions,
    pub(crate) levels: Levels,
}

/// What was found.
#[derive(Debug, Default)]
pub(crate) struct Checked {
    /// In all projects.
    pub(crate) findings: Findings,
    /// Compositions that were looked at.
    pub(crate) compositions: usize,
    /// Projects that were looked at.
    pub(crate) projects: usize,
}

impl CheckTarget {
    /// What is checked of a render.
    ///
    /// # Errors
    /// Returns an error if the project, values for it, or the configuration cannot be used.
    pub(crate) fn of_render(spec: &RenderSpec) -> Result<Self, Error> {
        spec.severities.validate()?;
        let mut values = Vec::new();
        match &spec.variables {
            Some(VariableSource::Inline(text)) => {
                values.push(Values::Inline(input::from_text("--variables", text)?));
            }
            Some(VariableSource::File(path)) => {
                let (path, text) = read("--variables-file", path)?;
                values.push(Values::Object { path, text });
            }
            None => {}
        }
        if let Some(path) = &spec.batch.rows {
            let (path, text) = read("--batch", path)?;
            values.push(Values::Rows { path, text });
        }
        let project = Project::open(spec.directory(), spec.workspace.as_deref())?;
        let levels = severities::levels(&spec.severities, &project.boundary, Levels::default())?;
        Ok(Self {
            options: CheckOptions {
                compositions: spec.request.composition.iter().cloned().collect(),
                values,
                aspect_ratio: spec.request.aspect_ratio,
            },
            project: project.without(&spec.own_files()),
            levels,
        })
    }
}

/// The projects that `spec` names.
///
/// # Errors
/// Returns an error if there are none, or one of them, values for it, or its configuration cannot be used.
pub(crate) fn targets(spec: &CheckSpec) -> Result<Vec<CheckTarget>, Error> {
    spec.severities.validate()?;
    let projects = discover::projects(&spec.paths, spec.workspace.as_deref()).map_err(|error| {
        Error::usage(error.to_string(), "name directories with an index.html, or directories above them")
    })?;
    let options = options(spec, &projects)?;
    let mut known = BTreeMap::new();
    let target = |project: Project| {
        // A configuration is read once per repository.
        let levels = match known.get(&project.boundary) {
            Some(levels) => Levels::clone(levels),
            None => severities::levels(&spec.severities, &project.boundary, Levels::default())?,
        };
        known.insert(project.boundary.clone(), levels.clone());
        Ok(CheckTarget { project, options: options.clone(), levels })
    };
    projects.into_iter().map(target).collect()
}

fn options(spec: &CheckSpec, projects: &[Project]) -> Result<CheckOptions, Error> {
    let is_given = spec.variables.is_some()
        || !spec.variables_files.is_empty()
        || !spec.rows.is_empty()
        || !spec.compositions.is_empty();
    if is_given && projects.len() > 1 {
        let message =
            format!("values and --composition are for one project, and these are {}", projects.len());
        return Err(Error::usage(message, "name one project directory"));
    }
    let mut values = Vec::new();
    if let Some(text) = &spec.variables {
        values.push(Values::Inline(input::from_text("--variables", text)?));
    }
    for path in &spec.variables_files {
        let (path, text) = read("--variables-file", path)?;
        values.push(Values::Object { path, text });
    }
    for path in &spec.rows {
        let (path, text) = read("--rows", path)?;
        values.push(Values::Rows { path, text });
    }
    Ok(CheckOptions { compositions: spec.compositions.clone(), values, aspect_ratio: spec.aspect_ratio })
}

/// A file's contents, and its absolute path, by which findings name it.
fn read(flag: &'static str, path: &Path) -> Result<(String, String), InputError> {
    let text = input::text_of(flag, path)?;
    Ok((input::absolute(path), text))
}

/// Checks all targets; with a revision, only what concerns compositions that have changed since.
///
/// # Errors
/// Returns an error if something cannot be read, or nobody knows what has changed.
pub(crate) fn check(
    targets: &[CheckTarget],
    changed_since: Option<&str>,
    paths: &DisplayPaths,
) -> Result<Checked, Error> {
    let changed = changed(targets, changed_since)?;
    let mut checked = Checked::default();
    let work = |(): &mut (), target: &CheckTarget| check_one(target, changed.get(&target.project.boundary));
    in_order(
        targets,
        u64::MAX,
        |_| 0,
        || (),
        work,
        |target, found| {
            let (mut found, count) = found?;
            found.rename(|path| paths.path(&target.project.boundary, path));
            checked.findings.append(found);
            checked.compositions += count;
            Ok::<_, Error>(())
        },
    )?;
    checked.findings.sort();
    // Entries of one project find the same things there.
    checked.findings.diagnostics.dedup();
    checked.projects = targets.iter().map(|target| &target.project.root).collect::<BTreeSet<_>>().len();
    Ok(checked)
}

/// What changed in each repository, where that was asked for.
fn changed(
    targets: &[CheckTarget],
    since: Option<&str>,
) -> Result<BTreeMap<PathBuf, BTreeSet<String>>, Error> {
    let mut changed = BTreeMap::new();
    for CheckTarget { project, .. } in targets {
        if let (Some(revision), false) = (since, changed.contains_key(&project.boundary)) {
            changed.insert(project.boundary.clone(), changes::since(&project.boundary, revision)?);
        }
    }
    Ok(changed)
}

/// The findings about one project, and how many of its compositions they are about.
fn check_one(target: &CheckTarget, changed: Option<&BTreeSet<String>>) -> Result<(Findings, usize), Error> {
    let tree = DiskTree::open(target.project.clone())?;
    let mut report = tree.check(&target.options)?;
    if let Some(changed) = changed {
        report.limit_to(changed);
    }
    report.findings.set_levels(&target.levels);
    Ok((report.findings, report.compositions))
}
