//! Prepares a render (chooses the renderer, checks the project and every row) and performs it.

use std::path::PathBuf;
use std::time::Instant;

use hyperframes_ci_core::api::Project;
use hyperframes_ci_core::archive::DIRECT_UPLOAD_LIMIT;
use hyperframes_ci_core::check::CheckOptions;
use hyperframes_ci_core::composition::Shape;
use hyperframes_ci_core::findings::{Group, Level, Levels, Rule, Severity};
use hyperframes_ci_core::job::{ProjectIdentity, RenderIdentity};
use hyperframes_ci_core::options::Format;

use super::choose::{ChosenRenderer, check_capabilities, choose, choose_for_uploaded, renderer_of};
use super::output::check_output;
use super::reporter::SingleReporter;
use super::result::FinishedOrder;
use crate::app::batch::{self, BatchRows, RowCount, RowRender, RowsFile};
use crate::app::budget::LimitOptions;
use crate::app::outcome::{DryRunOutcome, Outcome, ProjectOutcome};
use crate::app::prepare::{PreflightSpec, PreparedProject, archive_outcome, check_size, largest_lines};
use crate::app::request::{RequestBody, expected};
use crate::app::severities;
use crate::app::spec::RenderSpec;
use crate::fault::Error;
use crate::project::engine_pin::engine_note;
use crate::project::pack::Packed;
use crate::renderers::{self, ENGINE_VERSION, Input, Order, Output, Renderer, RunContext};
use crate::system::output::OutputError;
use crate::system::output_place::OutputPlace;
use crate::ui::{Console, bytes};

/// A render that can start.
pub(crate) struct PreparedRender {
    spec: RenderSpec,
    request: RequestBody,
    /// The renderer; `None` for a dry run.
    chosen: Option<ChosenRenderer>,
    source: Source,
    /// The archive of the project, if it is packed.
    packed: Option<Packed>,
}

/// The project to render.
enum Source {
    /// A project that passed the checks, and the rows of a batch.
    Directory(Box<PreparedProject>, Option<Box<(RowsFile, RowCount)>>),
    /// A project that the server already has or can download.
    Uploaded(Project),
}

impl PreparedRender {
    /// Chooses the renderer, checks the project, and every row of a batch.
    ///
    /// # Errors
    /// Returns an error if the specification is invalid, the checks find errors, or no renderer is available.
    pub(crate) fn new(spec: RenderSpec, console: &mut Console) -> Result<Self, Error> {
        spec.severities.validate()?;
        batch::check_appended_files(&spec)?;
        let mut request = RequestBody::new(&spec)?;
        if let Some(project) = request.uploaded.clone() {
            let chosen = Some(choose_for_uploaded(&spec, &request.options)?);
            check_own_output(&spec, &request)?;
            return Ok(Self { spec, request, chosen, source: Source::Uploaded(project), packed: None });
        }
        let chosen = if spec.is_dry_run { None } else { Some(choose(&spec, console)?) };
        let renderer = renderer_of(&spec, chosen.as_ref());
        if let Some(renderer) = renderer {
            check_capabilities(&spec, &request.options, renderer.description())?;
        }
        let project = check(&spec, &mut request, renderer, console)?;
        if let Some(renderer) = renderer {
            renderer.accept(&request.options, &spec.run, project.size())?;
            if renderer.description().is_on_this_machine {
                let directories = [&*project.project().root, &project.project().boundary];
                if let Some(note) = engine_note(&directories, ENGINE_VERSION) {
                    console.note(&note);
                }
            }
        }
        let rows = match spec.batch.rows.as_deref() {
            Some(path) => {
                let file =
                    RowsFile::open(path, &spec.label("batch"), spec.run.max_wait, spec.reach("batch"))?;
                let rows = BatchRows::new(&spec, &request, &project, renderer, &file)?;
                let count = rows.count(console)?;
                Some(Box::new((file, count)))
            }
            None => {
                check_own_output(&spec, &request)?;
                None
            }
        };
        let source = Source::Directory(Box::new(project), rows);
        Ok(Self { spec, request, chosen, source, packed: None })
    }

    /// Returns whether this machine renders it, also through the emulator. A dry run counts as such.
    pub(crate) fn is_on_this_machine(&self) -> bool {
        self.chosen.as_ref().is_none_or(|chosen| chosen.renderer.description().is_on_this_machine)
    }

    /// Packs the project, and returns the key of its render; `None` for a batch, and for a project that is not a directory.
    ///
    /// # Errors
    /// Returns an error if a file or the archive cannot be read or written.
    pub(crate) fn key(&mut self, console: &mut Console) -> Result<Option<String>, Error> {
        let Source::Directory(project, None) = &self.source else { return Ok(None) };
        let packed = match self.packed.take() {
            Some(packed) => packed,
            None => project.pack(console)?,
        };
        let digest = packed.manifest.digest();
        self.packed = Some(packed);
        let identity = RenderIdentity::new(ProjectIdentity::Digest(&digest), &self.request.body);
        Ok(Some(identity.key(0).to_string()))
    }

