//! The renderer `local`: the official engine on this machine.

use std::path::Path;
use std::sync::Arc;

use hyperframes_ci_core::findings::Rule;
use hyperframes_ci_core::options::{Format, Quality};

use super::each::{render_each, save};
use super::order::{Input, Order, RunContext, RunOptions, RunTotals, SavedVideo};
use super::renderer::{Capability, Concurrency, Description, Renderer, Session};
use super::report::{Event, Reporter};
use crate::emulator::RenderBackend;
use crate::engine::{self, Encoding, Engine, EngineDescription, Processes, Progress, Workers};
use crate::fault::Error;
use crate::system::deadline::Deadline;
use crate::system::sandbox::{Sandbox, SandboxOptions};
use crate::ui::Console;

/// Name of the renderer.
pub(super) const NAME: &str = "local";

/// The renderer.
pub(super) struct Local;

static DESCRIPTION: Description = Description {
    name: NAME,
    label: "rendered on the runner",
    is_selectable: true,
    is_billed: false,
    is_on_this_machine: true,
    is_distributed: false,
    upload_limit: None,
    concurrency: Concurrency::Machine,
    capabilities: &[
        Capability::FractionalRate,
        Capability::EncoderOptions,
        Capability::RequiredMedia,
        Capability::Workers,
        Capability::Repeat,
    ],
    formats: Format::ALL,
    qualities: Quality::ALL,
    // The engine renders any size, unlike the cloud.
    irrelevant_rules: &[Rule::AspectRatioUnsupported, Rule::DimensionsMissing],
};

impl Renderer for Local {
    fn description(&self) -> &'static Description {
        &DESCRIPTION
    }

    fn available(&self, _: &RunOptions) -> Result<Option<String>, Error> {
        let reason = "local (no HEYGEN_API_KEY and no stored sign-in found)";
        Ok(Some(reason.to_owned()))
    }

    fn open(&self, _: &RunOptions) -> Result<Box<dyn Session>, Error> {
        Ok(Box::new(LocalSession::default()))
    }
}

#[derive(Default)]
struct LocalSession {
    processes: Option<Arc<Processes>>,
}

impl Session for LocalSession {
    fn prepare(&mut self, context: &RunContext<'_>, console: &mut Console) -> Result<(), Error> {
        if context.has_callback {
            console.warning("--callback-url has no effect on local renders");
        }
        let RunOptions { engine, sandbox, .. } = context.options;
        let find = || provision(*sandbox, context.deadline(), console);
        self.processes = Some(engine.get(*sandbox, find)?);
        if !context.is_batch {
            console.step("Rendering locally");
        }
        Ok(())
    }

    fn render(
        &self,
        context: &RunContext<'_>,
        orders: &mut (dyn Iterator<Item = Order> + Send),
        reporter: &mut dyn Reporter,
    ) -> Result<RunTotals, Error> {
        let archive = context.archive()?;
        let digest = match context.input {
            Input::Archive(packed) => Some(packed.sha256.as_str()),
            _ => None,
        };
        let Some(processes) = &self.processes else { return Ok(RunTotals::default()) };
        let render = |order: Order, report: &mut dyn FnMut(Event)| {
            Ok(render_video(processes, context, (archive, digest), order, report)?)
        };
        render_each(orders, DESCRIPTION.concurrency(context), &render, reporter);
        Ok(RunTotals { engine: Some(processes.engine().description()), ..RunTotals::default() })
    }
}

/// The engine as the backend of the emulator.
struct EngineBackend(Processes);

impl RenderBackend for EngineBackend {
    fn render(&self, job: &engine::Job<'_>, progress: &mut dyn FnMut(Progress)) -> Result<(), String> {
        self.0.render(job, progress).map_err(|error| error.to_string())
    }
}

/// Returns the backend of the emulator and what it depends on: the official engine, which is installed if needed.
///
/// # Errors
/// Returns an error if a program is missing and cannot be installed.
pub(crate) fn emulator_backend(
    options: SandboxOptions,
    deadline: Deadline,
    console: &mut Console,
) -> Result<(Arc<dyn RenderBackend>, EngineDescription), Error> {
    let engine = provision(options, deadline, console)?;
    let description = engine.description();
    Ok((Arc::new(EngineBackend(Processes::new(engine))), description))
}

/// Finds or installs the engine.
///
/// # Errors
/// Returns an error if a program is missing and cannot be installed.
pub(crate) fn provision(
    options: SandboxOptions,
    deadline: Deadline,
    console: &mut Console,
) -> Result<Engine, Error> {
    let engine = Engine::provision(options, deadline, &mut |progress| {
        if let Progress::Provisioning(what) = progress {
            console.status(&format!("installing {what}"));
        }
    })?;
    console.end_bar();
    console.detail(&format!("engine: hyperframes {}", engine::ENGINE_VERSION));
    report_sandbox(engine.sandbox(), console);
    Ok(engine)
}

/// Reports which layers contain the pages.
fn report_sandbox(sandbox: &Sandbox, console: &mut Console) {
    let layers = sandbox.layers().iter().map(|layer| layer.name()).collect::<Vec<_>>().join(", ");
    match (layers.as_str(), sandbox.missing()) {
        ("", _) => {
            console.warning("the page is not contained: it can read files and services of this machine");
        }
        (_, None) => console.detail(&format!("sandbox: {layers}")),
        (_, Some(missing)) => console.detail(&format!("sandbox: {layers} ({missing})")),
    }
}

/// Renders the video of an order and saves it.
fn render_video(
    processes: &Processes,
    context: &RunContext<'_>,
    (archive, digest): (&Path, Option<&str>),
    order: Order,
    report: &mut dyn FnMut(Event),
) -> Result<SavedVideo, Error> {
    let Order { options, output, expected, .. } = order;
    let format = options.format.unwrap_or(Format::Mp4);
    save(output, format, &expected, context.name, |output| {
        let job = engine::Job {
            archive,
            digest,
            composition: options.composition.as_deref(),
            fps: options.fps,
            quality: options.quality,
            format,
            resolution: options.resolution,
            aspect_ratio: options.aspect_ratio,
            variables: options.variables.as_ref(),
            encoding: Encoding {
                crf: options.crf,
                video_bitrate: options.video_bitrate.as_deref(),
                gif_loop: options.gif_loop,
                is_strict: options.best_effort == Some(false),
            },
            workers: match context.options.workers {
                Some(count) => Workers::Fixed(count),
                // A batch renders several videos at a time instead.
                None if context.is_batch => Workers::Most(1),
                None => Workers::Most(engine::capacity()),
            },
            output,
            deadline: context.deadline(),
        };
        processes.render(&job, &mut |progress| {
            if let Progress::Rendering { stage, percent } = progress {
                report(Event::Progress { stage, percent });
            }
        })?;
        Ok(())
    })
}
