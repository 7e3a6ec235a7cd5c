//! `hyperframes-ci media`

use std::path::{Path, PathBuf};
use std::time::Duration;

use hyperframes_ci_core::generated::{MediaStore, SpeechPermissions};

use super::workspace::workspace;
use super::{catalogue, values};
use crate::action::ServiceStore;
use crate::app::media::{
    GenerateSpec, GitStore, MediaError, MediaLimits, MediaSpec, PREVIEW_BRANCH, Source, Store, adopt,
    examine, fetch, generate, push,
};
use crate::app::outcome::schemas;
use crate::app::outcome::{
    Direction, GeneratedMedia, GenerationState, MediaGenerateOutcome, MediaOutcome, MediaState,
    MediaTransferOutcome, TransferState,
};
use crate::app::request_schema;
use crate::ci;
use crate::fault::Error;
use crate::heygen::environment;
use crate::project::remote_branch::remote_url;
use crate::ui::{Console, bytes, counted, plain, table};

/// Keep generated media in step with its scripts
///
/// `[[media]]` entries of hyperframes-ci.toml declare the files. hyperframes-ci.lock records the script and options that
/// each file was made from, and its SHA-256.
#[derive(Debug, clap::Subcommand)]
pub(super) enum Command {
    /// Verify that files exist, are unchanged, and match their scripts and options
    ///
    /// Requires no credential and no network. Exits with code 5 if a file is not current.
    Check(Args),
    /// Show which files are current, and estimate the length and price of the others
    ///
    /// Requires no credential and no network.
    Plan(Args),
    /// Generate missing and outdated files with HeyGen
    ///
    /// Requires a credential, and is billed. Files that are current, or that an earlier run has paid for, are not requested again.
    Generate(GenerateArgs),
    /// Record existing files in hyperframes-ci.lock for the current scripts and options
    ///
    /// Requires no credential and no network. Listen to the files first: they are not compared with their scripts.
    Adopt(Args),
    /// Download recorded files that are kept in a store and do not exist here
    ///
    /// Concerns entries with `store = "branch"`, which is read by Git with your own credentials, over HTTPS or SSH, and `store =
    /// "release"`, which is read from GitHub, with GH_TOKEN or GITHUB_TOKEN if the repository is private. A file gets its name
    /// after its size and SHA-256 were found to be those of hyperframes-ci.lock.
    Fetch(FetchArgs),
    /// Upload files that are kept in a store
    ///
    /// Concerns recorded files of entries with `store = "branch"`, which is written by Git with your own credentials, over HTTPS
    /// or SSH, and `store = "release"`, which requires GH_TOKEN or GITHUB_TOKEN. Files that the store has are not uploaded again,
    /// and nothing is deleted from it.
    Push(PushArgs),
    #[command(subcommand)]
    List(catalogue::Command),
}

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Directory inside the repository
    #[arg(default_value = ".")]
    dir: PathBuf,
    /// Select the entry with this file; may be repeated
    #[arg(long, value_name = "FILE")]
    entry: Vec<String>,
    /// Configuration file [default: hyperframes-ci.toml]
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
}