    /// Replaces the limits.
    pub(crate) fn set_limits(&mut self, limits: LimitOptions) {
        self.spec.limits = limits;
    }

    /// Returns the first `limit` valid rows of a batch as single renders.
    ///
    /// # Errors
    /// Returns an error if the project or the rows cannot be read.
    pub(crate) fn row_renders(&self, limit: usize, console: &mut Console) -> Result<Vec<RowRender>, Error> {
        let Source::Directory(project, Some(rows)) = &self.source else { return Ok(Vec::new()) };
        let renderer = renderer_of(&self.spec, self.chosen.as_ref());
        let digest = project.pack(console)?.manifest.digest();
        BatchRows::new(&self.spec, &self.request, project, renderer, &rows.0)?.renders(&digest, limit)
    }

    /// Renders, or reports what would be rendered in a dry run.
    ///
    /// # Errors
    /// Returns an error if the render fails. Failed rows of a batch are in the outcome.
    pub(crate) fn render(self, console: &mut Console) -> Result<Outcome, Error> {
        let Self { spec, request, chosen, source, packed } = self;
        match (source, chosen) {
            (Source::Uploaded(project), Some(chosen)) => {
                render_uploaded(&spec, &request, &project, chosen, console)
            }
            (Source::Directory(project, Some(rows)), chosen) => {
                let (file, count) = *rows;
                let renderer = renderer_of(&spec, chosen.as_ref());
                let session = chosen.map(|chosen| chosen.session);
                batch::run(&spec, &request, &project, renderer, session, (&file, count), console)
            }
            (Source::Directory(project, None), Some(chosen)) => {
                render_directory(&spec, &request, &project, (packed, chosen), console)
            }
            (Source::Directory(project, None), None) => dry_run(&spec, &request, &project, packed, console),
            (Source::Uploaded(_), None) => {
                Err(Error::usage("--dry-run requires a project directory", "remove --asset-id and --url"))
            }
        }
    }
}

/// Checks the project, and completes the request with the aspect ratio and path of its composition.
fn check(
    spec: &RenderSpec,
    request: &mut RequestBody,
    renderer: Option<&'static dyn Renderer>,
    console: &mut Console,
) -> Result<PreparedProject, Error> {
    let options = CheckOptions {
        compositions: request.options.composition.clone().into_iter().collect(),
        values: request.values.clone().into_iter().collect(),
        aspect_ratio: request.options.aspect_ratio,
        format: request.options.format,
        is_distributed: renderer.is_some_and(|renderer| renderer.description().is_distributed),
        ..CheckOptions::default()
    };
    let earlier = batch::earlier_outputs(spec)?;
    let own_files = [spec.own_files(), earlier.iter().map(PathBuf::as_path).collect()].concat();
    let project = PreparedProject::new(
        PreflightSpec {
            directory: spec.directory(),
            own_files: &own_files,
            other_outputs: &spec.other_outputs,
            workspace: spec.workspace.as_deref(),
            reach: &spec.reach("project"),
            options: &options,
        },
        |project| {
            let reach = spec.reach("config");
            severities::levels(&spec.severities, &project.boundary, &reach, base_levels(spec, renderer))
        },
        console,
    )?;
    if let Shape::Matched { ratio, .. } = &project.shape {
        console.detail(&format!("{}: {}", project.composition, project.shape));
        request.options.aspect_ratio.get_or_insert(*ratio);
    }
    if let Some(ratio) = request.options.aspect_ratio {
        request.body.insert("aspect_ratio".to_owned(), ratio.as_str().into());
    }
    if let Some(composition) = &mut request.options.composition {
        composition.clone_from(&project.composition);
        request.body.insert("composition".to_owned(), composition.as_str().into());
    }
    Ok(project)
}

/// Checks the output of a single render, which must not be a file of the run itself either.
///
/// # Errors
/// As [`check_output`].
fn check_own_output(spec: &RenderSpec, request: &RequestBody) -> Result<(), OutputError> {
    let Some(path) = spec.output.as_deref().filter(|_| spec.run.is_waiting) else { return Ok(()) };
    check_output(
        path,
        request.options.format.unwrap_or(Format::Mp4),
        &batch::own_files(spec, OutputPlace::default()),
    )
}

/// Returns the default severities for a render.
fn base_levels(spec: &RenderSpec, renderer: Option<&'static dyn Renderer>) -> Levels {
    let mut levels = severities::of_renders();
    let about_variables = |rule: &&Rule| matches!(rule.group(), Group::Declarations | Group::Values);
    // Without the option, errors are warnings; with it, notes are.
    let lowered = if spec.has_strict_variables { Severity::Note } else { Severity::Error };
    let lowered = Rule::ALL.iter().filter(about_variables).filter(|rule| rule.severity() == lowered);
    lowered.for_each(|rule| levels.set(*rule, Level::Warn));
    let irrelevant = renderer.map_or(&[][..], |renderer| renderer.description().irrelevant_rules);
    irrelevant.iter().for_each(|rule| levels.set(*rule, Level::Allow));
    levels
}

