//! The use case `check`: finds mistakes in projects before they are rendered.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use hyperframes_ci_core::check::{CheckOptions, Values};
use hyperframes_ci_core::findings::{Findings, Levels};
use hyperframes_ci_core::options::AspectRatio;
use hyperframes_ci_core::project::DEFAULT_COMPOSITION;

use super::config::DeclaredMedia;
use super::media::{MediaPreflight, ValuesSource, measured, measured_of};
use super::official;
use super::severities::{self, ProjectLevels};
use super::spec::{RenderSpec, RendererChoice, Severities, VariableSource};
use crate::engine::Engine;
use crate::fault::Error;
use crate::project::changes;
use crate::project::collect::Project;
use crate::project::discover::{self, Selected};
use crate::project::display_path::DisplayPaths;
use crate::project::input::{self, InputError};
use crate::project::tree::DiskTree;
use crate::renderers;
use crate::system::gate::{Reach, limit};
use crate::system::parallel::in_order;

/// Values on the command line.
const INLINE: ValuesSource<'_> = ValuesSource { flag: "--variables", location: "the value" };

/// What to check.
#[derive(Clone, Debug, Default)]
pub(crate) struct CheckSpec {
    /// Projects, directories above them, files inside them, or patterns for any of these.
    pub(crate) paths: Vec<PathBuf>,
    /// Compositions of the project; `index.html` if empty.
    pub(crate) compositions: Vec<String>,
    /// The aspect ratio that will be requested.
    pub(crate) aspect_ratio: Option<AspectRatio>,
    /// Values for variables, as JSON.
    pub(crate) variables: Option<String>,
    /// Files with values for variables.
    pub(crate) variables_files: Vec<PathBuf>,
    /// Files with many sets of values.
    pub(crate) rows: Vec<PathBuf>,
    /// Severities of findings.
    pub(crate) severities: Severities,
    /// The workspace of the CI service.
    pub(crate) workspace: Option<PathBuf>,
}

/// A project to check, with options and severities.
#[derive(Debug)]
pub(crate) struct CheckTarget {
    pub(crate) project: Project,
    pub(crate) options: CheckOptions,
    pub(crate) levels: Levels,
    /// Generated media of the repository.
    pub(crate) media: Arc<DeclaredMedia>,
}

/// The result of checks.
#[derive(Debug, Default)]
pub(crate) struct CheckResult {
    /// The findings of all projects.
    pub(crate) findings: Findings,
    /// Number of checked compositions.
    pub(crate) compositions: usize,
    /// Number of checked projects.
    pub(crate) projects: usize,
}

impl CheckTarget {
    /// Returns the target for the project of a render; its severities override `base`.
    ///
    /// # Errors
    /// Returns an error if the project, its values or the configuration is invalid or cannot be read.
    pub(crate) fn of_render(spec: &RenderSpec, base: Levels) -> Result<Self, Error> {
        spec.severities.validate()?;
        let mut values = Vec::new();
        match &spec.variables {
            Some(VariableSource::Inline(text)) => {
                let label = spec.label("variables");
                let text = measured_of(spec, &label, "the value", text)?;
                values.push(Values::Inline(input::from_text(&label, &text)?));
            }
            Some(VariableSource::File(path)) => {
                let reach = spec.reach("variables-file");
                let label = spec.label("variables-file");
                let (shown, (path, text)) = (path.display(), read(&label, path, &reach, limit::VALUES)?);
                let text = measured_of(spec, &label, &shown.to_string(), &text)?.into_owned();
                values.push(Values::Object { path, text });
            }
            None => {}
        }
        if let Some(path) = &spec.batch.rows {
            let (path, text) = read(&spec.label("batch"), path, &spec.reach("batch"), limit::ROWS)?;
            values.push(Values::Rows { path, text });
        }
        let project = Project::open(spec.directory(), spec.workspace.as_deref(), &spec.reach("project"))?;
        let (levels, media) =
            severities::levels(&spec.severities, &project.boundary, &spec.reach("config"), base)?;
        Ok(Self {
            options: CheckOptions {
                compositions: spec.request.composition.iter().cloned().collect(),
                values,
                aspect_ratio: spec.request.aspect_ratio,
                format: spec.request.format,
                is_render: true,
                is_partial: false,
                is_distributed: is_distributed(spec.renderer),
            },
            project: project.without(&spec.own_files()).without_any(&spec.other_outputs),
            levels,
            media,
        })
    }
}

/// Returns whether a renderer that is named renders parts of a video on several machines.
fn is_distributed(renderer: RendererChoice) -> bool {
    match renderer {
        RendererChoice::Named(name) => {
            renderers::named(name).is_some_and(|renderer| renderer.description().is_distributed)
        }
        RendererChoice::Auto | RendererChoice::Emulated => false,
    }
}

/// Finds the projects of `spec`.
///
/// # Errors
/// Returns an error if there is no project, or if a project, its values or its configuration is invalid or cannot be
/// read.
pub(crate) fn targets(spec: &CheckSpec) -> Result<Vec<CheckTarget>, Error> {
    spec.severities.validate()?;
    let reach = Reach::of_user(spec.workspace.as_deref());
    let selected = discover::selection(&spec.paths, spec.workspace.as_deref(), &reach).map_err(|error| {
        Error::usage(
            error.to_string(),
            "pass a directory that contains compositions, one of its parent directories, or an HTML file",
        )
    })?;
    let options = options(spec, selected.len())?;
    let mut levels_by_repository = BTreeMap::new();
    let target = |Selected { project, files, is_partial }: Selected| {
        // Each configuration is read once.
        let levels = match levels_by_repository.get(&project.boundary) {
            Some(levels) => ProjectLevels::clone(levels),
            None => ProjectLevels::read(&spec.severities, &project.boundary, &reach)?,
        };
        levels_by_repository.insert(project.boundary.clone(), levels.clone());
        let mut options = options.clone();
        options.format = levels.format(&project.prefix);
        let media = Arc::clone(&levels.media);
        let levels = levels.of(&project.prefix);
        select(&mut options, files, is_partial);
        Ok(CheckTarget { project, options, levels, media })
    };
    selected.into_iter().map(target).collect()
}

