//! The one loop: asks the job for an action, performs it, hands back what came of it.

use std::path::PathBuf;
use std::time::Instant;

use hyperframes_ci_core::{Action, Event, Job, Outcome, RenderDetail, Stage};

use crate::download::Target;
use crate::error::{Error, resume_command};
use crate::http::Transport;
use crate::interrupt;
use crate::pack::Packed;
use crate::report::{Console, bytes, plain};

/// What a job came to.
#[derive(Debug)]
pub(crate) enum Finished {
    /// Submitted; nobody waits.
    Submitted {
        /// The render.
        render_id: String,
        /// The uploaded archive, where there was one.
        asset_id: Option<String>,
    },
    /// Complete.
    Completed {
        /// The render, as the server tells it.
        detail: Box<RenderDetail>,
        /// The uploaded archive, where there was one.
        asset_id: Option<String>,
        /// The video and its size in bytes, where it was downloaded.
        video: Option<(PathBuf, u64)>,
    },
}

/// Performs `job` to its end.
///
/// # Errors
/// The job's failure, or what the disk refused at last.
pub(crate) fn run(
    mut job: Job,
    transport: &Transport,
    archive: Option<&Packed>,
    mut target: Option<Target>,
    console: &mut Console,
) -> Result<Finished, Error> {
    let began = Instant::now();
    let mut event = Event::Start;
    loop {
        let action = job.step(event, began.elapsed());
        announce(&job, &action, console);
        event = match action {
            Action::Send(request) => {
                let uploading = archive.filter(|_| job.stage() == Stage::Upload);
                let mut source = match uploading.map(Packed::open).transpose() {
                    Ok(source) => source,
                    Err(error) => return Err(Error::Output(format!("the archive is gone: {error}"))),
                };
                let mut progress = |sent: u64| {
                    if let Some(packed) = uploading {
                        console.progress("uploading", sent, packed.size, true);
                    }
                };
                let source = source.as_mut().map(|file| file as &mut dyn crate::http::Replay);
                match transport.send(&request, source, &mut progress) {
                    Ok(response) => Event::Answered(response),
                    Err(message) => Event::Unreachable(message),
                }
            }
            Action::Sleep(delay) => {
                std::thread::sleep(delay);
                Event::Woke
            }
            Action::Save(url) => match target.as_mut() {
                Some(target) => {
                    let mut progress = |received, total: Option<u64>| {
                        console.progress("downloading", received, total.unwrap_or(received), true);
                    };
                    match target.download(transport, &url, &mut progress) {
                        Ok(()) => Event::Saved,
                        Err(error) => Event::NotSaved(error),
                    }
                }
                None => Event::Saved,
            },
            Action::Done(outcome) => {
                console.end_bar();
                return finish(outcome, &job, target);
            }
            Action::Fail(failure) => {
                console.end_bar();
                if let Some(detail) = &failure.detail {
                    // The last known state is a result: scripts read it whether or not the job was done.
                    let state = format!("{} {}\n", plain(&detail.render_id), plain(&detail.status));
                    console.result(&state);
                    console.json(&serde_json::json!({ "render": detail.redacted() }));
                }
                return Err(failure.into());
            }
        };
    }
}

fn finish(outcome: Outcome, job: &Job, target: Option<Target>) -> Result<Finished, Error> {
    let asset_id = job.asset_id().map(str::to_owned);
    match outcome {
        Outcome::Submitted { render_id } => Ok(Finished::Submitted { render_id, asset_id }),
        Outcome::Completed(detail) => {
            let name = file_name(&detail);
            let video = target.map(|target| target.keep(&name)).transpose().map_err(Error::Output)?;
            Ok(Finished::Completed { detail, asset_id, video })
        }
    }
}

/// `<render id>.<format>`, with nothing in it that could be another folder: both come from the server.
fn file_name(detail: &RenderDetail) -> String {
    let safe = |text: &str| {
        let kept = |character: &char| character.is_ascii_alphanumeric() || "-_".contains(*character);
        text.chars().filter(kept).collect::<String>()
    };
    let format = safe(detail.format.as_deref().unwrap_or("mp4"));
    format!("{}.{format}", safe(&detail.render_id))
}

/// Says what is new about the job.
fn announce(job: &Job, action: &Action, console: &mut Console) {
    match (action, job.stage()) {
        (Action::Send(_), Stage::Poll) => {
            if let Some(render_id) = job.render_id().filter(|_| job.detail().is_none()) {
                interrupt::set_resume_hint(Some(format!(
                    "the render goes on; fetch it with: hyperframes-ci get {} --wait",
                    plain(render_id)
                )));
                console.detail(&format!("render {render_id}"));
            }
        }
        (Action::Send(_), Stage::Submit) => {
            console.end_bar();
            if let Some(asset_id) = job.asset_id() {
                console.detail(&format!("asset {asset_id}"));
            }
            console.step("Rendering");
        }
        (Action::Sleep(delay), stage) if job.attempt() > 0 => {
            let text = format!(
                "the {stage} is tried again in {:.1} s (try {})",
                delay.as_secs_f32(),
                job.attempt() + 1
            );
            console.detail(&text);
        }
        (Action::Sleep(_), Stage::Poll) => {
            if let Some(detail) = job.detail() {
                console.status(&detail.status);
            }
        }
        (Action::Save(_), _) => {
            console.end_bar();
            console.step("Downloading");
        }
        (Action::Fail(failure), _) => {
            interrupt::set_resume_hint(resume_command(failure));
        }
        _ => {}
    }
}

impl Finished {
    /// The result for programs; URLs without their queries.
    pub(crate) fn to_json(&self) -> serde_json::Value {
        match self {
            Self::Submitted { render_id, asset_id } => serde_json::json!({
                "render": { "render_id": render_id, "status": "queued" },
                "asset_id": asset_id,
            }),
            Self::Completed { detail, asset_id, video } => {
                let mut result = serde_json::json!({ "render": detail.redacted(), "asset_id": asset_id });
                if let Some((path, size)) = video {
                    result["output_path"] = path.display().to_string().into();
                    result["bytes_written"] = (*size).into();
                }
                result
            }
        }
    }

    /// Says how it ended.
    pub(crate) fn tell(&self, console: &mut Console) {
        match self {
            Self::Submitted { render_id, .. } => {
                console.done(&format!("Submitted {render_id}"));
                console.detail(&format!("fetch it with: hyperframes-ci get {render_id} --wait"));
            }
            Self::Completed { video: Some((path, size)), .. } => {
                console.done(&format!("{} ({})", path.display(), bytes(*size)));
            }
            Self::Completed { detail, .. } => console.done(&format!("{} is complete", detail.render_id)),
        }
    }
}
