//! `hyperframes-ci media`

use std::path::PathBuf;

use super::workspace::workspace;
use crate::app::media::{MediaError, MediaSpec, adopt, examine};
use crate::app::outcome::{MediaOutcome, MediaState};
use crate::fault::Error;
use crate::ui::{Console, counted, plain, table};

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
    /// Record existing files in hyperframes-ci.lock for the current scripts and options
    ///
    /// Requires no credential and no network. Listen to the files first: they are not compared with their scripts.
    Adopt(Args),
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
        console.done(&format!("{} current", counted(outcome.media.len(), "media file")));
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
    let other =
        outcome.media.iter().filter(|media| !media.status.is_due() && media.status != MediaState::Current);
    let mut summary = format!(
        "\n{} current, {due} to make (about {:.1} s, ${:.4})",
        outcome.media.len() - outcome.not_current,
        outcome.estimated_seconds,
        outcome.estimated_usd,
    );
    match other.count() {
        0 => {}
        count => summary.push_str(&format!(", {count} to correct first")),
    }
    console.result(&format!("{summary}\n"));
    note_undeclared(outcome, console);
}

fn note_undeclared(outcome: &MediaOutcome, console: &mut Console) {
    for path in &outcome.undeclared {
        console
            .note(&format!("{} is in hyperframes-ci.lock, but no [[media]] entry declares it", plain(path)));
    }
}
