//! The renderer `emulator`: the cloud flow against an emulator that runs for one run.

use hyperframes_ci_core::job::{RenderFact, RenderIdentity};

use super::cloud::{CAPABILITIES_OF_ONE_RUN, CONCURRENCY, CloudSession, upload_limit};
use super::local::emulator_backend;
use super::order::{Order, RunContext, RunOptions, RunTotals};
use super::renderer::{Concurrency, Description, FORMATS, QUALITIES, Renderer, Session};
use super::report::Reporter;
use crate::emulator::{Config, Emulator};
use crate::engine::EngineDescription;
use crate::fault::Error;
use crate::heygen::auth::{Credential, Secret};
use crate::heygen::environment;
use crate::heygen::transport::ApiBase;
use crate::ui::Console;

/// The renderer.
pub(super) struct Emulated;

static DESCRIPTION: Description = Description {
    name: "emulator",
    label: "rendered",
    is_selectable: false,
    // Like the cloud, so that limits can be tested.
    is_billed: true,
    is_on_this_machine: true,
    is_distributed: false,
    upload_limit: Some(upload_limit),
    concurrency: Concurrency::Fixed(CONCURRENCY),
    capabilities: CAPABILITIES_OF_ONE_RUN,
    formats: FORMATS,
    qualities: QUALITIES,
    irrelevant_rules: &[],
};

impl Renderer for Emulated {
    fn description(&self) -> &'static Description {
        &DESCRIPTION
    }

    fn open(&self, _: &RunOptions) -> Result<Box<dyn Session>, Error> {
        Ok(Box::new(EmulatedSession(None)))
    }
}

/// A session with an emulator, which starts empty: there are no earlier renders to find, and no ledger to write.
struct EmulatedSession(Option<Running>);

/// The emulator of a session; dropping it stops it.
struct Running {
    session: CloudSession,
    engine: EngineDescription,
    _emulator: Emulator,
}

impl Session for EmulatedSession {
    fn prepare(&mut self, context: &RunContext<'_>, console: &mut Console) -> Result<(), Error> {
        let (backend, engine) = emulator_backend(context.options.sandbox, context.deadline(), console)?;
        let emulator = Emulator::start(Config::default(), Some(backend))?;
        let credential = Credential::ApiKey(Secret::new(emulator.api_key().to_owned()));
        let transport = environment::transport_with(ApiBase::parse(emulator.url())?, credential)?;
        if !context.is_batch {
            console.detail(&format!("using the emulator at {}", emulator.url()));
        }
        let session = CloudSession::new(transport, false);
        self.0 = Some(Running { session, engine, _emulator: emulator });
        Ok(())
    }

    fn search_account(
        &mut self,
        context: &RunContext<'_>,
        orders: u64,
        console: &mut Console,
    ) -> Result<(), Error> {
        self.0.as_mut().map_or(Ok(()), |running| running.session.search_account(context, orders, console))
    }

    fn known(&self, identity: &RenderIdentity) -> Option<RenderFact> {
        self.0.as_ref()?.session.known(identity)
    }

    fn render(
        &self,
        context: &RunContext<'_>,
        orders: &mut (dyn Iterator<Item = Order> + Send),
        reporter: &mut dyn Reporter,
    ) -> Result<RunTotals, Error> {
        match &self.0 {
            Some(running) => {
                let totals = running.session.render(context, orders, reporter)?;
                Ok(RunTotals { engine: Some(running.engine.clone()), ..totals })
            }
            None => Ok(RunTotals::default()),
        }
    }
}
