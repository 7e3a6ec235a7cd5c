//! The renderer `docker`: the engine in a container, with the programs and fonts of an image, for equal pixels on every
//! machine.
//!
//! The image is that of the repository's `Dockerfile`: it contains this program, which renders locally in it. So the
//! sandbox of local renders is in the container, as far as the container allows it.

mod command;
mod error;
mod options;
mod run;

use std::path::{Path, PathBuf};

use hyperframes_ci_core::findings::Rule;
use hyperframes_ci_core::options::{Format, Quality};

pub(crate) use error::DockerError;
pub(crate) use options::{ContainerProgram, DockerOptions, image};

use super::order::{
    Input, Order, OrderResult, OrderState, Output, RunContext, RunOptions, RunTotals, SavedVideo,
};
use super::renderer::{Capability, Concurrency, Description, Renderer, Session};
use super::report::{Event, Reporter};
use super::verify::{verify, verify_folder};
use crate::engine::{EngineError, JobOutput};
use crate::fault::Error;
use crate::system::gate::Reach;
use crate::system::pool::{Message, work_on};
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
        let (Some(docker), Input::Archive(packed)) = (&self.0, context.input) else {
            return Err(Error::usage(
                "only the cloud renderer supports --asset-id and --url",
                "remove --asset-id and --url, or use --renderer cloud",
            ));
        };
        let render = |order: Order, _: &mut dyn FnMut(Event)| render(docker, context, packed.path(), order);
        work_on(orders, DESCRIPTION.concurrency(context), &render, &mut |message| match message {
            Message::Progress(event) => {
                reporter.event(event);
                true
            }
            Message::Result(result) => reporter.result(result),
        });
        Ok(RunTotals::default())
    }
}

/// Renders an order; an error becomes its result.
fn render(docker: &Docker, context: &RunContext<'_>, archive: &Path, order: Order) -> OrderResult {
    let mut result = order.result(OrderState::Submitted);
    result.state = match render_video(docker, context, archive, order) {
        Ok(video) => OrderState::Completed(Some(video)),
        Err(error) => OrderState::Failed { error, is_fetchable: false },
    };
    result
}

/// Renders the video of an order and saves it.
fn render_video(
    docker: &Docker,
    context: &RunContext<'_>,
    archive: &Path,
    mut order: Order,
) -> Result<SavedVideo, Error> {
    let format = order.options.format.unwrap_or(Format::Mp4);
    let output = match std::mem::replace(&mut order.output, Output::None) {
        Output::None => {
            Output::prepare(None, format, &Reach::inside(Path::new(""), "the current directory"))?
        }
        Output::Path(path, reach) => Output::prepare(Some(&path), format, &reach)?,
        prepared @ (Output::Ready(_) | Output::ReadyFolder(_)) => prepared,
    };
    let folder = match &output {
        Output::ReadyFolder(folder) => folder.contents(),
        _ => PathBuf::new(),
    };
    let target = match &output {
        Output::Ready(file) => JobOutput::File(file.as_file()),
        _ => JobOutput::Folder(&folder),
    };
    docker.render(context, archive, &order, target)?;
    let name = format!("{}.{format}", context.name);
    let (verified, (path, size)) = match output {
        Output::Ready(file) => (verify(file.temporary_path(), &order.expected), file.keep(&name)?),
        Output::ReadyFolder(output) => (verify_folder(&folder, &order.expected), output.keep(&name)?),
        // They were prepared.
        Output::None | Output::Path(..) => return Err(EngineError::NoVideo.into()),
    };
    Ok(SavedVideo { path, size, verified })
}
