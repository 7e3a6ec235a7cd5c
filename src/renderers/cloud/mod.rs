//! Renders in the HeyGen cloud.

pub(crate) mod answers;
pub(crate) mod clip;
pub(crate) mod failure;
mod interpreter;
mod lanes;
pub(crate) mod ledger;
mod list;
mod message;
mod outcome;
mod pace;
mod plan;
mod replacement;
mod task;
#[cfg(test)]
mod tests;
mod throttle;
mod upload;

use std::path::{Path, PathBuf};
use std::sync::Mutex;

use hyperframes_ci_core::api::RenderList;
use hyperframes_ci_core::archive::{DIRECT_UPLOAD_LIMIT, INLINE_UPLOAD_LIMIT, PROXY_UPLOAD_LIMIT};
use hyperframes_ci_core::job::{
    AccountIndex, ListSays, RenderFact, RenderIdentity, RenderState, UploadRoute,
};

use self::interpreter::Interpreter;
use self::lanes::lock;
use self::ledger::LedgerFile;
use super::order::{Order, RunContext, RunOptions, RunTotals};
use super::renderer::{Capability, Concurrency, Description, FORMATS, QUALITIES, Renderer, Session};
use super::report::Reporter;
use crate::fault::Error;
use crate::heygen::environment;
use crate::heygen::transport::{CallError, Transport};
use crate::system::clock::unix_now;
use crate::system::deadline::Deadline;
use crate::system::gate::Reach;
use crate::system::output_place::{OutputPlace, OutputTarget};
use crate::system::random;
use crate::ui::Console;

/// Maximum number of concurrent submissions.
pub(super) const CONCURRENCY: usize = 8;

/// Capabilities of the emulated cloud, which ends with the run.
pub(super) const CAPABILITIES_OF_ONE_RUN: &[Capability] = &[Capability::Callback, Capability::Balance];

/// Capabilities of the cloud.
pub(super) const CAPABILITIES: &[Capability] =
    &[Capability::NoWait, Capability::Callback, Capability::Balance, Capability::UploadedProject];

/// The renderer.
pub(super) struct Cloud;

static DESCRIPTION: Description = Description {
    name: "cloud",
    label: "rendered",
    is_selectable: true,
    is_billed: true,
    is_on_this_machine: false,
    is_distributed: false,
    upload_limit: Some(upload_limit),
    concurrency: Concurrency::Fixed(CONCURRENCY),
    capabilities: CAPABILITIES,
    formats: FORMATS,
    qualities: QUALITIES,
    irrelevant_rules: &[],
};

/// Default maximum number of orders in flight: more would cost memory without a benefit.
const MOST_IN_FLIGHT: usize = 400;

/// Returns the maximum number of orders in flight, as set by the user. With a limit on failures, fewer are in flight,
/// so that the limit is reached before all orders are billed.
fn in_flight(context: &RunContext<'_>) -> usize {
    let for_failures = context.max_failures.map(|most| {
        let most = usize::try_from(most).unwrap_or(usize::MAX);
        most.clamp(CONCURRENCY, MOST_IN_FLIGHT)
    });
    context.options.concurrency.or(for_failures).unwrap_or(MOST_IN_FLIGHT)
}

/// Returns the maximum size of an archive in bytes.
pub(super) fn upload_limit(route: UploadRoute) -> u64 {
    match route {
        UploadRoute::Auto | UploadRoute::Direct => DIRECT_UPLOAD_LIMIT,
        UploadRoute::Proxy => PROXY_UPLOAD_LIMIT,
        UploadRoute::Inline => INLINE_UPLOAD_LIMIT,
    }
}

impl Renderer for Cloud {
    fn description(&self) -> &'static Description {
        &DESCRIPTION
    }

    fn available(&self, _: &RunOptions) -> Result<Option<String>, Error> {
        let found = environment::find_credential()?;
        Ok(found.map(|found| format!("cloud (credential from {})", found.source)))
    }

    fn open(&self, _: &RunOptions) -> Result<Box<dyn Session>, Error> {
        let credential = environment::credential()?.credential;
        let account_digest = credential.account_digest();
        let transport = environment::transport_with(environment::base()?, credential)?;
        Ok(Box::new(CloudSession { account_digest, ..CloudSession::new(transport, true) }))
    }
}

/// A transport to the API, and the state of earlier runs.
pub(super) struct CloudSession {
    transport: Transport,
    /// Whether renders persist after the run, so that earlier ones are searched and new ones are recorded.
    is_lasting: bool,
    /// Digest that identifies the account in the ledger.
    account_digest: Option<String>,
    ledger: Mutex<Option<LedgerFile>>,
    /// Whether reuse is off: then a render of this run does not count as an earlier one.
    is_reuse_off: bool,
    account: AccountIndex,
    /// The result of the list for renders that are not in the account index.
    listed: ListSays,
}

impl CloudSession {
    /// Returns a session that has not searched the account.
    pub(super) fn new(transport: Transport, is_lasting: bool) -> Self {
        Self {
            transport,
            is_lasting,
            account_digest: None,
            ledger: Mutex::new(None),
            is_reuse_off: false,
            account: AccountIndex::default(),
            listed: ListSays::Unasked,
        }
    }

