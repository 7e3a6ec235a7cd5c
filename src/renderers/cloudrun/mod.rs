//! The renderer `cloudrun`: Google Cloud Run in the user's project, with the official SDK.
//!
//! A workflow of Cloud Workflows has the service on Cloud Run render chunks. Workflows gives executions names of its own and
//! starts another one for each request: `start.mjs` makes sure, by objects in the stack's bucket, that a render key is started
//! once. The SDK is used without the official command line, which starts executions in the same way, but cannot be told under
//! which name.

mod options;
mod platform;
mod stack;
mod tooling;

use hyperframes_ci_core::api::RenderRequest;
use hyperframes_ci_core::findings::Rule;

pub(crate) use options::{CLOUD_RUN_VERSION, CloudRunOptions};
pub(crate) use platform::PLATFORM;

use super::order::RunOptions;
use super::renderer::{Capability, Concurrency, Description, FORMATS, QUALITIES, Renderer, Session};
use super::serverless::{self, ServerlessError, StackSession};
use crate::fault::Error;
use stack::CloudRunState;
use tooling::CloudRunStack;

/// The renderer.
pub(super) struct CloudRun;

static DESCRIPTION: Description = Description {
    name: "cloudrun",
    label: "rendered on Cloud Run",
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

impl Renderer for CloudRun {
    fn description(&self) -> &'static Description {
        &DESCRIPTION
    }

    fn accept(&self, request: &RenderRequest, _: &RunOptions, size: Option<(f64, f64)>) -> Result<(), Error> {
        Ok(serverless::check_request(&PLATFORM, request, size)?)
    }

    fn open(&self, options: &RunOptions) -> Result<Box<dyn Session>, Error> {
        let folder = std::env::current_dir().map_err(|error| ServerlessError::Folder(&PLATFORM, error))?;
        let home = std::env::home_dir();
        let state = CloudRunState::find(&options.cloud_run, &folder, home.as_deref())?;
        Ok(Box::new(StackSession::new(&PLATFORM, &DESCRIPTION, move |options, preparation, on_install| {
            CloudRunStack::new(&state, options, preparation, on_install)
        })))
    }
}
