//! `hyperframes-ci pack`

use std::path::PathBuf;

use super::severities::SeverityArgs;
use super::workspace::workspace;
use crate::app::pack::{PackSpec, pack};
use crate::fault::Error;
use crate::ui::Console;

/// Pack a project as the cloud would get it
///
/// Equal contents give equal bytes on every machine.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The project directory
    #[arg(default_value = ".")]
    dir: PathBuf,
    /// Where the archive goes; without it nothing is written, and only the figures are shown
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// List every file with its size and SHA-256
    #[arg(long)]
    list: bool,
    #[command(flatten)]
    severities: SeverityArgs,
}

pub(super) fn run(args: &Args, console: &mut Console) -> Result<(), Error> {
    let spec = PackSpec {
        directory: args.dir.clone(),
        output: args.output.clone(),
        is_listing: args.list,
        severities: args.severities.to_severities(),
        workspace: workspace(),
    };
    let outcome = pack(&spec, console)?;
    console.outcome(&outcome);
    Ok(())
}