    /// Requests the account's renders, once for all orders. If the list is permanently unavailable, no render is known.
    fn search(
        &mut self,
        since: Option<i64>,
        orders: u64,
        deadline: Deadline,
        console: &mut Console,
    ) -> Result<(), Error> {
        let mut account = AccountIndex::recent(orders, since);
        let retries = environment::render_retries()?;
        while let Some(request) = account.request() {
            let page = self.transport.call_by(&request, retries, random(), deadline, |response| {
                // The server's clock is used, since this machine's may be wrong.
                let offset = response.date().map_or(0, |date| date.saturating_sub(unix_now()));
                account.set_since(since.map(|since| since.saturating_add(offset)));
                response.whole::<RenderList>()
            });
            match page {
                Ok(page) => account.add(&page),
                // A server that ignores idempotency keys would render again without the list.
                Err(error) if error.is_transient() => return Err(error.into()),
                Err(CallError::Api(error)) if error.is_authentication() => {
                    return Err(CallError::Api(error).into());
                }
                Err(error) => {
                    console.warning(&format!("cannot search the renders of the account: {error}"));
                    self.listed = ListSays::Unavailable;
                    return Ok(());
                }
            }
        }
        self.account = account;
        Ok(())
    }
}

/// Returns the path of a ledger that the user has named, with links resolved. A link inside of the working directory,
/// which may come with a checkout, must not lead out of its folder.
///
/// # Errors
/// Returns a usage error with the reason.
pub(crate) fn ledger_path(path: &Path) -> Result<PathBuf, Error> {
    let is_checked_out = OutputTarget::of(path.parent().unwrap_or(Path::new("")))
        .is_ok_and(|folder| std::env::current_dir().is_ok_and(|current| folder.path.starts_with(current)));
    if !is_checked_out {
        return Ok(path.to_owned());
    }
    OutputPlace::beside(path, &Reach::anywhere()).and_then(|place| place.check_appended(path)).map_err(
        |refusal| {
            Error::usage(
                format!("the ledger {} {refusal}", path.display()),
                format!("{} with --ledger", refusal.help()),
            )
        },
    )
}

/// Opens the ledger for the API and the account. A failure is only an error if the user has set `--ledger`.
fn open_ledger(
    context: &RunContext<'_>,
    api: &str,
    account: Option<&str>,
    console: &mut Console,
) -> Result<Option<LedgerFile>, Error> {
    let open = |path: &Path| LedgerFile::open(path, api, account, context.is_batch, context.deadline());
    if let Some(path) = &context.options.reuse.ledger {
        return Ok(Some(open(&ledger_path(path)?)?));
    }
    let Some(path) = LedgerFile::default_path() else { return Ok(None) };
    match open(&path) {
        Ok(ledger) => Ok(Some(ledger)),
        Err(error) => {
            console
                .warning(&format!("{error}; earlier renders are only searched in the list of the account"));
            Ok(None)
        }
    }
}

impl Session for CloudSession {
    fn prepare(&mut self, context: &RunContext<'_>, console: &mut Console) -> Result<(), Error> {
        if !self.is_lasting || matches!(context.input, super::Input::Render(_)) {
            return Ok(());
        }
        let api = self.transport.base().to_string();
        let ledger = open_ledger(context, &api, self.account_digest.as_deref(), console)?;
        self.is_reuse_off = context.options.reuse.is_off;
        self.ledger = Mutex::new(ledger);
        Ok(())
    }

    fn search_account(
        &mut self,
        context: &RunContext<'_>,
        orders: u64,
        console: &mut Console,
    ) -> Result<(), Error> {
        self.listed = ListSays::Nothing;
        if self.is_lasting {
            // With reuse off, the list shows which keys are used.
            self.search(context.options.reuse.since(), orders, context.deadline(), console)?;
        }
        Ok(())
    }

    fn known(&self, identity: &RenderIdentity) -> Option<RenderFact> {
        let key = identity.key(0);
        let in_ledger = lock(&self.ledger).as_ref().and_then(|ledger| {
            if self.is_reuse_off { ledger.found_render(&key) } else { ledger.render(&key) }
        });
        match (self.account.find(identity, 0), in_ledger) {
            // The list may be outdated, or end before the render in the ledger.
            (Some(listed), Some(known))
                if listed.state == RenderState::Failed && known.generation > listed.generation =>
            {
                Some(known)
            }
            (listed, known) => listed.or(known),
        }
    }

    fn render(
        &self,
        context: &RunContext<'_>,
        orders: &mut (dyn Iterator<Item = Order> + Send),
        reporter: &mut dyn Reporter,
    ) -> Result<RunTotals, Error> {
        let interpreter = Interpreter {
            transport: &self.transport,
            context,
            ledger: &self.ledger,
            concurrency: DESCRIPTION.concurrency(context),
            in_flight: in_flight(context),
            max_retries: environment::render_retries()?,
            listed: self.listed,
            gone_grace: environment::gone_grace()?,
        };
        interpreter.run(orders, reporter)?;
        Ok(RunTotals::default())
    }
}
