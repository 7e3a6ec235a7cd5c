//! `hyperframes-ci diff`

use std::path::{Path, PathBuf};

use hyperframes_ci_core::diff::{FailOn, Region, Sensitivity};

use super::flags::DiffRenderFlags;
use super::select::SelectArgs;
use super::values;
use super::workspace::workspace;
use crate::app::config::{DiffConfig, Settings};
use crate::app::diff::{DiffInput, DiffResult, DiffRun, GoldenDiff, GoldenDirectory, ProjectDiff};
use crate::app::spec::{ProjectSource, RenderSpec, Severities};
use crate::fault::Error;
use crate::system::gate::Reach;
use crate::ui::{Console, plain};

/// Compare videos and show what differs
///
/// Compares two video files; with --base, the videos of a project and of another revision; or with --against, a video and
/// its golden file. Projects are rendered unless an earlier render can be reused. Noise of the encoder is not reported; a
/// changed letter or a shift by one pixel is. Requires FFmpeg, unless both files are identical.
#[derive(Debug, clap::Args)]
#[command(
    override_usage = "hyperframes-ci diff [OPTIONS] <BASE> <HEAD>\n       hyperframes-ci diff [OPTIONS] --base <REVISION> [DIR]\n       hyperframes-ci diff [OPTIONS] --update|--against <GOLDEN> [VIDEO|DIR]"
)]
pub(super) struct Args {
    /// Earlier and later video; with --base, a project directory; with --update or --against, a video or a project
    /// directory [default: .]
    #[arg(value_name = "PATH", num_args = 0..=2)]
    paths: Vec<PathBuf>,
    /// Compare a project with the merge base of REVISION and HEAD
    ///
    /// Renders the project both from the directory and from the commit. REVISION is a commit, a branch or a tag.
    #[arg(long, value_name = "REVISION")]
    base: Option<String>,
    /// Write golden files to this directory
    ///
    /// A golden file is a reduced copy of the frames and sound of a video, next to a PNG with one still per second. Commit it
    /// instead of the video. Existing files are replaced only if the video differs.
    #[arg(long, value_name = "GOLDEN", conflicts_with_all = ["base", "against"])]
    update: Option<PathBuf>,
    /// Compare with the golden files of this directory
    #[arg(long, value_name = "GOLDEN", conflicts_with = "base")]
    against: Option<PathBuf>,
    /// Directory for a report: an HTML page and images
    #[arg(long, value_name = "DIR")]
    report: Option<PathBuf>,
    /// Configuration file [default: hyperframes-ci.toml]
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    #[command(flatten)]
    compare: CompareArgs,
    #[command(flatten)]
    select: SelectArgs,
    #[command(flatten)]
    flags: DiffRenderFlags,
}

/// How videos are compared.
#[derive(Debug, clap::Args)]
pub(super) struct CompareArgs {
    /// Differences to fail on: never, changed or any [default: never]
    ///
    /// Exits with code 7. `changed` allows faint differences, `any` does not.
    #[arg(long, value_name = "WHEN", value_parser = values::fail_on(), hide_possible_values = true)]
    fail_on_diff: Option<FailOn>,
    /// Region to ignore; may be repeated
    ///
    /// X,Y,WIDTHxHEIGHT@FROM-TO: REASON. The rectangle is in pixels, or in percent with `%`; times are in seconds. Either
    /// can be omitted, as in `0,0,100%x40` or `@1.5-3: animated background`.
    #[arg(long, value_name = "REGION")]
    ignore: Vec<Region>,
    /// Sensitivity of the comparison: low, normal or high [default: normal]
    #[arg(long, value_name = "LEVEL", value_parser = values::sensitivity(), hide_possible_values = true)]
    sensitivity: Option<Sensitivity>,
    /// Threshold for a block in a frame, in levels of 0 to 255 [default: 6.0]
    #[arg(long, value_name = "LEVELS", value_parser = values::positive_number)]
    instant: Option<f64>,
    /// Threshold for a block over 15 frames, in levels [default: 2.2]
    #[arg(long, value_name = "LEVELS", value_parser = values::positive_number)]
    sustained: Option<f64>,
    /// Threshold for sound levels, in dB [default: 0.5]
    #[arg(long, value_name = "DB", value_parser = values::positive_number)]
    sound: Option<f64>,
}

impl CompareArgs {
    /// Returns the settings, which override those of the configuration.
    fn settings(&self) -> DiffConfig {
        DiffConfig {
            is_off: false,
            sensitivity: self.sensitivity,
            instant: self.instant,
            sustained: self.sustained,
            sound: self.sound,
            ignore: Some(&self.ignore).filter(|regions| !regions.is_empty()).cloned(),
            fail_on_diff: self.fail_on_diff,
            golden: None,
            line: 0,
        }
    }
}

