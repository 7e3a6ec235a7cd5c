//! The entries of the configuration: selected by name or event, and rendered together.

mod error;
mod prepare;
mod render;
mod run;
mod selection;

pub(crate) use error::located;
pub(crate) use render::render;
pub(crate) use run::EntryRun;
pub(crate) use selection::{Selection, no_entry_for};
