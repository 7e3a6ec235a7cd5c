//! `hyperframes-ci render`: check, pack, upload, submit, poll, download; or the same on this machine.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use clap::ArgMatches;
use hyperframes_ci_core::api::{IdempotencyKey, Project, RenderRequest};
use hyperframes_ci_core::archive::{DIRECT_UPLOAD_LIMIT, PROXY_UPLOAD_LIMIT};
use hyperframes_ci_core::check::{CheckOptions, Values};
use hyperframes_ci_core::composition::Shape;
use hyperframes_ci_core::findings::{Group, Level, Levels, Rule};
use hyperframes_ci_core::job::{
    Archive, Job, Keys, Plan, ProjectIdentity, RenderIdentity, Source, UploadRoute,
};
use hyperframes_ci_core::options::{AspectRatio, Format, Quality, Resolution};
use hyperframes_ci_core::video::Expected;
use serde_json::{Map, Value};

use super::all::SelectArgs;
use super::batch::{self, BatchArgs};
use super::check::Target;
use super::lambda::{self, LambdaArgs};
use super::levels::LevelArgs;
use super::preflight::{Prepared, archive_json, largest_lines};
use super::reuse::{LimitArgs, ReuseArgs};
use super::settings::{Settings, flags_of};
use super::values::{self, WaitArgs};
use crate::app::config::Entry;
use crate::app::failure::ArchiveTooLarge;
use crate::engine;
use crate::engine::Engine;
use crate::fault::Error;
use crate::heygen::auth;
use crate::heygen::download::Download;
use crate::heygen::transport::{ApiBase, Transport};
use crate::project::collect;
use crate::project::input;
use crate::project::pack::Packed;
use crate::renderers::cloud::ledger::LedgerFile;
use crate::renderers::cloud::run::Means;
use crate::renderers::lambda::Stack;
use crate::renderers::verify::{Verified, verify};
use crate::system::interrupt;
use crate::system::output::{OutputError, OutputFile};
use crate::ui::Console;

/// Render a project to a video: on HeyGen's cloud with a credential, on this machine without
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Most options can be set in hyperframes-ci.toml and by variables such as HYPERFRAMES_CI_MAX_WAIT; `config show` tells what counts")]
pub(crate) struct Args {
    /// The project directory [default: .]
    #[arg(group = "source", conflicts_with = "selection")]
    pub(super) dir: Option<PathBuf>,
    /// Render an archive that is uploaded already
    #[arg(long, value_name = "ID", group = "source", conflicts_with = "selection")]
    asset_id: Option<String>,
    /// Render an archive at a public HTTPS URL
    #[arg(long, value_name = "URL", group = "source", conflicts_with = "selection", value_parser = values::https_url)]
    url: Option<String>,
    /// Entry HTML inside the project [default: index.html]
    #[arg(short, long, value_name = "PATH", conflicts_with = "selection")]
    composition: Option<String>,
    /// Frames per second, 1 to 240 [server default: 30]
    #[arg(long, value_parser = values::fps)]
    fps: Option<u32>,
    /// Encoder preset [server default: standard]
    #[arg(long, value_parser = values::quality())]
    quality: Option<Quality>,
    /// Container; webm and mov carry alpha [server default: mp4]
    #[arg(long, value_parser = values::format())]
    format: Option<Format>,
    /// Output tier; 4k is billed at 1.5x and is mp4 only [server default: 1080p]
    #[arg(long, value_parser = values::resolution())]
    resolution: Option<Resolution>,
    /// Output shape; found out from the composition, and refused where it contradicts it
    #[arg(long, value_parser = values::aspect_ratio())]
    aspect_ratio: Option<AspectRatio>,
    /// Values for the composition's variables, as a JSON object
    #[arg(long, value_name = "JSON", conflicts_with = "variables_file")]
    variables: Option<String>,
    /// A file with values for the composition's variables
    #[arg(long, value_name = "FILE")]
    variables_file: Option<PathBuf>,
    /// Fail where a value is undeclared or of the wrong type, instead of warning
    #[arg(long)]
    pub(super) strict_variables: bool,
    /// Label of the render, echoed back in details
    #[arg(long)]
    title: Option<String>,
    /// HTTPS webhook, called when the render ends, whether or not anybody waits
    #[arg(long, value_name = "URL", value_parser = values::https_url)]
    callback_url: Option<String>,
    /// Tracking id, echoed back in webhooks and details
    #[arg(long, value_name = "ID")]
    callback_id: Option<String>,
    /// Base request body as JSON, a file, or - for standard input; flags override it
    #[arg(short, long, value_name = "JSON|FILE|-")]
    data: Option<String>,
    /// Where the video goes [default: renders/RENDER_ID.FORMAT]
    #[arg(short, long, value_name = "FILE")]
    pub(super) output: Option<PathBuf>,
    /// Submit and exit with the render id
    #[arg(long, conflicts_with = "output")]
    pub(super) no_wait: bool,
    #[command(flatten)]
    pub(super) waiting: WaitArgs,
    /// Check and pack, and say what would be uploaded; needs no credential
    #[arg(long)]
    pub(super) dry_run: bool,
    /// How the archive travels: direct (200 MB), through the API (32 MB), or whichever the server offers
    #[arg(long, value_enum, default_value = "auto")]
    pub(super) upload: UploadArg,
    /// Idempotency-Key of the upload and the submission [default: made of what is uploaded and rendered]
    #[arg(long, value_name = "KEY", value_parser = values::idempotency_key, conflicts_with = "selection")]
    pub(super) idempotency_key: Option<IdempotencyKey>,
    /// Who renders; auto is the cloud with a credential, otherwise this machine
    #[arg(long, value_enum, default_value = "auto")]
    renderer: RendererArg,
    /// Run the whole cloud flow against the built-in server on this machine; needs no account
    #[arg(long, conflicts_with_all = ["renderer", "asset_id", "url", "no_wait"])]
    emulator: bool,
    /// Fail where the video is not what was asked for (container, size, shape, frame rate, length), instead of warning
    #[arg(long)]
    pub(super) verify: bool,
    #[command(flatten)]
    pub(super) reuse: ReuseArgs,
    #[command(flatten)]
    pub(super) limits: LimitArgs,
    #[command(flatten)]
    pub(super) batch: BatchArgs,
    #[command(flatten)]
    pub(super) lambda: LambdaArgs,
    #[command(flatten)]
    pub(super) select: SelectArgs,
    #[command(flatten)]
    pub(super) levels: LevelArgs,
}

