//! `hyperframes-ci render --batch`: one upload, one render for each row of a file.

use std::fs::File;
use std::io::BufReader;
use std::path::{Path, PathBuf};

use hyperframes_ci_core::api::{RenderRequest, Request as ApiRequest};
use hyperframes_ci_core::archive::DIRECT_UPLOAD_LIMIT;
use hyperframes_ci_core::findings::Severity;
use hyperframes_ci_core::job::{
    Archive, Failure, FailureKind, Keys, Limits, Plan, ProjectIdentity, RenderFact, RenderIdentity,
    RenderState, Reuse, Source, Stage, Wait,
};
use hyperframes_ci_core::options::Format;
use hyperframes_ci_core::variables::{
    Declarations, Outputs, Row, RowError, RowFormat, Rows, fill, type_fields,
};
use serde_json::{Map, Value, json};

use super::render::{Args, Checked, Rendered, Renderer, check_options, expected, fresh_key};
use super::reuse::billed;
use super::{lambda, values};
use crate::app::batch::{Entry, Manifest, RowState, Tally};
use crate::app::failure::{ArchiveTooLarge, InvalidRows};
use crate::engine;
use crate::fault::Error;
use crate::heygen::transport::{CallError, Transport};
use crate::project::pack::Packed;
use crate::renderers::cloud::ledger::LedgerFile;
use crate::renderers::cloud::{Engine, Order, Outcome, RowResult, Survey};
use crate::renderers::lambda::{Fleet, Order as LambdaOrder, Told};
use crate::renderers::verify::{Verified, verify};
use crate::system::output::OutputFile;
use crate::system::pool::a_few_at_a_time;
use crate::ui::Console;

/// Rows that are of no use and are told in words.
const MOST_TOLD: usize = 20;

/// Where videos of a batch go unless the user says otherwise.
const OUTPUT: &str = "renders/{index}.{ext}";

/// Rows that are submitted at a time.
const DEFAULT_CONCURRENCY: usize = 8;

/// The heading of the flags that only a batch takes.
pub(super) const HEADING: &str = "Batches";

/// Flags of a batch.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = HEADING)]
pub(super) struct BatchArgs {
    /// Render each row of a file: JSON Lines, a JSON array, {"rows": […]}, or CSV with a header. A row is variables, or
    /// {"variables", "output", "title", "fps", …}
    #[arg(long, value_name = "FILE", conflicts_with_all = ["asset_id", "url", "no_wait", "selection"])]
    pub(super) batch: Option<PathBuf>,
    /// Rows at a time [default: 8 in the cloud, what processors and memory bear on this machine]
    #[arg(long, value_name = "COUNT", value_parser = clap::value_parser!(u16).range(1..=64))]
    concurrency: Option<u16>,
    /// Render the other rows where some are of no use
    #[arg(long)]
    keep_going: bool,
    /// Submit nothing more after the first row that fails
    #[arg(long, conflicts_with = "max_failures")]
    fail_fast: bool,
    /// Submit nothing more after so many rows that failed
    #[arg(long, value_name = "COUNT")]
    max_failures: Option<u64>,
    /// Render rows again that failed in an earlier run
    #[arg(long)]
    retry_failed: bool,
    /// What became of each row, for going on [default: renders/FILE.manifest.jsonl]
    #[arg(long, value_name = "FILE", conflicts_with = "selection")]
    pub(super) manifest: Option<PathBuf>,
}

impl BatchArgs {
    /// Refuses what is for a batch where there is none.
    ///
    /// # Errors
    /// When one of its flags is set.
    pub(super) fn validate(&self) -> Result<(), Error> {
        let others = [
            self.concurrency.is_some(),
            self.keep_going,
            self.fail_fast,
            self.max_failures.is_some(),
            self.retry_failed,
            self.manifest.is_some(),
        ];
        if self.batch.is_some() || !others.contains(&true) {
            return Ok(());
        }
        Err(Error::usage(
            "--concurrency, --keep-going, --fail-fast, --max-failures, --retry-failed and --manifest are for batches",
            "name a file of rows with --batch",
        ))
    }
}

/// What is the same for all rows.
struct Batch<'a> {
    args: &'a Args,
    file: &'a Path,
    declarations: &'a Declarations,
    /// The request of every row, below its own options.
    body: &'a Map<String, Value>,
    /// How long the composition says that it is, in seconds.
    duration: Option<f64>,
    /// Base values, below those of the rows.
    variables: Map<String, Value>,
    pattern: String,
}

