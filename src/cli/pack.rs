//! `hyperframes-ci pack`

use std::path::PathBuf;

use super::severities::SeverityArgs;
use super::workspace::workspace;
use crate::app::pack::{PackSpec, pack};
use crate::fault::Error;
use crate::ui::Console;

/// Check a project and pack it into a ZIP archive, as it would be uploaded
///
/// Archives are reproducible: the same files produce the same bytes on every machine.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Project directory
    #[arg(default_value = ".")]
    dir: PathBuf,
    /// Output file; if omitted, only show the size and digest of the archive
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// List all files with their sizes and SHA-256 digests
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
