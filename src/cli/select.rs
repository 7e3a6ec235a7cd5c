//! Flags that select entries of the configuration.

use clap::builder::PossibleValuesParser;

use crate::app::config::EVENTS;
use crate::app::entries::Selection;

/// Which entries of the configuration.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Entries")]
#[group(id = "selection", multiple = true)]
pub(super) struct SelectArgs {
    /// All entries of hyperframes-ci.toml, written `[[render]]`
    #[arg(long)]
    all: bool,
    /// The entry of this name; several times for several
    #[arg(long, value_name = "NAME", conflicts_with = "all")]
    entry: Vec<String>,
    /// Of those, the entries for an event, as the action renders them
    #[arg(long, value_name = "EVENT", value_parser = PossibleValuesParser::new(EVENTS), requires = "all")]
    on: Option<String>,
}

impl SelectArgs {
    /// Returns the selection.
    pub(super) fn selection(&self) -> Selection {
        Selection { is_all: self.all, names: self.entry.clone(), event: self.on.clone() }
    }
}