impl Args {
    /// What `check` looks at of it.
    ///
    /// # Errors
    /// When the project, or values for it, cannot be read, or the configuration is of no use.
    pub(crate) fn target(&self) -> Result<Target, Error> {
        self.levels.validate()?;
        let mut values = Vec::new();
        if let Some(text) = &self.variables {
            values.push(Values::Inline(input::from_text("--variables", text)?));
        }
        if let Some(path) = &self.variables_file {
            let text = input::text_of("--variables-file", path)?;
            values.push(Values::Object { path: values::whole(path), text });
        }
        if let Some(path) = &self.batch.batch {
            let text = input::text_of("--batch", path)?;
            values.push(Values::Rows { path: values::whole(path), text });
        }
        let directory = self.dir.as_deref().unwrap_or(Path::new("."));
        let project = collect::Project::open(directory, values::workspace().as_deref())?;
        let levels = self.levels.levels(&project.boundary, Levels::default())?;
        Ok(Target {
            options: CheckOptions {
                compositions: self.composition.iter().cloned().collect(),
                values,
                aspect_ratio: self.aspect_ratio,
            },
            project: project.without(&self.outputs()),
            levels,
        })
    }

    /// Whether it is to be rendered in the user's own AWS account.
    pub(super) fn is_on_lambda(&self) -> bool {
        self.renderer == RendererArg::Lambda && !self.emulator
    }

