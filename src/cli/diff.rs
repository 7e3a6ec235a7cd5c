//! `hyperframes-ci diff`

use std::path::PathBuf;

use hyperframes_ci_core::diff::{FailOn, Region, Sensitivity, Thresholds};

use super::values;
use super::workspace::workspace;
use crate::app::diff::{DiffInput, DiffOptions, DiffResult, DiffRun};
use crate::fault::Error;
use crate::system::gate::Reach;
use crate::ui::{Console, plain};

/// Compare two videos and show what differs
///
/// Frames are compared by the mean of blocks, so that the noise of encoders is not reported and a single letter or a move
/// by one pixel is. Needs FFmpeg, unless both files are identical.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Earlier video
    base: PathBuf,
    /// Later video
    head: PathBuf,
    /// Directory for a report: a page for browsers, and pictures
    #[arg(long, value_name = "DIR")]
    report: Option<PathBuf>,
    #[command(flatten)]
    compare: CompareArgs,
}

/// How videos are compared.
#[derive(Debug, clap::Args)]
pub(super) struct CompareArgs {
    /// Differences that fail with exit code 7: never, changed or any [default: never]
    ///
    /// `changed` allows faint differences, `any` does not.
    #[arg(long, value_name = "WHEN", value_parser = values::fail_on(), hide_possible_values = true)]
    fail_on_diff: Option<FailOn>,
    /// Region that is not compared: X,Y,WIDTHxHEIGHT@FROM-TO: REASON; may be repeated
    ///
    /// The rectangle is in pixels, or percent with `%`; the times are in seconds. Both can be omitted, such as
    /// `0,0,100%x40` or `@1.5-3: animated background`.
    #[arg(long, value_name = "REGION")]
    ignore: Vec<Region>,
    /// How small a difference is reported: low, normal or high [default: normal]
    #[arg(long, value_name = "LEVEL", value_parser = values::sensitivity(), hide_possible_values = true)]
    sensitivity: Option<Sensitivity>,
    /// Threshold for a block in a frame, in levels of 0 to 255 [default: 6.0]
    #[arg(long, value_name = "LEVELS", value_parser = values::positive_number)]
    instant: Option<f64>,
    /// Threshold for the mean of a block over 15 frames, in levels [default: 2.2]
    #[arg(long, value_name = "LEVELS", value_parser = values::positive_number)]
    sustained: Option<f64>,
    /// Threshold for levels of the sound, in dB [default: 0.5]
    #[arg(long, value_name = "DB", value_parser = values::positive_number)]
    sound: Option<f64>,
}

impl CompareArgs {
    fn options(&self) -> DiffOptions {
        let normal = Thresholds::from(self.sensitivity.unwrap_or(Sensitivity::Normal));
        let thresholds = Thresholds {
            instant: self.instant.unwrap_or(normal.instant),
            sustained: self.sustained.unwrap_or(normal.sustained),
            sound: self.sound.unwrap_or(normal.sound),
        };
        DiffOptions { thresholds, ignore: self.ignore.clone() }
    }
}

pub(super) fn run(args: &Args, console: &mut Console) -> Result<(), Error> {
    let reach = Reach::of_user(workspace().as_deref());
    let input = |path| DiffInput { path, reach: &reach };
    let name = args.head.file_stem().unwrap_or(args.head.as_os_str()).to_string_lossy();
    let mut run = DiffRun::new(args.report.as_deref(), &reach);
    run.compare(&name, input(&args.base), input(&args.head), &args.compare.options(), console)?;
    let result = run.finish()?;
    print(&result, console);
    console.outcome(&result.outcome);
    result.verdict(args.compare.fail_on_diff.unwrap_or(FailOn::Never))
}

/// Prints a line for each comparison, and its details.
fn print(result: &DiffResult, console: &mut Console) {
    for comparison in &result.outcome.comparisons {
        console.result(&format!("{}\n", plain(&comparison.summary)));
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
