//! From a render to its video: polls, and the download.

use std::time::Duration;

use super::state::{Call, Job, Question, State};
use super::{
    Action, FailureKind, Outcome, Pause, Remedy, RenderState, Retry, SaveError, Stage, poll_delay,
    retry_delay,
};
use crate::api::{RenderDetail, RenderStatus};

/// How often a download starts over with a fresh URL and gets no further, beyond the retries that the user set.
const FRESH_URLS: u32 = 3;

/// How long the URL of a completed render's video may be missing.
const VIDEO_URL_GRACE: Duration = Duration::from_secs(30);

impl Job {
    /// Handles a render from the list, which may lack members of a detail. The detail has the reason of a failure, and the
    /// last word on it.
    pub(super) fn seen(&mut self, id: String, detail: RenderDetail, now: Duration) -> Action {
        let needs_video = self.plan.wait.is_some_and(|wait| wait.download);
        let is_incomplete = match detail.status() {
            RenderStatus::Completed => needs_video && detail.video_url.is_none(),
            RenderStatus::Failed => true,
            _ => false,
        };
        if is_incomplete {
            return self.next(Call::Poll(id));
        }
        self.polled(detail, now)
    }

    pub(super) fn polled(&mut self, detail: RenderDetail, now: Duration) -> Action {
        self.attempt = 0;
        let Some(render) = self.render.clone() else {
            return self.fail(Stage::Poll, FailureKind::Malformed("no render is being followed".to_owned()));
        };
        self.missing = None;
        self.question = Question::Start;
        let is_first = self.detail.is_none();
        if let (true, true, Some(key)) = (is_first, self.is_of_another(&detail), &self.plan.keys.chosen) {
            let key = key.as_str().to_owned();
            // The next run must not use it for this identity.
            self.note_render(RenderState::Gone);
            self.render = None;
            return self.fail(Stage::Submit, FailureKind::KeyUsed(key));
        }
        if is_first && !self.is_acceptable(&detail, &render) {
            return self.skip(&detail, render, now);
        }
        let before = self.detail.replace(detail.clone()).map(|detail| detail.status());
        let status = detail.status();
        if status == RenderStatus::Unknown && !std::mem::replace(&mut self.is_status_reported, true) {
            self.notice = Some(format!(
                "the server reported the unknown status {:?}; assuming that the {} is still running",
                detail.status,
                self.plan.product.noun(),
            ));
        }
        if status.is_final() && before != Some(status) {
            // From here on it is the download that takes time.
            self.phase = Some(now);
            let is_failed = status == RenderStatus::Failed;
            self.note_render(if is_failed { RenderState::Failed } else { RenderState::Completed });
        }
        match (status, self.plan.wait) {
            (RenderStatus::Failed, _) => {
                self.fail(Stage::Poll, FailureKind::RenderFailed(detail.failure_reason()))
            }
            (RenderStatus::Completed, Some(wait)) if wait.download => match detail.video_url {
                Some(url) => {
                    self.state = State::Saving;
                    Action::Save(url)
                }
                // The URL may be signed a moment after the render is complete.
                None if self.time(now).0 < VIDEO_URL_GRACE => self.pause_poll(render.id, None, now),
                None => self.fail(Stage::Poll, FailureKind::NoVideo),
            },
            (RenderStatus::Completed, _) => Action::Done(Outcome::Completed(Box::new(detail))),
            (RenderStatus::Queued | RenderStatus::Rendering | RenderStatus::Unknown, Some(_)) => {
                if is_first && render.origin.is_reused() {
                    // It is known now, however it was found.
                    self.phase = Some(now);
                    self.note_render(RenderState::Submitted);
                }
                self.pause_poll(render.id, None, now)
            }
            (RenderStatus::Queued | RenderStatus::Rendering | RenderStatus::Unknown, None) => {
                Action::Done(Outcome::Submitted { render_id: render.id })
            }
        }
    }

    /// Waits for the next poll, or ends the waiting.
    pub(super) fn pause_poll(
        &mut self,
        render_id: String,
        retry: Option<(Duration, Retry)>,
        now: Duration,
    ) -> Action {
        let (waited, left) = self.time(now);
        let Some(wait) = self.plan.wait.filter(|_| !left.is_zero()) else {
            let is_complete = self.detail.as_ref().is_some_and(|detail| detail.status().is_final());
            let stage = if is_complete { Stage::Download } else { Stage::Poll };
            return self.fail(stage, self.timed_out(retry.map(|(_, retry)| retry.reason), now));
        };
        let at_least = retry.as_ref().map(|(delay, _)| *delay).unwrap_or_default();
        // The last poll comes at the end of the time, not after it.
        let delay = poll_delay(waited, wait.poll_interval).max(at_least).min(left);
        self.pause(Call::Poll(render_id), Pause { delay, retry: retry.map(|(_, retry)| retry) })
    }

    pub(super) fn not_saved(&mut self, error: SaveError, now: Duration) -> Action {
        self.failed_saves = if error.progressed { 1 } else { self.failed_saves + 1 };
        let most = match error.remedy {
            Remedy::Retry => self.plan.max_retries.saturating_add(FRESH_URLS),
            // One that has just been made and is refused as well is not refused for its age.
            Remedy::FreshUrl => 1,
            Remedy::None => 0,
        };
        let (_, left) = self.time(now);
        if left.is_zero() && error.remedy != Remedy::None {
            return self.fail(Stage::Download, self.timed_out(Some(error.message), now));
        }
        let Some(render) = self.render.clone().filter(|_| self.failed_saves <= most) else {
            return self.fail(Stage::Download, FailureKind::NotSaved(error.message));
        };
        // The detail is fetched again for a fresh URL; the first time at once, since URLs simply expire.
        self.attempt = 0;
        let call = Call::Poll(render.id);
        let (attempt, of) = (self.failed_saves + 1, Some(most.saturating_add(1)));
        let delay = match self.failed_saves {
            1 => Duration::ZERO,
            failed => retry_delay(failed - 1, None, self.plan.seed).min(left),
        };
        let (stage, reason) = (Stage::Download, error.message);
        let retry = Retry { stage, reason, attempt, of, left };
        self.pause(call, Pause { delay, retry: Some(retry) })
    }
}
