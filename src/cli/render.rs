//! `hyperframes-ci render`

use std::path::{Path, PathBuf};

use super::flags::RenderFlags;
use super::select::SelectArgs;
use super::severities::SeverityArgs;
use super::workspace::workspace;
use crate::app::config::Settings;
use crate::app::diagnose::render_and_diagnose;
use crate::app::entries::{self, EntryRun};
use crate::app::options::Heading;
use crate::app::outcome::schemas;
use crate::app::outcome::{BatchOutcome, Outcome};
use crate::app::request_schema;
use crate::app::saved_report::{SavedRender, SavedReport, check_for_renders, save_renders};
use crate::app::spec::{ProjectSource, RenderSpec};
use crate::fault::Error;
use crate::system::gate::Reach;
use crate::ui::{Console, table};

/// Render a project, in the HeyGen cloud or locally
#[derive(Debug, clap::Args)]
#[command(after_long_help = "\
Options with an environment variable can also be set in hyperframes-ci.toml. `hyperframes-ci config show` prints the \
value of every setting and where it is set.")]
pub(super) struct Args {
    /// Project directory [default: .]
    #[arg(group = "source", conflicts_with = "selection")]
    dir: Option<PathBuf>,
    #[command(flatten)]
    flags: RenderFlags,
    /// Write a report to a file as well: junit=FILE
    #[arg(long, value_name = "FORMAT=FILE")]
    save_report: Vec<SavedReport>,
    /// Print the JSON Schema of the API request, which is that of --data, and exit
    #[arg(long)]
    request_schema: bool,
    /// Print the JSON Schema of the output with --json and exit
    #[arg(long, conflicts_with = "request_schema")]
    response_schema: bool,
    #[command(flatten)]
    select: SelectArgs,
    #[command(flatten)]
    severities: SeverityArgs,
}

pub(super) fn run(args: &Args, console: &mut Console) -> Result<(), Error> {
    if args.request_schema || args.response_schema {
        let schema =
            if args.request_schema { request_schema::render() } else { schemas::output(Some("render")) };
        console.document(&schema);
        return Ok(());
    }
    let directory = args.dir.as_deref().unwrap_or(Path::new("."));
    let severities = args.severities.to_severities();
    let settings = Settings::read(directory, severities.config.as_deref(), workspace())?;
    check_for_renders(&args.save_report, &Reach::of_user(workspace().as_deref()))?;
    let mut base = RenderSpec { severities, ..RenderSpec::default() };
    base.reports = args.save_report.iter().map(|report| report.path().to_owned()).collect();
    if let Some(directory) = &args.dir {
        base.source = ProjectSource::Directory(directory.clone());
    }
    let given = &args.flags.0;
    let selection = args.select.selection();
    if selection.is_used() {
        let chosen = selection.entries(&settings)?;
        if chosen.is_empty() {
            console.note(&selection.nothing(&settings));
        }
        let run = entries::render(&settings, &chosen, &base, given, console)?;
        print(&run.entries, console);
        note_translations(&run.entries, console);
        let saved = save_entries(&args.save_report, &run.entries);
        let verdict = run.verdict(chosen.len()).map_err(Error::from);
        console.outcome(&run.into_outcome());
        return first_error(verdict, saved, console);
    }
    let (spec, _) = settings.resolve(base, given, None)?;
    let for_batches = given.iter().find(|given| given.option.heading == Heading::Batches);
    if let (None, Some(given)) = (&spec.batch.rows, for_batches) {
        let message = format!("--{} can only be used with --batch", given.option.name);
        return Err(Error::usage(message, "pass a file of rows with --batch, or remove the option"));
    }
    let name = spec.directory().display().to_string();
    let rendered = render_and_diagnose(spec, console);
    let summary = rendered.as_ref().map(summary).unwrap_or_default();
    let saved = save(&args.save_report, &[SavedRender { name, summary, result: rendered.as_ref() }]);
    let verdict = rendered.and_then(|outcome| {
        console.outcome(&outcome);
        outcome.verdict()
    });
    first_error(verdict, saved, console)
}

/// Returns the error of the renders, or else that of writing reports. If both fail, the latter is a warning.
fn first_error(
    verdict: Result<(), Error>,
    saved: Result<(), Error>,
    console: &mut Console,
) -> Result<(), Error> {
    if let (Err(_), Err(error)) = (&verdict, &saved) {
        console.warning(&error.to_string());
    }
    verdict.and(saved)
}

/// Writes reports of entries.
fn save_entries(reports: &[SavedReport], runs: &[EntryRun<'_>]) -> Result<(), Error> {
    let renders = runs.iter().map(|EntryRun { entry, result }| SavedRender {
        name: entry.name.clone(),
        summary: result.as_ref().map(summary).unwrap_or_default(),
        result: result.as_ref(),
    });
    save(reports, &renders.collect::<Vec<_>>())
}

fn save(reports: &[SavedReport], renders: &[SavedRender<'_>]) -> Result<(), Error> {
    save_renders(reports, renders, &Reach::of_user(workspace().as_deref()))
}

/// Returns what came of a render, in a few words.
fn summary(outcome: &Outcome) -> String {
    let words = [state(outcome), seconds(outcome), video(outcome)];
    words.into_iter().filter(|word| !word.is_empty()).collect::<Vec<_>>().join(", ")
}

/// Says which command translates the videos.
fn note_translations(runs: &[EntryRun<'_>], console: &mut Console) {
    let names = runs.iter().filter(|run| run.result.is_ok() && run.entry.translate.is_some());
    let names = names.map(|run| run.entry.name.as_str()).collect::<Vec<_>>();
    if !names.is_empty() {
        console.note(&format!("`hyperframes-ci media generate` translates {}", names.join(", ")));
    }
}

/// Prints the entries and their results as a table.
fn print(runs: &[EntryRun<'_>], console: &mut Console) {
    let row = |EntryRun { entry, result }: &EntryRun<'_>| {
        let (state, seconds, more) = match result {
            Ok(outcome) => (state(outcome), seconds(outcome), video(outcome)),
            Err(error) => (
                "failed".to_owned(),
                String::new(),
                error.to_string().lines().next().unwrap_or_default().to_owned(),
            ),
        };
        vec![entry.name.clone(), state, seconds, more]
    };
    console.result(&table(&runs.iter().map(row).collect::<Vec<_>>()));
}

fn state(outcome: &Outcome) -> String {
    match outcome {
        Outcome::Batch(batch) if batch.results.is_some() => {
            let BatchOutcome { rows, .. } = **batch;
            format!("{} of {rows} rows", batch.in_place())
        }
        Outcome::Render(render) if render.output_path.is_some() => {
            if render.reused {
                "reused".to_owned()
            } else {
                "rendered".to_owned()
            }
        }
        Outcome::Batch(_) | Outcome::Render(_) | Outcome::DryRun(_) => "ready".to_owned(),
    }
}

fn seconds(outcome: &Outcome) -> String {
    let Outcome::Render(render) = outcome else { return String::new() };
    let video = render.video.as_ref().and_then(|video| video.video.as_ref());
    video.and_then(|video| video.duration).map_or_else(String::new, |seconds| format!("{seconds} s"))
}

fn video(outcome: &Outcome) -> String {
    outcome.video_path().map(|path| path.display().to_string()).unwrap_or_default()
}
