//! `hyperframes-ci render --batch`: one upload, one render for each row of a file.

use std::fs::File;
use std::io::BufReader;
use std::path::{Path, PathBuf};

use hyperframes_ci_core::{
    Archive, DIRECT_UPLOAD_LIMIT, Declarations, Failure, FailureKind, Format, Keys, Limits, Outputs, Plan,
    ProjectIdentity, RenderFact, RenderIdentity, RenderRequest, RenderState, Request as ApiRequest, Reuse,
    Row, RowError, RowFormat, Rows, Severity, Source, Stage, Wait, fill, type_fields,
};
use serde_json::{Map, Value, json};

use super::render::{Args, Rendered, Renderer, Request, check, check_options, choose, expected, fresh_key};
use super::reuse::LimitArgs;
use super::values;
use crate::auth::{Credential, Secret};
use crate::batch::{Engine, Entry, Manifest, Order, Outcome, RowResult, RowState, Survey};
use crate::error::Error;
use crate::http::{ApiBase, CallError, Transport};
use crate::ledger::LedgerFile;
use crate::report::Console;

/// Rows that are of no use and are told in words.
const MOST_TOLD: usize = 20;

/// Where videos of a batch go unless the user says otherwise.
const OUTPUT: &str = "renders/{index}.{ext}";