#[derive(Debug, clap::Args)]
pub(super) struct GenerateArgs {
    #[command(flatten)]
    media: Args,
    /// Show what would be generated, without requests
    #[arg(long)]
    dry_run: bool,
    /// Maximum estimated length of new media, in seconds
    #[arg(long, value_name = "SECONDS", value_parser = values::amount)]
    max_seconds: Option<f64>,
    /// Maximum estimated price of new media, in US dollars
    #[arg(long, value_name = "USD", value_parser = values::amount)]
    max_cost: Option<f64>,
    /// Minimum account balance
    ///
    /// In the unit that the account is billed in.
    #[arg(long, value_name = "AMOUNT", value_parser = values::amount)]
    min_balance: Option<f64>,
    /// Number of requests at a time, 1 to 10
    #[arg(long, value_name = "COUNT", default_value_t = 4, value_parser = clap::value_parser!(u8).range(1..=10))]
    concurrency: u8,
    /// Maximum time to wait for a clip, in seconds
    ///
    /// A clip or a translation that takes longer is fetched by the same command.
    #[arg(long, value_name = "SECONDS", default_value_t = 3600.0, value_parser = values::positive_number)]
    max_wait: f64,
    /// Maximum time to wait for a clip, with a unit, such as 90s or 10m
    ///
    /// Another spelling of --max-wait, as in the heygen CLI.
    #[arg(long, value_name = "DURATION", conflicts_with = "max_wait", value_parser = values::duration)]
    timeout: Option<Duration>,
    /// Print the JSON Schema of the API requests and exit
    #[arg(long)]
    request_schema: bool,
    /// Print the JSON Schema of the output with --json and exit
    #[arg(long, conflicts_with = "request_schema")]
    response_schema: bool,
    /// Request speech again whose response was lost
    ///
    /// It may have been billed already.
    #[arg(long)]
    repeat_unconfirmed: bool,
    /// Replace files that were not generated, or have changed since
    #[arg(long)]
    overwrite: bool,
    /// Ledger that records requests
    ///
    /// By default, ledger.jsonl in the user's cache directory.
    #[arg(long, value_name = "FILE", env = "HYPERFRAMES_CI_LEDGER", hide_env = true)]
    ledger: Option<PathBuf>,
}

#[derive(Debug, clap::Args)]
pub(super) struct FetchArgs {
    #[command(flatten)]
    media: Args,
    /// Replace files that have changed since they were recorded
    #[arg(long)]
    overwrite: bool,
    #[command(flatten)]
    place: StorePlace,
}

#[derive(Debug, clap::Args)]
pub(super) struct PushArgs {
    #[command(flatten)]
    media: Args,
    #[command(flatten)]
    place: StorePlace,
}

#[derive(Debug, clap::Args)]
struct StorePlace {
    /// Remote that has the branch or the release
    #[arg(long, value_name = "NAME", default_value = "origin", value_parser = values::git_name)]
    remote: String,
    /// Branch with the files
    ///
    /// The input `preview-branch` of the action.
    #[arg(long, value_name = "NAME", default_value = PREVIEW_BRANCH, value_parser = values::git_name)]
    branch: String,
}

impl StorePlace {
    /// Opens a store of the repository at a path.
    fn open(&self, store: MediaStore, root: &Path) -> Result<Box<dyn Store>, Error> {
        match store {
            MediaStore::Release => {
                let url = remote_url(root, &self.remote)?;
                Ok(Box::new(ServiceStore(ci::release_store(&environment::variable, &url)?)))
            }
            MediaStore::Git | MediaStore::Branch => {
                Ok(Box::new(GitStore::open(root, &self.remote, &self.branch)?))
            }
        }
    }
}

impl GenerateArgs {
    fn spec(&self) -> GenerateSpec {
        GenerateSpec {
            media: self.media.spec(),
            limits: MediaLimits {
                max_seconds: self.max_seconds,
                max_cost: self.max_cost,
                min_balance: self.min_balance,
            },
            is_dry_run: self.dry_run,
            permissions: SpeechPermissions {
                can_overwrite: self.overwrite,
                can_repeat: self.repeat_unconfirmed,
            },
            concurrency: usize::from(self.concurrency),
            max_wait: self
                .timeout
                .unwrap_or_else(|| Duration::try_from_secs_f64(self.max_wait).unwrap_or(Duration::MAX)),
            ledger: self.ledger.clone(),
            keeps_answers: false,
        }
    }
}

impl Args {
    fn spec(&self) -> MediaSpec {
        MediaSpec {
            directory: self.dir.clone(),
            config: self.config.clone(),
            entries: self.entry.clone(),
            workspace: workspace(),
        }
    }
}

