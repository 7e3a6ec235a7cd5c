//! The one loop: asks the job for a step, writes its fact down, performs its action, hands back what came of it.

use std::path::PathBuf;
use std::time::Instant;

use hyperframes_ci_core::api::RenderDetail;
use hyperframes_ci_core::job::{Action, Event, Fact, Job, Origin, Outcome, Pause, RenderKey, Retry, Stage};
use hyperframes_ci_core::report::plain;
use hyperframes_ci_core::video::Expected;

use super::failure::resume_command;
use crate::fault::Error;
use crate::heygen::download::Download;
use crate::heygen::transport::Transport;
use crate::project::pack::Packed;
use crate::renderers::cloud::ledger::LedgerFile;
use crate::renderers::verify;
use crate::renderers::verify::Verified;
use crate::system::interrupt;
use crate::system::output::OutputError;
use crate::ui::{Console, bytes};

/// What a job works with.
pub(crate) struct Means<'a> {
    /// The way to the server.
    pub(crate) transport: &'a Transport,
    /// What is uploaded, where something is.
    pub(crate) archive: Option<&'a Packed>,
    /// Where the video goes, where it goes anywhere.
    pub(crate) target: Option<Download>,
    /// Where it is written down what has been paid for.
    pub(crate) ledger: Option<LedgerFile>,
    /// What the video is held against.
    pub(crate) expected: Expected,
    /// Whether a mismatch is an error.
    pub(crate) is_strict: bool,
}

/// What a job came to.
#[derive(Debug)]
pub(crate) struct Finished {
    /// The render.
    pub(crate) render_id: String,
    /// Where it comes from.
    origin: Option<Origin>,
    /// The render, as the server tells it; not known where it was just submitted and nobody waits.
    detail: Option<Box<RenderDetail>>,
    /// Its key, where it has one.
    key: Option<RenderKey>,
    /// The uploaded archive, where there was one.
    asset_id: Option<String>,
    /// The video, its size in bytes, and what it is, where it was downloaded.
    video: Option<(PathBuf, u64, Verified)>,
    is_strict: bool,
}

