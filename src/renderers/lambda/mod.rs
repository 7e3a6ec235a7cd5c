//! The renderer `lambda`: AWS Lambda in the user's account, with the official tooling.
//!
//! `hyperframes lambda sites create` uploads the project once, and `hyperframes lambda render-batch` starts executions of the
//! stack's state machine. An execution is named after its render key, and AWS accepts a name once.

mod options;
mod platform;
mod stack;
mod tooling;

use hyperframes_ci_core::api::RenderRequest;
use hyperframes_ci_core::findings::Rule;

pub(crate) use options::{DEFAULT_STACK, LAMBDA_VERSION, LambdaOptions};
pub(crate) use platform::PLATFORM;

use super::order::{Order, RunContext, RunOptions, RunTotals};
use super::renderer::{Capability, Concurrency, Description, FORMATS, QUALITIES, Renderer, Session};
use super::report::Reporter;
use super::serverless::{self, ServerlessError};
use crate::fault::Error;
use crate::ui::Console;
use stack::LambdaState;
use tooling::LambdaStack;

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
        Ok(serverless::check_request(&PLATFORM, request, size)?)
    }

    fn open(&self, options: &RunOptions) -> Result<Box<dyn Session>, Error> {
        let folder = std::env::current_dir().map_err(|error| ServerlessError::Folder(&PLATFORM, error))?;
        let state = LambdaState::find(&options.lambda, &folder)?;
        Ok(Box::new(LambdaSession { state, stack: None }))
    }
}

/// A run on Lambda; the stack is absent until its tooling is prepared.
struct LambdaSession {
    state: LambdaState,
    stack: Option<LambdaStack>,
}

impl Session for LambdaSession {
    fn prepare(&mut self, context: &RunContext<'_>, console: &mut Console) -> Result<(), Error> {
        self.stack = serverless::prepare(&PLATFORM, context, console, |preparation, on_install| {
            LambdaStack::new(&self.state, context.options, preparation, on_install)
        })?;
        Ok(())
    }

    fn render(
        &self,
        context: &RunContext<'_>,
        orders: &mut (dyn Iterator<Item = Order> + Send),
        reporter: &mut dyn Reporter,
    ) -> Result<RunTotals, Error> {
        let Some(stack) = &self.stack else { return Ok(RunTotals::default()) };
        serverless::render(stack, DESCRIPTION.concurrency(context), context, orders, reporter)
    }
}
