//! The use case `render`: checks, packs and renders a project; one video, or one for each row of a batch.

mod choose;
mod output;
mod prepared;
mod reporter;
mod result;

pub(crate) use prepared::PreparedRender;

use std::path::Path;

use hyperframes_ci_core::api::RenderRequest;
use hyperframes_ci_core::job::Limits;
use hyperframes_ci_core::options::Format;
use hyperframes_ci_core::video::Expected;
use serde_json::Map;

use super::outcome::{Outcome, RenderOutcome};
use super::spec::RenderSpec;
use crate::fault::Error;
use crate::renderers::{self, Input, Order, Output, RunContext, RunOptions};
use crate::system::gate::Reach;
use crate::system::output::OutputFile;
use crate::system::output_place::OutputPlace;
use crate::ui::Console;
use output::check_output;
use reporter::SingleReporter;
use result::FinishedOrder;

/// Renders what `spec` describes.
///
/// # Errors
/// Returns an error if the preparation or the render fails. Mismatches of the video and failed rows are in the outcome.
pub(crate) fn render(spec: RenderSpec, console: &mut Console) -> Result<Outcome, Error> {
    PreparedRender::new(spec, console)?.render(console)
}

/// Waits for an existing render and downloads its video to `output`, which may be anywhere in `reach`.
///
/// # Errors
/// Returns an error if there is no credential, the render fails or is not complete in time, or the video cannot be
/// downloaded.
pub(crate) fn wait_for(
    render_id: &str,
    options: &RunOptions,
    output: Option<&Path>,
    reach: &Reach,
    console: &mut Console,
) -> Result<RenderOutcome, Error> {
    let renderer = renderers::cloud();
    let mut session = renderer.open(options)?;
    if let Some(path) = output {
        check_output(path, Format::Mp4, &OutputPlace::default())?;
    }
    let output = OutputFile::prepare(output, reach)?;
    let context = RunContext::single(Input::Render(render_id), options);
    session.prepare(&context, console)?;
    let order = Order {
        index: 0,
        identity: None,
        body: Map::new(),
        options: RenderRequest::default(),
        idempotency_key: None,
        known: None,
        limits: Limits::default(),
        output: Output::Ready(output),
        expected: Expected::default(),
    };
    let mut reporter = SingleReporter::new(console);
    let totals = session.render(&context, &mut std::iter::once(order), &mut reporter)?;
    let result = reporter.into_result()?;
    let finished = FinishedOrder { result, totals, renderer: renderer.description(), must_match: false };
    finished.report(console)
}