fn dry_run(
    spec: &RenderSpec,
    request: &RequestBody,
    project: &PreparedProject,
    packed: Option<Packed>,
    console: &mut Console,
) -> Result<Outcome, Error> {
    let packed = packed.map_or_else(|| project.pack(console), Ok)?;
    let limit = renderer_of(spec, None).and_then(|renderer| renderer.description().upload_limit);
    check_size(&packed, limit.map(|limit| limit(spec.run.upload)))?;
    console.detail("largest files:");
    for line in largest_lines(&packed) {
        console.detail(&line);
    }
    let in_cloud = renderers::cloud().description().upload_limit;
    let upload_limit = in_cloud.map_or(DIRECT_UPLOAD_LIMIT, |limit| limit(spec.run.upload));
    if packed.size > upload_limit {
        console.warning(&format!("the archive exceeds the upload limit of {}", bytes(upload_limit)));
    }
    let digest = packed.manifest.digest();
    let key = RenderIdentity::new(ProjectIdentity::Digest(&digest), &request.body).key(0).to_string();
    console.detail(&format!("render key {key}"));
    console.done("dry run: nothing was uploaded");
    Ok(Outcome::DryRun(Box::new(DryRunOutcome {
        key,
        archive: archive_outcome(project.project(), &packed, upload_limit),
        request: request.body.clone(),
        diagnostics: project.findings.diagnostics.clone(),
    })))
}

fn render_directory(
    spec: &RenderSpec,
    request: &RequestBody,
    project: &PreparedProject,
    (packed, chosen): (Option<Packed>, ChosenRenderer),
    console: &mut Console,
) -> Result<Outcome, Error> {
    let packed = packed.map_or_else(|| project.pack(console), Ok)?;
    check_size(&packed, chosen.renderer.description().upload_limit.map(|limit| limit(spec.run.upload)))?;
    let digest = packed.manifest.digest();
    let identity = RenderIdentity::new(ProjectIdentity::Digest(&digest), &request.body);
    let context = RunContext {
        input: Input::Archive(&packed),
        options: &spec.run,
        name: &project.project().name,
        size: project.size(),
        began: Instant::now(),
        is_batch: false,
        max_failures: None,
        has_callback: request.options.callback_url.is_some(),
    };
    let outcome = ProjectOutcome {
        identity: identity.key(0).to_string(),
        request: request.body.clone(),
        digest,
        diagnostics: project.findings.diagnostics.clone(),
    };
    let single = SingleRender { spec, request, identity: Some(identity), duration: project.duration };
    single.run(&context, chosen, Some(outcome), console)
}

fn render_uploaded(
    spec: &RenderSpec,
    request: &RequestBody,
    project: &Project,
    chosen: ChosenRenderer,
    console: &mut Console,
) -> Result<Outcome, Error> {
    let identity = match project {
        Project::AssetId { asset_id } => {
            Some(RenderIdentity::new(ProjectIdentity::Asset(asset_id), &request.body))
        }
        Project::Url { .. } => {
            console.detail("earlier renders are not reused, since the contents of a URL may change");
            None
        }
    };
    let context = RunContext {
        input: Input::Uploaded(project),
        options: &spec.run,
        name: "",
        size: None,
        began: Instant::now(),
        is_batch: false,
        max_failures: None,
        has_callback: request.options.callback_url.is_some(),
    };
    let single = SingleRender { spec, request, identity, duration: None };
    single.run(&context, chosen, None, console)
}

/// A render of one video.
struct SingleRender<'a> {
    spec: &'a RenderSpec,
    request: &'a RequestBody,
    identity: Option<RenderIdentity>,
    /// Declared duration in seconds.
    duration: Option<f64>,
}

impl SingleRender<'_> {
    fn run(
        self,
        context: &RunContext<'_>,
        ChosenRenderer { renderer, mut session }: ChosenRenderer,
        project: Option<ProjectOutcome>,
        console: &mut Console,
    ) -> Result<Outcome, Error> {
        let Self { spec, request, identity, duration } = self;
        // Before anything is billed, so that an output that cannot be written fails early.
        let output = if spec.run.is_waiting {
            let format = request.options.format.unwrap_or(Format::Mp4);
            Output::prepare(spec.output.as_deref(), format, &spec.reach("output"))?
        } else {
            Output::None
        };
        session.prepare(context, console)?;
        let order = Order {
            index: 0,
            known: identity.as_ref().and_then(|identity| session.known(identity)),
            identity,
            body: request.body.clone(),
            options: request.options.clone(),
            idempotency_key: spec.idempotency_key.clone(),
            limits: spec.limits.for_one(&request.options, duration),
            output,
            expected: expected(&request.options, duration),
        };
        let mut reporter = SingleReporter::new(console);
        let totals = session.render(context, &mut std::iter::once(order), &mut reporter)?;
        let result = reporter.into_result()?;
        if result.is_reused && context.has_callback {
            console.warning("reusing an earlier render; its webhook is the one that it was submitted with");
        }
        let renderer = renderer.description();
        let finished = FinishedOrder { result, totals, renderer, must_match: spec.must_match };
        let mut outcome = finished.report(console)?;
        outcome.project = project;
        Ok(Outcome::Render(Box::new(outcome)))
    }
}
