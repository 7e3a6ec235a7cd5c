//! `hyperframes-ci publish`

use std::path::PathBuf;

use super::severities::SeverityArgs;
use super::workspace::workspace;
use crate::app::config::{PublishConfig, Settings};
use crate::app::publish::{PublishSpec, PublishTarget, publish};
use crate::fault::Error;
use crate::system::gate::Reach;
use crate::ui::Console;

/// Publish a project to a stable URL, at which it can be played
///
/// The project is private unless --public is set. Requires a sign-in (`auth login`); an API key cannot own a project.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Project directory
    #[arg(default_value = ".")]
    dir: PathBuf,
    /// Title [default: the name of the project]
    #[arg(long)]
    title: Option<String>,
    /// Update a published project
    ///
    /// By default, the project that .hyperframes/project.json names is updated. Without that file, a new project is
    /// published, and the file is written: commit it.
    #[arg(long, value_name = "URL|ID")]
    update: Option<String>,
    /// ID of the shared space to publish to
    #[arg(long, value_name = "ID")]
    space: Option<String>,
    /// Let anyone with the URL open the project
    #[arg(long)]
    public: bool,
    #[command(flatten)]
    severities: SeverityArgs,
}

pub(super) fn run(args: &Args, console: &mut Console) -> Result<(), Error> {
    let workspace = workspace();
    let severities = args.severities.to_severities();
    let settings = Settings::read(&args.dir, severities.config.as_deref(), workspace.clone())?;
    let PublishConfig { space, is_public, .. } = settings.file.publish;
    let spec = PublishSpec {
        directory: args.dir.clone(),
        reach: Reach::of_user(workspace.as_deref()),
        title: args.title.clone(),
        target: args.update.clone().map_or(PublishTarget::TeamFile, PublishTarget::Existing),
        space: args.space.clone().or(space),
        is_public: args.public || is_public.unwrap_or_default(),
        severities,
        workspace,
    };
    let outcome = publish(&spec, console)?;
    console.outcome(&outcome);
    Ok(())
}
