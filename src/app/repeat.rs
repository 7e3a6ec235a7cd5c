//! The use case `render --repeat`: renders a project several times on this machine, and compares the videos.

use hyperframes_ci_core::diff::Status;
use hyperframes_ci_core::findings::{Diagnostic, Rule};

use super::diff::{Compared, DiffInput, DiffOptions, compare_files};
use super::outcome::{Outcome, RenderOutcome, RepeatComparison, RepeatOutcome};
use super::render::render;
use super::spec::RenderSpec;
use crate::fault::Error;
use crate::project::resolved_paths::ResolvedPaths;
use crate::system::gate::Reach;
use crate::system::temporary;
use crate::ui::{Console, counted, plain};

/// Rules about scripts whose results differ between runs, the most likely cause first.
const CAUSES: &[Rule] = &[Rule::NondeterministicScript, Rule::RealTimeAnimation];

/// Most causes that are printed.
const MAX_CAUSES: usize = 5;

/// Renders `spec` as often as it says, and compares each video with the first one, which is kept.
///
/// # Errors
/// Returns an error if a render fails or the videos cannot be compared. Differences are in the outcome.
pub(crate) fn render_repeatedly(spec: RenderSpec, console: &mut Console) -> Result<Outcome, Error> {
    let Some(renders) = spec.run.repeat else { return render(spec, console) };
    check(&spec)?;
    let folder = temporary::create_folder("hyperframes-ci-repeat-").map_err(|error| {
        Error::usage(format!("cannot write to the temporary directory: {error}"), "check the free space")
    })?;
    let reach = Reach::inside(folder.path(), "the temporary directory");
    let mut outcome = match render(spec.clone(), console)? {
        Outcome::Render(outcome) => outcome,
        other => return Ok(other),
    };
    let Some(first) = outcome.output_path.clone() else { return Ok(Outcome::Render(outcome)) };
    let options = DiffOptions::default();
    let mut comparisons = Vec::new();
    for number in 2..=renders {
        console.step(&format!("Rendering again ({number} of {renders})"));
        let path =
            folder.path().join(format!("{number}")).with_extension(first.extension().unwrap_or_default());
        let mut again = RenderSpec { output: Some(path.clone()), ..spec.clone() };
        again.reaches.insert("output", reach.clone());
        // The first video is not a part of the project.
        again.other_outputs = ResolvedPaths::new(std::iter::once(first.clone()));
        render(again, &mut console.for_entry(&format!("render {number}")))?;
        let first = DiffInput { path: &first, reach: &Reach::anywhere() };
        let compared = compare_files(first, DiffInput { path: &path, reach: &reach }, &options, console)?;
        comparisons.push(comparison(number, &compared, &options));
    }
    let causes = if comparisons.iter().all(|comparison| comparison.is_identical) {
        Vec::new()
    } else {
        causes(&outcome)
    };
    let repeat = RepeatOutcome { renders, comparisons, causes };
    print(&repeat, console);
    outcome.repeat = Some(repeat);
    Ok(Outcome::Render(outcome))
}

/// Checks that renders of `spec` can be compared.
fn check(spec: &RenderSpec) -> Result<(), Error> {
    let unsupported =
        |what: String| Err(Error::usage(format!("--repeat does not support {what}"), "remove one of them"));
    if spec.batch.rows.is_some() {
        return unsupported("--batch".to_owned());
    }
    if spec.is_dry_run {
        return unsupported("--dry-run".to_owned());
    }
    match spec.request.format {
        Some(format) if format.is_directory() => unsupported(format!("--format {format}")),
        _ => Ok(()),
    }
}

/// Describes how a render differs from the first one.
fn comparison(number: u32, compared: &Compared, options: &DiffOptions) -> RepeatComparison {
    let name = format!("render {number}");
    let outcome = compared.outcome(&name, options);
    let frames = outcome.frames.as_ref();
    RepeatComparison {
        render: number,
        is_identical: matches!(outcome.method, Some("files" | "packets")) && outcome.differences.is_empty(),
        is_visible: compared.diff.status != Status::Unchanged,
        frames: frames.map_or(0, |frames| frames.compared),
        frames_changed: frames.map_or(0, |frames| frames.changed + frames.faint),
        ranges: outcome.picture.map(|picture| picture.ranges).unwrap_or_default(),
        summary: outcome.summary,
    }
}

/// Returns the findings of the checks that explain why renders differ.
fn causes(outcome: &RenderOutcome) -> Vec<Diagnostic> {
    let found = outcome.project.iter().flat_map(|project| &project.diagnostics);
    let mut causes = found.filter(|found| CAUSES.contains(&found.rule)).cloned().collect::<Vec<_>>();
    causes.sort_by_key(|cause| CAUSES.iter().position(|rule| *rule == cause.rule));
    causes
}

/// Prints which renders differ, and why that may be.
fn print(repeat: &RepeatOutcome, console: &mut Console) {
    if repeat.comparisons.iter().all(|comparison| comparison.is_identical) {
        console.done(&format!("all {} are identical", counted(repeat.renders as usize, "render")));
        return;
    }
    for comparison in repeat.comparisons.iter().filter(|comparison| !comparison.is_identical) {
        if comparison.is_visible {
            console.warning(&comparison.summary);
        } else {
            console.note(&format!("render {}: differs less than encoders do", comparison.render));
        }
    }
    for cause in repeat.causes.iter().take(MAX_CAUSES) {
        let line = cause.position.map(|position| format!(":{}", position.line)).unwrap_or_default();
        console.detail(&format!("likely cause: {}{line}: {}", plain(&cause.path), plain(&cause.message)));
    }
    let more = repeat.causes.len().saturating_sub(MAX_CAUSES);
    if more > 0 {
        console.detail(&format!("and {more} more; see `hyperframes-ci check`"));
    }
}
