//! Publishes the results of the triggering run (`workflow_run`): that of a fork's pull request, whose token is
//! read-only.
//!
//! The artifact of that run is untrusted. The pull request comes from the CI service; of the report, only numbers are
//! used unchanged, texts are escaped as code, and a file is published only if it is an image or a video, under a name
//! made of its digest. Nothing of the artifact is run.

use std::fs;
use std::path::Path;

use hyperframes_ci_core::video::{Signature, signature};
use serde_json::{Value, json};

use super::artifact;
use super::error::ActionError;
use super::figures::Figures;
use super::images::Images;
use super::inputs::Inputs;
use super::mode::Mode;
use super::outputs::{Results, write_results};
use super::preview::{Preview, PreviewState, RenderedPreview};
use super::projects::ProjectLinks;
use super::publish::ActionRun;
use super::review::{REPORT, Review};
use super::scope::Scope;
use crate::ci::{Artifact, CiProvider, Event, ProviderError, Subject, TriggeringRun};
use crate::fault::Error;
use crate::renderers;
use crate::system::gate::{self, Folder, Reach, limit};
use crate::system::unpack;
use crate::ui::{Console, counted};

/// Maximum number of compositions in a comment.
const MAX_PREVIEWS: usize = 200;

/// Maximum number of artifacts of a run: each is a section of the comment.
const MAX_ARTIFACTS: usize = 20;

/// Publishes the results of `run`, those of each job as a section of its own. If its commit has no open pull request or it has
/// no artifact, nothing is published.
///
/// # Errors
/// Returns an error if the CI service refuses a request, or the `report.json` of an artifact is missing or invalid. The others
/// are published nevertheless.
pub(super) fn publish(
    inputs: &Inputs,
    provider: &dyn CiProvider,
    run: &TriggeringRun,
    console: &mut Console,
) -> Result<(), Error> {
    Folder::of(&inputs.output_dir).map_err(|error| failed(error.to_string()))?;
    let request = provider.pull_request_of(run).map_err(ActionError::from)?;
    let is_wanted = |name: &str| artifact::is_of(&inputs.artifact, name);
    let artifacts = match &request {
        Some(request) if request.is_fork => {
            provider.artifacts_of(run, &is_wanted).map_err(ActionError::from)?
        }
        _ => Vec::new(),
    };
    let Some(request) = request.filter(|request| !request.is_fork || !artifacts.is_empty()) else {
        console.done("nothing to publish: the commit has no open pull request, or the run has no artifact");
        return Ok(());
    };
    if !request.is_fork {
        console.done(
            "nothing to publish: the pull request is not from a fork, and its own run publishes the previews",
        );
        return Ok(());
    }
    let event = Event {
        subject: Subject::PullRequest(request),
        run_url: provider.run_url(run),
        ..provider.event().clone()
    };
    let projects = ProjectLinks::default();
    let mut run =
        ActionRun { inputs, provider, mode: Mode::Preview, event: &event, part: None, projects, console };
    let (mut all, mut comment_url, mut problem) = (Part::default(), None, None);
    for (index, artifact) in artifacts.iter().take(MAX_ARTIFACTS).enumerate() {
        match Part::read(inputs, provider, artifact, index) {
            Ok(mut part) => {
                run.part = Some(artifact.name.clone());
                comment_url = run.publish(&part.scope, &mut part.previews, &mut part.notes).or(comment_url);
                all.append(part);
            }
            Err(error) => problem = problem.or(Some(error)),
        }
    }
    if let (Some(error), true) = (problem.take(), all.notes.is_empty()) {
        return Err(error);
    }
    let results = Results {
        mode: Mode::Preview,
        event: &event,
        scope: &all.scope,
        previews: &all.previews,
        compared: None,
        notes: &all.notes,
        comment_url: comment_url.as_deref(),
        asset_urls: &[],
        project_urls: &json!({}),
        artifact_name: "",
    };
    write_results(results, inputs, provider)?;
    problem.map_or(Ok(()), Err)
}

fn failed(message: String) -> Error {
    ActionError::from(ProviderError::Failed(message)).into()
}

/// What one job of the triggering run has left.
#[derive(Default)]
struct Part {
    scope: Scope,
    previews: Vec<Preview>,
    notes: Vec<String>,
}

