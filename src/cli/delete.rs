//! `hyperframes-ci delete`

use std::io::IsTerminal;

use crate::app::account::Deletion;
use crate::app::failure::Declined;
use crate::fault::Error;
use crate::heygen::auth::terminal;
use crate::heygen::environment;
use crate::ui::{Console, plain};

/// Delete a render
///
/// Deleting cannot be undone and does not refund the render.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Render ID
    render_id: String,
    /// Do not ask for confirmation
    #[arg(long, visible_aliases = ["confirm", "no-confirm"])]
    force: bool,
}

pub(super) fn run(args: &Args, console: &mut Console) -> Result<(), Error> {
    let deletion = Deletion::new()?;
    if !args.force {
        let is_refused = terminal::refuses_questions(&environment::variable);
        if console.is_json() || is_refused || !std::io::stdin().is_terminal() {
            let message = "cannot ask for confirmation: not running in an interactive terminal";
            return Err(Error::usage(message, "add --force to delete the render without confirmation"));
        }
        let question = format!("Delete render {}? This cannot be undone.", plain(&args.render_id));
        if !terminal::confirm(&question) {
            return Err(Declined.into());
        }
    }
    let outcome = deletion.delete(&args.render_id)?;
    console.done(&format!("Deleted {}", outcome.render.render_id));
    console.outcome(&outcome);
    Ok(())
}
