//! The state of one order in the cloud.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use hyperframes_ci_core::api::RenderDetail;
use hyperframes_ci_core::job::{
    Action, Event as JobEvent, Failure, FailureKind, Job, Outcome, Pause, RenderIdentity, SaveError, Stage,
    Step,
};
use hyperframes_ci_core::options::{Format, Resolution};
use hyperframes_ci_core::video::Expected;

use crate::fault::Error;
use crate::heygen::download::Download;
use crate::heygen::transport::Transport;
use crate::renderers::order::Output;
use crate::renderers::verify::verify;
use crate::renderers::{Event, Order, OrderResult, OrderState, RunContext, SavedVideo};
use crate::system::deadline::Deadline;

/// An order and its job.
pub(super) struct Task {
    index: u64,
    identity: Option<RenderIdentity>,
    resolution: Option<Resolution>,
    format: Format,
    path: Option<PathBuf>,
    expected: Expected,
    output: Output,
    download: Option<Download>,
    pub(super) job: Job,
    pub(super) began: Instant,
    /// Whether other orders wait for its upload.
    pub(super) is_leader: bool,
    /// Whether other tasks wait for its replacement of a refused asset.
    pub(super) is_replacing: bool,
    /// Whether it holds a permit to submit.
    pub(super) has_permit: bool,
    /// Whether its render was reported.
    is_submitted: bool,
    /// The stages, the asset and the render that were reported.
    stages: Vec<Stage>,
    asset: Option<String>,
    render: Option<String>,
}

impl Task {
    /// Creates a task for an order; its job has not started.
    pub(super) fn new(order: Order, job: Job, is_leader: bool) -> Self {
        Self {
            index: order.index,
            identity: order.identity,
            resolution: order.options.resolution,
            format: order.options.format.unwrap_or(Format::Mp4),
            path: order.output.path().map(ToOwned::to_owned),
            expected: order.expected,
            output: order.output,
            download: None,
            job,
            began: Instant::now(),
            is_leader,
            is_replacing: false,
            has_permit: true,
            is_submitted: false,
            stages: Vec::new(),
            asset: None,
            render: None,
        }
    }

    /// Passes an event to the job and returns its next step.
    pub(super) fn step(&mut self, event: JobEvent) -> Step {
        self.job.step(event, self.began.elapsed())
    }

    /// Returns the deadline of the job's current phase.
    pub(super) fn deadline(&self) -> Deadline {
        Deadline::after(self.job.time_left(self.began.elapsed()))
    }

    /// Returns the deadline of the download. The time that a row waits for a free thread does not count.
    pub(super) fn download_deadline(&self, context: &RunContext<'_>) -> Deadline {
        if context.is_batch { Deadline::after(context.options.max_wait) } else { self.deadline() }
    }

    /// Returns `until`, or the job's deadline if that is earlier; `None` if the deadline has passed.
    pub(super) fn within_limit(&self, until: Instant) -> Option<Instant> {
        match self.deadline().left() {
            Some(Duration::ZERO) => None,
            left => Some(left.map_or(until, |left| until.min(Instant::now() + left))),
        }
    }

    /// Ends the job with a timeout, instead of a delay that exceeds its time limit.
    pub(super) fn end_pause(&mut self) -> Step {
        let reason = "the server requested a delay that exceeds the time limit";
        self.step(JobEvent::Unreachable(reason.to_owned()))
    }

    /// Downloads the video from `url` to its output, until `deadline`.
    pub(super) fn save(
        &mut self,
        transport: &Transport,
        url: &str,
        deadline: Deadline,
        progress: &mut dyn FnMut(u64, Option<u64>),
    ) -> JobEvent {
        if self.download.is_none() {
            let output = std::mem::replace(&mut self.output, Output::None);
            match output.open() {
                Ok(Some(file)) => {
                    // The duration of a placeholder is fixed.
                    let detail = self.job.detail().filter(|detail| !detail.is_placeholder());
                    let duration = detail.and_then(|detail| detail.duration.as_ref()?.as_f64());
                    self.download = Some(Download::new(file).of_length(duration));
                }
                Ok(None) => return JobEvent::Saved,
                Err(error) => return JobEvent::NotSaved(SaveError::permanent(error.to_string())),
            }
        }
        match self.download.as_mut().map(|download| download.fetch(transport, url, deadline, progress)) {
            Some(Err(error)) => JobEvent::NotSaved(error),
            Some(Ok(())) | None => JobEvent::Saved,
        }
    }

