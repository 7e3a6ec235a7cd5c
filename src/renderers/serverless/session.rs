//! A run of a renderer in an account of the user's: what is prepared before, and the totals after.

use std::path::Path;

use super::error::ServerlessError;
use super::platform::Platform;
use super::run::StackRun;
use super::stack::Stack;
use crate::fault::Error;
use crate::renderers::{Input, Order, Reporter, RunContext, RunTotals};
use crate::system::deadline::Deadline;
use crate::ui::Console;

/// What the tooling of a stack is prepared for.
pub(in crate::renderers) struct Preparation<'a> {
    /// The packed project.
    pub(in crate::renderers) archive: &'a Path,
    /// Width and height that the composition is laid out at, in pixels.
    pub(in crate::renderers) layout: (f64, f64),
    pub(in crate::renderers) deadline: Deadline,
}

/// Prepares a run with `open`, which gets a function to call with the name of everything that it installs. Returns `None` if
/// there is no project to render.
///
/// # Errors
/// Returns an error of `open`, or if the composition does not declare its size.
pub(in crate::renderers) fn prepare<T>(
    platform: &Platform,
    context: &RunContext<'_>,
    console: &mut Console,
    open: impl FnOnce(&Preparation<'_>, &mut dyn FnMut(&str)) -> Result<T, ServerlessError>,
) -> Result<Option<T>, Error> {
    let Input::Archive(packed) = context.input else { return Ok(None) };
    let name = platform.name;
    if context.has_callback {
        console.warning(&format!("--callback-url has no effect on {name} renders"));
    }
    let Some(layout) = context.size else {
        return Err(ServerlessError::Unsupported {
            message: format!("{name} requires the dimensions of the composition"),
            help: "set data-width and data-height on its root element".to_owned(),
        }
        .into());
    };
    let preparation = Preparation { archive: packed.path(), layout, deadline: context.deadline() };
    let stack = open(&preparation, &mut |what| console.status(&format!("installing {what}")))?;
    console.end_bar();
    if !context.is_batch {
        console.step(&format!("Rendering on {name}"));
    }
    Ok(Some(stack))
}

/// Renders orders, `concurrency` of them at a time.
///
/// # Errors
/// Returns an error if the run as a whole cannot continue.
pub(in crate::renderers) fn render(
    stack: &dyn Stack,
    concurrency: usize,
    context: &RunContext<'_>,
    orders: &mut (dyn Iterator<Item = Order> + Send),
    reporter: &mut dyn Reporter,
) -> Result<RunTotals, Error> {
    let cost = StackRun { stack, context, concurrency }.run(orders, reporter)?;
    Ok(RunTotals { cost_usd: Some(cost), ..RunTotals::default() })
}
