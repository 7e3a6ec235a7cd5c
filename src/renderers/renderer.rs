//! The traits of renderers and of their sessions.

use hyperframes_ci_core::api::RenderRequest;
use hyperframes_ci_core::findings::Rule;
use hyperframes_ci_core::job::{RenderFact, RenderIdentity, UploadRoute};
use hyperframes_ci_core::options::{Format, Quality};

use super::order::{Order, RunContext, RunOptions, RunTotals};
use super::report::Reporter;
use crate::fault::Error;
use crate::ui::Console;

/// The formats of the cloud and of distributed renders.
pub(crate) const FORMATS: &[Format] = &[Format::Mp4, Format::Webm, Format::Mov];

/// The encoder presets of the cloud and of distributed renders.
pub(crate) const QUALITIES: &[Quality] = &[Quality::Draft, Quality::Standard, Quality::High];

/// Static properties of a renderer.
#[derive(Debug)]
pub(crate) struct Description {
    /// Name in `--renderer`, in the configuration and in results.
    pub(crate) name: &'static str,
    /// How reports describe its videos, such as `rendered on the runner`.
    pub(crate) label: &'static str,
    /// Whether `--renderer` accepts the name.
    pub(crate) is_selectable: bool,
    /// Whether renders are billed, so that limits apply.
    pub(crate) is_billed: bool,
    /// Whether this machine runs the pages.
    pub(crate) is_on_this_machine: bool,
    /// Whether several machines render parts of a video. They do not replace fonts that they lack.
    pub(crate) is_distributed: bool,
    /// Maximum size of an archive in bytes, by the route of the upload; `None` means unlimited.
    pub(crate) upload_limit: Option<fn(UploadRoute) -> u64>,
    /// Default number of renders at a time.
    pub(crate) concurrency: Concurrency,
    /// Optional features.
    pub(crate) capabilities: &'static [Capability],
    /// Output formats.
    pub(crate) formats: &'static [Format],
    /// Encoder presets.
    pub(crate) qualities: &'static [Quality],
    /// Rules of checks that do not apply to it.
    pub(crate) irrelevant_rules: &'static [Rule],
}

/// An optional feature of a renderer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Capability {
    /// Submit without waiting for the video (`--no-wait`).
    NoWait,
    /// Call a webhook (`--callback-url`).
    Callback,
    /// Report the balance of the account (`--min-balance`).
    Balance,
    /// Render a project that is already uploaded (`--asset-id`, `--url`).
    UploadedProject,
    /// A frame rate that is a fraction (`--fps 30000/1001`).
    FractionalRate,
    /// Options of the encoder (`--crf`, `--video-bitrate`).
    EncoderOptions,
    /// Fail on media that cannot be loaded (`--no-best-effort`).
    RequiredMedia,
    /// A number of browsers (`--workers`).
    Workers,
    /// Render again, to compare (`--repeat`).
    Repeat,
    /// A video codec (`--codec`).
    Codec,
    /// Another size than that of the composition, in pixels (`--width`, `--height`).
    Size,
    /// Chunks that several machines render (`--chunk-size`, `--target-chunk-frames`, `--max-parallel-chunks`).
    Chunks,
}

impl Capability {
    /// All of them, with their names in tables.
    #[cfg(test)]
    pub(crate) const ALL: [(Self, &'static str); 12] = [
        (Self::NoWait, "`--no-wait`"),
        (Self::Callback, "`--callback-url`"),
        (Self::Balance, "`--min-balance`"),
        (Self::UploadedProject, "`--asset-id`, `--url`"),
        (Self::FractionalRate, "fractions in `--fps`"),
        (Self::EncoderOptions, "`--crf`, `--video-bitrate`"),
        (Self::RequiredMedia, "`--no-best-effort`"),
        (Self::Workers, "`--workers`"),
        (Self::Repeat, "`--repeat`"),
        (Self::Codec, "`--codec`"),
        (Self::Size, "`--width`, `--height`"),
        (Self::Chunks, "`--chunk-size`, `--target-chunk-frames`, `--max-parallel-chunks`"),
    ];
}

/// The default number of renders at a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Concurrency {
    /// This number.
    Fixed(usize),
    /// As many as processors and memory allow.
    Machine,
}

impl Concurrency {
    /// Returns the number of renders at a time: `chosen` by the user, or the default.
    pub(crate) fn count(self, chosen: Option<usize>) -> usize {
        match (chosen, self) {
            (Some(chosen), _) => chosen,
            (None, Self::Fixed(count)) => count,
            (None, Self::Machine) => crate::engine::capacity(),
        }
    }
}

impl Description {
    /// Returns the number of orders of `context` that are rendered at a time.
    pub(super) fn concurrency(&self, context: &RunContext<'_>) -> usize {
        if context.is_batch { self.concurrency.count(context.options.concurrency) } else { 1 }
    }

    /// Returns whether the renderer has a feature.
    pub(crate) fn supports(&self, capability: Capability) -> bool {
        self.capabilities.contains(&capability)
    }
}

/// A renderer.
pub(crate) trait Renderer: Sync {
    /// Returns the static properties.
    fn description(&self) -> &'static Description;

    /// Returns why `--renderer auto` can choose it, or `None` if it is not available.
    ///
    /// # Errors
    /// Returns an error if a credential is set but invalid.
    fn available(&self, _: &RunOptions) -> Result<Option<String>, Error> {
        Ok(None)
    }

    /// Checks that it supports a request for a composition of this width and height in pixels, before anything is packed.
    ///
    /// # Errors
    /// Returns an error for the first unsupported option.
    fn accept(&self, _: &RenderRequest, _: &RunOptions, _size: Option<(f64, f64)>) -> Result<(), Error> {
        Ok(())
    }

    /// Opens a session, without installing or starting anything.
    ///
    /// # Errors
    /// Returns an error if there is no credential, or no target for the render.
    fn open(&self, options: &RunOptions) -> Result<Box<dyn Session>, Error>;
}

/// A run of a renderer.
pub(crate) trait Session: Send + Sync {
    /// Prepares to render `context`: installs and starts what is needed. Nothing is billed.
    ///
    /// # Errors
    /// Returns an error if the preparation fails.
    fn prepare(&mut self, context: &RunContext<'_>, console: &mut Console) -> Result<(), Error>;

    /// Looks up the renders of earlier runs, once for a batch with this number of orders.
    ///
    /// # Errors
    /// Returns an error if the API call fails.
    fn search_account(&mut self, _: &RunContext<'_>, _orders: u64, _: &mut Console) -> Result<(), Error> {
        Ok(())
    }

    /// Returns the newest known render of an identity by an earlier run.
    fn known(&self, _: &RenderIdentity) -> Option<RenderFact> {
        None
    }

    /// Renders the orders and reports the progress and result of each, until the reporter ends the run.
    ///
    /// # Errors
    /// Returns an error if the run as a whole cannot continue. Errors of orders are reported as their results.
    fn render(
        &self,
        context: &RunContext<'_>,
        orders: &mut (dyn Iterator<Item = Order> + Send),
        reporter: &mut dyn Reporter,
    ) -> Result<RunTotals, Error>;
}
