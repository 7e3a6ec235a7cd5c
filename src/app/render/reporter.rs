//! Reports the progress of one render on the console.

use hyperframes_ci_core::job::{Origin, Retry, Stage};

use crate::fault::Error;
use crate::renderers::{Event, OrderResult, OrderState, Reporter, get_command};
use crate::system::interrupt;
use crate::ui::Console;

/// Reports one order on the console and keeps its result.
pub(super) struct SingleReporter<'a> {
    console: &'a mut Console,
    result: Option<OrderResult>,
    /// The render, once it has an ID.
    render_id: Option<String>,
}

impl<'a> SingleReporter<'a> {
    /// Returns a reporter without a result.
    pub(super) fn new(console: &'a mut Console) -> Self {
        Self { console, result: None, render_id: None }
    }

    /// Returns the result.
    ///
    /// # Errors
    /// Returns an error if the renderer reported none.
    pub(super) fn into_result(self) -> Result<OrderResult, Error> {
        self.console.end_bar();
        self.result
            .ok_or_else(|| Error::usage("the renderer returned no result", "run the same command again"))
    }

    /// Prints the heading of a stage, and sets the hint for an interruption during it.
    fn enter_stage(&mut self, stage: Stage) {
        let heading = match stage {
            Stage::CreateUpload => Some("Uploading"),
            Stage::Submit => Some("Rendering"),
            Stage::Download => Some("Downloading"),
            Stage::Lookup | Stage::Balance | Stage::Upload | Stage::CompleteUpload | Stage::Poll => None,
        };
        if let Some(heading) = heading {
            self.console.step(heading);
        }
        let hint = match stage {
            Stage::Lookup | Stage::Balance | Stage::CreateUpload => "nothing was submitted",
            Stage::Upload | Stage::CompleteUpload => {
                "nothing was submitted; run the same command again to resume"
            }
            Stage::Submit => {
                "the render may have been submitted; run the same command again to resume it without a second charge"
            }
            Stage::Poll => return,
            Stage::Download => {
                return self.set_render_hint("the render is complete; download its video with");
            }
        };
        interrupt::set_resume_hint(Some(hint.to_owned()));
    }

    /// Sets the hint for an interruption while a render exists: what is known about it, and the command that resumes.
    fn set_render_hint(&self, known: &str) {
        if let Some(id) = &self.render_id {
            interrupt::set_resume_hint(Some(format!("{known}: {}", get_command(id))));
        }
    }

    fn report_retry(&mut self, retry: &Retry, delay: std::time::Duration) {
        let Retry { stage, reason, attempt, of, left, .. } = retry;
        let left = match left.as_secs() {
            seconds @ ..100 => format!("{seconds} s"),
            seconds => format!("{} min", seconds.div_ceil(60)),
        };
        let of = of.map(|of| format!(" of {of}")).unwrap_or_default();
        self.console.detail(&format!(
            "retrying {stage} in {:.1} s (attempt {attempt}{of}, {left} left): {reason}",
            delay.as_secs_f32(),
        ));
    }
}

impl Reporter for SingleReporter<'_> {
    fn event(&mut self, event: Event) {
        match event {
            Event::Stage(stage) => self.enter_stage(stage),
            Event::Asset { id, is_reused } => {
                self.console.end_bar();
                let source = if is_reused { " (uploaded by an earlier run)" } else { "" };
                self.console.detail(&format!("asset {id}{source}"));
            }
            Event::Render { id, origin } => {
                self.console.end_bar();
                let source = match origin {
                    Origin::Given | Origin::Submitted => "",
                    Origin::Ledger => " (earlier run, from the ledger)",
                    Origin::Account => " (earlier run, from the account)",
                };
                self.console.detail(&format!("render {id}{source}"));
                self.render_id = Some(id);
                self.set_render_hint(match origin {
                    Origin::Submitted => "the render is still running; download it with",
                    // The API has not returned it yet.
                    Origin::Given | Origin::Ledger | Origin::Account => {
                        "the status of the render is unknown; wait for it with"
                    }
                });
            }
            Event::Retry { retry, delay } => {
                self.console.end_bar();
                self.report_retry(&retry, delay);
            }
            Event::Status(status) => {
                self.set_render_hint("the render is still running; download it with");
                self.console.status(&status);
            }
            Event::Progress { stage, percent } => self.console.percent(&stage, percent),
            Event::Uploading { done, total } => self.console.progress("uploading", done, total, true),
            Event::Downloading { done, total } => {
                self.console.progress("downloading", done, total.unwrap_or(done), true);
            }
            Event::Warning(text) => self.console.warning(&text),
        }
    }

    fn result(&mut self, result: OrderResult) -> bool {
        if let (OrderState::Submitted, Some(execution)) = (&result.state, &result.render_id)
            // AWS and Google Cloud; ids of the HeyGen cloud are shown by their events.
            && ["arn:", "projects/"].iter().any(|start| execution.starts_with(start))
        {
            self.console.detail(&format!("execution {execution}"));
        }
        self.result = Some(result);
        true
    }
}
