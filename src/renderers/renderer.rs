//! What a renderer is, and how a run of it goes.

use hyperframes_ci_core::api::RenderRequest;
use hyperframes_ci_core::findings::Rule;
use hyperframes_ci_core::job::{RenderFact, RenderIdentity, UploadRoute};
use hyperframes_ci_core::options::Format;

use super::order::{Order, RunOptions, RunTotals, Work};
use super::report::Reporter;
use crate::fault::Error;
use crate::ui::Console;

/// The containers that the engine makes and the cloud offers.
pub(super) const FORMATS: &[Format] = &[Format::Mp4, Format::Webm, Format::Mov];

/// What is known about a renderer without asking it.
#[derive(Debug)]
pub(crate) struct Description {
    /// Its name in `--renderer`, in the configuration and in results.
    pub(crate) name: &'static str,
    /// What reports say of a video that it has rendered, such as `rendered on the runner`.
    pub(crate) label: &'static str,
    /// Whether users choose it by its name.
    pub(crate) is_selectable: bool,
    /// Whether a render costs money, so that limits apply.
    pub(crate) is_billed: bool,
    /// Whether pages run on this machine.
    pub(crate) is_on_this_machine: bool,
    /// The largest archive that it takes, in bytes, by the way it travels; `None` where any size will do.
    pub(crate) upload_limit: Option<fn(UploadRoute) -> u64>,
    /// Renders at a time unless the user says otherwise.
    pub(crate) concurrency: Concurrency,
    /// What it can do beside rendering a directory and waiting for the video.
    pub(crate) capabilities: &'static [Capability],
    /// Containers that it makes.
    pub(crate) formats: &'static [Format],
    /// Checks that do not matter to it.
    pub(crate) irrelevant_rules: &'static [Rule],
}

/// Something that not every renderer can do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Capability {
    /// Submit without waiting for the video (`--no-wait`).
    NoWait,
    /// Call a webhook (`--callback-url`).
    Callback,
    /// Say what is left to spend (`--min-balance`).
    Balance,
    /// Render a project that is uploaded already (`--asset-id`, `--url`).
    UploadedProject,
}

/// How many renders go on at a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Concurrency {
    /// So many.
    Fixed(usize),
    /// As many as processors and memory allow.
    Machine,
}

/// Memory that a render takes beside its browser and encoder, in kilobytes: 1.5 GB.
const MEMORY: usize = 1536 * 1024;

/// Processors that a render keeps busy: its browser and its encoder.
const PROCESSORS: usize = 2;

impl Concurrency {
    /// How many that is, unless the user has chosen another number.
    pub(crate) fn count(self, chosen: Option<usize>) -> usize {
        match (chosen, self) {
            (Some(chosen), _) => chosen,
            (None, Self::Fixed(count)) => count,
            (None, Self::Machine) => by_machine(),
        }
    }
}

/// Renders at a time that this machine has processors and memory for.
fn by_machine() -> usize {
    let processors = std::thread::available_parallelism().map_or(1, usize::from);
    let memory = std::fs::read_to_string("/proc/meminfo").ok().and_then(|text| {
        let line = text.lines().find_map(|line| line.strip_prefix("MemAvailable:"))?;
        line.split_whitespace().next()?.parse::<usize>().ok()
    });
    // Where the system does not say, there is enough for the processors.
    let by_memory = memory.map_or(usize::MAX, |kilobytes| kilobytes / MEMORY);
    (processors / PROCESSORS).min(by_memory).max(1)
}

impl Description {
    /// Whether the renderer can do it.
    pub(crate) fn can(&self, capability: Capability) -> bool {
        self.capabilities.contains(&capability)
    }
}

/// Something that renders.
pub(crate) trait Renderer: Sync {
    /// What is known about it.
    fn description(&self) -> &'static Description;

    /// Why `--renderer auto` may take it; `None` where it may not.
    ///
    /// # Errors
    /// Returns an error if something is set that cannot be used.
    fn available(&self, _: &RunOptions) -> Result<Option<String>, Error> {
        Ok(None)
    }

    /// Refuses a request that it cannot render, before anything is packed.
    ///
    /// # Errors
    /// Returns an error that names what it cannot.
    fn accept(&self, _: &RenderRequest) -> Result<(), Error> {
        Ok(())
    }

    /// Opens a session, as far as nothing has to be installed or started for it.
    ///
    /// # Errors
    /// Returns an error if there is no credential or nobody knows where to render.
    fn open(&self, options: &RunOptions) -> Result<Box<dyn Session>, Error>;
}

/// A renderer that was chosen, for one run.
pub(crate) trait Session: Send + Sync {
    /// Makes ready to render `work`: installs, starts and asks whatever is needed, and pays for nothing.
    ///
    /// # Errors
    /// Returns an error if that is not possible.
    fn prepare(&mut self, work: &Work<'_>, console: &mut Console) -> Result<(), Error>;

    /// Finds out which renders earlier runs have left, once for a batch of so many orders.
    ///
    /// # Errors
    /// Returns an error if the server gives no answer, or refuses the credential.
    fn survey(&mut self, _: &Work<'_>, _orders: u64, _: &mut Console) -> Result<(), Error> {
        Ok(())
    }

    /// The newest render of an identity that an earlier run has left, as far as the session knows.
    fn known(&self, _: &RenderIdentity) -> Option<RenderFact> {
        None
    }

    /// Renders the orders as they come; the reporter hears of each, and says whether to go on.
    ///
    /// # Errors
    /// Returns an error if the run as a whole cannot go on. What becomes of an order is reported.
    fn render(
        &self,
        work: &Work<'_>,
        orders: &mut (dyn Iterator<Item = Order> + Send),
        reporter: &mut dyn Reporter,
    ) -> Result<RunTotals, Error>;
}