/// Performs `job` to its end.
///
/// # Errors
/// The job's failure, or what the disk refused at last.
pub(crate) fn run(mut job: Job, mut means: Means<'_>, console: &mut Console) -> Result<Finished, Error> {
    let began = Instant::now();
    let mut event = Event::Start;
    let mut teller = Teller::default();
    loop {
        let step = job.step(event, began.elapsed());
        if let Some(fact) = step.fact {
            remember(&mut means.ledger, fact, console);
        }
        if let Some(notice) = step.notice {
            console.warning(&notice);
        }
        teller.tell(&job, &step.action, console);
        event = match step.action {
            Action::Send(request) => {
                let uploading = means.archive.filter(|_| job.stage() == Stage::Upload);
                let mut source = match uploading.map(Packed::open).transpose() {
                    Ok(source) => source,
                    Err(error) => {
                        return Err(OutputError::NotKept(format!("the archive is gone: {error}")).into());
                    }
                };
                let mut progress = |sent: u64| {
                    if let Some(packed) = uploading {
                        console.progress("uploading", sent, packed.size, true);
                    }
                };
                let source = source.as_mut().map(|file| file as &mut dyn crate::heygen::transport::Replay);
                match means.transport.send(&request, source, &mut progress) {
                    Ok(response) => Event::Answered(response),
                    Err(message) => Event::Unreachable(message),
                }
            }
            Action::Sleep(pause) => {
                std::thread::sleep(pause.delay);
                Event::Woke
            }
            Action::Save(url) => match means.target.as_mut() {
                Some(target) => {
                    let mut progress = |received, total: Option<u64>| {
                        console.progress("downloading", received, total.unwrap_or(received), true);
                    };
                    match target.fetch(means.transport, &url, &mut progress) {
                        Ok(()) => Event::Saved,
                        Err(error) => Event::NotSaved(error),
                    }
                }
                None => Event::Saved,
            },
            Action::Done(outcome) => {
                console.end_bar();
                return finish(outcome, &job, means);
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

/// Writes a fact down. A ledger that fails now costs the next run a search, not this one its render.
fn remember(ledger: &mut Option<LedgerFile>, fact: Fact, console: &mut Console) {
    if let Some(Err(error)) = ledger.as_mut().map(|ledger| ledger.append(fact)) {
        console.warning(&format!("{error}; the account's list is all that the next run can go by"));
        *ledger = None;
    }
}

fn finish(outcome: Outcome, job: &Job, means: Means<'_>) -> Result<Finished, Error> {
    let (render_id, detail) = match outcome {
        Outcome::Submitted { render_id } => (render_id, None),
        Outcome::Completed(detail) => (detail.render_id.clone(), Some(detail)),
    };
    let mut video = None;
    if let (Some(detail), Some(target)) = (&detail, means.target) {
        // A placeholder is as long and as large as it is, whatever was asked for.
        let is_placeholder = detail.other.get("placeholder").is_some_and(|value| value == true);
        let expected = if is_placeholder { Expected::default() } else { means.expected };
        let verified = verify::verify(target.output().temporary_path(), &expected);
        let (path, size) = target.keep(&file_name(detail))?;
        video = Some((path, size, verified));
    }
    let origin = job.render().map(|(_, origin)| origin);
    let asset_id = job.asset_id().map(str::to_owned);
    // Nothing is left to resume.
    interrupt::set_resume_hint(None);
    let is_strict = means.is_strict;
    Ok(Finished { render_id, origin, detail, key: job.key(), asset_id, video, is_strict })
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

/// Says what is new about a job.
#[derive(Default)]
struct Teller {
    /// Stages that were entered.
    entered: Vec<Stage>,
    render: Option<String>,
    asset: Option<String>,
}

impl Teller {
    fn tell(&mut self, job: &Job, action: &Action, console: &mut Console) {
        self.tell_asset(job, console);
        self.tell_render(job, console);
        match action {
            Action::Send(_) => self.enter(job.stage(), console),
            Action::Save(_) => self.enter(Stage::Download, console),
            Action::Sleep(Pause { retry: Some(retry), delay }) => {
                console.end_bar();
                let Retry { stage, reason, attempt, of, left, .. } = retry;
                let left = left.as_secs().div_ceil(60);
                let of = of.map(|of| format!(" of {of}")).unwrap_or_default();
                console.detail(&format!(
                    "the {stage} is tried again in {:.1} s (try {attempt}{of}, {left} min left): {reason}",
                    delay.as_secs_f32(),
                ));
            }
            Action::Sleep(Pause { retry: None, .. }) => {
                if let Some(detail) = job.detail() {
                    console.status(&detail.status);
                }
            }
            Action::Fail(failure) => interrupt::set_resume_hint(resume_command(failure)),
            Action::Done(_) => {}
        }
    }

    /// Gives a stage its heading, once, and says what an interruption would leave behind.
    fn enter(&mut self, stage: Stage, console: &mut Console) {
        if self.entered.contains(&stage) {
            return;
        }
        self.entered.push(stage);
        let heading = match stage {
            Stage::CreateUpload => Some("Uploading"),
            Stage::Submit => Some("Rendering"),
            Stage::Download => Some("Downloading"),
            Stage::Lookup | Stage::Balance | Stage::Upload | Stage::CompleteUpload | Stage::Poll => None,
        };
        if let Some(heading) = heading {
            console.step(heading);
        }
        let hint = match stage {
            Stage::Lookup | Stage::Balance | Stage::CreateUpload => "nothing was submitted",
            Stage::Upload | Stage::CompleteUpload => {
                "nothing was submitted; the same command goes on where this one ended"
            }
            Stage::Submit => {
                "the render may have been submitted; the same command finds it, and submits no second one"
            }
            Stage::Poll | Stage::Download => return,
        };
        interrupt::set_resume_hint(Some(hint.to_owned()));
    }

    fn tell_asset(&mut self, job: &Job, console: &mut Console) {
        let Some(asset_id) = job.asset_id().filter(|id| self.asset.as_deref() != Some(*id)) else { return };
        self.asset = Some(asset_id.to_owned());
        console.end_bar();
        let by = if job.is_asset_reused() { ", uploaded by an earlier run" } else { "" };
        console.detail(&format!("asset {asset_id}{by}"));
    }

    fn tell_render(&mut self, job: &Job, console: &mut Console) {
        let Some((id, origin)) = job.render().filter(|(id, _)| self.render.as_deref() != Some(*id)) else {
            return;
        };
        self.render = Some(id.to_owned());
        console.end_bar();
        let by = match origin {
            Origin::Given | Origin::Submitted => "",
            Origin::Ledger => " of an earlier run, known from the ledger",
            Origin::Account => " of an earlier run, found in the account",
        };
        console.detail(&format!("render {id}{by}"));
        interrupt::set_resume_hint(Some(format!(
            "the render goes on; fetch it with: hyperframes-ci get {} --wait",
            plain(id)
        )));
    }
}

impl Finished {
    /// Where the video is.
    pub(crate) fn video_path(&self) -> Option<&std::path::Path> {
        self.video.as_ref().map(|(path, ..)| path.as_path())
    }

    /// A presigned URL of a picture; its query is a credential.
    pub(crate) fn thumbnail(&self) -> Option<&str> {
        self.detail.as_ref()?.thumbnail_url.as_deref()
    }

    /// Whether an earlier run paid for the render.
    pub(crate) fn is_reused(&self) -> bool {
        self.origin.is_some_and(Origin::is_reused)
    }

    /// The result for programs; URLs without their queries.
    pub(crate) fn to_json(&self) -> serde_json::Value {
        let render = match &self.detail {
            Some(detail) => serde_json::json!(detail.redacted()),
            None => serde_json::json!({ "render_id": self.render_id, "status": "queued" }),
        };
        let mut result = serde_json::json!({
            "render": render,
            "asset_id": self.asset_id,
            "reused": self.is_reused(),
        });
        if let Some(key) = &self.key {
            result["key"] = key.as_str().into();
        }
        if let Some((path, size, verified)) = &self.video {
            result["output_path"] = path.display().to_string().into();
            result["bytes_written"] = (*size).into();
            verified.write_to(&mut result);
        }
        result
    }

    /// Says how it ended.
    pub(crate) fn tell(&self, console: &mut Console) {
        match &self.video {
            Some((path, size, verified)) => {
                if !self.is_strict {
                    verified.warn(console);
                }
                console.done(&format!("{} ({}{verified})", path.display(), bytes(*size)));
                if self.is_reused() {
                    console.detail("nothing was uploaded, nothing was submitted");
                }
            }
            None if self.detail.is_some() => console.done(&format!("{} is complete", self.render_id)),
            None => {
                console.done(&format!("Submitted {}", self.render_id));
                console.detail(&format!("fetch it with: hyperframes-ci get {} --wait", self.render_id));
            }
        }
    }

    /// Whether the video is as it was asked for, where that must be.
    ///
    /// # Errors
    /// When something is not.
    pub(crate) fn insist(&self) -> Result<(), Error> {
        match &self.video {
            Some((_, _, verified)) if self.is_strict => verified.insist().map_err(Error::from),
            _ => Ok(()),
        }
    }
}
