//! `hyperframes-ci action`

use crate::fault::Error;
use crate::heygen::environment;
use crate::ui::Console;

/// Run the GitHub Action or the GitLab component
///
/// Checks and renders the projects that the current CI event affects, and publishes the results. Reads its inputs from
/// environment variables INPUT_* and HEYGEN_API_KEY, as action.yml sets them, and the variables of the CI service.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Print the outputs of the step that restores the engine from the cache of the CI service
    #[arg(long, hide = true)]
    engine_cache: bool,
}

pub(super) fn run(args: &Args, console: &mut Console) -> Result<(), Error> {
    if args.engine_cache {
        console.result(&crate::action::engine_cache(&environment::variable));
        return Ok(());
    }
    crate::action::run(&environment::variable, console)
}
