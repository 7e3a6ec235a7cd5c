//! `hyperframes-ci delete`

use std::io::IsTerminal;

use crate::app::account::Deletion;
use crate::app::failure::Declined;
use crate::fault::Error;
use crate::heygen::auth::terminal;
use crate::ui::{Console, plain};

/// Delete a render; this cannot be undone and does not refund it
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The render's id
    render_id: String,
    /// Do not ask
    #[arg(long, visible_aliases = ["confirm", "no-confirm"])]
    force: bool,
}

pub(super) fn run(args: &Args, console: &mut Console) -> Result<(), Error> {
    let deletion = Deletion::new()?;
    if !args.force {
        if console.is_json() || !std::io::stdin().is_terminal() {
            let help = "add --force if the render is to be deleted";
            return Err(Error::usage("delete asks first, and there is nobody to ask", help));
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