/// A row that can be rendered.
struct Ready {
    row: Row,
    body: Map<String, Value>,
    options: RenderRequest,
    output: String,
}

/// How a row stands before anything is done.
enum Standing {
    /// Its video is where it was to go.
    Done,
    /// It failed in an earlier run.
    Failed,
    /// Its render exists.
    Known(RenderFact),
    /// It is to be rendered.
    New(Option<RenderFact>),
}

/// How many rows there are, and how many of them are of no use.
#[derive(Clone, Copy, Debug)]
pub(super) struct Counted {
    rows: u64,
    invalid: u64,
}

/// Looks at every row before anything is done.
///
/// # Errors
/// When rows are of no use, unless the user wants the others.
pub(super) fn count(
    args: &Args,
    checked: &Checked,
    file: &Path,
    console: &mut Console,
) -> Result<Counted, Error> {
    Batch::new(args, checked, file).preflight(console)
}

/// Renders the rows.
///
/// # Errors
/// When the batch as a whole cannot go on. What becomes of rows is in the result.
pub(super) fn run(
    args: &Args,
    checked: &Checked,
    renderer: Option<&Renderer>,
    Counted { rows, invalid }: Counted,
    console: &mut Console,
) -> Result<Rendered, Error> {
    let file = args.batch.batch.as_deref().unwrap_or(Path::new("-"));
    let batch = Batch::new(args, checked, file);
    let is_elsewhere = matches!(renderer, Some(Renderer::Local | Renderer::Lambda(_)));
    let packed = checked.prepared.pack(console)?;
    if packed.size > DIRECT_UPLOAD_LIMIT && !is_elsewhere {
        let largest = super::preflight::largest_lines(&packed);
        return Err(ArchiveTooLarge { size: packed.size, limit: DIRECT_UPLOAD_LIMIT, largest }.into());
    }
    let digest = packed.manifest.digest();
    let archive = Archive { size: packed.size, sha256: packed.sha256.clone(), digest: digest.clone() };
    let name = file.file_stem().unwrap_or_default().to_string_lossy();
    let default = PathBuf::from(format!("renders/{name}.manifest.jsonl"));
    let path = args.batch.manifest.clone().unwrap_or(default);
    let mut own = None;
    let (transport, ledger) = match renderer {
        Some(Renderer::Cloud(transport)) => {
            (Some(transport.as_ref()), args.reuse.open(transport.base(), console)?)
        }
        Some(Renderer::Emulator) => {
            let (_, transport) = own.insert(super::emulator::for_one_run(console)?);
            (Some(&*transport), None)
        }
        Some(Renderer::Local | Renderer::Lambda(_)) | None => (None, None),
    };
    let manifest = if args.dry_run { Manifest::look(&path)? } else { Manifest::open(&path)? };
    let is_cloud = matches!(renderer, Some(Renderer::Cloud(_)));
    let survey = match transport {
        Some(transport) if is_cloud && !args.reuse.is_off() => {
            let since = args.reuse.reuse().since.unwrap_or_default();
            match Survey::of(transport, since, values::max_retries()?) {
                Ok(survey) => survey,
                Err(error @ CallError::Unreachable(_)) => return Err(error.into()),
                Err(CallError::Api(error)) if error.is_authentication() => {
                    return Err(CallError::Api(error).into());
                }
                Err(error) => {
                    console.warning(&format!(
                        "the account's renders cannot be searched: {}",
                        Error::from(error)
                    ));
                    Survey::default()
                }
            }
        }
        _ => Survey::default(),
    };
    let known = Known { manifest: &manifest, ledger: ledger.as_ref(), survey: &survey, digest: &digest };
    let plan = batch.survey(&known, console)?;
    let totals = json!({ "digest": digest, "rows": rows, "invalid": invalid, "would_render": plan.renders, "reused": plan.reused,
        "done": plan.done, "failed_before": plan.failed });
    let knowledge = Knowledge { manifest, ledger, survey, digest };
    let within_limits =
        || args.limits.exceeded(plan.renders, plan.seconds).map_or(Ok(()), |refusal| Err(refused(refusal)));
    let transport = match (renderer, transport) {
        (Some(Renderer::Local), _) => return batch.render_here(&packed, knowledge, totals, console),
        (Some(Renderer::Lambda(stack)), _) => {
            within_limits()?;
            let concurrency = batch.concurrency(DEFAULT_CONCURRENCY);
            let fleet = lambda::fleet(args, checked, &packed, stack, concurrency, console)?;
            return batch.render_on_lambda(&fleet, knowledge, totals, console);
        }
        (_, Some(transport)) => transport,
        (_, None) => {
            console.done(&format!(
                "dry run: {rows} rows, {} would be rendered, {} reused, {} done, {invalid} invalid",
                plan.renders, plan.reused, plan.done
            ));
            return finish((totals, Ok(())));
        }
    };
    within_limits()?;
    if let Some(least) = args.limits.min_balance().filter(|_| plan.renders > 0) {
        let response =
            transport.call(&ApiRequest::account(), values::max_retries()?, crate::system::random())?;
        let account: hyperframes_ci_core::api::Account = response.data().map_err(CallError::from)?;
        let balance = account.balance();
        if balance.is_none_or(|balance| balance < least) {
            return Err(refused(hyperframes_ci_core::job::Refusal::Balance { balance, least }));
        }
    }
    batch.render(transport, &packed, &archive, knowledge, totals, console)
}

