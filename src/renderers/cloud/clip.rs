//! Makes presenter clips and translations: the flow of a single render, at other endpoints.

use std::sync::Mutex;

use hyperframes_ci_core::api::RenderRequest;
use hyperframes_ci_core::job::{Limits, ListSays, Refusal, RenderIdentity};
use hyperframes_ci_core::video::Expected;
use serde_json::{Map, Value};

use super::interpreter::Interpreter;
use super::lanes::lock;
use super::ledger::LedgerFile;
use crate::fault::Error;
use crate::heygen::environment;
use crate::heygen::transport::Transport;
use crate::renderers::order::{Input, Order, Output, RunContext, RunOptions};
use crate::renderers::report::Reporter;
use crate::system::output::OutputFile;

/// A clip or a translation to make.
pub(crate) struct ClipOrder<'a> {
    /// Identifies equal ones.
    pub(crate) identity: RenderIdentity,
    /// The body of the submission, without the asset.
    pub(crate) body: Map<String, Value>,
    /// What it is made of: [`Input::Clip`] or [`Input::Translation`].
    pub(crate) input: Input<'a>,
    /// Where to save it.
    pub(crate) output: OutputFile,
    /// A limit that forbids to pay for it; one that is paid for is fetched nevertheless.
    pub(crate) refusal: Option<Refusal>,
}

/// Makes a clip or a translation, or fetches the one that an earlier run has submitted. Its result goes to the reporter.
///
/// # Errors
/// Returns an error if a setting in the environment is invalid.
pub(crate) fn make_clip(
    clip: ClipOrder<'_>,
    options: &RunOptions,
    transport: &Transport,
    ledger: &Mutex<Option<LedgerFile>>,
    reporter: &mut dyn Reporter,
) -> Result<(), Error> {
    let context = RunContext::single(clip.input, options);
    let known = lock(ledger).as_ref().and_then(|ledger| ledger.render(&clip.identity.key(0)));
    let order = Order {
        index: 0,
        identity: Some(clip.identity),
        body: clip.body,
        options: RenderRequest::default(),
        idempotency_key: None,
        known,
        limits: Limits { exceeded: clip.refusal, ..Limits::default() },
        output: Output::Ready(clip.output),
        expected: Expected::default(),
    };
    let interpreter = Interpreter {
        transport,
        context: &context,
        ledger,
        concurrency: 1,
        in_flight: 1,
        max_retries: environment::render_retries()?,
        listed: ListSays::Unasked,
        gone_grace: environment::gone_grace()?,
    };
    interpreter.run(&mut std::iter::once(order), reporter)
}
