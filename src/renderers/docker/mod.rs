//! The renderer `docker`: the engine in a container, with the programs and fonts of an image, for equal pixels on every
//! machine.
//!
//! The image is that of the repository's `Dockerfile`: it contains this program, which renders locally in it. So the
//! sandbox of local renders is in the container, as far as the container allows it.

mod command;
mod error;
mod options;
mod run;

use hyperframes_ci_core::findings::Rule;
use hyperframes_ci_core::options::{Format, Quality};

pub(crate) use error::DockerError;
pub(crate) use options::{ContainerProgram, DockerOptions, image};

use super::each::{render_each, save};
use super::order::{Order, RunContext, RunOptions, RunTotals};
use super::renderer::{Capability, Concurrency, Description, Renderer, Session};
use super::report::{Event, Reporter};
use crate::engine::{EngineError, JobOutput, Progress};
use crate::fault::Error;
use crate::system::sandbox::SandboxError;
use crate::ui::Console;
use run::Docker;

/// The renderer.
pub(super) struct DockerRenderer;

static DESCRIPTION: Description = Description {
    name: "docker",
    label: "rendered in a container",
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
    ],
    formats: Format::ALL,
    qualities: Quality::ALL,
    // The engine renders any size, unlike the cloud.
    irrelevant_rules: &[Rule::AspectRatioUnsupported, Rule::DimensionsMissing],
};

impl Renderer for DockerRenderer {
    fn description(&self) -> &'static Description {
        &DESCRIPTION
    }

    fn open(&self, options: &RunOptions) -> Result<Box<dyn Session>, Error> {
        if options.docker.image.is_none() {
            return Err(DockerError::NoImageSet.into());
        }
        Ok(Box::new(DockerSession::default()))
    }
}

#[derive(Default)]
struct DockerSession(Option<Docker>);

impl Session for DockerSession {
    fn prepare(&mut self, context: &RunContext<'_>, console: &mut Console) -> Result<(), Error> {
        if context.options.sandbox.is_for_strangers {
            let reason = "the layers of a container are not known".to_owned();
            return Err(EngineError::Sandbox(SandboxError::Strangers(reason)).into());
        }
        if context.has_callback {
            console.warning("--callback-url has no effect on renders in a container");
        }
        let on_pull = &mut || console.status("pulling the image");
        let docker = Docker::find(&context.options.docker, context.deadline(), on_pull)?;
        console.end_bar();
        console.detail(&format!("container: {}", docker.description()));
        if !context.is_batch {
            console.step("Rendering in a container");
        }
        self.0 = Some(docker);
        Ok(())
    }

    fn render(
        &self,
        context: &RunContext<'_>,
        orders: &mut (dyn Iterator<Item = Order> + Send),
        reporter: &mut dyn Reporter,
    ) -> Result<RunTotals, Error> {
        let archive = context.archive()?;
        let Some(docker) = &self.0 else { return Ok(RunTotals::default()) };
        let render = |order: Order, report: &mut dyn FnMut(Event)| {
            let Order { options, output, expected, .. } = order;
            let format = options.format.unwrap_or(Format::Mp4);
            let progress = &mut |progress| {
                if let Progress::Rendering { stage, percent } = progress {
                    report(Event::Progress { stage, percent });
                }
            };
            let render =
                |output: JobOutput<'_>| docker.render(context, archive, &options, output, &mut *progress);
            Ok(save(output, format, &expected, context.name, render)?)
        };
        render_each(orders, DESCRIPTION.concurrency(context), &render, reporter);
        Ok(RunTotals::default())
    }
}