/// Makes `files` the entries, if there are any.
pub(super) fn select(options: &mut CheckOptions, files: BTreeSet<String>, is_partial: bool) {
    if options.compositions.is_empty() && !files.is_empty() {
        // Values are for the files that the user names.
        let is_whole = !is_partial && options.values.is_empty();
        let default = is_whole.then(|| DEFAULT_COMPOSITION.to_owned());
        options.compositions = default.into_iter().chain(files).collect();
        options.is_partial = is_partial;
    }
}

/// Returns the options, which apply to a single project only.
fn options(spec: &CheckSpec, projects: usize) -> Result<CheckOptions, Error> {
    let has_options = spec.variables.is_some()
        || !spec.variables_files.is_empty()
        || !spec.rows.is_empty()
        || !spec.compositions.is_empty();
    if has_options && projects > 1 {
        let message = format!("values and --composition require a single project, but {projects} were found");
        return Err(Error::usage(message, "pass a single project directory"));
    }
    let mut values = Vec::new();
    let directory = spec.paths.first().map_or(Path::new("."), PathBuf::as_path);
    let workspace = spec.workspace.as_deref();
    if let Some(text) = &spec.variables {
        let text = measured(INLINE, text, directory, workspace)?;
        values.push(Values::Inline(input::from_text("--variables", &text)?));
    }
    let reach = Reach::of_user(workspace);
    for path in &spec.variables_files {
        let shown = path.display().to_string();
        let (path, text) = read("--variables-file", path, &reach, limit::VALUES)?;
        let source = ValuesSource { flag: "--variables-file", location: &shown };
        let text = measured(source, &text, directory, workspace)?.into_owned();
        values.push(Values::Object { path, text });
    }
    for path in &spec.rows {
        let (path, text) = read("--rows", path, &reach, limit::ROWS)?;
        values.push(Values::Rows { path, text });
    }
    Ok(CheckOptions {
        compositions: spec.compositions.clone(),
        values,
        aspect_ratio: spec.aspect_ratio,
        ..CheckOptions::default()
    })
}

/// Returns the absolute path of a file of at most `limit` bytes, for findings, and its text.
fn read(flag: &str, path: &Path, reach: &Reach, limit: u64) -> Result<(String, String), InputError> {
    let text = input::text_of(flag, path, reach, limit)?;
    Ok((input::absolute(path), text))
}

/// Checks all targets, with `engine` by the official linter as well. With a revision, reports only findings about compositions affected by changes since then.
///
/// # Errors
/// Returns an error if a file cannot be read, Git cannot list the changes, or the official linter cannot be run.
pub(crate) fn check(
    targets: &[CheckTarget],
    changed_since: Option<&str>,
    paths: &DisplayPaths,
    engine: Option<&Engine>,
) -> Result<CheckResult, Error> {
    let changed = changed(targets, changed_since)?;
    let media = media(targets)?;
    let mut result = CheckResult::default();
    let work = |(): &mut (), target: &CheckTarget| {
        let boundary = &target.project.boundary;
        check_one(target, changed.get(boundary), media.get(boundary.as_path()), engine)
    };
    in_order(
        targets,
        u64::MAX,
        |_| 0,
        || (),
        work,
        |target, checked| {
            let (mut findings, compositions) = checked?;
            findings.rename(|path| paths.path(&target.project.boundary, path));
            result.findings.append(findings);
            result.compositions += compositions;
            Ok::<_, Error>(())
        },
    )?;
    count(&mut result, targets);
    Ok(result)
}

/// Sorts the findings, and counts the projects.
pub(super) fn count(result: &mut CheckResult, targets: &[CheckTarget]) {
    result.findings.sort();
    // Entries of the same project have findings in common.
    result.findings.diagnostics.dedup();
    result.projects = targets.iter().map(|target| &target.project.root).collect::<BTreeSet<_>>().len();
}

/// Returns the changed files of each repository; nothing without a revision.
pub(super) fn changed(
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

/// Returns the judgement of the media of each repository.
pub(super) fn media(targets: &[CheckTarget]) -> Result<BTreeMap<&Path, MediaPreflight<'_>>, Error> {
    let mut media = BTreeMap::new();
    for CheckTarget { project, media: declared, .. } in targets {
        let boundary = project.boundary.as_path();
        if !media.contains_key(boundary) {
            media.insert(boundary, MediaPreflight::of_disk(declared, boundary)?);
        }
    }
    Ok(media)
}

/// Checks a project; returns the findings and the number of checked compositions.
fn check_one(
    target: &CheckTarget,
    changed: Option<&BTreeSet<String>>,
    media: Option<&MediaPreflight<'_>>,
    engine: Option<&Engine>,
) -> Result<(Findings, usize), Error> {
    let tree = DiskTree::open(target.project.clone())?;
    let mut report = tree.check(&target.options)?;
    if let Some(engine) = engine {
        official::add(&mut report.findings, &tree, &target.levels, engine)?;
    }
    if let Some(changed) = changed {
        report.limit_to(changed);
    }
    if let Some(media) = media {
        media.add(&mut report, &target.project.prefix, changed);
    }
    report.findings.set_levels(&target.levels);
    Ok((report.findings, report.compositions))
}