    /// Returns the events since the last call, given the next `action`.
    pub(super) fn events(&mut self, action: &Action) -> Vec<Event> {
        let mut news = Vec::new();
        if let Some(id) = self.job.asset_id().filter(|id| self.asset.as_deref() != Some(*id)) {
            self.asset = Some(id.to_owned());
            news.push(Event::Asset { id: id.to_owned(), is_reused: self.job.is_asset_reused() });
        }
        if let Some((id, origin)) = self.job.render().filter(|(id, _)| self.render.as_deref() != Some(*id)) {
            self.render = Some(id.to_owned());
            news.push(Event::Render { id: id.to_owned(), origin });
        }
        let stage = match action {
            Action::Send(_) => Some(self.job.stage()),
            Action::Save(_) => Some(Stage::Download),
            _ => None,
        };
        if let Some(stage) = stage.filter(|stage| !self.stages.contains(stage)) {
            self.stages.push(stage);
            news.push(Event::Stage(stage));
        }
        match action {
            Action::Sleep(Pause { retry: Some(retry), delay }) => {
                news.push(Event::Retry { retry: retry.clone(), delay: *delay });
            }
            Action::Sleep(Pause { retry: None, .. }) => {
                news.extend(self.job.detail().map(|detail| Event::Status(detail.status.clone())));
            }
            _ => {}
        }
        news
    }

    /// Returns a result that reports the submission, the first time that the render is waited for.
    pub(super) fn submitted(&mut self) -> Option<OrderResult> {
        let is_new = !std::mem::replace(&mut self.is_submitted, true);
        is_new.then(|| self.result(OrderState::Submitted))
    }

    fn result(&self, state: OrderState) -> OrderResult {
        let render = self.job.render();
        OrderResult {
            index: self.index,
            identity: self.identity.clone(),
            generation: self.job.generation(),
            render_id: render.map(|(id, _)| id.to_owned()),
            asset_id: self.job.asset_id().map(str::to_owned),
            is_reused: render.is_some_and(|(_, origin)| origin.is_reused()),
            resolution: self.resolution,
            format: self.format,
            output: self.path.clone(),
            detail: None,
            state,
        }
    }

    /// Returns the result of a failed task.
    pub(super) fn broken(&self, error: Error) -> OrderResult {
        self.result(OrderState::Failed { error, is_fetchable: false })
    }

    /// Returns the result of a failed job.
    pub(super) fn failed(&self, failure: Box<Failure>) -> OrderResult {
        // The same command resumes an order that timed out or met an outage, with or without a render.
        let is_late = matches!(failure.kind, FailureKind::TimedOut { .. });
        let is_fetchable = failure.is_resumable() || is_late || failure.is_outage();
        let detail = failure.detail.clone().map(Box::new);
        let state = OrderState::Failed { error: failure.into(), is_fetchable };
        OrderResult { detail, ..self.result(state) }
    }

    /// Returns the result of a completed job; gives the video its final name.
    pub(super) fn done(mut self, outcome: Outcome) -> OrderResult {
        let detail = match outcome {
            Outcome::Submitted { .. } => return self.result(OrderState::Submitted),
            Outcome::Completed(detail) => detail,
        };
        let state = match self.download.take() {
            None => OrderState::Completed(None),
            Some(download) => match self.keep(download, &detail) {
                Ok(video) => OrderState::Completed(Some(video)),
                // The render is complete; only the file is missing.
                Err(error) => OrderState::Failed { error, is_fetchable: true },
            },
        };
        OrderResult { detail: Some(detail), ..self.result(state) }
    }

    fn keep(&self, download: Download, detail: &RenderDetail) -> Result<SavedVideo, Error> {
        // Duration and dimensions of a placeholder are fixed, whatever was requested.
        let nothing = Expected::default();
        let expected = if detail.is_placeholder() { &nothing } else { &self.expected };
        let verified = verify(download.output().temporary_path(), expected);
        let (path, size) = download.keep(&file_name(detail))?;
        Ok(SavedVideo { path, size, verified })
    }
}

/// Returns `<render id>.<format>` without characters that could lead to another folder: both come from the server.
fn file_name(detail: &RenderDetail) -> String {
    let safe = |text: &str| {
        let kept = |character: &char| character.is_ascii_alphanumeric() || "-_".contains(*character);
        text.chars().filter(kept).collect::<String>()
    };
    let format = safe(detail.format.as_deref().unwrap_or("mp4"));
    format!("{}.{format}", safe(&detail.render_id))
}