pub(super) fn refused(refusal: hyperframes_ci_core::job::Refusal) -> Error {
    let kind = FailureKind::Limit(refusal);
    Box::new(Failure { stage: Stage::Submit, render_id: None, detail: None, kind }).into()
}

/// What earlier runs are known to have made.
struct Known<'a> {
    manifest: &'a Manifest,
    ledger: Option<&'a LedgerFile>,
    survey: &'a Survey,
    digest: &'a str,
}

/// The same, owned by the run.
struct Knowledge {
    manifest: Manifest,
    ledger: Option<LedgerFile>,
    survey: Survey,
    digest: String,
}

/// What is to be done.
#[derive(Default)]
struct Todo {
    renders: u64,
    reused: u64,
    done: u64,
    failed: u64,
    /// Seconds that would be billed; `None` where a composition does not say how long it is.
    seconds: Option<f64>,
}

impl<'a> Batch<'a> {
    fn new(args: &'a Args, checked: &'a Checked, file: &'a Path) -> Self {
        Self {
            args,
            file,
            variables: checked.request.options.variables.clone().unwrap_or_default(),
            pattern: args
                .output
                .as_ref()
                .map_or_else(|| OUTPUT.to_owned(), |path| path.display().to_string()),
            declarations: &checked.prepared.declarations,
            body: &checked.request.body,
            duration: checked.prepared.duration,
        }
    }

    fn format(&self) -> RowFormat {
        RowFormat::of(&self.file.to_string_lossy())
    }

    fn rows(&self) -> Result<Rows<BufReader<File>>, Error> {
        let unreadable = |message: String| {
            Error::usage(format!("--batch: {} {message}", self.file.display()), "name a file of rows")
        };
        let file = File::open(self.file).map_err(|error| unreadable(format!("cannot be read: {error}")))?;
        Rows::new(BufReader::new(file), self.format()).map_err(|error| unreadable(error.message))
    }

    /// A row as it is submitted, and what is wrong with it.
    fn ready(&self, row: Result<Row, RowError>) -> Result<Ready, (u64, u64, String)> {
        let mut row = row.map_err(|error| (error.index, error.line, error.message))?;
        let (index, line) = (row.index, row.line);
        let wrong = |message: String| (index, line, message);
        if self.format() == RowFormat::Csv {
            type_fields(&mut row.variables, self.declarations);
        }
        let mut variables = self.variables.clone();
        variables.extend(row.variables.clone());
        row.variables = variables;
        let issues = self.declarations.check(&row.variables);
        let is_error = |rule: hyperframes_ci_core::findings::Rule| {
            self.args.strict_variables && rule.severity() == Severity::Error
        };
        if let Some(issue) = issues.into_iter().find(|issue| is_error(issue.rule)) {
            return Err(wrong(issue.message));
        }
        let mut body = self.body.clone();
        body.extend(row.options.clone());
        body.insert("variables".to_owned(), Value::Object(row.variables.clone()));
        let options: RenderRequest = serde_json::from_value(Value::Object(body.clone()))
            .map_err(|error| wrong(format!("has an option of no use: {error}")))?;
        check_options(&options).map_err(|error| wrong(error.to_string()))?;
        if self.args.is_on_lambda() {
            crate::renderers::lambda::check(&options).map_err(|error| wrong(error.to_string()))?;
        }
        let ext = options.format.unwrap_or(Format::Mp4).as_str();
        let output = match &row.output {
            Some(output) => self.beside(output).ok_or_else(|| {
                wrong(format!("has the output {output:?}, which leads out of the current directory"))
            })?,
            None => fill(&self.pattern, &row, ext).map_err(wrong)?,
        };
        Ok(Ready { row, body, options, output })
    }

