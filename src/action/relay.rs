//! Shows what another run has made: the run of a fork's pull request, which may not comment by itself.
//!
//! What that run left is the word of a stranger. The request comes from the service; of the report only numbers are taken
//! as they are, texts are shown as code, and a file is published if it is a picture or a video, under a name made of its
//! bytes. Nothing of it is run.

use std::fs;
use std::path::{Path, PathBuf};

use hyperframes_ci_core::video::{Signature, signature};
use serde_json::{Map, Value, json};

use super::film::Film;
use super::scope::Scope;
use super::{ActionError, Inputs, Mode, Work};
use crate::ci::{CiProvider, Event, ProviderError, Subject, TriggeringRun};
use crate::fault::Error;
use crate::system::unpack;
use crate::ui::Console;

/// A report that is larger is none, in bytes.
const LARGEST_REPORT: u64 = 4 * 1024 * 1024;

/// Films of a report that are shown.
const MOST_FILMS: usize = 200;

/// Shows what `run` has made.
///
/// # Errors
/// When the service refuses, or the artifact is no archive of ours.
pub(super) fn run(
    inputs: &Inputs,
    host: &dyn CiProvider,
    run: &TriggeringRun,
    console: &mut Console,
) -> Result<(), Error> {
    let failed = |message: String| Error::from(ActionError::Host(ProviderError::Failed(message)));
    fs::create_dir_all(&inputs.output_dir).map_err(|error| failed(error.to_string()))?;
    let archive = inputs.output_dir.join("artifact.zip");
    let request = host.pull_request_of(run, &inputs.artifact, &archive).map_err(ActionError::Host)?;
    let Some(request) = request else {
        console.done("there is no open pull request of that commit, or the run left nothing");
        return Ok(());
    };
    let folder = inputs.output_dir.join("artifact");
    let _ = fs::remove_dir_all(&folder);
    fs::create_dir(&folder).map_err(|error| failed(error.to_string()))?;
    unpack::unpack(&archive, &folder).map_err(|error| failed(format!("the artifact: {error}")))?;
    let report =
        report(&folder.join("report.json")).ok_or_else(|| failed("the artifact has no report".to_owned()))?;
    let results = report["results"].as_array().cloned().unwrap_or_default();
    let mut films = results.iter().take(MOST_FILMS).map(|result| film(result, &folder)).collect::<Vec<_>>();
    let unchanged = report["unchanged"].as_array().into_iter().flatten().filter_map(Value::as_str);
    let scope = Scope::of_names(unchanged.take(MOST_FILMS).map(str::to_owned).collect());
    let mut notes = vec!["Rendered on a runner without secrets, from a fork.".to_owned()];
    let count = |name: &str| report["findings"][name].as_u64().unwrap_or_default();
    if count("errors") + count("warnings") > 0 {
        notes.push(format!(
            "The checks found {} errors and {} warnings.",
            count("errors"),
            count("warnings")
        ));
    }
    let event =
        Event { subject: Subject::PullRequest(request), run_url: host.run_url(run), ..host.event().clone() };
    let mut work = Work { inputs, host, mode: Mode::Preview, event: &event, console };
    work.publish(&mut films, &mut notes);
    let url = work.comment(&scope, &films, &mut notes);
    work.tell(&scope, &films, &notes, url.as_deref(), &[])
}

fn report(path: &Path) -> Option<Value> {
    let is_small = fs::metadata(path).is_ok_and(|metadata| metadata.len() <= LARGEST_REPORT);
    let text = if is_small { fs::read(path).ok()? } else { return None };
    serde_json::from_slice::<Value>(&text).ok().filter(Value::is_object)
}

/// A film as a stranger's report has it, with nothing in it but numbers, words that we know, and texts to be shown.
fn film(result: &Value, folder: &Path) -> Film {
    let shown = result["composition"].as_str().unwrap_or("?");
    let file = |name: &str| {
        let name = Path::new(result[name].as_str()?).file_name()?.to_owned();
        Some(folder.join(name)).filter(is_media)
    };
    let numbers = ["width", "height", "fps", "duration"].map(|name| {
        let number = result["video"][name].as_f64().filter(|number| number.is_finite() && *number < 1e6);
        (name.to_owned(), json!(number))
    });
    let figures = json!({
        "reused": result["reused"] == true,
        "render": { "renderer": "local" },
        "video": Map::from_iter(numbers),
    });
    let message = match result["state"].as_str() {
        Some("failed") => Some(result["message"].as_str().unwrap_or("it failed").to_owned()),
        _ => None,
    };
    let errors = (result["state"] == "invalid").then(|| result["errors"].as_u64().unwrap_or(1));
    Film::relayed(
        shown,
        figures,
        message,
        errors,
        file("output_path"),
        [file("poster_path"), file("gif_path")],
    )
}

/// Whether a file is what its ending says, by its first bytes.
fn is_media(path: &PathBuf) -> bool {
    let mut head = [0; 16];
    let read = fs::File::open(path).and_then(|mut file| std::io::Read::read(&mut file, &mut head));
    let head = &head[..read.unwrap_or(0)];
    match path.extension().and_then(|ending| ending.to_str()) {
        Some("png") => head.starts_with(b"\x89PNG\r\n\x1a\n"),
        Some("gif") => head.starts_with(b"GIF8"),
        Some("mp4" | "mov") => signature(head) == Ok(Signature::IsoMedia),
        Some("webm") => signature(head) == Ok(Signature::Ebml),
        _ => false,
    }
}