pub(super) fn run(command: &Command, console: &mut Console) -> Result<(), Error> {
    match command {
        Command::Check(args) => {
            let outcome = examine(&args.spec())?;
            print_problems(&outcome, console);
            console.outcome(&outcome);
            let (count, total) = (outcome.not_current, outcome.media.len());
            if count > 0 { Err(MediaError::NotCurrent { count, total }.into()) } else { Ok(()) }
        }
        Command::Adopt(args) => {
            let outcome = adopt(&args.spec())?;
            for file in &outcome.adopted {
                console.detail(&plain(file).to_string());
            }
            let adopted = counted(outcome.adopted.len(), "media file");
            console.done(&format!(
                "recorded {adopted} in hyperframes-ci.lock; {} already current",
                outcome.current
            ));
            console.outcome(&outcome);
            Ok(())
        }
        Command::Fetch(args) => {
            let open = &mut |store, root: &Path| Ok(args.place.open(store, root)? as Box<dyn Source>);
            let outcome = fetch(&args.media.spec(), args.overwrite, open)?;
            print_transferred(&outcome, Direction::Fetch, console);
            console.outcome(&outcome);
            let (count, total) = (outcome.not_transferred, outcome.media.len());
            if count > 0 { Err(MediaError::NotFetched { count, total }.into()) } else { Ok(()) }
        }
        Command::Generate(args) if args.request_schema => {
            console.document(&request_schema::media());
            Ok(())
        }
        Command::Generate(args) if args.response_schema => {
            console.document(&schemas::output(Some("media-generate")));
            Ok(())
        }
        Command::Generate(args) => {
            let (outcome, error) = generate(&args.spec(), console)?;
            print_generated(&outcome, console);
            console.outcome(&outcome);
            error.map_or(Ok(()), Err)
        }
        Command::Push(args) => {
            let outcome = push(&args.media.spec(), &mut |store, root| args.place.open(store, root))?;
            print_transferred(&outcome, Direction::Push, console);
            console.outcome(&outcome);
            let (count, total) = (outcome.not_transferred, outcome.media.len());
            if count > 0 { Err(MediaError::NotPushed { count, total }.into()) } else { Ok(()) }
        }
        Command::List(command) => catalogue::run(command, console),
        Command::Plan(args) => {
            let outcome = examine(&args.spec())?;
            print_plan(&outcome, console);
            console.outcome(&outcome);
            Ok(())
        }
    }
}

fn print_problems(outcome: &MediaOutcome, console: &mut Console) {
    for media in &outcome.media {
        if let (Some(code), Some(message)) = (media.code, &media.message) {
            console.result(&format!("{}: {message} [{code}]\n", plain(&media.file)));
            if let Some(help) = media.help {
                console.result(&format!("  help: {help}\n"));
            }
        }
    }
    if outcome.not_current == 0 {
        let current = outcome.media.iter().filter(|media| media.status == MediaState::Current).count();
        console.done(&format!("{} current", counted(current, "media file")));
    }
    note_undeclared(outcome, console);
}

fn print_plan(outcome: &MediaOutcome, console: &mut Console) {
    let mut rows = vec![["FILE", "STATUS", "SECONDS", "USD", ""].map(str::to_owned).to_vec()];
    rows.extend(outcome.media.iter().map(|media| {
        let estimate = |text: String| if media.status.is_due() { text } else { "-".to_owned() };
        vec![
            plain(&media.file).to_string(),
            media.status.as_str().to_owned(),
            estimate(format!("~{:.1}", media.estimated_seconds)),
            estimate(format!("~{:.4}", media.estimated_usd)),
            media.message.clone().unwrap_or_default(),
        ]
    }));
    console.result(&table(&rows));
    let due = outcome.media.iter().filter(|media| media.status.is_due()).count();
    let count =
        |is: &dyn Fn(MediaState) -> bool| outcome.media.iter().filter(|media| is(media.status)).count();
    let unfetched = count(&|state| state == MediaState::NotFetched);
    let is_other =
        |state: MediaState| !state.is_due() && state.is_problem() && state != MediaState::NotFetched;
    let waiting = count(&|state| state == MediaState::Waiting);
    let mut summary = format!(
        "\n{} current, {due} to make (about {:.1} s, ${:.4})",
        outcome.media.len() - outcome.not_current - waiting,
        outcome.estimated_seconds,
        outcome.estimated_usd,
    );
    match unfetched {
        0 => {}
        count => summary.push_str(&format!(", {count} to fetch")),
    }
    match count(&is_other) {
        0 => {}
        count => summary.push_str(&format!(", {count} to correct first")),
    }
    if waiting > 0 {
        summary.push_str(&format!(", {waiting} to translate once the video is rendered"));
    }
    console.result(&format!("{summary}\n"));
    note_undeclared(outcome, console);
}

