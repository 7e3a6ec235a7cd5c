//! `hyperframes-ci man`, hidden: release archives contain its pages.

use std::path::PathBuf;

use crate::fault::Error;
use crate::ui::Console;

/// Write the manual pages
///
/// One page per command, such as hyperframes-ci-render.1.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Existing directory for the pages
    directory: PathBuf,
}

/// Writes a page for `command` and for each of its subcommands.
pub(super) fn run(args: &Args, command: clap::Command, console: &mut Console) -> Result<(), Error> {
    let directory = args.directory.display();
    clap_mangen::generate_to(command.disable_help_subcommand(true), &args.directory).map_err(|error| {
        Error::usage(
            format!("cannot write manual pages to {directory}: {error}"),
            "pass an existing directory that you may write to",
        )
    })?;
    console.result(&format!("{directory}\n"));
    Ok(())
}
