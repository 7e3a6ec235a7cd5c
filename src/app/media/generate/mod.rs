//! Generates media that is missing or outdated.
//!
//! Nothing is requested before every selected entry was found valid, its files writable and the limits kept. Every step leaves a
//! trace from which the next run goes on: the ledger before the request, the answer after it, the digests of the files before they
//! get their names, and the lock file last.

mod ask;
mod avatars;
mod budget;
mod clip;
mod entry;
mod languages;
mod result;
mod run;
mod sound;
mod speak;
mod voices;
mod write;

use std::path::PathBuf;
use std::sync::Mutex;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use hyperframes_ci_core::api::{Account, Request};
use hyperframes_ci_core::generated::{LOCK_FILE, SpeechAction, SpeechPermissions};
use hyperframes_ci_core::job::Refusal;

use self::budget::Budget;
pub(crate) use self::budget::MediaLimits;
use self::run::Run;
use super::{Declared, MediaError, MediaSpec};
use crate::app::outcome::{GeneratedMedia, GenerationState, MediaGenerateOutcome};
use crate::fault::{Error, Exit};
use crate::heygen::auth::Credential;
use crate::heygen::environment;
use crate::heygen::transport::Transport;
use crate::renderers::{LedgerFile, MediaAnswers, RunOptions, ledger_path};
use crate::system::deadline::Deadline;
use crate::system::output::OutputFile;
use crate::system::random;
use crate::ui::Console;

/// What to generate.
#[derive(Clone, Debug)]
pub(crate) struct GenerateSpec {
    /// The entries.
    pub(crate) media: MediaSpec,
    /// Limits of the run.
    pub(crate) limits: MediaLimits,
    /// Whether nothing is requested.
    pub(crate) is_dry_run: bool,
    /// What the user permits.
    pub(crate) permissions: SpeechPermissions,
    /// Number of requests at a time, 1 to 10.
    pub(crate) concurrency: usize,
    /// Time limit of a clip.
    pub(crate) max_wait: Duration,
    /// The ledger, if it is another file.
    pub(crate) ledger: Option<PathBuf>,
    /// Whether answers are kept although their files are recorded, until [`forget`]: the working tree may be lost.
    pub(crate) keeps_answers: bool,
}

/// Generates the media of entries that are not current; returns what became of each, and the error of the run.
///
/// # Errors
/// Returns an error if the run cannot start: the configuration, the lock file or the ledger cannot be used, there is no credential,
/// or a limit forbids it.
pub(crate) fn generate(
    spec: &GenerateSpec,
    console: &mut Console,
) -> Result<(MediaGenerateOutcome, Option<Error>), Error> {
    let declared = Declared::read(&spec.media)?;
    let tasks = entry::tasks(&declared, None, spec.permissions);
    if tasks.iter().all(|task| task.action == SpeechAction::Keep) {
        return Ok((outcome(&declared, spec, entry::planned(&tasks)), None));
    }
    let base = environment::base()?;
    let credential = if spec.is_dry_run { None } else { Some(environment::credential()?.credential) };
    let account = credential.as_ref().and_then(Credential::account_digest);
    let path = path_of(spec)?;
    let api = base.to_string();
    let ledger = LedgerFile::open(&path, &api, account.as_deref(), true, Deadline::NEVER)?;
    let answers = MediaAnswers::open(&path, &api)?;
    // Another process may have generated some of it while this one waited.
    let declared = Declared::read(&spec.media)?;
    let mut tasks = entry::tasks(&declared, Some((&ledger, &answers)), spec.permissions);
    if let Some(error) = not_ready(&tasks) {
        return Ok((outcome(&declared, spec, entry::planned(&tasks)), Some(error)));
    }
    let budget = Budget::new(spec.limits);
    let due = tasks.iter().filter(|task| task.action == SpeechAction::Request);
    if let Some(refusal) = budget.refusal(due.map(entry::Task::estimate)) {
        return Err(MediaError::Limit(refusal).into());
    }
    let Some(credential) = credential else {
        return Ok((outcome(&declared, spec, entry::planned(&tasks)), None));
    };
    for path in tasks.iter().filter(|task| task.is_due()).flat_map(|task| task.entry.outputs()) {
        OutputFile::prepare(Some(&declared.settings.root.join(path)), &declared.reach)?;
    }
    OutputFile::prepare(Some(&declared.settings.root.join(LOCK_FILE)), &declared.reach)?;
    let transport = environment::transport_with(base, credential)?;
    avatars::check(&mut tasks, &transport)?;
    voices::check(&mut tasks, &transport);
    languages::check(&mut tasks, &transport)?;
    if let Some(error) = not_ready(&tasks) {
        return Ok((outcome(&declared, spec, entry::planned(&tasks)), Some(error)));
    }
    if tasks.iter().any(|task| task.estimate().usd > 0.0 && task.action == SpeechAction::Request) {
        check_balance(spec.limits.min_balance, &transport)?;
    }
    let run = Run {
        transport: &transport,
        ledger: Mutex::new(Some(ledger)),
        answers: &answers,
        budget: Mutex::new(budget),
        lock: Mutex::new(()),
        upload: Mutex::new(()),
        retries: environment::render_retries()?,
        permissions: spec.permissions,
        keeps_answers: spec.keeps_answers,
        options: RunOptions { max_wait: spec.max_wait, ..RunOptions::default() },
        is_stopped: AtomicBool::new(false),
    };
    let media = run.all(&declared, &tasks, spec.concurrency, &|| Declared::read(&spec.media), console);
    let outcome = outcome(&declared, spec, media);
    let error = failure(&outcome);
    Ok((outcome, error))
}

