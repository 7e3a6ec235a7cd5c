//! Flags that select entries of the configuration.

use clap::builder::PossibleValuesParser;

use crate::app::config::EVENTS;
use crate::app::entries::Selection;

/// Selects entries of the configuration.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Configuration entries")]
#[group(id = "selection", multiple = true)]
pub(super) struct SelectArgs {
    #[arg(long, help = "Select all [[render]] entries of hyperframes-ci.toml")]
    all: bool,
    /// Select the entry with this name; may be repeated
    #[arg(long, value_name = "NAME", conflicts_with = "all")]
    entry: Vec<String>,
    /// With --all, only select entries for this event
    #[arg(long, value_name = "EVENT", value_parser = PossibleValuesParser::new(EVENTS), requires = "all")]
    #[arg(hide_possible_values = true, long_help = event_help())]
    on: Option<String>,
}

/// Returns the help of `--on`, with the events.
fn event_help() -> String {
    format!(
        "With --all, only select entries for this event, as the action does\n\n[possible values: {}]",
        EVENTS.join(", ")
    )
}

impl SelectArgs {
    /// Returns the selection.
    pub(super) fn selection(&self) -> Selection {
        Selection { is_all: self.all, names: self.entry.clone(), event: self.on.clone() }
    }
}
