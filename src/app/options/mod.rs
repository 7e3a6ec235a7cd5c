//! The options of a render: one table, from which the command line, the environment variables, the configuration, the
//! action's inputs, the help and the published schema are generated, and the layers of their values.

mod kind;
mod layers;
mod option;
mod parse;
mod table;
#[cfg(test)]
mod tests;

pub(crate) use kind::Kind;
pub(crate) use layers::{Given, Origin, apply_layers};
pub(crate) use option::{Fallback, Heading, RenderOption, Scope};
pub(crate) use parse::{bitrate, duration, https_url};
pub(crate) use table::{OPTIONS, option};
