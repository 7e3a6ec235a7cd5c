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

use super::order::RunOptions;
use super::renderer::{Capability, Concurrency, Description, FORMATS, QUALITIES, Renderer, Session};
use super::serverless::{self, ServerlessError, StackSession};
use crate::fault::Error;
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
        Ok(Box::new(StackSession::new(&PLATFORM, &DESCRIPTION, move |options, preparation, on_install| {
            LambdaStack::new(&state, options, preparation, on_install)
        })))
    }
}