/// Flags of a batch.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Batches")]
pub(super) struct BatchArgs {
    /// Render each row of a file: JSON Lines, a JSON array, {"rows": […]}, or CSV with a header. A row is variables, or
    /// {"variables", "output", "title", "fps", …}
    #[arg(long, value_name = "FILE", conflicts_with_all = ["asset_id", "url", "no_wait"])]
    pub(super) batch: Option<PathBuf>,
    /// Rows that are submitted at a time
    #[arg(long, value_name = "COUNT", default_value_t = 8, value_parser = clap::value_parser!(u16).range(1..=64), requires = "batch")]
    concurrency: u16,
    /// Render the other rows where some are of no use
    #[arg(long, requires = "batch")]
    keep_going: bool,
    /// Submit nothing more after the first row that fails
    #[arg(long, requires = "batch", conflicts_with = "max_failures")]
    fail_fast: bool,
    /// Submit nothing more after so many rows that failed
    #[arg(long, value_name = "COUNT", requires = "batch")]
    max_failures: Option<u64>,
    /// Render rows again that failed in an earlier run
    #[arg(long, requires = "batch")]
    retry_failed: bool,
    /// What became of each row, for going on [default: renders/FILE.manifest.jsonl]
    #[arg(long, value_name = "FILE", requires = "batch")]
    pub(super) manifest: Option<PathBuf>,
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

pub(super) fn run(
    args: &Args,
    request: Request,
    file: &Path,
    console: &mut Console,
) -> Result<Rendered, Error> {
    if request.project.is_some() {
        return Err(Error::usage("--batch renders a directory", "leave the project out of --data"));
    }
    let directory = args.dir.as_deref().unwrap_or(Path::new("."));
    let renderer = if args.dry_run { None } else { Some(choose(args, console)?) };
    if matches!(renderer, Some(Renderer::Local)) {
        return Err(Error::usage(
            "batches are rendered in the cloud for now",
            "set HEYGEN_API_KEY, or use --emulator",
        ));
    }
    let checked = check(args, request, directory, false, console)?;
    let batch = Batch {
        args,
        file,
        variables: checked.request.options.variables.clone().unwrap_or_default(),
        pattern: args.output.as_ref().map_or_else(|| OUTPUT.to_owned(), |path| path.display().to_string()),
        declarations: &checked.prepared.declarations,
        body: &checked.request.body,
        duration: checked.prepared.duration,
    };
    let (rows, invalid) = batch.preflight(console)?;
    let packed = checked.prepared.pack(console)?;
    if packed.size > DIRECT_UPLOAD_LIMIT {
        let largest = super::preflight::largest_lines(&packed);
        return Err(Error::TooLarge { size: packed.size, limit: DIRECT_UPLOAD_LIMIT, largest });
    }
    let digest = packed.manifest.digest();
    let archive = Archive { size: packed.size, sha256: packed.sha256.clone(), digest: digest.clone() };
    let name = file.file_stem().unwrap_or_default().to_string_lossy();
    let default = PathBuf::from(format!("renders/{name}.manifest.jsonl"));
    let path = args.batch.manifest.clone().unwrap_or(default);
    let mut emulator = None;
    let (transport, ledger) = match renderer {
        Some(Renderer::Cloud(transport)) => {
            let ledger = args.reuse.open(transport.base(), console)?;
            (Some(transport), ledger)
        }
        Some(Renderer::Emulator) => {
            let (started, key) = super::emulator::for_one_run(console)?;
            let credential = Credential::ApiKey(Secret::new(key));
            let transport = values::transport_with(ApiBase::parse(started.url())?, credential)?;
            emulator = Some(started);
            (Some(Box::new(transport)), None)
        }
        Some(Renderer::Local) | None => (None, None),
    };
    let manifest = Manifest::open(&path)?;
    let survey = match &transport {
        Some(transport) if emulator.is_none() && !args.reuse.is_off() => {
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
    let totals = json!({ "rows": rows, "invalid": invalid, "would_render": plan.renders, "reused": plan.reused,
        "done": plan.done, "failed_before": plan.failed });
    let Some(transport) = transport else {
        console.done(&format!(
            "dry run: {rows} rows, {} would be rendered, {} reused, {} done, {invalid} invalid",
            plan.renders, plan.reused, plan.done
        ));
        return Ok(Rendered { result: totals, video: None, thumbnail: None, verdict: Ok(()) });
    };
    if let Some(refusal) = args.limits.exceeded(plan.renders, plan.seconds) {
        return Err(refused(refusal));
    }
    if let Some(least) = args.limits.min_balance().filter(|_| plan.renders > 0) {
        let response = transport.call(&ApiRequest::account(), values::max_retries()?, crate::random())?;
        let account: hyperframes_ci_core::Account = response.data().map_err(CallError::from)?;
        let balance = account.balance();
        if balance.is_none_or(|balance| balance < least) {
            return Err(refused(hyperframes_ci_core::Refusal::Balance { balance, least }));
        }
    }
    batch.render(
        &transport,
        &packed,
        archive,
        Knowledge { manifest, ledger, survey, digest },
        totals,
        console,
    )
}

fn refused(refusal: hyperframes_ci_core::Refusal) -> Error {
    let kind = FailureKind::Limit(refusal);
    Error::Job(Box::new(Failure { stage: Stage::Submit, render_id: None, detail: None, kind }))
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

impl Batch<'_> {
    fn rows(&self) -> Result<Rows<BufReader<File>>, Error> {
        let unreadable = |message: String| {
            Error::usage(format!("--batch: {} {message}", self.file.display()), "name a file of rows")
        };
        let file = File::open(self.file).map_err(|error| unreadable(format!("cannot be read: {error}")))?;
        let is_csv = self.file.extension().is_some_and(|ending| ending.eq_ignore_ascii_case("csv"));
        let format = if is_csv { RowFormat::Csv } else { RowFormat::Json };
        Rows::new(BufReader::new(file), format).map_err(|error| unreadable(error.message))
    }

    /// A row as it is submitted, and what is wrong with it.
    fn ready(&self, row: Result<Row, RowError>) -> Result<Ready, (u64, u64, String)> {
        let mut row = row.map_err(|error| (error.index, error.line, error.message))?;
        let (index, line) = (row.index, row.line);
        let wrong = |message: String| (index, line, message);
        if self.file.extension().is_some_and(|ending| ending.eq_ignore_ascii_case("csv")) {
            type_fields(&mut row.variables, self.declarations);
        }
        let mut variables = self.variables.clone();
        variables.extend(row.variables.clone());
        row.variables = variables;
        let issues = self.declarations.check(&row.variables);
        let is_error = |rule: hyperframes_ci_core::Rule| {
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
    fn preflight(&self, console: &mut Console) -> Result<(u64, u64), Error> {
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
            return Err(Error::Rows { count: invalid, first });
        }
        first.iter().for_each(|line| console.warning(line));
        Ok((rows, invalid))
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
                            let factor = LimitArgs::factor(&ready.options);
                            let seconds = self.duration.map(|seconds| seconds * factor);
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
                seed: crate::random(),
            },
        }
    }

    fn render(
        &self,
        transport: &Transport,
        packed: &crate::pack::Packed,
        archive: Archive,
        knowledge: Knowledge,
        mut totals: Value,
        console: &mut Console,
    ) -> Result<Rendered, Error> {
        let Knowledge { mut manifest, ledger, survey, digest } = knowledge;
        let retries = values::render_retries()?;
        let count = |name: &str| totals[name].as_u64().unwrap_or_default();
        let (rows, invalid, done) = (count("rows"), count("invalid"), count("done"));
        let mut failed = count("failed_before") + invalid;
        let todo = count("would_render") + count("reused");
        let interval = self.args.waiting.wait().poll_interval;
        console.step(&format!("Rendering {todo} rows"));
        crate::interrupt::set_resume_hint(Some("the same command goes on with what is missing".to_owned()));
        // The orders are made as they are needed, from what was known when the run began.
        let before = Manifest::open(manifest.path())?;
        let facts = ledger.as_ref().map(|ledger| ledger.known().clone());
        let orders = self.rows()?.filter_map(|row| {
            let ready = self.ready(row).ok()?;
            let identity = RenderIdentity::new(ProjectIdentity::Digest(&digest), &ready.body);
            let known = Known { manifest: &before, ledger: None, survey: &survey, digest: &digest };
            let mut reuse = Reuse { is_searched: true, ..self.args.reuse.reuse() };
            reuse.render = match self.standing(&ready, &identity, &known) {
                Standing::Done | Standing::Failed => return None,
                Standing::Known(fact) => Some(fact),
                Standing::New(fact) => fact.or_else(|| facts.as_ref()?.render(&identity.key(0)).cloned()),
            };
            Some(self.order(&ready, identity, reuse, &archive, retries))
        });
        let engine = Engine::new(transport, packed, ledger, self.args.batch.concurrency.into(), interval);
        let most = if self.args.batch.fail_fast { Some(1) } else { self.args.batch.max_failures };
        let (mut completed, mut reused, mut broken) = (0_u64, 0_u64, None);
        let failed_before = failed;
        engine.run(orders, &mut |result| {
            let entry = entry(&result);
            let is_final = !matches!(result.outcome, Outcome::Submitted);
            if let Err(error) = manifest.append(&entry) {
                broken = Some(error);
            }
            match &result.outcome {
                Outcome::Submitted => {}
                Outcome::Completed(_) => {
                    completed += 1;
                    reused += u64::from(result.is_reused);
                }
                Outcome::Failed(error) => {
                    failed += 1;
                    console.warning(&format!("row {}: {error}", result.index + 1));
                }
            }
            if is_final {
                let mut line = json!(entry);
                line["reused"] = result.is_reused.into();
                console.json_line(&line);
                console.progress("rendering", completed + failed - failed_before, todo, false);
            }
            broken.is_none() && most.is_none_or(|most| failed - failed_before < most)
        });
        console.end_bar();
        crate::interrupt::set_resume_hint(None);
        if let Some(error) = broken {
            return Err(error.into());
        }
        let summary = format!(
            "{completed} of {rows} rows rendered ({reused} reused), {done} done before, {failed} failed"
        );
        console.done(&summary);
        totals["completed"] = completed.into();
        totals["reused"] = reused.into();
        totals["failed"] = failed.into();
        totals["not_submitted"] = todo.saturating_sub(completed + failed - failed_before).into();
        let is_whole = completed + done >= rows;
        let verdict =
            if is_whole { Ok(()) } else { Err(Error::Batch { failed: rows - completed - done, rows }) };
        Ok(Rendered { result: totals, video: None, thumbnail: None, verdict })
    }
}

/// A line of the manifest.
fn entry(result: &RowResult) -> Entry {
    let (state, duration, error) = match &result.outcome {
        Outcome::Submitted => (RowState::Submitted, None, None),
        Outcome::Completed(verified) => (RowState::Completed, verified.duration(), None),
        Outcome::Failed(error) => (RowState::Failed, None, Some(error.to_string())),
    };
    Entry {
        row: result.index,
        identity: result.identity.clone(),
        generation: result.generation,
        state,
        render_id: result.render_id.clone(),
        asset_id: result.asset_id.clone(),
        output: Some(result.output.display().to_string()),
        duration,
        error,
    }
}