fn print_generated(outcome: &MediaGenerateOutcome, console: &mut Console) {
    for media in &outcome.media {
        match (media.status, &media.message) {
            (GenerationState::Planned, _) if media.kind == "sound" => {
                console.result(&format!("{}: a sound of the catalogue\n", plain(&media.file)));
            }
            (GenerationState::Planned, _) if media.usd > 0.0 => {
                let (seconds, usd) = (media.seconds, media.usd);
                console.result(&format!("{}: about {seconds:.1} s, ${usd:.4}\n", plain(&media.file)));
            }
            (GenerationState::Planned, _) => {
                console.result(&format!("{}: paid for by an earlier run\n", plain(&media.file)));
            }
            (GenerationState::Waiting, Some(message)) => {
                console.note(&format!("{} is not translated: {message}", plain(&media.file)));
            }
            // The others were reported as they happened.
            (GenerationState::Blocked, Some(message)) => {
                let code = media.code.unwrap_or_default();
                console.result(&format!("{}: {message} [{code}]\n", plain(&media.file)));
                if let Some(help) = &media.help {
                    console.result(&format!("  help: {help}\n"));
                }
            }
            _ => {}
        }
    }
    let is_kept = |media: &&GeneratedMedia| {
        matches!(media.status, GenerationState::Generated | GenerationState::Recovered)
            && media.store != MediaStore::Git.as_str()
    };
    match outcome.media.iter().filter(is_kept).count() {
        0 => {}
        count => console.note(&format!(
            "{} to upload to the store: run `hyperframes-ci media push`",
            counted(count, "media file")
        )),
    }
    if outcome.not_generated == 0 && !outcome.dry_run {
        let made = outcome.generated + outcome.recovered;
        let generated = counted(made, "media file");
        console
            .done(&format!("generated {generated}, {} current before; ${:.4}", outcome.current, outcome.usd));
    }
}

fn print_transferred(outcome: &MediaTransferOutcome, direction: Direction, console: &mut Console) {
    for media in &outcome.media {
        let file = plain(&media.file);
        let done = match media.status {
            TransferState::Present => continue,
            TransferState::Fetched => "fetched",
            TransferState::Replaced => "replaced",
            TransferState::Uploaded => "uploaded",
            status => {
                console.result(&format!("{file}: {}\n", media.message.as_deref().unwrap_or_default()));
                if let Some(help) = media.help.filter(|_| status.is_problem(direction)) {
                    console.result(&format!("  help: {help}\n"));
                }
                continue;
            }
        };
        console.done(&format!("{file}: {done}, {}", bytes(media.bytes)));
    }
    let (nothing, done, present) = match direction {
        Direction::Fetch => ("fetch", "fetched", "present"),
        Direction::Push => ("upload", "uploaded", "stored"),
    };
    match outcome.media.len() {
        0 => console.done(&format!("nothing to {nothing}: all media files are committed")),
        _ if outcome.not_transferred > 0 => {}
        _ => console.done(&format!(
            "{done} {}, {} {present} before",
            counted(outcome.transferred, "media file"),
            outcome.present
        )),
    }
}

fn note_undeclared(outcome: &MediaOutcome, console: &mut Console) {
    for path in &outcome.not_ignored {
        console.note(&format!(
            "{} is kept in a store, but Git would commit it; add it to .gitignore",
            plain(path)
        ));
    }
    for path in &outcome.undeclared {
        console
            .note(&format!("{} is in hyperframes-ci.lock, but no [[media]] entry declares it", plain(path)));
    }
}
