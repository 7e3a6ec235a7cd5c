//! The end of one render: reported, and as a value.

use crate::app::budget::Billed;
use crate::app::outcome::{DetailOutcome, OwnRender, RenderOutcome, RenderView, VideoOutcome};
use crate::fault::Error;
use crate::renderers::{Description, OrderResult, OrderState, RunTotals, SavedVideo};
use crate::system::interrupt;
use crate::ui::{Console, bytes, plain};

/// An order that has ended.
pub(super) struct Finished {
    pub(super) result: OrderResult,
    pub(super) totals: RunTotals,
    pub(super) renderer: &'static Description,
    /// Whether a video that is not as it was asked for is an error.
    pub(super) must_match: bool,
}

impl Finished {
    /// Says how it ended.
    ///
    /// # Errors
    /// Returns the reason where there is no video.
    pub(super) fn report(self, console: &mut Console) -> Result<RenderOutcome, Error> {
        let Self { result, totals, renderer, must_match } = self;
        let key = result.identity.as_ref().map(|identity| identity.key(result.generation).to_string());
        let mut outcome = RenderOutcome {
            render: RenderView::Own(OwnRender::default()),
            asset_id: result.asset_id,
            reused: result.is_reused,
            key,
            output_path: None,
            bytes_written: None,
            video: None,
            project: None,
            cost_usd: totals.cost_usd,
            label: renderer.label,
            thumbnail_url: None,
            billed: Billed::default(),
            mismatch: None,
        };
        let render_id = result.render_id.clone().unwrap_or_default();
        let is_known = result.detail.is_some();
        match result.detail {
            Some(detail) => {
                if let OrderState::Failed { .. } = &result.state {
                    // The last known state is a result: scripts read it whether or not the job was done.
                    console.result(&format!("{} {}\n", plain(&detail.render_id), plain(&detail.status)));
                    console.outcome(&DetailOutcome { render: detail.redacted() });
                }
                outcome.thumbnail_url.clone_from(&detail.thumbnail_url);
                outcome.render = RenderView::Api(Box::new(detail.redacted()));
            }
            None => {
                outcome.render = RenderView::Own(OwnRender {
                    status: "queued",
                    render_id: result.render_id,
                    ..OwnRender::default()
                });
            }
        }
        let video = match result.state {
            OrderState::Failed { error, .. } => return Err(error),
            OrderState::Completed(video) => video,
            OrderState::Submitted => None,
        };
        // Nothing is left to resume.
        interrupt::set_resume_hint(None);
        let Some(SavedVideo { path, size, verified }) = video else {
            if renderer.is_billed && !outcome.reused {
                outcome.billed.add(None, result.resolution);
            }
            if is_known {
                console.done(&format!("{render_id} is complete"));
            } else {
                console.done(&format!("Submitted {render_id}"));
                console.detail(&format!("fetch it with: hyperframes-ci get {render_id} --wait"));
            }
            return Ok(outcome);
        };
        if !is_known {
            outcome.render = RenderView::Own(OwnRender {
                renderer: Some(renderer.name),
                status: "completed",
                format: Some(result.format.to_string()),
                render_id: (!render_id.is_empty()).then_some(render_id),
                resolution: result.resolution.map(|resolution| resolution.to_string()),
            });
        }
        if renderer.is_billed && !outcome.reused {
            outcome.billed.add(verified.duration(), result.resolution);
        }
        if !must_match {
            verified.warn(console);
        }
        let how = match totals.cost_usd {
            Some(_) if outcome.reused => "reused, ".to_owned(),
            Some(cost) => format!("about ${cost:.4}, "),
            None => String::new(),
        };
        console.done(&format!("{} ({how}{}{verified})", path.display(), bytes(size)));
        if outcome.reused && is_known {
            console.detail("nothing was uploaded, nothing was submitted");
        }
        outcome.mismatch = verified.insist().err().filter(|_| must_match);
        let (video, mismatches) = verified.into_parts();
        outcome.video = Some(VideoOutcome { video, mismatches });
        outcome.output_path = Some(path);
        outcome.bytes_written = Some(size);
        Ok(outcome)
    }
}
