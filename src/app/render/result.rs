//! Reports the result of one render and converts it to an outcome.

use crate::app::budget::Billed;
use crate::app::outcome::{DetailOutcome, EngineOutcome, OwnRender, RenderOutcome, RenderView, VideoOutcome};
use crate::fault::Error;
use crate::renderers::{Description, OrderResult, OrderState, RunTotals, SavedVideo, get_command};
use crate::system::interrupt;
use crate::ui::{Console, bytes, plain};

/// An order that has ended.
pub(super) struct FinishedOrder {
    pub(super) result: OrderResult,
    pub(super) totals: RunTotals,
    pub(super) renderer: &'static Description,
    /// Whether a video that does not match the request is an error.
    pub(super) must_match: bool,
}

impl FinishedOrder {
    /// Reports the result on the console and converts it to an outcome.
    ///
    /// # Errors
    /// Returns the error of the order if it failed.
    pub(super) fn report(mut self, console: &mut Console) -> Result<RenderOutcome, Error> {
        let state = std::mem::replace(&mut self.result.state, OrderState::Submitted);
        let video = match state {
            OrderState::Failed { error, .. } => {
                self.report_last_status(console);
                return Err(error);
            }
            OrderState::Completed(video) => video,
            OrderState::Submitted => None,
        };
        // Nothing is left to resume.
        interrupt::set_resume_hint(None);
        let mut outcome = self.outcome(video.as_ref());
        match video {
            Some(video) => self.add_video(&mut outcome, video, console),
            None => self.report_without_video(console),
        }
        Ok(outcome)
    }

    /// Prints the last known status of a render that failed: scripts read it as a result.
    fn report_last_status(&self, console: &mut Console) {
        if let Some(detail) = &self.result.detail {
            console.result(&format!("{} {}\n", plain(&detail.render_id), plain(&detail.status)));
            console.outcome(&DetailOutcome { render: detail.redacted() });
        }
    }

    /// Returns the outcome without the description of the video.
    fn outcome(&self, video: Option<&SavedVideo>) -> RenderOutcome {
        let Self { result, totals, renderer, .. } = self;
        let key = result.identity.as_ref().map(|identity| identity.key(result.generation).to_string());
        let mut billed = Billed::default();
        if renderer.is_billed && !result.is_reused {
            billed.add(video.and_then(|video| video.verified.duration()), result.resolution);
        }
        RenderOutcome {
            render: self.render_view(video.is_some()),
            asset_id: result.asset_id.clone(),
            reused: result.is_reused,
            key,
            output_path: None,
            bytes_written: None,
            video: None,
            project: None,
            repeat: None,
            cost_usd: totals.cost_usd,
            engine: totals.engine.as_ref().map(EngineOutcome::of),
            label: renderer.label,
            thumbnail_url: result.detail.as_ref().and_then(|detail| detail.thumbnail_url.clone()),
            billed,
            mismatch: None,
        }
    }

    /// Describes the render: as the API does, or by what is known without it.
    fn render_view(&self, has_video: bool) -> RenderView {
        let Self { result, renderer, .. } = self;
        match &result.detail {
            Some(detail) => RenderView::Api(Box::new(detail.redacted())),
            None if has_video => RenderView::Own(OwnRender {
                renderer: Some(renderer.name),
                status: "completed",
                format: Some(result.format.to_string()),
                render_id: result.render_id.clone().filter(|render_id| !render_id.is_empty()),
                resolution: result.resolution.map(|resolution| resolution.to_string()),
            }),
            None => RenderView::Own(OwnRender {
                status: "queued",
                render_id: result.render_id.clone(),
                ..OwnRender::default()
            }),
        }
    }

    /// Reports a render whose video was not waited for.
    fn report_without_video(&self, console: &mut Console) {
        let render_id = self.result.render_id.as_deref().unwrap_or_default();
        if self.result.detail.is_some() {
            console.done(&format!("{render_id} is complete"));
        } else {
            console.done(&format!("Submitted {render_id}"));
            console.detail(&format!("download it with: {}", get_command(render_id)));
        }
    }

    /// Reports a saved video and adds its description to the outcome.
    fn add_video(&self, outcome: &mut RenderOutcome, video: SavedVideo, console: &mut Console) {
        let SavedVideo { path, size, verified } = video;
        if !self.must_match {
            verified.warn(console);
        }
        let cost = match self.totals.cost_usd {
            Some(_) if outcome.reused => "reused, ".to_owned(),
            Some(cost) => format!("about ${cost:.4}, "),
            None => String::new(),
        };
        console.done(&format!("{} ({cost}{}{verified})", path.display(), bytes(size)));
        if outcome.reused && self.result.detail.is_some() {
            console.detail("reused an earlier render; nothing was uploaded or submitted");
        }
        outcome.mismatch = verified.check().err().filter(|_| self.must_match);
        let (video, mismatches) = verified.into_parts();
        outcome.video = Some(VideoOutcome { video, mismatches });
        outcome.output_path = Some(path);
        outcome.bytes_written = Some(size);
    }
}
