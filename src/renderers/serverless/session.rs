//! A run of a renderer in an account of the user's: what is prepared before, and the totals after.

use std::path::Path;

use super::error::ServerlessError;
use super::platform::Platform;
use super::run::StackRun;
use super::stack::Stack;
use crate::fault::Error;
use crate::renderers::renderer::{Description, Session};
use crate::renderers::{Input, Order, Reporter, RunContext, RunOptions, RunTotals};
use crate::system::deadline::Deadline;
use crate::system::interrupt;
use crate::ui::Console;

/// What the tooling of a stack is prepared for.
pub(in crate::renderers) struct Preparation<'a> {
    /// The packed project.
    pub(in crate::renderers) archive: &'a Path,
    /// Width and height that the composition is laid out at, in pixels.
    pub(in crate::renderers) layout: (f64, f64),
    pub(in crate::renderers) deadline: Deadline,
}

/// A run with the stack that `open` prepares, which gets a function to call with the name of everything that it installs. The
/// stack is absent until then, and if there is no project to render.
pub(in crate::renderers) struct StackSession<F, S> {
    platform: &'static Platform,
    description: &'static Description,
    open: F,
    stack: Option<S>,
}

impl<F, S> StackSession<F, S>
where
    F: Fn(&RunOptions, &Preparation<'_>, &mut dyn FnMut(&str)) -> Result<S, ServerlessError>,
{
    /// Returns a run of the renderer with this description.
    pub(in crate::renderers) fn new(
        platform: &'static Platform,
        description: &'static Description,
        open: F,
    ) -> Self {
        Self { platform, description, open, stack: None }
    }
}

impl<F, S> Session for StackSession<F, S>
where
    F: Fn(&RunOptions, &Preparation<'_>, &mut dyn FnMut(&str)) -> Result<S, ServerlessError> + Send + Sync,
    S: Stack,
{
    fn prepare(&mut self, context: &RunContext<'_>, console: &mut Console) -> Result<(), Error> {
        let Input::Archive(packed) = context.input else { return Ok(()) };
        let name = self.platform.name;
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
        let on_install = &mut |what: &str| console.status(&format!("installing {what}"));
        self.stack = Some((self.open)(context.options, &preparation, on_install)?);
        console.end_bar();
        if !context.is_batch {
            console.step(&format!("Rendering on {name}"));
            let hint = match context.options.reuse.is_off {
                true => "an execution that was started keeps running; the same command starts another one",
                false => {
                    "an execution that was started keeps running; run the same command again to resume it"
                }
            };
            interrupt::set_resume_hint(Some(hint.to_owned()));
        }
        Ok(())
    }

    fn render(
        &self,
        context: &RunContext<'_>,
        orders: &mut (dyn Iterator<Item = Order> + Send),
        reporter: &mut dyn Reporter,
    ) -> Result<RunTotals, Error> {
        let Some(stack) = &self.stack else { return Ok(RunTotals::default()) };
        let concurrency = self.description.concurrency(context);
        let cost = StackRun { stack, context, concurrency }.run(orders, reporter)?;
        Ok(RunTotals { cost_usd: Some(cost), ..RunTotals::default() })
    }
}
