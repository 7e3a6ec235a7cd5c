//! The results of a run for programs: `report.json`, the summary of the job, and the outputs of the step.

use std::path::{Path, PathBuf};

use hyperframes_ci_core::diff::Status;
use serde_json::{Value, json};

use super::error::ActionError;
use super::inputs::Inputs;
use super::mode::Mode;
use super::page;
use super::preview::Preview;
use super::report;
use super::review::REPORT;
use super::scope::Scope;
use crate::app::outcome::{CheckOutcome, DiffOutcome, Outcome};
use crate::ci::{CiProvider, Event};
use crate::fault::Error;
use crate::system::output;

/// The name of the file that describes how the videos of a release were rendered.
pub(super) const PROVENANCE: &str = "provenance.json";

/// The results of a run.
#[derive(Clone, Copy)]
pub(super) struct Results<'a> {
    pub(super) mode: Mode,
    pub(super) event: &'a Event,
    pub(super) scope: &'a Scope,
    pub(super) previews: &'a [Preview],
    /// The comparisons with the base, if there are any.
    pub(super) compared: Option<&'a DiffOutcome>,
    /// Notes for the summary.
    pub(super) notes: &'a [String],
    /// URL of the comment on the pull request.
    pub(super) comment_url: Option<&'a str>,
    /// URLs of files that were attached to a release.
    pub(super) asset_urls: &'a [String],
    /// URLs of the published projects by their directories.
    pub(super) project_urls: &'a Value,
    /// Name of the artifact of this run; empty if it has none.
    pub(super) artifact_name: &'a str,
}

/// Writes `report.json`, the summary and the outputs.
///
/// # Errors
/// Returns an error if a file of the output directory or the runner cannot be written.
pub(super) fn write_results(
    results: Results<'_>,
    inputs: &Inputs,
    provider: &dyn CiProvider,
) -> Result<(), Error> {
    let Results { mode, event, scope, previews, compared, notes, comment_url, .. } = results;
    let Results { asset_urls, project_urls, artifact_name, .. } = results;
    let renders = Value::Array(previews.iter().map(Preview::to_json).collect());
    let report = json!({
        "event": event.name,
        "mode": mode.to_string(),
        "results": renders,
        "diff": compared,
        "unchanged": scope.unchanged,
        "media": scope.media,
        "findings": CheckOutcome::from(&scope.findings),
        "comment_url": comment_url,
        "asset_urls": asset_urls,
        "project_urls": project_urls,
    });
    let path = write_report(&inputs.output_dir, &report)?;
    provider.summary(&report::summary(scope, previews, notes, event)).map_err(ActionError::from)?;
    let artifact_path = match artifact_name {
        "" => String::new(),
        _ => artifact_path(previews, inputs, &path),
    };
    let outputs = [
        ("results", renders.to_string()),
        ("changed", compared.map(|compared| is_changed(compared).to_string()).unwrap_or_default()),
        ("diff-results", compared.map(|compared| json!(compared).to_string()).unwrap_or_default()),
        ("comment-url", comment_url.unwrap_or_default().to_owned()),
        ("asset-urls", json!(asset_urls).to_string()),
        ("project-urls", project_urls.to_string()),
        ("report-path", path.display().to_string()),
        ("artifact-path", artifact_path.clone()),
        ("artifact-name", if artifact_path.is_empty() { String::new() } else { artifact_name.to_owned() }),
    ];
    set_outputs(provider, video_outputs(previews).into_iter().chain(outputs))
}

/// Writes the report, and returns its path.
///
/// # Errors
/// Returns an error if it cannot be written.
pub(super) fn write_report(folder: &Path, report: &Value) -> Result<PathBuf, Error> {
    Ok(output::write(folder, "report.json", format!("{report:#}\n").as_bytes())?)
}

/// Sets outputs of the step.
///
/// # Errors
/// Returns an error if the service does not take them.
pub(super) fn set_outputs(
    provider: &dyn CiProvider,
    outputs: impl IntoIterator<Item = (&'static str, String)>,
) -> Result<(), Error> {
    for (name, value) in outputs {
        provider.output(name, &value).map_err(ActionError::from)?;
    }
    Ok(())
}

/// Returns whether a video differs from that of the base, or may do so: what could not be compared is not unchanged.
fn is_changed(compared: &DiffOutcome) -> bool {
    compared.comparisons.iter().any(|comparison| comparison.status != Status::Unchanged.as_str())
}

/// Returns the outputs about the first video; they are empty if there is none.
fn video_outputs(previews: &[Preview]) -> [(&'static str, String); 5] {
    let first = previews.iter().find(|preview| preview.video().is_some());
    let outcome = first.and_then(Preview::outcome);
    let render_id = match outcome {
        Some(Outcome::Render(render)) => render.render.id(),
        _ => None,
    };
    let digest = match outcome {
        Some(Outcome::Render(render)) => render.project.as_ref().map(|project| project.digest.clone()),
        Some(Outcome::Batch(batch)) => Some(batch.digest.clone()),
        Some(Outcome::DryRun(dry)) => Some(dry.archive.digest.clone()),
        None => None,
    };
    let path = first.and_then(Preview::video);
    let duration = first.and_then(Preview::rendered).and_then(|rendered| rendered.figures.duration);
    [
        ("render-id", render_id.unwrap_or_default().to_owned()),
        ("video-path", path.map(|path| path.display().to_string()).unwrap_or_default()),
        ("duration", duration.map(|seconds| json!(seconds).to_string()).unwrap_or_default()),
        ("digest", digest.unwrap_or_default()),
        ("reused", first.map(|preview| preview.is_reused().to_string()).unwrap_or_default()),
    ]
}

/// Returns what the artifact consists of: the output directory, or this run's files in it if others were there before,
/// such as files and links of the checkout; one a line, as patterns of the action that uploads them.
fn artifact_path(previews: &[Preview], inputs: &Inputs, report: &Path) -> String {
    if previews.is_empty() {
        return String::new();
    }
    if !inputs.has_foreign_files {
        return inputs.output_dir.display().to_string();
    }
    let provenance = inputs.output_dir.join(PROVENANCE);
    let provenance = provenance.is_file().then_some(provenance.as_path());
    let page = inputs.output_dir.join(REPORT).join("index.html");
    let has_comparison = previews.iter().any(|preview| preview.review.is_some());
    let page = has_comparison.then_some(page.as_path());
    let files = previews.iter().flat_map(Preview::files).chain([report]).chain(provenance).chain(page);
    // Source of the escapes: the README of @actions/glob.
    let preview_page = page::written(inputs);
    let escaped = files.chain(preview_page.as_deref()).map(|path| {
        let mut pattern = String::new();
        for character in path.display().to_string().chars() {
            match character {
                '*' | '?' | '[' => pattern.extend(['[', character, ']']),
                other => pattern.push(other),
            }
        }
        pattern
    });
    escaped.collect::<Vec<_>>().join("\n")
}