    /// The output that a row names, which may not leave the current directory: rows come from elsewhere.
    fn beside(&self, output: &str) -> Option<String> {
        let path = Path::new(output);
        let is_inside = path
            .components()
            .all(|part| matches!(part, std::path::Component::Normal(_) | std::path::Component::CurDir));
        (is_inside && path.file_name().is_some()).then(|| output.to_owned())
    }

    /// Looks at every row before anything is done; gives back how many there are, and how many are of no use.
    fn preflight(&self, console: &mut Console) -> Result<Counted, Error> {
        let (mut rows, mut invalid, mut first) = (0, 0, Vec::new());
        let mut outputs = Outputs::default();
        for row in self.rows()? {
            rows += 1;
            let problem = match self.ready(row) {
                Ok(ready) => outputs.add(&ready.output, ready.row.index).map(|other| {
                    (ready.row.line, format!("writes to {} like row {}", ready.output, other + 1))
                }),
                Err((_, line, message)) => Some((line, message)),
            };
            if let Some((line, message)) = problem {
                invalid += 1;
                if first.len() < MOST_TOLD {
                    first.push(format!("{}:{line}: {message}", self.file.display()));
                }
            }
        }
        if rows == 0 {
            return Err(Error::usage(format!("{} has no rows", self.file.display()), "name a file of rows"));
        }
        if invalid > 0 && !self.args.batch.keep_going && !self.args.dry_run {
            return Err(InvalidRows { count: invalid, first }.into());
        }
        first.iter().for_each(|line| console.warning(line));
        Ok(Counted { rows, invalid })
    }

    fn standing(&self, ready: &Ready, identity: &RenderIdentity, known: &Known<'_>) -> Standing {
        let key = identity.key(0);
        let entry = known.manifest.row(ready.row.index, key.as_str());
        let fact = |entry: &Entry, state| {
            entry.render_id.clone().map(|render_id| RenderFact {
                identity: key.to_string(),
                generation: entry.generation,
                render_id,
                state,
            })
        };
        if !self.args.reuse.is_off() {
            match entry.map(|entry| (entry, entry.state)) {
                Some((_, RowState::Completed)) if Path::new(&ready.output).is_file() => {
                    return Standing::Done;
                }
                Some((entry, RowState::Completed | RowState::Submitted)) => {
                    if let Some(fact) = fact(entry, RenderState::Submitted) {
                        return Standing::Known(fact);
                    }
                }
                Some((_, RowState::Failed)) if !self.args.batch.retry_failed => return Standing::Failed,
                Some((entry, RowState::Failed)) => return Standing::New(fact(entry, RenderState::Failed)),
                Some((_, RowState::Invalid)) | None => {}
            }
        }
        let found = known.survey.find(identity);
        let found = found.or_else(|| known.ledger?.known().render(&key).cloned());
        match found {
            Some(fact) if matches!(fact.state, RenderState::Completed | RenderState::Submitted) => {
                if self.args.reuse.is_off() { Standing::New(Some(fact)) } else { Standing::Known(fact) }
            }
            other => Standing::New(other),
        }
    }

