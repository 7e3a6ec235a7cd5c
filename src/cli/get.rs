//! `hyperframes-ci get`

use std::path::PathBuf;

use hyperframes_ci_core::time::format_unix;
use serde_json::Value;

use super::flags::WaitFlags;
use super::workspace::workspace;
use crate::app::account;
use crate::app::outcome::DetailOutcome;
use crate::app::render::wait_for;
use crate::fault::Error;
use crate::system::gate::Reach;
use crate::ui::{Console, plain, table};

/// Show a render, or wait for it and download its video
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Render ID
    render_id: String,
    /// Wait until the render is complete and download the video
    #[arg(long)]
    wait: bool,
    #[arg(short, long, value_name = "FILE")]
    #[arg(help = "Output file; implies --wait [default: renders/<RENDER_ID>.<FORMAT>]")]
    output: Option<PathBuf>,
    /// Include the signatures of presigned URLs
    ///
    /// Anyone with a signed URL can download the video.
    #[arg(long)]
    show_urls: bool,
    #[command(flatten)]
    waiting: WaitFlags,
}

pub(super) fn run(args: &Args, console: &mut Console) -> Result<(), Error> {
    if args.wait || args.output.is_some() {
        let options = args.waiting.options()?;
        let reach = Reach::of_user(workspace().as_deref());
        let outcome = wait_for(&args.render_id, &options, args.output.as_deref(), &reach, console)?;
        console.outcome(&outcome);
        return Ok(());
    }
    let detail = account::get(&args.render_id)?;
    let render = if args.show_urls { detail } else { detail.redacted() };
    let value = serde_json::json!(render);
    let rows =
        value.as_object().into_iter().flatten().filter(|(_, value)| !value.is_null()).map(|(name, value)| {
            let text = match value {
                Value::String(text) => text.clone(),
                Value::Number(at) if name.ends_with("_at") => format_unix(at),
                other => other.to_string(),
            };
            vec![name.clone(), plain(&text)]
        });
    console.result(&table(&rows.collect::<Vec<_>>()));
    console.outcome(&DetailOutcome { render });
    Ok(())
}
