//! `hyperframes-ci delete`

use std::io::IsTerminal;

use hyperframes_ci_core::api::{Request, SubmittedRender};

use super::values;
use crate::app::failure::Declined;
use crate::fault::Error;
use crate::heygen::auth::terminal;
use crate::heygen::transport::CallError;
use crate::ui::{Console, plain};

/// Delete a render; this cannot be undone and does not refund it
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The render's id
    render_id: String,
    /// Do not ask
    #[arg(long, visible_alias = "no-confirm")]
    force: bool,
}

pub(super) fn run(args: &Args, console: &mut Console) -> Result<(), Error> {
    let transport = values::transport()?;
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
    let request = Request::delete_render(&args.render_id);
    let response = transport.call(&request, values::max_retries()?, crate::system::random())?;
    // Some servers answer a deletion with no body; the id is known either way.
    let deleted = if response.body.is_empty() {
        args.render_id.clone()
    } else {
        response.data::<SubmittedRender>().map_err(CallError::from)?.render_id
    };
    console.done(&format!("Deleted {deleted}"));
    console.json(&serde_json::json!({ "render": { "render_id": deleted }, "deleted": true }));
    Ok(())
}