    /// What is to be done, row by row with `--dry-run`.
    fn survey(&self, known: &Known<'_>, console: &mut Console) -> Result<Todo, Error> {
        let mut todo = Todo { seconds: Some(0.0), ..Todo::default() };
        for row in self.rows()? {
            let (index, state, message) = match self.ready(row) {
                Err((index, _, message)) => (index, "invalid", Some(message)),
                Ok(ready) => {
                    let identity = RenderIdentity::new(ProjectIdentity::Digest(known.digest), &ready.body);
                    let state = match self.standing(&ready, &identity, known) {
                        Standing::Done => {
                            todo.done += 1;
                            "done"
                        }
                        Standing::Failed => {
                            todo.failed += 1;
                            "failed"
                        }
                        Standing::Known(_) => {
                            todo.reused += 1;
                            "reused"
                        }
                        Standing::New(_) => {
                            todo.renders += 1;
                            let seconds =
                                self.duration.map(|seconds| billed(seconds, ready.options.resolution));
                            todo.seconds = todo.seconds.zip(seconds).map(|(sum, seconds)| sum + seconds);
                            "would-render"
                        }
                    };
                    (ready.row.index, state, None)
                }
            };
            if self.args.dry_run {
                console.json_line(&json!({ "row": index, "state": state, "error": message }));
            }
        }
        Ok(todo)
    }

    /// The rows that are to be rendered, each with the render that is known of it; those of no use are passed over.
    fn pending(
        &self,
        known: &Known<'_>,
    ) -> Result<impl Iterator<Item = (Ready, RenderIdentity, Option<RenderFact>)>, Error> {
        Ok(self.rows()?.filter_map(move |row| {
            let ready = self.ready(row).ok()?;
            let identity = RenderIdentity::new(ProjectIdentity::Digest(known.digest), &ready.body);
            match self.standing(&ready, &identity, known) {
                Standing::Done | Standing::Failed => None,
                Standing::Known(fact) => Some((ready, identity, Some(fact))),
                Standing::New(fact) => Some((ready, identity, fact)),
            }
        }))
    }

    fn order(
        &self,
        ready: &Ready,
        identity: RenderIdentity,
        reuse: Reuse,
        archive: &Archive,
        retries: u32,
    ) -> Order {
        let mut body = ready.body.clone();
        if ready.row.variables.is_empty() {
            body.shift_remove("variables");
        }
        // One key for several rows would make them one.
        let chosen = self.args.idempotency_key.as_ref();
        let chosen = chosen.map(|key| key.numbered(u32::try_from(ready.row.index + 1).unwrap_or(u32::MAX)));
        Order {
            index: ready.row.index,
            output: PathBuf::from(&ready.output),
            expected: expected(&ready.options, self.duration),
            plan: Plan {
                source: Source::Archive(archive.clone()),
                body,
                keys: Keys { identity: Some(identity), chosen, fallback: fresh_key() },
                reuse,
                limits: Limits::default(),
                route: self.args.upload.route(),
                wait: Some(Wait { is_watched: true, ..self.args.waiting.wait() }),
                max_wait: self.args.waiting.max_wait,
                max_retries: retries,
                seed: crate::system::random(),
            },
        }
    }

    fn render(
        &self,
        transport: &Transport,
        packed: &Packed,
        archive: &Archive,
        knowledge: Knowledge,
        totals: Value,
        console: &mut Console,
    ) -> Result<Rendered, Error> {
        let Knowledge { mut manifest, ledger, survey, digest } = knowledge;
        let retries = values::render_retries()?;
        let interval = self.args.waiting.wait().poll_interval;
        // The orders are made as they are needed, from what was known when the run began.
        let before = manifest.take_known();
        let facts = ledger.as_ref().map(|ledger| ledger.known().clone());
        let known = Known { manifest: &before, ledger: None, survey: &survey, digest: &digest };
        let orders = self.pending(&known)?.map(|(ready, identity, fact)| {
            let mut reuse = Reuse { is_searched: true, ..self.args.reuse.reuse() };
            reuse.render = fact.or_else(|| facts.as_ref()?.render(&identity.key(0)).cloned());
            self.order(&ready, identity, reuse, archive, retries)
        });
        let engine = Engine::new(transport, packed, ledger, self.concurrency(DEFAULT_CONCURRENCY), interval);
        let mut tally = Tally::new(manifest, totals, self.most_failures(), self.args.verify, console);
        engine.run(orders, &mut |result| tally.hear(result));
        finish(tally.end()?)
    }

    /// Failures that end the run.
    fn most_failures(&self) -> Option<u64> {
        if self.args.batch.fail_fast { Some(1) } else { self.args.batch.max_failures }
    }

    fn concurrency(&self, default: usize) -> usize {
        self.args.batch.concurrency.map_or(default, usize::from)
    }