    /// Files that the command itself writes, or reads rows from.
    fn outputs(&self) -> Vec<&Path> {
        let outputs = [&self.output, &self.batch.batch, &self.batch.manifest];
        outputs.into_iter().filter_map(Option::as_deref).collect()
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(super) enum UploadArg {
    Auto,
    Direct,
    Proxy,
}

impl UploadArg {
    pub(super) fn route(self) -> UploadRoute {
        match self {
            Self::Auto => UploadRoute::Auto,
            Self::Direct => UploadRoute::Direct,
            Self::Proxy => UploadRoute::Proxy,
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum RendererArg {
    Auto,
    Cloud,
    Local,
    Lambda,
}

/// Who renders, decided.
pub(super) enum Renderer {
    Cloud(Box<Transport>),
    Emulator,
    Local,
    Lambda(Box<Stack>),
}

/// An idempotency key of this run alone, for a project at a URL: nobody knows whether it is the same as the last time.
pub(super) fn fresh_key() -> Option<IdempotencyKey> {
    format!("hfci_run_{:016x}{:016x}", crate::system::random(), crate::system::random()).parse().ok()
}

/// What a render came to.
pub(crate) struct Rendered {
    /// The result for programs.
    pub(crate) result: Value,
    /// Where the video is.
    pub(crate) video: Option<PathBuf>,
    /// A presigned URL of a picture; its query is a credential.
    pub(crate) thumbnail: Option<String>,
    /// What about the video is not as it must be.
    pub(crate) verdict: Result<(), Error>,
}

/// Renders as the command line says, which clap has taken already.
pub(super) fn run(args: &Args, matches: &ArgMatches, console: &mut Console) -> Result<(), Error> {
    let directory = args.dir.as_deref().unwrap_or(Path::new("."));
    let settings = Settings::read(directory, args.levels.config.as_deref())?;
    let flags = flags_of(matches);
    if args.select.is_used() {
        return super::all::run(&args.select, &settings, &flags, console);
    }
    let (args, _) = settings.resolve(&flags, None)?;
    args.batch.validate()?;
    let rendered = render(&args, console)?;
    console.json(&rendered.result);
    rendered.verdict
}

/// Renders as flags say, and an entry of a configuration.
///
/// # Errors
/// When the arguments make no sense, and as every render.
pub(crate) fn render_with(
    flags: &[String],
    settings: &Settings,
    entry: Option<&Entry>,
    console: &mut Console,
) -> Result<Rendered, Error> {
    let flags = flags.iter().map(OsString::from).collect::<Vec<_>>();
    let (args, _) = settings.resolve(&flags, entry)?;
    render(&args, console)
}

fn render(args: &Args, console: &mut Console) -> Result<Rendered, Error> {
    args.levels.validate()?;
    let request = Request::of(args)?;
    if let Some(project) = &request.project {
        return render_remote(args, &request, project, console);
    }
    Ready::new(args, request, console)?.render(args, console)
}

/// A render that can begin: everything that can be known before has been looked at.
pub(super) struct Ready {
    pub(super) checked: Checked,
    /// None for a dry run.
    renderer: Option<Renderer>,
    /// How many rows a batch has.
    rows: Option<batch::Counted>,
}

impl Ready {
    /// Checks the project, and every row of a batch.
    ///
    /// # Errors
    /// When there are errors among the findings, and when nobody can render it.
    pub(super) fn new(args: &Args, request: Request, console: &mut Console) -> Result<Self, Error> {
        let directory = args.dir.as_deref().unwrap_or(Path::new("."));
        let renderer = if args.dry_run { None } else { Some(choose(args, console)?) };
        let is_local = matches!(renderer, Some(Renderer::Local));
        let checked = check(args, request, directory, is_local, console)?;
        if args.is_on_lambda() {
            lambda::check(args, &checked.request.options)?;
        }
        let rows = args
            .batch
            .batch
            .as_deref()
            .map(|file| batch::count(args, &checked, file, console))
            .transpose()?;
        Ok(Self { checked, renderer, rows })
    }

    /// Whether it is rendered on this machine, or by a server of this process.
    pub(super) fn is_here(&self) -> bool {
        !matches!(self.renderer, Some(Renderer::Cloud(_) | Renderer::Lambda(_)))
    }

    /// Renders it.
    ///
    /// # Errors
    /// As every render.
    pub(super) fn render(self, args: &Args, console: &mut Console) -> Result<Rendered, Error> {
        let Self { checked, renderer, rows } = self;
        if let Some(rows) = rows {
            return batch::run(args, &checked, renderer.as_ref(), rows, console);
        }
        let Some(renderer) = renderer else { return dry_run(&checked, console) };
        let packed = checked.prepared.pack(console)?;
        let is_api = matches!(renderer, Renderer::Cloud(_) | Renderer::Emulator);
        if packed.size > limit(args.upload) && is_api {
            return Err(ArchiveTooLarge {
                size: packed.size,
                limit: limit(args.upload),
                largest: largest_lines(&packed),
            }
            .into());
        }
        // Targets are made ready before anything is billed: a video must have somewhere to go.
        match renderer {
            Renderer::Cloud(transport) => {
                let ledger = args.reuse.open(transport.base(), console)?;
                render_cloud(args, &checked, &packed, &transport, ledger, console)
            }
            Renderer::Emulator => {
                target(args)?;
                let (emulator, transport) = super::emulator::for_one_run(console)?;
                console.detail(&format!("the cloud flow runs against the emulator at {}", emulator.url()));
                // It forgets everything when it ends: there is nothing to write down.
                render_cloud(args, &checked, &packed, &transport, None, console)
            }
            Renderer::Local => {
                let target = OutputFile::prepare(args.output.as_deref())?;
                render_local(args, &checked, &packed, target, console)
            }
            Renderer::Lambda(stack) => lambda::render(args, &checked, &packed, &stack, console),
        }
    }
}

/// Where the video goes; nowhere, if nobody waits for it.
fn target(args: &Args) -> Result<Option<OutputFile>, Error> {
    if args.no_wait { Ok(None) } else { Ok(Some(OutputFile::prepare(args.output.as_deref())?)) }
}

/// The request body, checked, and the project where the server can reach it already.
pub(super) struct Request {
    pub(super) body: Map<String, Value>,
    pub(super) options: RenderRequest,
    pub(super) project: Option<Project>,
    /// The values for variables, with their place.
    values: Option<Values>,
}

impl Request {
    /// Puts the flags over the base body and checks what is known about the whole.
    pub(super) fn of(args: &Args) -> Result<Self, Error> {
        let mut body = match &args.data {
            Some(given) => input::from_anything("--data", given)?,
            None => Map::new(),
        };
        let mut placed = None;
        let values = match (&args.variables, &args.variables_file) {
            (Some(text), _) => Some(input::from_text("--variables", text)?),
            (None, Some(path)) => {
                let text = input::text_of("--variables-file", path)?;
                let values = input::from_text_of("--variables-file", path, &text)?;
                placed = Some(Values::Object { path: values::whole(path), text });
                Some(values)
            }
            (None, None) => None,
        };
        let flags = RenderRequest {
            fps: args.fps,
            quality: args.quality,
            format: args.format,
            resolution: args.resolution,
            aspect_ratio: args.aspect_ratio,
            composition: args.composition.clone(),
            variables: values,
            title: args.title.clone(),
            callback_id: args.callback_id.clone(),
            callback_url: args.callback_url.clone(),
        };
        if let Ok(Value::Object(flags)) = serde_json::to_value(&flags) {
            body.extend(flags);
        }
        let given = body.remove("project");
        let options: RenderRequest =
            serde_json::from_value(Value::Object(body.clone())).map_err(|error| {
                Error::usage(
                    format!("--data: {error}"),
                    "see the flags of `render --help` for what is allowed",
                )
            })?;
        check_options(&options)?;
        let project = project(args, given)?;
        if project.is_some() {
            if args.batch.batch.is_some() {
                return Err(Error::usage("--batch renders a directory", "leave the project out of --data"));
            }
            if args.dry_run {
                return Err(Error::usage("--dry-run inspects a directory", "leave out --asset-id and --url"));
            }
            if matches!(args.renderer, RendererArg::Local | RendererArg::Lambda) {
                return Err(Error::usage(
                    "only the cloud renders what is uploaded already",
                    "leave out --asset-id and --url",
                ));
            }
        }
        let values = placed.or_else(|| options.variables.clone().map(Values::Inline));
        Ok(Self { body, options, project, values })
    }
}

/// Rules between options, and those that `--data` could break.
pub(super) fn check_options(options: &RenderRequest) -> Result<(), Error> {
    if options.resolution == Some(Resolution::UltraHd) && options.format.is_some_and(Format::has_alpha) {
        return Err(Error::usage(
            "4k cannot be combined with webm or mov: its capture has no alpha",
            "render 4k as mp4, or webm and mov without --resolution",
        ));
    }
    if let Some(fps) = options.fps.filter(|fps| !(1..=240).contains(fps)) {
        return Err(Error::usage(format!("fps {fps} is out of range"), "1 to 240"));
    }
    if let Some(url) = &options.callback_url {
        values::https_url(url).map_err(|rule| {
            Error::usage(format!("callback_url {rule}"), "such as https://example.com/hook")
        })?;
    }
    Ok(())
}

/// The project that the server can reach already: by flag, or in the base body.
fn project(args: &Args, given: Option<Value>) -> Result<Option<Project>, Error> {
    let flag = match (&args.asset_id, &args.url) {
        (Some(asset_id), _) => Some(Project::AssetId { asset_id: asset_id.clone() }),
        (None, Some(url)) => Some(Project::Url { url: url.clone() }),
        (None, None) => None,
    };
    match (flag, given) {
        (flag, None) => Ok(flag),
        (None, Some(given)) if args.dir.is_none() => {
            serde_json::from_value(given).map(Some).map_err(|error| {
                Error::usage(
                    format!("--data: project: {error}"),
                    r#"such as {"type": "asset_id", "asset_id": "…"}"#,
                )
            })
        }
        _ => Err(Error::usage(
            "--data names a project, and so does the command line",
            "give exactly one: a directory, --asset-id, --url or a project in --data",
        )),
    }
}

pub(super) fn limit(upload: UploadArg) -> u64 {
    if upload == UploadArg::Proxy { PROXY_UPLOAD_LIMIT } else { DIRECT_UPLOAD_LIMIT }
}

/// Decides who renders; says so where the user left it open.
pub(super) fn choose(args: &Args, console: &mut Console) -> Result<Renderer, Error> {
    if args.emulator {
        return Ok(Renderer::Emulator);
    }
    let found = match args.renderer {
        RendererArg::Lambda => return Ok(Renderer::Lambda(Box::new(args.lambda.stack()?))),
        RendererArg::Local => None,
        RendererArg::Cloud => Some(values::credential()?),
        RendererArg::Auto => {
            let found = auth::find(&values::environment)?;
            console.detail(&match &found {
                Some(found) => format!("renderer: cloud, with the credential from {}", found.source),
                None => "renderer: local, since there is no HEYGEN_API_KEY and no stored sign-in".to_owned(),
            });
            found
        }
    };
    match found {
        Some(found) => {
            let base = ApiBase::from_environment(&values::environment)?;
            Ok(Renderer::Cloud(Box::new(values::transport_with(base, found.credential)?)))
        }
        None if args.no_wait => Err(Error::usage(
            "--no-wait is for the cloud: a render on this machine ends with the command",
            "leave it out, or set HEYGEN_API_KEY",
        )),
        None => Ok(Renderer::Local),
    }
}

/// A project that passed the checks, and the options for it.
pub(super) struct Checked {
    pub(super) prepared: Prepared,
    pub(super) request: Request,
}

pub(super) fn check(
    args: &Args,
    mut request: Request,
    directory: &Path,
    is_local: bool,
    console: &mut Console,
) -> Result<Checked, Error> {
    let options = CheckOptions {
        compositions: request.options.composition.clone().into_iter().collect(),
        values: request.values.clone().into_iter().collect(),
        aspect_ratio: request.options.aspect_ratio,
    };
    let levels =
        |project: &collect::Project| args.levels.levels(&project.boundary, base_levels(args, is_local));
    let prepared = Prepared::new(directory, &args.outputs(), &options, levels, console)?;
    if let Shape::Matched { ratio, .. } = &prepared.shape {
        console.detail(&format!("{}: {}", prepared.composition, prepared.shape));
        request.options.aspect_ratio.get_or_insert(*ratio);
    }
    if let Some(ratio) = request.options.aspect_ratio {
        request.body.insert("aspect_ratio".to_owned(), ratio.as_str().into());
    }
    if let Some(composition) = &mut request.options.composition {
        composition.clone_from(&prepared.composition);
        request.body.insert("composition".to_owned(), composition.as_str().into());
    }
    Ok(Checked { prepared, request })
}

/// How much findings matter to a render unless the user says otherwise.
fn base_levels(args: &Args, is_local: bool) -> Levels {
    let mut levels = Levels::default();
    if !args.strict_variables {
        let about_variables = |rule: &&Rule| matches!(rule.group(), Group::Declarations | Group::Values);
        Rule::ALL.iter().filter(about_variables).for_each(|rule| levels.set(*rule, Level::Warn));
    }
    if args.is_on_lambda() {
        lambda::relax(&mut levels);
    }
    if is_local {
        // Only the cloud knows no other shapes.
        levels.set(Rule::AspectRatioUnsupported, Level::Allow);
        levels.set(Rule::DimensionsMissing, Level::Allow);
    }
    levels
}

fn dry_run(checked: &Checked, console: &mut Console) -> Result<Rendered, Error> {
    let packed = checked.prepared.pack(console)?;
    console.detail("largest files:");
    for line in largest_lines(&packed) {
        console.detail(&line);
    }
    if packed.size > DIRECT_UPLOAD_LIMIT {
        console.warning("the archive exceeds the limit of direct uploads, 200 MB");
    }
    let digest = packed.manifest.digest();
    let identity = RenderIdentity::new(ProjectIdentity::Digest(&digest), &checked.request.body);
    console.detail(&format!("render key {}", identity.key(0)));
    console.done("dry run: nothing was uploaded");
    let result = serde_json::json!({
        "key": identity.key(0).as_str(),
        "archive": archive_json(checked.prepared.project(), &packed, DIRECT_UPLOAD_LIMIT),
        "request": checked.request.body,
        "diagnostics": checked.prepared.findings.diagnostics,
    });
    Ok(Rendered { result, video: None, thumbnail: None, verdict: Ok(()) })
}

/// What the job is to do. `identity` is what the render is of, where that is known, and `duration` how long it will be.
fn plan(
    args: &Args,
    request: &Request,
    source: Source,
    identity: Option<ProjectIdentity<'_>>,
    duration: Option<f64>,
    ledger: Option<&LedgerFile>,
) -> Result<Plan, Error> {
    let identity = identity.map(|project| RenderIdentity::new(project, &request.body));
    let mut reuse = args.reuse.reuse();
    if let Some((known, identity)) = ledger.map(LedgerFile::known).zip(identity.as_ref()) {
        reuse.render = known.render(&identity.key(0)).cloned();
    }
    if let (Some(known), Source::Archive(archive)) = (ledger.map(LedgerFile::known), &source) {
        reuse.asset = known.asset(&archive.digest).cloned();
    }
    Ok(Plan {
        source,
        body: request.body.clone(),
        keys: Keys { identity, chosen: args.idempotency_key.clone(), fallback: fresh_key() },
        reuse,
        limits: args.limits.limits(&request.options, duration),
        route: args.upload.route(),
        wait: if args.no_wait { None } else { Some(args.waiting.wait()) },
        max_wait: args.waiting.max_wait,
        max_retries: values::render_retries()?,
        seed: crate::system::random(),
    })
}

/// What the video is held against: what was asked for, and how long the composition says that it is.
pub(super) fn expected(options: &RenderRequest, duration: Option<f64>) -> Expected {
    Expected {
        format: Some(options.format.unwrap_or(Format::Mp4)),
        fps: options.fps,
        resolution: options.resolution,
        aspect_ratio: options.aspect_ratio,
        duration,
    }
}

fn render_cloud(
    args: &Args,
    checked: &Checked,
    packed: &Packed,
    transport: &Transport,
    ledger: Option<LedgerFile>,
    console: &mut Console,
) -> Result<Rendered, Error> {
    let digest = packed.manifest.digest();
    let archive = Archive { size: packed.size, sha256: packed.sha256.clone(), digest: digest.clone() };
    let duration = checked.prepared.duration;
    let identity = Some(ProjectIdentity::Digest(&digest));
    let plan = plan(args, &checked.request, Source::Archive(archive), identity, duration, ledger.as_ref())?;
    let means = Means {
        transport,
        archive: Some(packed),
        target: target(args)?.map(Download::new),
        ledger,
        expected: expected(&checked.request.options, duration),
        is_strict: args.verify,
    };
    let more = serde_json::json!({
        "identity": plan.keys.identity.as_ref().map(|identity| identity.key(0).to_string()),
        "request": checked.request.body,
        "digest": digest,
        "diagnostics": checked.prepared.findings.diagnostics,
    });
    perform(&checked.request, plan, means, more, console)
}

fn render_remote(
    args: &Args,
    request: &Request,
    project: &Project,
    console: &mut Console,
) -> Result<Rendered, Error> {
    let transport = values::transport()?;
    let ledger = args.reuse.open(transport.base(), console)?;
    let source = Source::Project(project.clone());
    let identity = match project {
        Project::AssetId { asset_id } => Some(ProjectIdentity::Asset(asset_id)),
        Project::Url { .. } => {
            console.detail("what is at a URL may change: no earlier render is used");
            None
        }
    };
    let plan = plan(args, request, source, identity, None, ledger.as_ref())?;
    let means = Means {
        transport: &transport,
        archive: None,
        target: target(args)?.map(Download::new),
        ledger,
        expected: expected(&request.options, None),
        is_strict: args.verify,
    };
    perform(request, plan, means, Value::Object(Map::new()), console)
}

/// Runs the job and tells what it came to, `more` included.
fn perform(
    request: &Request,
    plan: Plan,
    means: Means<'_>,
    more: Value,
    console: &mut Console,
) -> Result<Rendered, Error> {
    let finished = crate::renderers::cloud::run::run(Job::new(plan), means, console)?;
    if finished.is_reused() && request.options.callback_url.is_some() {
        console.warning("an earlier render is used: its webhook is the one that it was submitted with");
    }
    finished.tell(console);
    let mut result = finished.to_json();
    if let (Value::Object(result), Value::Object(more)) = (&mut result, more) {
        result.extend(more);
    }
    Ok(Rendered {
        result,
        video: finished.video_path().map(Path::to_owned),
        thumbnail: finished.thumbnail().map(str::to_owned),
        verdict: finished.insist(),
    })
}

fn render_local(
    args: &Args,
    checked: &Checked,
    packed: &Packed,
    target: OutputFile,
    console: &mut Console,
) -> Result<Rendered, Error> {
    let options = &checked.request.options;
    if options.callback_url.is_some() {
        console.warning("no webhook is called for a render on this machine");
    }
    let engine = Engine::provision(&mut |progress| super::emulator::announce(&progress, console))?;
    console.step("Rendering on this machine");
    let format = options.format.unwrap_or(Format::Mp4);
    let job = engine::Job {
        archive: packed.path(),
        composition: options.composition.as_deref(),
        fps: options.fps,
        quality: options.quality,
        format,
        resolution: options.resolution,
        aspect_ratio: options.aspect_ratio,
        variables: options.variables.as_ref(),
        output: target.temporary_path(),
    };
    engine.render(&job, &mut |progress| super::emulator::announce(&progress, console))?;
    console.end_bar();
    interrupt::set_resume_hint(None);
    let verified = verify(target.temporary_path(), &expected(options, checked.prepared.duration));
    let name = format!("{}.{format}", checked.prepared.project().name);
    let (path, _) = target.keep(&name)?;
    let digest = packed.manifest.digest();
    let identity = RenderIdentity::new(ProjectIdentity::Digest(&digest), &checked.request.body);
    let render = serde_json::json!({ "renderer": "local", "status": "completed", "format": format });
    let made = Made { render, identity, generation: 0, is_reused: false, digest, path, verified };
    made.tell("", args, checked, console)
}

/// A video that was made without the API.
pub(super) struct Made {
    /// Its render, for programs.
    pub(super) render: Value,
    pub(super) identity: RenderIdentity,
    pub(super) generation: u32,
    pub(super) is_reused: bool,
    pub(super) digest: String,
    pub(super) path: PathBuf,
    pub(super) verified: Verified,
}

impl Made {
    /// Tells of it, with `how` it came to be in front of what it is, and holds it against what was asked for.
    ///
    /// # Errors
    /// When it is not there any more.
    pub(super) fn tell(
        self,
        how: &str,
        args: &Args,
        checked: &Checked,
        console: &mut Console,
    ) -> Result<Rendered, Error> {
        let Self { render, identity, generation, is_reused, digest, path, verified } = self;
        let size = std::fs::metadata(&path).map_err(|error| OutputError::NotKept(error.to_string()))?.len();
        if !args.verify {
            verified.warn(console);
        }
        console.done(&format!("{} ({how}{}{verified})", path.display(), crate::ui::bytes(size)));
        let mut result = serde_json::json!({
            "render": render,
            "output_path": path.display().to_string(),
            "bytes_written": size,
            "identity": identity.key(0).as_str(),
            "key": identity.key(generation).as_str(),
            "request": checked.request.body,
            "reused": is_reused,
            "digest": digest,
            "diagnostics": checked.prepared.findings.diagnostics,
        });
        verified.write_to(&mut result);
        let verdict = if args.verify { verified.insist().map_err(Error::from) } else { Ok(()) };
        Ok(Rendered { result, video: Some(path), thumbnail: None, verdict })
    }
}
