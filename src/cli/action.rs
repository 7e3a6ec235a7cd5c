//! `hyperframes-ci action`

use crate::fault::Error;
use crate::heygen::environment;
use crate::ui::Console;

/// What action.yml runs: checks, renders and shows what an event is about
///
/// It has no flags: its inputs are the variables INPUT_…, as action.yml sets them, and those of the runner.
#[derive(Debug, clap::Args)]
pub(super) struct Args {}

pub(super) fn run(_: &Args, console: &mut Console) -> Result<(), Error> {
    crate::action::run(&environment::variable, console)
}
