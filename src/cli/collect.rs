//! `hyperframes-ci collect`

use std::path::PathBuf;

use super::flags::WaitFlags;
use super::workspace::workspace;
use crate::app::collect::{CollectSpec, collect};
use crate::app::failure::CollectFailed;
use crate::fault::Error;
use crate::system::gate::Reach;
use crate::ui::{Console, counted};

/// Download the videos of renders that were submitted with --no-wait
///
/// Looks at every render of the ledger that has not ended for it, downloads what is complete, and leaves what is still running
/// for the next call.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Render IDs, such as those of webhooks [default: all of the ledger that have not ended]
    render_id: Vec<String>,
    /// Directory for the videos
    #[arg(long, value_name = "DIR", default_value = "renders")]
    output_dir: PathBuf,
    /// Ledger that records renders
    ///
    /// By default, ledger.jsonl in the user's cache directory.
    #[arg(long, value_name = "FILE", env = "HYPERFRAMES_CI_LEDGER", hide_env = true)]
    ledger: Option<PathBuf>,
    #[command(flatten)]
    waiting: WaitFlags,
}

pub(super) fn run(args: &Args, console: &mut Console) -> Result<(), Error> {
    let mut options = args.waiting.options()?;
    options.reuse.ledger.clone_from(&args.ledger);
    let spec = CollectSpec {
        render_ids: args.render_id.clone(),
        folder: args.output_dir.clone(),
        reach: Reach::of_user(workspace().as_deref()),
        options,
    };
    let outcome = collect(&spec, console)?;
    console.outcome(&outcome);
    if outcome.failed > 0 {
        return Err(CollectFailed { failed: outcome.failed, total: outcome.renders.len() }.into());
    }
    let collected = counted(outcome.collected, "video");
    console.done(&format!("collected {collected}; {} still running", outcome.running));
    Ok(())
}
