//! The renderer `http`: an endpoint of the user, such as the official templates for Cloudflare and Vercel deploy, or the
//! emulator of another machine.
//!
//! An endpoint has no list of renders and, but for the emulator, no keys: a request is repeated only if it was surely not
//! processed.

mod body;
mod endpoint;
mod error;
mod exchange;
mod options;

use hyperframes_ci_core::api::RenderRequest;
use hyperframes_ci_core::findings::Rule;
use hyperframes_ci_core::job::Failure;
use hyperframes_ci_core::options::Format;
use hyperframes_ci_core::project::DEFAULT_COMPOSITION;

pub(crate) use error::HttpError;
pub(crate) use options::{HttpOptions, RequestForm};

use super::each::{Unsaved, prepare, render_each};
use super::order::{Order, Output, RunContext, RunOptions, RunTotals, SavedVideo};
use super::renderer::{Concurrency, Description, FORMATS, QUALITIES, Renderer, Session};
use super::report::{Event, Reporter};
use super::verify::verify;
use crate::engine::EngineError;
use crate::fault::Error;
use crate::heygen::download::Download;
use crate::heygen::environment;
use crate::system::interrupt;
use crate::ui::Console;
use endpoint::Endpoint;
use exchange::Exchange;

/// The renderer.
pub(super) struct Http;

static DESCRIPTION: Description = Description {
    name: "http",
    label: "rendered by an endpoint",
    is_selectable: true,
    is_billed: true,
    is_on_this_machine: false,
    is_distributed: false,
    upload_limit: None,
    // The templates have one container, and the emulator one worker.
    concurrency: Concurrency::Fixed(1),
    capabilities: &[],
    formats: FORMATS,
    qualities: QUALITIES,
    // Endpoints run the engine, which renders any size.
    irrelevant_rules: &[Rule::AspectRatioUnsupported, Rule::DimensionsMissing],
};

impl Renderer for Http {
    fn description(&self) -> &'static Description {
        &DESCRIPTION
    }

    fn accept(&self, request: &RenderRequest, run: &RunOptions, _: Option<(f64, f64)>) -> Result<(), Error> {
        Ok(check_request(request, run.http.form)?)
    }

    fn open(&self, options: &RunOptions) -> Result<Box<dyn Session>, Error> {
        let idle_timeout = environment::idle_timeout()?;
        let endpoint = Endpoint::new(&options.http, idle_timeout, &environment::variable)?;
        Ok(Box::new(HttpSession { endpoint, retries: environment::render_retries()? }))
    }
}

/// Checks that an endpoint that takes `form` supports a request: an option that it ignores would make another video.
fn check_request(request: &RenderRequest, form: RequestForm) -> Result<(), HttpError> {
    if form.takes_options() {
        return Ok(());
    }
    let is_set = [
        ("fps", request.fps.is_some()),
        ("quality", request.quality.is_some()),
        ("format", request.format.is_some_and(|format| format != Format::Mp4)),
        ("resolution", request.resolution.is_some()),
        ("variables", request.variables.as_ref().is_some_and(|variables| !variables.is_empty())),
        ("composition", request.composition.as_deref().is_some_and(|path| path != DEFAULT_COMPOSITION)),
    ];
    match is_set.into_iter().find(|(_, is_set)| *is_set) {
        None => Ok(()),
        Some((name, _)) => Err(HttpError::Unsupported {
            message: format!("an endpoint with --http-request {form} does not take {name}"),
            help: "remove the option, or render by `hyperframes-ci emulator` with --http-request emulator",
        }),
    }
}

struct HttpSession {
    endpoint: Endpoint,
    /// Retries of a request.
    retries: u32,
}

impl Session for HttpSession {
    fn prepare(&mut self, context: &RunContext<'_>, console: &mut Console) -> Result<(), Error> {
        if context.has_callback {
            console.warning("--callback-url has no effect on renders by an endpoint");
        }
        if self.endpoint.form == RequestForm::Empty {
            console.warning(
                "the endpoint renders the composition that it was deployed with; this project is not sent",
            );
        }
        if !context.is_batch {
            console.step(&format!("Rendering at {}", self.endpoint.host()));
            let hint = match self.endpoint.form.is_idempotent() {
                true => "the endpoint may still be rendering; run the same command again to resume",
                false => "the endpoint may still be rendering",
            };
            interrupt::set_resume_hint(Some(hint.to_owned()));
        }
        Ok(())
    }

    fn render(
        &self,
        context: &RunContext<'_>,
        orders: &mut (dyn Iterator<Item = Order> + Send),
        reporter: &mut dyn Reporter,
    ) -> Result<RunTotals, Error> {
        let render = |order: Order, report: &mut dyn FnMut(Event)| self.render_video(context, order, report);
        render_each(orders, DESCRIPTION.concurrency(context), &render, reporter);
        Ok(RunTotals::default())
    }
}

impl HttpSession {
    /// Renders the video of an order and saves it.
    fn render_video(
        &self,
        context: &RunContext<'_>,
        mut order: Order,
        report: &mut dyn FnMut(Event),
    ) -> Result<SavedVideo, Unsaved> {
        if let Some(refusal) = order.limits.exceeded.take() {
            return Err(Failure::refused(refusal).into());
        }
        if order.limits.is_reuse_only {
            return Err(Failure::equal_failed().into());
        }
        let body = body::body(self.endpoint.form, context.archive()?, &order.body)?;
        let format = order.options.format.unwrap_or(Format::Mp4);
        let output = prepare(std::mem::replace(&mut order.output, Output::None), format)?.open()?;
        // Endpoints render files only.
        let output = output.ok_or(EngineError::NoVideo)?;
        let key = order.key(context.options, 0);
        let mut download = Download::new(output).of_length(order.expected.duration);
        let mut exchange = Exchange {
            endpoint: &self.endpoint,
            key: Some(key),
            poll_interval: context.options.poll_interval,
            retries: self.retries,
            deadline: context.deadline(),
            report,
        };
        exchange.run(&body, &mut download).map_err(|error| {
            let is_fetchable = matches!(error, HttpError::TimedOut { is_resumable: true, .. });
            Unsaved { error: error.into(), is_fetchable }
        })?;
        let verified = verify(download.output().temporary_path(), &order.expected);
        let (path, size) = download.keep(&format!("{}.{format}", context.name))?;
        Ok(SavedVideo { path, size, verified })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::Map;

    use super::*;

    #[test]
    fn options_that_an_endpoint_would_ignore_are_refused() {
        let base = RenderRequest::default;
        let variables = Some(Map::from_iter([("title".to_owned(), "x".into())]));
        let requests = [
            ("fps", RenderRequest { fps: Some(30.into()), ..base() }),
            ("format", RenderRequest { format: Some(Format::Webm), ..base() }),
            ("variables", RenderRequest { variables, ..base() }),
            ("composition", RenderRequest { composition: Some("a.html".to_owned()), ..base() }),
        ];
        for (name, request) in requests {
            for form in [RequestForm::Files, RequestForm::Html, RequestForm::Empty] {
                let error = check_request(&request, form).expect_err("refused").to_string();
                assert_eq!(error, format!("an endpoint with --http-request {form} does not take {name}"));
            }
            assert!(check_request(&request, RequestForm::Emulator).is_ok(), "{name}");
        }
        let plain = RenderRequest { format: Some(Format::Mp4), variables: Some(Map::new()), ..base() };
        assert!(check_request(&plain, RequestForm::Files).is_ok());
    }
}
