//! Renders whose renderer makes one video at a time, without a state that the orders of a run share.

use std::path::Path;

use hyperframes_ci_core::options::Format;
use hyperframes_ci_core::video::Expected;

use super::order::{Order, OrderResult, OrderState, Output, SavedVideo};
use super::report::{Event, Reporter};
use super::verify::{verify, verify_folder};
use crate::engine::{EngineError, JobOutput};
use crate::fault::Error;
use crate::system::gate::Reach;
use crate::system::pool::{Message, work_on};

/// A video that was not saved.
pub(super) struct Unsaved {
    pub(super) error: Error,
    /// Whether the same command fetches the video.
    pub(super) is_fetchable: bool,
}

impl<E: Into<Error>> From<E> for Unsaved {
    fn from(error: E) -> Self {
        Self { error: error.into(), is_fetchable: false }
    }
}

/// Renders the video of an order and saves it; progress goes to the second argument.
pub(super) type RenderVideo<'a> =
    dyn Fn(Order, &mut dyn FnMut(Event)) -> Result<SavedVideo, Unsaved> + Sync + 'a;

/// Renders orders, `concurrency` of them at a time, until the reporter wants no more. An error becomes the result of its order.
pub(super) fn render_each(
    orders: &mut (dyn Iterator<Item = Order> + Send),
    concurrency: usize,
    render: &RenderVideo<'_>,
    reporter: &mut dyn Reporter,
) {
    let work = |order: Order, report: &mut dyn FnMut(Event)| -> OrderResult {
        let mut result = order.result(OrderState::Submitted);
        result.state = match render(order, report) {
            Ok(video) => OrderState::Completed(Some(video)),
            Err(Unsaved { error, is_fetchable }) => OrderState::Failed { error, is_fetchable },
        };
        result
    };
    work_on(orders, concurrency, &work, &mut |message| match message {
        Message::Progress(event) => {
            reporter.event(event);
            true
        }
        Message::Result(result) => reporter.result(result),
    });
}

/// Prepares the output of an order: a file in the current directory, which gets its name at the end, if none is set.
///
/// # Errors
/// Returns an error if it must not be written or cannot be created.
pub(super) fn prepare(output: Output, format: Format) -> Result<Output, Error> {
    match output {
        Output::None => Output::prepare(None, format, &Reach::inside(Path::new(""), "the current directory")),
        Output::Path(path, reach) => Output::prepare(Some(&path), format, &reach),
        prepared @ (Output::Ready(_) | Output::ReadyFolder(_)) => Ok(prepared),
    }
}

/// Saves the video that `render` writes to the output, under `name` if the output has none.
///
/// # Errors
/// Returns an error of `render`, and an error if the output cannot be written. Nothing is saved then.
pub(super) fn save(
    output: Output,
    format: Format,
    expected: &Expected,
    name: &str,
    render: impl FnOnce(JobOutput<'_>) -> Result<(), Error>,
) -> Result<SavedVideo, Error> {
    let name = format!("{name}.{format}");
    let (verified, (path, size)) = match prepare(output, format)? {
        Output::Ready(file) => {
            render(JobOutput::File(file.as_file()))?;
            (verify(file.temporary_path(), expected), file.keep(&name)?)
        }
        Output::ReadyFolder(output) => {
            let folder = output.contents();
            render(JobOutput::Folder(&folder))?;
            (verify_folder(&folder, expected), output.keep(&name)?)
        }
        // They were prepared.
        Output::None | Output::Path(..) => return Err(EngineError::NoVideo.into()),
    };
    Ok(SavedVideo { path, size, verified })
}