pub(super) fn run(args: &Args, console: &mut Console) -> Result<(), Error> {
    let project = args.paths.first().filter(|path| args.is_of_project(path));
    let directory = project.map_or(Path::new("."), PathBuf::as_path);
    let settings = Settings::read(directory, args.config.as_deref(), workspace())?;
    let reach = Reach::of_user(workspace().as_deref());
    let mut run = DiffRun::new(args.report.as_deref(), &reach);
    let golden = args.update.as_deref().map(|path| (path, true));
    let golden = golden.or(args.against.as_deref().map(|path| (path, false)));
    match (&args.base, golden) {
        (Some(revision), _) => compare_revision(args, revision, &settings, &mut run, console)?,
        (None, Some((path, is_updating))) => {
            let directory = GoldenDirectory::new(path, &reach, is_updating);
            compare_golden(args, directory, &settings, &reach, &mut run, console)?;
        }
        (None, None) => compare_two(args, &settings, &reach, &mut run, console)?,
    }
    let result = run.finish()?;
    print(&result, console);
    console.outcome(&result.outcome);
    result.verdict()
}

impl Args {
    /// Returns whether a path is the directory of a project.
    fn is_of_project(&self, path: &Path) -> bool {
        let is_golden = self.update.is_some() || self.against.is_some();
        self.base.is_some() || (is_golden && path.is_dir())
    }
}

/// Compares a video, a project, or entries of the configuration with golden files.
fn compare_golden(
    args: &Args,
    directory: GoldenDirectory,
    settings: &Settings,
    reach: &Reach,
    run: &mut DiffRun,
    console: &mut Console,
) -> Result<(), Error> {
    let diff = GoldenDiff { settings, given: &args.flags.0, overrides: args.compare.settings(), directory };
    if args.paths.len() > 1 {
        let help = "pass one video, one directory, or --all";
        return Err(Error::usage("--update and --against take one path", help));
    }
    if let Some(path) = args.paths.first().filter(|path| !args.is_of_project(path)) {
        if args.select.selection().is_used() || !args.flags.0.is_empty() {
            let help = "pass a project directory instead of a video";
            return Err(Error::usage("options of renders cannot be used with a video", help));
        }
        return diff.file(DiffInput { path, reach }, run, console);
    }
    let selection = args.select.selection();
    let entries = if selection.is_used() { selection.entries(settings)? } else { Vec::new() };
    if selection.is_used() && entries.is_empty() {
        console.note(&selection.nothing(settings));
        return Ok(());
    }
    diff.compositions(&render_spec(args), &entries, run, console)
}

/// Returns the project without an entry.
fn render_spec(args: &Args) -> RenderSpec {
    let severities = Severities { config: args.config.clone(), ..Severities::default() };
    let mut spec = RenderSpec { severities, ..RenderSpec::default() };
    if let Some(directory) = args.paths.first() {
        spec.source = ProjectSource::Directory(directory.clone());
    }
    spec
}

/// Compares two video files.
fn compare_two(
    args: &Args,
    settings: &Settings,
    reach: &Reach,
    run: &mut DiffRun,
    console: &mut Console,
) -> Result<(), Error> {
    let [base, head] = args.paths.as_slice() else {
        let help = "pass two video files, --base <REVISION> to compare a project with another revision, or --against <GOLDEN>";
        return Err(Error::usage("BASE and HEAD are required", help));
    };
    if args.select.selection().is_used() || !args.flags.0.is_empty() {
        let help = "pass --base <REVISION> to compare a project with another revision";
        return Err(Error::usage("options of renders can only be used with --base", help));
    }
    let diff = args.compare.settings().over(Some(&settings.file.diff(None)));
    run.set_gate(diff.gate());
    let name = head.file_stem().unwrap_or(head.as_os_str()).to_string_lossy();
    let input = |path| DiffInput { path, reach };
    run.compare(&name, input(base), input(head), &diff.options(), console)
}

/// Compares a project or entries of the configuration with another revision.
fn compare_revision(
    args: &Args,
    revision: &str,
    settings: &Settings,
    run: &mut DiffRun,
    console: &mut Console,
) -> Result<(), Error> {
    if args.paths.len() > 1 {
        return Err(Error::usage("--base compares one project", "pass one directory, or --all"));
    }
    let selection = args.select.selection();
    let entries = if selection.is_used() { selection.entries(settings)? } else { Vec::new() };
    if selection.is_used() && entries.is_empty() {
        console.note(&selection.nothing(settings));
        return Ok(());
    }
    let base = render_spec(args);
    let given = &args.flags.0;
    let overrides = args.compare.settings();
    ProjectDiff { settings, revision, base, given, entries, overrides }.run(run, console)
}

/// Prints a line for each comparison, and its details.
fn print(result: &DiffResult, console: &mut Console) {
    for comparison in &result.outcome.comparisons {
        // A name cannot begin another line.
        let summary = comparison.summary.replace(['\n', '\r'], " ");
        console.result(&format!("{}\n", plain(&summary)));
        for range in comparison.picture.iter().flat_map(|picture| &picture.ranges) {
            let boxes = range.boxes.iter().map(|around| {
                let crate::app::outcome::DiffBox { x, y, width, height } = around;
                format!("{width}x{height}+{x}+{y}")
            });
            let boxes = boxes.collect::<Vec<_>>().join(" ");
            console.result(&format!(
                "  {:>7.2}–{:.2} s  {:<7}  up to {:.1} levels  {boxes}\n",
                range.start,
                range.end,
                range.kind,
                range.instant.max(range.sustained),
            ));
        }
        for note in &comparison.notes {
            console.note(note);
        }
    }
    if let Some(report) = &result.outcome.report {
        console.done(&format!("report: {}", report.page.display()));
    }
}