impl Part {
    /// Downloads and reads an artifact.
    fn read(
        inputs: &Inputs,
        provider: &dyn CiProvider,
        artifact: &Artifact,
        index: usize,
    ) -> Result<Self, Error> {
        let archive = inputs.output_dir.join(format!("artifact-{index}.zip"));
        provider.download_artifact(artifact, &archive).map_err(ActionError::from)?;
        let folder = inputs.output_dir.join(format!("artifact-{index}"));
        let _ = fs::remove_dir_all(&folder);
        fs::create_dir(&folder).map_err(|error| failed(error.to_string()))?;
        unpack::unpack(&archive, &folder)
            .map_err(|error| failed(format!("cannot unpack the artifact: {error}")))?;
        let report = read_report(&folder.join("report.json"))
            .ok_or_else(|| failed("the artifact does not contain a valid report.json".to_owned()))?;
        let results = report["results"].as_array().into_iter().flatten();
        let previews = results.take(MAX_PREVIEWS).map(|result| preview_of(result, &folder)).collect();
        let unchanged = report["unchanged"].as_array().into_iter().flatten().filter_map(Value::as_str);
        let scope = Scope::unchanged(unchanged.take(MAX_PREVIEWS).map(str::to_owned).collect());
        let mut notes = vec!["Rendered from a fork, on a runner without access to secrets.".to_owned()];
        let count = |name: &str| report["findings"][name].as_u64().unwrap_or_default();
        if count("errors") + count("warnings") > 0 {
            let [errors, warnings] = [("errors", "error"), ("warnings", "warning")]
                .map(|(name, noun)| counted(usize::try_from(count(name)).unwrap_or(usize::MAX), noun));
            notes.push(format!("The checks found {errors} and {warnings}."));
        }
        Ok(Self { scope, previews, notes })
    }

    /// Adds the results of another job.
    fn append(&mut self, other: Self) {
        self.scope.unchanged.extend(other.scope.unchanged);
        self.previews.extend(other.previews);
        let new = other.notes.into_iter().filter(|note| !self.notes.contains(note)).collect::<Vec<_>>();
        self.notes.extend(new);
    }
}

/// Reads a report; returns `None` if it is too large or not a JSON object.
fn read_report(path: &Path) -> Option<Value> {
    let reach = Reach::inside(path.parent()?, "the artifact");
    let text = gate::read(path, &reach, limit::REPORT).ok()?;
    serde_json::from_slice::<Value>(&text).ok().filter(Value::is_object)
}

/// Converts a result of an untrusted report: takes numbers, known states, texts to escape, and files of the artifact.
fn preview_of(result: &Value, folder: &Path) -> Preview {
    let name = result["composition"].as_str().unwrap_or("?");
    let file = |name: &str| {
        let name = Path::new(result[name].as_str()?).file_name()?.to_owned();
        Some(folder.join(name)).filter(|path| is_media(path))
    };
    let number =
        |name: &str| result["video"][name].as_f64().filter(|number| number.is_finite() && *number < 1e6);
    let figures = Figures {
        width: number("width"),
        height: number("height"),
        fps: number("fps"),
        duration: number("duration"),
        is_reused: result["reused"] == true,
        label: renderers::local().description().label,
        ..Figures::default()
    };
    let state = match result["state"].as_str() {
        Some("failed") => PreviewState::Failed {
            message: result["message"].as_str().unwrap_or("the render failed").to_owned(),
            code: None,
            is_limit: false,
        },
        Some("invalid") => {
            let errors = result["errors"].as_u64().unwrap_or(1);
            PreviewState::Invalid(usize::try_from(errors).unwrap_or(usize::MAX))
        }
        _ => PreviewState::Rendered(Box::new(RenderedPreview {
            video: file("output_path"),
            figures,
            outcome: None,
        })),
    };
    let mut preview = Preview::new(name, state);
    preview.review = Review::of_report(&result["diff"], |name| {
        Some(folder.join(REPORT).join(name)).filter(|path| is_media(path))
    });
    preview.images = Images { poster: file("poster_path"), gif: file("gif_path") };
    preview
}

/// Returns whether a file is an image or video of the type that its extension says, by its first bytes.
fn is_media(path: &Path) -> bool {
    let reach = Reach::inside(path.parent().unwrap_or(Path::new("")), "the artifact");
    let head = gate::head(path, &reach, 16).unwrap_or_default();
    let head = head.as_slice();
    match path.extension().and_then(|extension| extension.to_str()) {
        Some("png") => head.starts_with(b"\x89PNG\r\n\x1a\n"),
        Some("gif") => head.starts_with(b"GIF8"),
        Some("mp4" | "mov") => signature(head) == Ok(Signature::IsoMedia),
        Some("webm") => signature(head) == Ok(Signature::Ebml),
        _ => false,
    }
}