/// Deletes the answers of a run whose files are where they cannot be lost.
pub(crate) fn forget(spec: &GenerateSpec, outcome: &MediaGenerateOutcome) {
    let answers = || {
        let api = environment::base()?.to_string();
        Ok::<_, Error>(MediaAnswers::open(&path_of(spec)?, &api)?)
    };
    // One that stays is ignored while the files are current.
    let Ok(answers) = answers() else { return };
    let is_here = |media: &&GeneratedMedia| {
        use GenerationState::{Current, Generated, Recovered};
        matches!(media.status, Current | Generated | Recovered)
    };
    let identities = outcome.media.iter().filter(is_here).filter_map(|media| media.identity.as_deref());
    identities.for_each(|identity| answers.forget(identity));
}

fn path_of(spec: &GenerateSpec) -> Result<PathBuf, Error> {
    Ok(match &spec.ledger {
        Some(path) => ledger_path(path)?,
        None => LedgerFile::default_path().ok_or(MediaError::NoLedger)?,
    })
}

/// Returns the error of a run in which entries are invalid, or files would be lost.
fn not_ready(tasks: &[entry::Task]) -> Option<Error> {
    let count = tasks.iter().filter(|task| task.is_blocked()).count();
    (count > 0).then(|| MediaError::NotReady { count, total: tasks.len() }.into())
}

/// Checks the balance of the account.
fn check_balance(least: Option<f64>, transport: &Transport) -> Result<(), Error> {
    let Some(least) = least else { return Ok(()) };
    let response = transport.call(&Request::account(), environment::max_retries()?, random())?;
    let account: Account = response.data().map_err(crate::heygen::transport::CallError::from)?;
    let balance = account.balance();
    match balance.is_some_and(|balance| balance >= least) {
        true => Ok(()),
        false => Err(MediaError::Limit(Refusal::Balance { balance, least }).into()),
    }
}

fn outcome(declared: &Declared, spec: &GenerateSpec, media: Vec<GeneratedMedia>) -> MediaGenerateOutcome {
    let count = |state| media.iter().filter(|media| media.status == state).count();
    let is_new = |media: &&GeneratedMedia| media.status == GenerationState::Generated;
    MediaGenerateOutcome {
        lock: declared.lock_path.display().to_string(),
        dry_run: spec.is_dry_run,
        current: count(GenerationState::Current),
        generated: count(GenerationState::Generated),
        recovered: count(GenerationState::Recovered),
        not_generated: media.iter().filter(|media| media.status.is_problem()).count(),
        // The sum of nothing is -0.0.
        seconds: media.iter().filter(is_new).map(|media| media.seconds).sum::<f64>() + 0.0,
        usd: media.iter().filter(|media| media.is_billed).map(|media| media.usd).sum::<f64>() + 0.0,
        media,
    }
}

/// Returns the error of a run in which media was not generated; the exit code is that of the first reason.
fn failure(outcome: &MediaGenerateOutcome) -> Option<Error> {
    let problems = outcome.media.iter().filter(|media| media.status.is_problem()).collect::<Vec<_>>();
    let first = problems.iter().find(|media| media.status != GenerationState::Skipped).or(problems.first())?;
    let is_unconfirmed = |media: &&&GeneratedMedia| media.status == GenerationState::Unconfirmed;
    let exit = match (first.status, first.http_status, first.exit) {
        (GenerationState::Limited, ..) => Exit::Limit,
        (_, Some(401 | 403), _) => Exit::Auth,
        (_, _, Some(exit @ (Exit::Auth | Exit::Limit | Exit::Timeout))) => exit,
        _ => Exit::General,
    };
    let unconfirmed = problems.iter().filter(is_unconfirmed).count();
    Some(
        MediaError::NotGenerated { failed: problems.len(), total: outcome.media.len(), unconfirmed, exit }
            .into(),
    )
}
