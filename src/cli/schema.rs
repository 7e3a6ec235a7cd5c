//! `hyperframes-ci schema`

use std::path::PathBuf;

use clap::builder::PossibleValuesParser;
use hyperframes_ci_core::check::CheckOptions;
use hyperframes_ci_core::composition::Composition;
use hyperframes_ci_core::project::DEFAULT_COMPOSITION;

use super::workspace::workspace;
use crate::app::config;
use crate::app::outcome::schemas;
use crate::fault::Error;
use crate::project::collect::Project;
use crate::project::tree::DiskTree;
use crate::system::gate::Reach;
use crate::ui::Console;

/// Print a JSON Schema
#[derive(Debug, clap::Subcommand)]
pub(super) enum Command {
    /// Print the schema of hyperframes-ci.toml
    Config,
    /// Print the schema of a composition's variables
    Variables {
        /// Project directory
        #[arg(default_value = ".")]
        dir: PathBuf,
        /// Entry HTML file, relative to the project directory
        #[arg(short, long, value_name = "PATH", default_value = DEFAULT_COMPOSITION)]
        composition: String,
    },
    /// Print the schemas of JSON output
    Output {
        /// Command whose output to describe [default: all commands]
        #[arg(value_parser = PossibleValuesParser::new(schemas::RESULTS.iter().map(|(name, _)| *name)))]
        command: Option<String>,
    },
}

pub(super) fn run(command: &Command, console: &mut Console) -> Result<(), Error> {
    let schema = match command {
        Command::Config => config::schema(),
        Command::Output { command } => schemas::output(command.as_deref()),
        Command::Variables { dir, composition } => {
            let tree = DiskTree::open(Project::open(
                dir,
                workspace().as_deref(),
                &Reach::of_user(workspace().as_deref()),
            )?)?;
            let options = CheckOptions { compositions: vec![composition.clone()], ..CheckOptions::default() };
            let entry = tree.check(&options)?.entries.pop();
            let missing = || {
                Error::usage(
                    format!("composition {composition} not found in {}", dir.display()),
                    "run `hyperframes-ci check` to list all problems of the project",
                )
            };
            let (_, Composition { declarations, .. }) = entry.ok_or_else(missing)?;
            declarations.schema()
        }
    };
    console.document(&schema);
    Ok(())
}