    /// Renders the rows on this machine, as many at a time as it bears.
    fn render_here(
        &self,
        packed: &Packed,
        knowledge: Knowledge,
        totals: Value,
        console: &mut Console,
    ) -> Result<Rendered, Error> {
        let Knowledge { mut manifest, survey, digest, .. } = knowledge;
        let engine =
            engine::Engine::provision(&mut |progress| super::emulator::announce(&progress, console))?;
        let before = manifest.take_known();
        let known = Known { manifest: &before, ledger: None, survey: &survey, digest: &digest };
        let rows = self.pending(&known)?;
        let mut tally = Tally::new(manifest, totals, self.most_failures(), self.args.verify, console);
        let work = |(ready, identity, _): (Ready, RenderIdentity, _)| RowResult {
            index: ready.row.index,
            identity: identity.key(0).to_string(),
            output: PathBuf::from(&ready.output),
            render_id: None,
            asset_id: None,
            generation: 0,
            is_reused: false,
            resolution: ready.options.resolution,
            outcome: match self.render_row(&engine, packed, &ready) {
                Ok(verified) => Outcome::Completed(Box::new(verified)),
                Err(error) => Outcome::Failed(Box::new(error)),
            },
        };
        a_few_at_a_time(rows, self.concurrency(at_a_time()), &work, &mut |result| tally.hear(result));
        finish(tally.end()?)
    }

    /// Renders the rows in the user's own AWS account.
    fn render_on_lambda(
        &self,
        fleet: &Fleet,
        knowledge: Knowledge,
        totals: Value,
        console: &mut Console,
    ) -> Result<Rendered, Error> {
        let Knowledge { mut manifest, survey, digest, .. } = knowledge;
        let before = manifest.take_known();
        let known = Known { manifest: &before, ledger: None, survey: &survey, digest: &digest };
        let orders = self.pending(&known)?.map(|(ready, identity, known)| LambdaOrder {
            index: ready.row.index,
            identity,
            output: PathBuf::from(&ready.output),
            expected: expected(&ready.options, self.duration),
            options: ready.options,
            known,
        });
        let mut tally = Tally::new(manifest, totals, self.most_failures(), self.args.verify, console);
        let ran = fleet.run(orders, &mut |_, told| match told {
            Told::Progress(_) => true,
            Told::Result(result) => tally.hear(*result),
        });
        let (mut totals, verdict) = tally.end()?;
        let cost = ran?;
        console.detail(&format!("about ${cost:.4}, by the tooling's estimate"));
        totals["cost_usd"] = cost.into();
        finish((totals, verdict))
    }

    fn render_row(&self, engine: &engine::Engine, packed: &Packed, ready: &Ready) -> Result<Verified, Error> {
        let target = OutputFile::prepare(Some(Path::new(&ready.output)))?;
        let options = &ready.options;
        let job = engine::Job {
            archive: packed.path(),
            composition: options.composition.as_deref(),
            fps: options.fps,
            quality: options.quality,
            format: options.format.unwrap_or(Format::Mp4),
            resolution: options.resolution,
            aspect_ratio: options.aspect_ratio,
            variables: options.variables.as_ref(),
            output: target.temporary_path(),
        };
        engine.render(&job, &mut |_| {})?;
        let verified = verify(target.temporary_path(), &expected(options, self.duration));
        target.keep("unused")?;
        Ok(verified)
    }
}

/// Renders at a time on this machine: each takes a browser and an encoder, which is two processors and 1.5 GB.
fn at_a_time() -> usize {
    let processors = std::thread::available_parallelism().map_or(1, usize::from);
    let memory = std::fs::read_to_string("/proc/meminfo").ok().and_then(|text| {
        let line = text.lines().find_map(|line| line.strip_prefix("MemAvailable:"))?;
        line.split_whitespace().next()?.parse::<usize>().ok()
    });
    // Where the system does not say, there is enough for the processors.
    let by_memory = memory.map_or(usize::MAX, |kilobytes| kilobytes / (1536 * 1024));
    (processors / 2).min(by_memory).max(1)
}

fn finish((totals, verdict): (Value, Result<(), Error>)) -> Result<Rendered, Error> {
    Ok(Rendered { result: totals, video: None, thumbnail: None, verdict })
}
