//! The renderer `lambda`: AWS Lambda in the user's account, with the official tooling.
//!
//! `hyperframes lambda sites create` uploads the project once, `hyperframes lambda render-batch` starts executions of the
//! stack's state machine, and `follow.mjs` polls them and downloads their videos with the official SDK. An execution is
//! named after its render key, and AWS accepts a name once, so an existing render is found by its name without a ledger.
//!
//! The tooling runs on the packed archive, unpacked to a temporary directory, and is installed to the cache of this tool:
//! nothing that is installed in a checkout is run.

mod error;
mod follower;
mod options;
mod run;
mod stack;
mod tooling;

use hyperframes_ci_core::api::RenderRequest;
use hyperframes_ci_core::findings::Rule;
use hyperframes_ci_core::options::FrameRate;
use hyperframes_ci_core::project::DEFAULT_COMPOSITION;
use serde_json::json;

pub(crate) use error::LambdaError;
pub(crate) use options::{DEFAULT_STACK, LAMBDA_VERSION, LambdaOptions};

use super::order::{Input, Order, RunContext, RunOptions, RunTotals};
use super::renderer::{Capability, Concurrency, Description, FORMATS, QUALITIES, Renderer, Session};
use super::report::Reporter;
use super::serverless::preset;
use crate::fault::Error;
use crate::ui::Console;
use run::LambdaRun;
use stack::Stack;
use tooling::{Layout, Tooling};

/// Maximum size of the variables in bytes; source: the quotas of Step Functions for the input of an execution (256 KiB),
/// less a margin for the rest of the input.
const MAX_VARIABLES_SIZE: usize = 250 * 1024;

/// The renderer.
pub(super) struct Lambda;

static DESCRIPTION: Description = Description {
    name: "lambda",
    label: "rendered on Lambda",
    is_selectable: true,
    is_billed: true,
    is_on_this_machine: false,
    is_distributed: true,
    upload_limit: None,
    concurrency: Concurrency::Fixed(8),
    capabilities: &[Capability::Codec, Capability::Size, Capability::Chunks],
    formats: FORMATS,
    qualities: QUALITIES,
    irrelevant_rules: &[Rule::AspectRatioUnsupported],
};

impl Renderer for Lambda {
    fn description(&self) -> &'static Description {
        &DESCRIPTION
    }

    fn accept(&self, request: &RenderRequest, _: &RunOptions, size: Option<(f64, f64)>) -> Result<(), Error> {
        Ok(check_request(request, size)?)
    }

    fn open(&self, options: &RunOptions) -> Result<Box<dyn Session>, Error> {
        let folder = std::env::current_dir().map_err(LambdaError::Folder)?;
        let stack = Stack::find(&options.lambda, &folder)?;
        Ok(Box::new(LambdaSession { stack, tooling: None, layout: None }))
    }
}

/// Checks that Lambda supports a request for a composition of this size in pixels.
fn check_request(request: &RenderRequest, size: Option<(f64, f64)>) -> Result<(), LambdaError> {
    let unsupported =
        |message: String, help: &str| Err(LambdaError::Unsupported { message, help: help.to_owned() });
    if let Some(fps) = request.fps.filter(|fps| ![24, 30, 60].map(FrameRate::from).contains(fps)) {
        return unsupported(format!("Lambda does not support {fps} frames per second"), "use 24, 30 or 60");
    }
    if let Some(path) = request.composition.as_deref().filter(|path| *path != DEFAULT_COMPOSITION) {
        return unsupported(
            format!("Lambda only renders {DEFAULT_COMPOSITION}, not {path}"),
            "move the composition to its own project",
        );
    }
    if let Some(resolution) = request.resolution.filter(|_| request.aspect_ratio.is_none()) {
        return unsupported(
            format!(
                "--resolution {resolution} requires a composition with an aspect ratio of 16:9, 9:16 or 1:1"
            ),
            "remove --resolution",
        );
    }
    if let Some(size) = size {
        preset(request, size)?;
    }
    let size = request.variables.as_ref().map_or(0, |variables| json!(variables).to_string().len());
    if size > MAX_VARIABLES_SIZE {
        return unsupported(
            format!(
                "the variables are too large for Lambda: {size} bytes exceed the limit of {MAX_VARIABLES_SIZE} bytes"
            ),
            "pass URLs of media instead of their contents",
        );
    }
    Ok(())
}

/// A run on Lambda; the tooling is absent until it is prepared.
struct LambdaSession {
    stack: Stack,
    tooling: Option<Tooling>,
    layout: Option<Layout>,
}

impl Session for LambdaSession {
    fn prepare(&mut self, context: &RunContext<'_>, console: &mut Console) -> Result<(), Error> {
        let Input::Archive(packed) = context.input else { return Ok(()) };
        if context.has_callback {
            console.warning("--callback-url has no effect on Lambda renders");
        }
        let Some((width, height)) = context.size else {
            return Err(LambdaError::Unsupported {
                message: "Lambda requires the dimensions of the composition".to_owned(),
                help: "set data-width and data-height on its root element".to_owned(),
            }
            .into());
        };
        self.layout = Some(Layout { width, height });
        let on_install = &mut |what: &str| console.status(&format!("installing {what}"));
        self.tooling =
            Some(Tooling::new(&self.stack, context.options, packed.path(), context.deadline(), on_install)?);
        console.end_bar();
        if !context.is_batch {
            console.step("Rendering on Lambda");
        }
        Ok(())
    }

    fn render(
        &self,
        context: &RunContext<'_>,
        orders: &mut (dyn Iterator<Item = Order> + Send),
        reporter: &mut dyn Reporter,
    ) -> Result<RunTotals, Error> {
        let Some((tooling, layout)) = self.tooling.as_ref().zip(self.layout) else {
            return Ok(RunTotals::default());
        };
        let concurrency = DESCRIPTION.concurrency(context);
        let run = LambdaRun { tooling, layout, context, options: context.options, concurrency };
        let cost = run.run(orders, reporter)?;
        Ok(RunTotals { cost_usd: Some(cost), ..RunTotals::default() })
    }
}

#[cfg(test)]
mod tests {
    use hyperframes_ci_core::options::Resolution;
    use serde_json::Map;

    use super::*;

    #[test]
    fn unsupported_options_are_rejected() {
        let error = |options: RenderRequest| {
            check_request(&options, Some((1280.0, 720.0))).err().map(|error| error.to_string())
        };
        assert_eq!(error(RenderRequest::default()), None);
        assert_eq!(error(RenderRequest { fps: Some(60.into()), ..RenderRequest::default() }), None);
        let fps = error(RenderRequest { fps: Some(25.into()), ..RenderRequest::default() });
        assert_eq!(fps.as_deref(), Some("Lambda does not support 25 frames per second"));
        let composition =
            RenderRequest { composition: Some("a.html".to_owned()), ..RenderRequest::default() };
        assert!(error(composition).is_some());
        let resolution = RenderRequest { resolution: Some(Resolution::FullHd), ..RenderRequest::default() };
        assert!(error(resolution).is_some());
        let sized = RenderRequest { width: Some(1920), height: Some(1080), ..RenderRequest::default() };
        assert!(error(sized).is_some_and(|message| message.contains("cannot be rendered in 1920x1080")));
        let sized = RenderRequest { width: Some(3840), height: Some(2160), ..RenderRequest::default() };
        assert_eq!(error(sized), None);
        let variables = Map::from_iter([("a".to_owned(), "x".repeat(MAX_VARIABLES_SIZE).into())]);
        assert!(error(RenderRequest { variables: Some(variables), ..RenderRequest::default() }).is_some());
    }
}
